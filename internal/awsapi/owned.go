package awsapi

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"drawbridge/internal/model"
)

// Owned is a thing in AWS that carries our owner tags.
type Owned struct {
	Type string // "security group", "load balancer", …
	ID   string // id or ARN
	Key  string // its place in the chain, from its tag

	part bool // of the resource of that key
}

// In tells whether a resource that exists accounts for the thing: it is that
// resource, or belongs to it as an instance's volume does, or may be what the
// resource's create made before its answer was lost.
func (o Owned) In(resources []model.Resource) bool {
	for _, r := range resources {
		if r.Key == o.Key && r.State != model.ResourceGone {
			return r.AWSID == o.ID || r.AWSID == "" || o.part
		}
	}
	return false
}

// What AWS takes in one call.
const (
	describeTagsMax = 20  // ARNs of ELBv2's DescribeTags
	FilterValuesMax = 200 // values of one EC2 filter
)

// OwnedByTag finds everything that carries the backend's owner tags. After a
// destroy it finds nothing. Terminated instances, which AWS shows for an hour,
// and a VPC link that is being deleted do not count; routes, integrations,
// stages and listeners go with what they belong to.
func (c *Clients) OwnedByTag(ctx context.Context, install, backendID string) ([]Owned, error) {
	scan := ownedScan{Clients: c, install: install, backendID: backendID}
	for _, find := range []func(context.Context) error{
		scan.instances, scan.volumes, scan.interfaces, scan.groups, scan.rules,
		scan.loadBalancers, scan.targetGroups, scan.vpcLinks, scan.apis,
	} {
		if err := find(ctx); err != nil {
			return nil, fmt.Errorf("look for what backend %s owns: %w", backendID, err)
		}
	}
	return scan.found, nil
}

type ownedScan struct {
	*Clients
	install, backendID string
	found              []Owned
}

func (s *ownedScan) filters(more ...types.Filter) []types.Filter {
	return append(more, Filter("tag:"+TagInstall, s.install), Filter("tag:"+TagBackend, s.backendID))
}

func (s *ownedScan) add(kind, id string, tags map[string]string) {
	if tags[TagInstall] == s.install && tags[TagBackend] == s.backendID {
		s.found = append(s.found, Owned{Type: kind, ID: id, Key: tags[TagResource]})
	}
}

// addPart adds what belongs to the resource of its key.
func (s *ownedScan) addPart(kind, id string, tags map[string]string) {
	before := len(s.found)
	s.add(kind, id, tags)
	for i := before; i < len(s.found); i++ {
		s.found[i].part = true
	}
}

// interfaces are the network interfaces that carry the tags; those that AWS
// itself puts up for a load balancer or a VPC link do not.
func (s *ownedScan) interfaces(ctx context.Context) error {
	pages := ec2.NewDescribeNetworkInterfacesPaginator(s.EC2, &ec2.DescribeNetworkInterfacesInput{Filters: s.filters()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, n := range page.NetworkInterfaces {
			s.addPart("network interface", aws.ToString(n.NetworkInterfaceId), TagsOf(n.TagSet))
		}
	}
	return nil
}

func (s *ownedScan) instances(ctx context.Context) error {
	pages := ec2.NewDescribeInstancesPaginator(s.EC2, &ec2.DescribeInstancesInput{
		Filters: s.filters(Filter("instance-state-name", "pending", "running", "shutting-down", "stopping", "stopped")),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				s.add("instance", aws.ToString(i.InstanceId), TagsOf(i.Tags))
			}
		}
	}
	return nil
}

// volumes asks for the tags first: an endpoint that knows no volumes has none,
// and tags may outlive what they were on.
func (s *ownedScan) volumes(ctx context.Context) error {
	var ids []string
	tagged := ec2.NewDescribeTagsPaginator(s.EC2, &ec2.DescribeTagsInput{Filters: []types.Filter{
		Filter("resource-type", "volume"), Filter("key", TagBackend), Filter("value", s.backendID),
	}})
	for tagged.HasMorePages() {
		page, err := tagged.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, t := range page.Tags {
			ids = append(ids, aws.ToString(t.ResourceId))
		}
	}
	for some := range slices.Chunk(ids, FilterValuesMax) {
		out, err := s.EC2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{Filter("volume-id", some...)}})
		if err != nil {
			return err
		}
		for _, v := range out.Volumes {
			s.addPart("volume", aws.ToString(v.VolumeId), TagsOf(v.Tags))
		}
	}
	return nil
}

func (s *ownedScan) groups(ctx context.Context) error {
	pages := ec2.NewDescribeSecurityGroupsPaginator(s.EC2, &ec2.DescribeSecurityGroupsInput{Filters: s.filters()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, g := range page.SecurityGroups {
			s.add("security group", aws.ToString(g.GroupId), TagsOf(g.Tags))
		}
	}
	return nil
}

func (s *ownedScan) rules(ctx context.Context) error {
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(s.EC2, &ec2.DescribeSecurityGroupRulesInput{Filters: s.filters()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.SecurityGroupRules {
			s.add("security group rule", aws.ToString(r.SecurityGroupRuleId), TagsOf(r.Tags))
		}
	}
	return nil
}

func (s *ownedScan) loadBalancers(ctx context.Context) error {
	var arns []string
	for pages := elb.NewDescribeLoadBalancersPaginator(s.ELB, &elb.DescribeLoadBalancersInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, lb := range page.LoadBalancers {
			arns = append(arns, aws.ToString(lb.LoadBalancerArn))
		}
	}
	return s.tagged(ctx, "load balancer", arns)
}

func (s *ownedScan) targetGroups(ctx context.Context) error {
	var arns []string
	for pages := elb.NewDescribeTargetGroupsPaginator(s.ELB, &elb.DescribeTargetGroupsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, tg := range page.TargetGroups {
			arns = append(arns, aws.ToString(tg.TargetGroupArn))
		}
	}
	return s.tagged(ctx, "target group", arns)
}

func (s *ownedScan) tagged(ctx context.Context, kind string, arns []string) error {
	for some := range slices.Chunk(arns, describeTagsMax) {
		tags, err := s.ELBTags(ctx, some...)
		if err != nil && Classify(err) != NotFound { // one was deleted meanwhile
			return err
		}
		for _, arn := range some {
			s.add(kind, arn, tags[arn])
		}
	}
	return nil
}

func (s *ownedScan) vpcLinks(ctx context.Context) error {
	links, err := s.VPCLinks(ctx)
	for _, l := range links {
		if l.VpcLinkStatus != "DELETING" {
			s.add("VPC link", aws.ToString(l.VpcLinkId), l.Tags)
		}
	}
	return err
}

func (s *ownedScan) apis(ctx context.Context) error {
	apis, err := s.APIs(ctx)
	for _, a := range apis {
		s.add("HTTP API", aws.ToString(a.ApiId), a.Tags)
	}
	return err
}

// ELBTags returns the tags of load balancers, target groups and listeners by
// ARN, 20 at most.
func (c *Clients) ELBTags(ctx context.Context, arns ...string) (map[string]map[string]string, error) {
	out, err := c.ELB.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: arns})
	if err != nil {
		return nil, err
	}
	all := make(map[string]map[string]string, len(arns))
	for _, d := range out.TagDescriptions {
		tags := map[string]string{}
		for _, t := range d.Tags {
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
		all[aws.ToString(d.ResourceArn)] = tags
	}
	return all, nil
}
