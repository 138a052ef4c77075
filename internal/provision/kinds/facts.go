package kinds

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

// Facts are what a chain has to know of AWS before it can be listed.
type Facts struct {
	Subnets   []model.Subnet   // those to use: one in each Availability Zone
	Instances []model.Instance // the existing instances that exist, in the spec's order
	Openings  []Opening        // the rules that the instances' groups lack
}

// Opening is a security group of existing instances that needs a rule.
type Opening struct {
	GroupID   string
	Instances []string
}

func (f Facts) instance(id string) *model.Instance {
	for i := range f.Instances {
		if f.Instances[i].ID == id {
			return &f.Instances[i]
		}
	}
	return nil
}

const (
	fieldIDs     = "spec.instances.ids"
	fieldAddRule = "spec.instances.add_rule"
	fieldAMI     = "spec.launch.ami"
)

// Gather asks AWS for the facts of a backend's chain and says what is in its
// way. The error is AWS's, when it does not answer.
func Gather(ctx context.Context, c *awsapi.Clients, b *model.Backend, env *model.Environment) (Facts, []model.Finding, error) {
	g := &gathering{clients: c, b: b, env: env}
	steps := []func(context.Context) error{g.subnets, g.image}
	if b.Spec.Source == model.SourceInstances {
		steps = []func(context.Context) error{g.subnets, g.instances, g.rules}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return Facts{}, nil, err
		}
	}
	return g.facts, g.findings, nil
}

type gathering struct {
	clients  *awsapi.Clients
	b        *model.Backend
	env      *model.Environment
	facts    Facts
	findings []model.Finding
}

func (g *gathering) refuse(key, field, advice, format string, args ...any) {
	g.findings = append(g.findings, model.Finding{
		Severity: model.SeverityError, Key: key, Field: field, Message: fmt.Sprintf(format, args...), Advice: advice,
	})
}

func (g *gathering) subnets(ctx context.Context) error {
	all, err := g.clients.RecentSubnets(ctx, g.env.SubnetIDs)
	if awsapi.Classify(err) == awsapi.NotFound {
		g.refuse("alb", "", awsapi.Problem(err).Advice, "The environment %s: %s", g.env.Name, awsapi.Problem(err).Message)
		return nil
	}
	if err != nil {
		return err
	}
	if p := awsapi.UnfitSubnets(g.env, all); p != nil {
		g.refuse("alb", "", p.Advice, "The environment %s: %s", g.env.Name, p.Message)
	}
	zones := map[string]bool{}
	for _, n := range all {
		if zone := aws.ToString(n.AvailabilityZone); !zones[zone] {
			zones[zone] = true
			g.facts.Subnets = append(g.facts.Subnets, model.Subnet{
				ID: aws.ToString(n.SubnetId), AZ: zone, CIDR: aws.ToString(n.CidrBlock), FreeIPs: int(aws.ToInt32(n.AvailableIpAddressCount)),
			})
		}
	}
	return nil
}

// image checks an AMI that the spec names; the public parameter is right by itself.
func (g *gathering) image(ctx context.Context) error {
	launch := g.b.Spec.Launch
	if launch.AMI == "" {
		return nil
	}
	img, err := describeImage(ctx, g.clients, launch.AMI)
	if p := awsapi.Problem(err); p != nil && strings.HasPrefix(p.Code, "InvalidAMIID.") {
		g.refuse("image", fieldAMI, p.Advice, "%s", p.Message)
		return nil
	}
	if err != nil {
		return err
	}
	if want := architecture(launch.InstanceType); img.Architecture != "" && img.Architecture != want {
		g.refuse("image", fieldAMI, fmt.Sprintf("Use an AMI for %s, or another instance type.", want),
			"The AMI %s is for %s; %s has an %s processor.", launch.AMI, img.Architecture, launch.InstanceType, want)
	}
	return nil
}

func (g *gathering) instances(ctx context.Context) error {
	ids := g.b.Spec.Instances.IDs
	// By filter and not by id, so that one that does not exist hides no other.
	known, err := g.clients.InstancesWhere(ctx, awsapi.Filter("instance-id", ids...))
	if err != nil {
		return err
	}
	for i, id := range ids {
		at := slices.IndexFunc(known, func(m model.Instance) bool { return m.ID == id })
		key := fmt.Sprintf("instance-%d", i+1)
		if at < 0 {
			g.refuse(key, fieldIDs, "Check the id against the EC2 console; the environment is in "+g.env.Region+".",
				"The instance %s does not exist in this account and Region.", id)
			continue
		}
		g.facts.Instances = append(g.facts.Instances, known[at])
		g.judge(key, known[at])
	}
	return nil
}

func (g *gathering) judge(key string, m model.Instance) {
	switch {
	case m.State != "running": // first, because a terminated one has no VPC any more
		g.refuse(key, fieldIDs, "Start it in the EC2 console, or leave it out.",
			"The instance %s is %s; only running instances can be registered.", m.ID, m.State)
	case m.VPCID != g.env.VPCID:
		g.refuse(key, fieldIDs, "Name instances of "+g.env.VPCID+", or use an environment for the other VPC.",
			"The instance %s is in %s, not in the environment's %s.", m.ID, m.VPCID, g.env.VPCID)
	case !g.covered(m.AZ):
		g.refuse(key, fieldIDs, "Add a subnet in "+m.AZ+" to the environment, or leave the instance out.",
			"The instance %s is in %s, where the environment has no subnet for the load balancer.", m.ID, m.AZ)
	}
}

// covered tells whether the load balancer will be in the zone.
func (g *gathering) covered(zone string) bool {
	return slices.ContainsFunc(g.facts.Subnets, func(s model.Subnet) bool { return s.AZ == zone })
}

// rules finds the instances whose groups do not let the load balancer in, and
// either opens their first group or says which rule to add.
func (g *gathering) rules(ctx context.Context) error {
	balancer, err := g.balancerGroup(ctx)
	if err != nil {
		return err
	}
	closed := map[string][]string{} // first group -> instances
	for _, m := range g.facts.Instances {
		rules, err := g.clients.SecurityGroupRules(ctx, m.SecurityGroupIDs)
		if err != nil {
			return err
		}
		if len(m.SecurityGroupIDs) == 0 || m.VPCID != g.env.VPCID || g.open(rules, balancer) {
			continue
		}
		first := m.SecurityGroupIDs[0]
		closed[first] = append(closed[first], m.ID)
	}
	for group, ids := range closed {
		g.facts.Openings = append(g.facts.Openings, Opening{GroupID: group, Instances: ids})
	}
	slices.SortFunc(g.facts.Openings, func(a, b Opening) int { return strings.Compare(a.GroupID, b.GroupID) })
	if !g.b.Spec.Instances.AddRule {
		g.reportMissing()
	}
	return nil
}

// open tells whether one of the rules lets all of the load balancer in. When
// Drawbridge adds the rule, the one from the balancer's own group is a node of
// the chain and does not count.
func (g *gathering) open(rules []awsapi.Rule, balancer string) bool {
	return slices.ContainsFunc(rules, func(r awsapi.Rule) bool {
		if !r.Allows(g.b.Spec.Port) {
			return false
		}
		if balancer != "" && r.Source == balancer {
			return !g.b.Spec.Instances.AddRule
		}
		return g.coversSubnets(r.Source)
	})
}

func (g *gathering) coversSubnets(source string) bool {
	from, err := netip.ParsePrefix(source)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(g.facts.Subnets, func(s model.Subnet) bool {
		subnet, err := netip.ParsePrefix(s.CIDR)
		return err != nil || from.Bits() > subnet.Bits() || !from.Contains(subnet.Addr())
	})
}

// balancerGroup is the id of the chain's alb-sg when it exists already, "" else.
func (g *gathering) balancerGroup(ctx context.Context) (string, error) {
	out, err := g.clients.EC2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: awsapi.OwnerFilters(g.clients.Install, g.b.ID, "alb-sg"),
	})
	if err != nil {
		return "", fmt.Errorf("look for the load balancer's security group: %w", err)
	}
	for _, group := range out.SecurityGroups {
		return aws.ToString(group.GroupId), nil
	}
	return "", nil
}

func (g *gathering) reportMissing() {
	for _, o := range g.facts.Openings {
		g.findings = append(g.findings, model.Finding{
			Severity: model.SeverityWarning, Key: "targets", Field: fieldAddRule,
			Message: fmt.Sprintf("No inbound rule of %s lets the load balancer reach %s on port %d; the targets will stay unhealthy until there is one.",
				o.GroupID, sentence(o.Instances), g.b.Spec.Port),
			Advice: fmt.Sprintf("Add this inbound rule to %s: type Custom TCP, port range %d, source the security group %s (this plan makes it). Or let Drawbridge add it.",
				o.GroupID, g.b.Spec.Port, g.b.AWSName("alb-sg")),
		})
	}
	g.facts.Openings = nil
}

// sentence joins ids as a sentence does.
func sentence(ids []string) string {
	if len(ids) < 2 {
		return strings.Join(ids, "")
	}
	return strings.Join(ids[:len(ids)-1], ", ") + " and " + ids[len(ids)-1]
}
