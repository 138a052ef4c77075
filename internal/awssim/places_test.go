package awssim_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/awssim"
)

// as is the same simulator, called with other keys in another Region.
func (w *world) as(region, key, secret, token string) *world {
	other := &world{t: w.t, sim: w.sim, url: w.url, secret: secret}
	other.connectAs(region, credentials.NewStaticCredentialsProvider(key, secret, token))
	return other
}

func (w *world) vpcs() []string {
	w.t.Helper()
	var ids []string
	for _, v := range ok[*ec2.DescribeVpcsOutput](w.t)(w.ec2.DescribeVpcs(w.t.Context(), &ec2.DescribeVpcsInput{})).Vpcs {
		ids = append(ids, *v.VpcId)
	}
	return ids
}

func (w *world) newVPC() string {
	w.t.Helper()
	return *ok[*ec2.CreateVpcOutput](w.t)(w.ec2.CreateVpc(w.t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})).Vpc.VpcId
}

// Accounts and Regions know nothing of each other, also after a restart; the
// world stays where it was put.
func TestPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newWorld(t, awssim.Options{Dir: dir})
	before := w.sim.Snapshot()
	virginia, other := w.as("us-east-1", "AKID", "x", ""), w.as(region, "111122223333", "x", "")
	if got := append(virginia.vpcs(), other.vpcs()...); len(got) != 0 {
		t.Errorf("a new place holds %v", got)
	}
	there, elsewhere := virginia.newVPC(), other.newVPC()
	if got := virginia.vpcs(); !slices.Equal(got, []string{there}) {
		t.Errorf("us-east-1 has %v, want %s", got, there)
	}
	_, err := other.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{there}})
	wantCode(t, err, "InvalidVpcID.NotFound", there)
	if got := w.sim.Snapshot(); got != before {
		t.Errorf("the home of the world changed: %+v", got)
	}
	if got := w.sim.SnapshotOf("000000000000", "us-east-1").VPCs; got != 1 {
		t.Errorf("snapshot of us-east-1: %d VPCs", got)
	}
	if status, body := w.admin("GET", "state?region=us-east-1", ""); status != 200 || !json.Valid([]byte(body)) {
		t.Errorf("state of us-east-1: %d %s", status, body)
	}
	if err := w.sim.Close(); err != nil {
		t.Fatal(err)
	}
	again := newWorld(t, awssim.Options{Dir: dir})
	if got := again.as(region, "111122223333", "x", "").vpcs(); !slices.Equal(got, []string{elsewhere}) {
		t.Errorf("after the restart the account has %v, want %s", got, elsewhere)
	}
}

// An invoke URL names its Region, and finds the API of any account in it.
func TestPlaces_Invoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	c.waitHealthy()
	w.as("eu-central-1", "111122223333", "x", "").vpcs() // now there are two places
	if got := c.get("/service-a"); got.status != 200 {
		t.Errorf("home's API: %d %s", got.status, got.body)
	}
	c.invokeURL = "http://" + c.apiID + ".execute-api.eu-central-1.localhost"
	if got := c.get("/service-a"); got.status != 403 {
		t.Errorf("in another Region: %d %s", got.status, got.body)
	}
}

// AssumeRole leads into the role's account, and the keys go on after a restart.
func TestPlaces_AssumeRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Secret: "the-secret"})
	w.connectAs(region, credentials.NewStaticCredentialsProvider("AKID", "the-secret", ""))
	w.newRole("arn:aws:iam::444455556666:role/panel/deploy", trusting("000000000000", "ext-1"))
	keys := ok[*sts.AssumeRoleOutput](t)(w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::444455556666:role/panel/deploy"),
		RoleSessionName: aws.String("drawbridge"), ExternalId: aws.String("ext-1")})).Credentials
	inside := w.as("eu-west-1", *keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
	id := ok[*sts.GetCallerIdentityOutput](t)(inside.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	if *id.Account != "444455556666" || *id.Arn != "arn:aws:sts::444455556666:assumed-role/deploy/drawbridge" {
		t.Errorf("identity %s %s", *id.Account, *id.Arn)
	}
	inside.newVPC()
	if got := w.sim.SnapshotOf("444455556666", "eu-west-1").VPCs; got != 1 {
		t.Errorf("the role's account has %d VPCs", got)
	}
	_, err := w.as(region, *keys.AccessKeyId, *keys.SecretAccessKey, "forged").sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId", "invalid")
}

// The call log tells who called where for what, in memory, in the file and at
// the endpoint.
func TestCallLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	w := newWorld(t, awssim.Options{CallLog: path})
	id := w.as("us-east-1", "111122223333", "x", "").newVPC()
	_, err := w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	wantCode(t, err, "InvalidVpcID.NotFound", id)
	want := []awssim.Call{
		{Service: "ec2", Operation: "CreateVpc", Status: 200, Account: "111122223333", Region: "us-east-1"},
		{Service: "ec2", Operation: "DescribeVpcs", Status: 400, Code: "InvalidVpcID.NotFound", Account: "000000000000", Region: region},
	}
	f := ok[*os.File](t)(os.Open(path))
	defer f.Close()
	res := ok[*http.Response](t)(http.Get(w.url + "/_awssim/calls"))
	defer res.Body.Close()
	for from, calls := range map[string][]awssim.Call{"memory": w.sim.Calls(), "file": readCalls(t, f), "endpoint": readCalls(t, res.Body)} {
		if len(calls) != len(want) {
			t.Fatalf("%s: %+v", from, calls)
		}
		for i, c := range calls {
			if !slices.Contains(c.IDs, id) || c.End.Before(c.Start) || c.RequestID == "" {
				t.Errorf("%s: %+v does not name %s", from, c, id)
			}
			if c.Service != want[i].Service || c.Operation != want[i].Operation || c.Status != want[i].Status || c.Code != want[i].Code ||
				c.Account != want[i].Account || c.Region != want[i].Region {
				t.Errorf("%s: %+v, want %+v", from, c, want[i])
			}
		}
	}
}

func readCalls(t *testing.T, r io.Reader) []awssim.Call {
	t.Helper()
	var out []awssim.Call
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var c awssim.Call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}
