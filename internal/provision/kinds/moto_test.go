package kinds_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// startMoto runs moto_server, an implementation of AWS's control plane that is
// not ours, and returns its URL.
func startMoto(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("moto_server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("moto_server is not on PATH, and in CI it must be: pip install 'moto[server]'")
		}
		t.Skip("moto_server is not on PATH")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	cmd := exec.CommandContext(t.Context(), path, "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // its context has ended: it was killed
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	(&harness{t: t}).eventually("moto_server answers", func() (bool, string) {
		resp, err := http.Get(url + "/moto-api/")
		if err != nil {
			return false, err.Error()
		}
		_ = resp.Body.Close()
		return true, ""
	})
	return url
}

// motoEnvironment makes the article's VPC and subnets.
func motoEnvironment(t *testing.T, url string) *model.Environment {
	t.Helper()
	env := &model.Environment{Name: "moto", Region: "ap-northeast-1", Endpoint: url, Credentials: model.CredentialsLocal}
	c, err := awsapi.New(awsapi.Options{InstallID: install, Rates: unpaced}).Clients(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	vpc, err := c.EC2.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	env.VPCID = aws.ToString(vpc.Vpc.VpcId)
	for cidr, zone := range map[string]string{"10.0.10.0/24": "ap-northeast-1a", "10.0.20.0/24": "ap-northeast-1c"} {
		n, err := c.EC2.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &env.VPCID, CidrBlock: &cidr, AvailabilityZone: &zone})
		if err != nil {
			t.Fatal(err)
		}
		env.SubnetIDs = append(env.SubnetIDs, aws.ToString(n.Subnet.SubnetId))
	}
	return env
}

// TestChainOnMoto makes and deletes the whole chain on moto_server. moto
// carries no traffic, so another server gives the first answer.
func TestChainOnMoto(t *testing.T) {
	t.Parallel()
	env := motoEnvironment(t, startMoto(t))
	h := newHarness(t, env, model.Spec{Port: 8000, Launch: &model.Launch{Count: 2}}, newProber(t))
	if findings := h.plan(); len(findings) != 0 {
		t.Fatalf("findings: %+v", findings)
	}
	start := time.Now()
	h.makeAll()
	t.Logf("made %d nodes in %s", len(h.items), time.Since(start))
	if url := h.resources["stage"].Outputs["invoke_url"]; url == "" || url[len(url)-1] != '/' {
		t.Errorf("invoke URL %q", url)
	}
	before := len(h.owned())
	for _, item := range h.items {
		h.resources[item.Key].AWSID = "" // as after a lost reply
		h.make(item)
	}
	if after := len(h.owned()); after != before {
		t.Errorf("making the chain again made %d more", after-before)
	}
	h.unmakeAll()
	if left := h.owned(); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
	for _, item := range h.items {
		if item.Ownership != model.OwnershipManaged {
			continue
		}
		obs, err := h.kinds[item.Kind].Find(h.ctx, h.inputsToDelete(), h.resources[item.Key])
		if !errors.Is(err, provision.ErrNotFound) && !obs.Gone {
			t.Errorf("%s is still found: %+v %v", item.Key, obs, err)
		}
	}
}
