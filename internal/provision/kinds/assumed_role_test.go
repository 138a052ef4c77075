package kinds_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

const (
	tenant     = "111122223333"
	tenantRole = "arn:aws:iam::" + tenant + ":role/drawbridge"
)

// addTenant makes a role in another account that lets this one in with an
// external id.
func (s *simulator) addTenant(t *testing.T, externalID string) {
	t.Helper()
	trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
		"Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Condition":{"StringEquals":{"sts:ExternalId":%q}}}]}`, externalID)
	form := url.Values{"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {"drawbridge"}, "AssumeRolePolicyDocument": {trust}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.env.Endpoint+"/", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+tenant+"/20250827/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("CreateRole answers %s: %v", resp.Status, err)
	}
}

// network makes a VPC with two subnets where the harness's clients are.
func (h *harness) network() (vpc string, subnets []string) {
	h.t.Helper()
	made, err := h.clients.EC2.CreateVpc(h.ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.0/16")})
	if err != nil {
		h.t.Fatal(err)
	}
	for n, zone := range []string{"a", "c"} {
		sn, err := h.clients.EC2.CreateSubnet(h.ctx, &ec2.CreateSubnetInput{VpcId: made.Vpc.VpcId, CidrBlock: aws.String(fmt.Sprintf("10.1.%d.0/24", n)),
			AvailabilityZone: aws.String(h.env.Region + zone)})
		if err != nil {
			h.t.Fatal(err)
		}
		subnets = append(subnets, *sn.Subnet.SubnetId)
	}
	return *made.Vpc.VpcId, subnets
}

// An environment with a role and an external id works in the role's account
// and in no other: a whole chain is made there and deleted again.
func TestAssumedRole(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	sim.addTenant(t, "tenant-7")
	sim.env.RoleARN, sim.env.ExternalID = tenantRole, "tenant-7"
	h := sim.harness(t, launchSpec())
	who, err := h.clients.STS.GetCallerIdentity(h.ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != tenant || !strings.Contains(*who.Arn, ":assumed-role/drawbridge/") {
		t.Fatalf("identity %+v: %v", who, err)
	}
	sim.env.VPCID, sim.env.SubnetIDs = h.network()
	home, before := sim.Snapshot(), sim.SnapshotOf(tenant, sim.env.Region)
	h.plan()
	h.makeAll()
	if made := sim.SnapshotOf(tenant, sim.env.Region); made.APIs != 1 || made.LoadBalancers != 1 || made.Instances != 2 {
		t.Errorf("made in the role's account: %+v", made)
	}
	h.unmakeAll()
	if after := sim.SnapshotOf(tenant, sim.env.Region); after != before {
		t.Errorf("after deletion there is\n%+v\nbefore there was\n%+v", after, before)
	}
	if sim.Snapshot() != home {
		t.Error("the account of the server's own keys has changed")
	}
}

// A wrong external id, none, and a role that does not exist are told alike,
// with what to do about it.
func TestAssumedRole_Refused(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	sim.addTenant(t, "tenant-7")
	for name, env := range map[string]model.Environment{
		"a wrong external id": {RoleARN: tenantRole, ExternalID: "tenant-8"}, "no external id": {RoleARN: tenantRole},
		"an unknown role": {RoleARN: tenantRole + "-2", ExternalID: "tenant-7"},
	} {
		at := *sim.env
		at.RoleARN, at.ExternalID = env.RoleARN, env.ExternalID
		s := awsapi.New(awsapi.Options{}).Status(t.Context(), &at)
		if s.Answers || s.Problem == nil || s.Problem.Code != "AccessDenied" || !strings.Contains(s.Problem.Advice, "external id") {
			t.Errorf("%s: %+v, problem %+v", name, s, s.Problem)
		}
	}
}
