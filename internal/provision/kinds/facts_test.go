package kinds_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision/kinds"
)

// only wants exactly one finding.
func only(t *testing.T, findings []model.Finding) model.Finding {
	t.Helper()
	if len(findings) != 1 {
		t.Fatalf("findings %+v", findings)
	}
	return findings[0]
}

func TestGatherRefusesInstances(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	admin := sim.harness(t, launchSpec())
	vpc, err := admin.clients.EC2.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	foreign := runInstance(t, admin, subnetOf(t, admin, aws.ToString(vpc.Vpc.VpcId), "10.9.1.0/24"))
	uncovered := runInstance(t, admin, subnetInAnotherZone(t, admin))
	ended := runInstance(t, admin, sim.world.SubnetIDs[0])
	if _, err := admin.clients.EC2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{ended}}); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ id, message string }{
		"another VPC":    {foreign, "not in the environment's " + sim.world.VPCID},
		"does not exist": {"i-0123456789abcdef0", "does not exist"},
		"not running":    {ended, "is terminated"},
		"no subnet":      {uncovered, "has no subnet for the load balancer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := sim.existingSpec(true)
			spec.Instances.IDs = append(spec.Instances.IDs, row.id)
			h := sim.harness(t, spec)
			f := only(t, h.plan())
			if f.Severity != model.SeverityError || f.Field != "spec.instances.ids" || f.Key != "instance-2" || f.Advice == "" {
				t.Errorf("finding %+v", f)
			}
			if !strings.Contains(f.Message, row.id) || !strings.Contains(f.Message, row.message) {
				t.Errorf("message %q", f.Message)
			}
		})
	}
}

func subnetOf(t *testing.T, h *harness, vpcID, cidr string) string {
	t.Helper()
	return newSubnet(t, h, vpcID, cidr, "ap-northeast-1a")
}

func subnetInAnotherZone(t *testing.T, h *harness) string {
	t.Helper()
	return newSubnet(t, h, h.env.VPCID, "10.0.64.0/24", "ap-northeast-1d")
}

func newSubnet(t *testing.T, h *harness, vpcID, cidr, zone string) string {
	t.Helper()
	out, err := h.clients.EC2.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &vpcID, CidrBlock: &cidr, AvailabilityZone: &zone})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Subnet.SubnetId)
}

// runInstance launches an instance as somebody else would.
func runInstance(t *testing.T, h *harness, subnetID string) string {
	t.Helper()
	images, err := h.clients.EC2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{})
	if err != nil || len(images.Images) == 0 {
		t.Fatalf("images: %v", err)
	}
	out, err := h.clients.EC2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: images.Images[0].ImageId, InstanceType: types.InstanceTypeT3Micro, SubnetId: &subnetID,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Instances[0].InstanceId)
}

func TestGatherRules(t *testing.T) {
	t.Parallel()
	from := func(cidr string) types.IpPermission {
		return types.IpPermission{IpRanges: []types.IpRange{{CidrIp: &cidr}}}
	}
	for _, row := range []struct {
		name    string
		rule    *types.IpPermission
		addRule bool
		opening bool
		warning bool
	}{
		{"no rule, to be added", nil, true, true, false},
		{"no rule, not to be added", nil, false, false, true},
		{"the whole VPC may come in", ptr(from("10.0.0.0/16")), true, false, false},
		{"everybody may come in", ptr(from("0.0.0.0/0")), false, false, false},
		{"one subnet may come in", ptr(from("10.0.0.0/20")), false, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			sim := newSimulator(t)
			h := sim.harness(t, sim.existingSpec(row.addRule))
			group := groupOf(t, h, sim.world.InstanceID)
			if row.rule != nil {
				addRule(t, h, group, *row.rule)
			}
			findings := h.plan()
			opened := strings.Contains(strings.Join(keys(h.items), " "), "app-ingress-1")
			if opened != row.opening || len(findings) > 0 != row.warning {
				t.Fatalf("opened %v, findings %+v", opened, findings)
			}
			if !row.warning {
				return
			}
			f := only(t, findings)
			if f.Severity != model.SeverityWarning || f.Field != "spec.instances.add_rule" || !strings.Contains(f.Message, group) ||
				!strings.Contains(f.Advice, "8000") || !strings.Contains(f.Advice, h.backend.AWSName("alb-sg")) {
				t.Errorf("finding %+v", f)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func groupOf(t *testing.T, h *harness, id string) string {
	t.Helper()
	list, err := h.clients.InstancesWhere(t.Context(), awsapi.Filter("instance-id", id))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	return list[0].SecurityGroupIDs[0]
}

// The rule that the chain itself added stays a node of the chain, and one that
// an administrator added on our advice ends the warning.
func TestGatherKnowsTheBalancersRule(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	h := sim.harness(t, sim.existingSpec(true))
	h.plan()
	first := keys(h.items)
	h.makeAll()
	if findings := h.plan(); len(findings) != 0 || strings.Join(keys(h.items), " ") != strings.Join(first, " ") {
		t.Errorf("after it was made, the chain is %v with %+v", keys(h.items), findings)
	}
	h.backend.Spec.Instances.AddRule = false
	if findings := h.plan(); len(findings) != 0 {
		t.Errorf("the rule is there, and still: %+v", findings)
	}
}

func TestGatherRefusesEnvironments(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	admin := sim.harness(t, launchSpec())
	same := newSubnet(t, admin, sim.world.VPCID, "10.0.96.0/24", "ap-northeast-1a")
	for name, row := range map[string]struct {
		subnets []string
		message string
	}{
		"one zone":       {[]string{sim.world.SubnetIDs[0], same}, "all in one Availability Zone"},
		"does not exist": {[]string{sim.world.SubnetIDs[0], "subnet-0123456789abcdef0"}, "subnet-0123456789abcdef0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := sim.harness(t, launchSpec())
			env := *sim.env
			env.SubnetIDs = row.subnets
			_, findings, err := kinds.Gather(t.Context(), h.clients, h.backend, &env)
			if err != nil {
				t.Fatal(err)
			}
			if f := only(t, findings); f.Severity != model.SeverityError || !strings.Contains(f.Message, row.message) || f.Advice == "" {
				t.Errorf("finding %+v", f)
			}
		})
	}
}

func TestGatherRefusesImages(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	h := sim.harness(t, launchSpec())
	h.plan()
	h.make(item(t, h.items, "image"))
	for name, row := range map[string]struct{ ami, instanceType, message string }{
		"does not exist":    {"ami-0ffffffffffffffff", "t3.micro", "ami-0ffffffffffffffff"},
		"another processor": {h.resources["image"].AWSID, "t4g.micro", "arm64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := sim.harness(t, model.Spec{Port: 8000, Launch: &model.Launch{AMI: row.ami, InstanceType: row.instanceType}})
			if f := only(t, h.plan()); f.Severity != model.SeverityError || f.Field != "spec.launch.ami" || !strings.Contains(f.Message, row.message) {
				t.Errorf("finding %+v", f)
			}
		})
	}
}
