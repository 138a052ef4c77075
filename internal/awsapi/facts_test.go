package awsapi_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// simulated is an environment in a simulated AWS with the article's
// surroundings, and its clients.
func simulated(t *testing.T) (*awsapi.Pool, *awsapi.Clients, *model.Environment, awssim.World) {
	t.Helper()
	sim, err := awssim.New(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	world, err := sim.Seed()
	if err != nil {
		t.Fatal(err)
	}
	env := localEnvironment(server.URL)
	env.VPCID, env.SubnetIDs = world.VPCID, world.SubnetIDs
	pool := awsapi.New(awsapi.Options{InstallID: "ins_a", Rates: unpaced})
	c, err := pool.Clients(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	return pool, c, env, world
}

func TestStatus(t *testing.T) {
	t.Parallel()
	pool, _, env, world := simulated(t)
	s := pool.Status(t.Context(), env)
	if !s.Answers || s.Problem != nil || s.Account == "" || s.VPCName != "test-vpc" || s.CheckedAt.IsZero() {
		t.Fatalf("status %+v, problem %+v", s, s.Problem)
	}
	if len(s.Subnets) != 2 || s.Subnets[0].ID != world.SubnetIDs[0] || s.Subnets[0].Name != "test-private1" || s.Subnets[0].FreeIPs < 100 {
		t.Errorf("subnets %+v", s.Subnets)
	}
	for name, change := range map[string]func(*model.Environment){
		"InvalidVpcID.NotFound":    func(e *model.Environment) { e.VPCID = "vpc-0123456789abcdef0" },
		"InvalidSubnetID.NotFound": func(e *model.Environment) { e.SubnetIDs = []string{"subnet-0123456789abcdef0"} },
		"SubnetsInOneZone":         func(e *model.Environment) { e.SubnetIDs = e.SubnetIDs[:1] },
	} {
		wrong := *env
		change(&wrong)
		s := pool.Status(t.Context(), &wrong)
		if !s.Answers || s.Problem == nil || s.Problem.Code != name || s.Problem.Advice == "" {
			t.Errorf("%s: answers %v, problem %+v", name, s.Answers, s.Problem)
		}
	}
}

func TestUnfitSubnets(t *testing.T) {
	t.Parallel()
	subnet := func(id, vpc, zone string, free int32) types.Subnet {
		return types.Subnet{SubnetId: &id, VpcId: &vpc, AvailabilityZone: &zone, AvailableIpAddressCount: &free}
	}
	env := &model.Environment{VPCID: "vpc-1"}
	for code, subnets := range map[string][]types.Subnet{
		"":                   {subnet("a", "vpc-1", "1a", 8), subnet("b", "vpc-1", "1c", 250)},
		"SubnetInAnotherVPC": {subnet("a", "vpc-1", "1a", 8), subnet("b", "vpc-2", "1c", 250)},
		"SubnetFull":         {subnet("a", "vpc-1", "1a", 7), subnet("b", "vpc-1", "1c", 250)},
		"SubnetsInOneZone":   {subnet("a", "vpc-1", "1a", 8), subnet("b", "vpc-1", "1a", 250)},
	} {
		p := awsapi.UnfitSubnets(env, subnets)
		if (p == nil) != (code == "") || p != nil && p.Code != code {
			t.Errorf("%q: %+v", code, p)
		}
	}
}

func TestInstances(t *testing.T) {
	t.Parallel()
	_, c, env, world := simulated(t)
	all, err := c.Instances(t.Context(), env.VPCID)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if i := all[0]; i.ID != world.InstanceID || i.Name != "test-ec2" || i.State != "running" || i.VPCID != env.VPCID || i.SubnetID != world.SubnetIDs[0] ||
		i.AZ == "" || i.PrivateIP != "10.0.10.148" || len(i.SecurityGroupIDs) != 1 {
		t.Errorf("instance %+v", i)
	}
}

func TestSecurityGroupRules(t *testing.T) {
	t.Parallel()
	_, c, env, _ := simulated(t)
	group := newGroup(t, c, env, "be_a")
	_, err := c.EC2.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: []types.IpPermission{
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(8000), ToPort: aws.Int32(8010), IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/16")}}},
			{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &group}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := c.SecurityGroupRules(t.Context(), []string{group})
	if err != nil || len(rules) != 2 { // the rule for all egress is not one of them
		t.Fatalf("%+v, %v", rules, err)
	}
	sources := map[string]bool{}
	for _, r := range rules {
		sources[r.Source] = true
		if r.Allows(8005) != (r.Source == "10.0.0.0/16") || r.Allows(8011) || r.GroupID != group {
			t.Errorf("rule %+v", r)
		}
	}
	if !sources[group] || !sources["10.0.0.0/16"] {
		t.Errorf("sources %v", sources)
	}
	if !(awsapi.Rule{Protocol: "-1"}).Allows(1) || (awsapi.Rule{Protocol: "udp", From: 1, To: 9}).Allows(5) {
		t.Error("all protocols, or UDP, are misjudged")
	}
}

func newGroup(t *testing.T, c *awsapi.Clients, env *model.Environment, backendID string) string {
	t.Helper()
	spec := types.TagSpecification{ResourceType: types.ResourceTypeSecurityGroup}
	for k, v := range awsapi.OwnerTags(c.Install, backendID, "alb-sg", nil, "") {
		spec.Tags = append(spec.Tags, types.Tag{Key: &k, Value: &v})
	}
	out, err := c.EC2.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("group-of-" + backendID), Description: aws.String("test"), VpcId: &env.VPCID,
		TagSpecifications: []types.TagSpecification{spec},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.GroupId)
}

// The scan after a destroy sees what is left of each service, and nothing of
// another backend or installation.
func TestOwnedByTag(t *testing.T) {
	t.Parallel()
	_, c, env, _ := simulated(t)
	ctx := t.Context()
	group := newGroup(t, c, env, "be_a")
	newGroup(t, c, env, "be_b")
	tags := awsapi.OwnerTags(c.Install, "be_a", "vpc-link", nil, "")
	if _, err := c.API.CreateVpcLink(ctx, &gw.CreateVpcLinkInput{Name: aws.String("a"), SubnetIds: env.SubnetIDs, SecurityGroupIds: []string{group}, Tags: tags}); err != nil {
		t.Fatal(err)
	}
	tags = awsapi.OwnerTags(c.Install, "be_a", "api", nil, "")
	if _, err := c.API.CreateApi(ctx, &gw.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP", Tags: tags}); err != nil {
		t.Fatal(err)
	}
	tags = awsapi.OwnerTags("ins_other", "be_a", "api", nil, "")
	if _, err := c.API.CreateApi(ctx, &gw.CreateApiInput{Name: aws.String("b"), ProtocolType: "HTTP", Tags: tags}); err != nil {
		t.Fatal(err)
	}
	var elbTags []elbtypes.Tag
	for k, v := range awsapi.OwnerTags(c.Install, "be_a", "target-group", nil, "") {
		elbTags = append(elbTags, elbtypes.Tag{Key: &k, Value: &v})
	}
	if _, err := c.ELB.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String("a"), Protocol: "HTTP", Port: aws.Int32(80), VpcId: &env.VPCID, Tags: elbTags,
	}); err != nil {
		t.Fatal(err)
	}
	owned, err := c.OwnedByTag(ctx, c.Install, "be_a")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range owned {
		if o.ID == "" {
			t.Errorf("without an id: %+v", o)
		}
		got = append(got, o.Type+" "+o.Key)
	}
	if want := "security group alb-sg, target group target-group, VPC link vpc-link, HTTP API api"; strings.Join(got, ", ") != want {
		t.Errorf("owned %s\n want %s", strings.Join(got, ", "), want)
	}
}
