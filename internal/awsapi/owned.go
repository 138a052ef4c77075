package awsapi

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"drawbridge/internal/model"
)

// Owned is a thing in AWS that carries our owner tags.
type Owned struct {
	Type string // "security group", "load balancer", …
	ID   string // id or ARN
	Name string // from its Name tag

	Install string // whose it is, from its tags
	Backend string
	Key     string // its place in the chain

	Created time.Time // zero where AWS does not tell

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
	scan := ownedScan{Clients: c, wanted: []types.Filter{Filter("tag:"+TagInstall, install), Filter("tag:"+TagBackend, backendID)},
		owns: func(tags map[string]string) bool { return tags[TagInstall] == install && tags[TagBackend] == backendID }}
	if err := scan.all(ctx); err != nil {
		return nil, fmt.Errorf("look for what backend %s owns: %w", backendID, err)
	}
	return scan.found, nil
}

// Tagged finds everything that carries owner tags, of whichever backend and
// installation, under the conditions of OwnedByTag.
func (c *Clients) Tagged(ctx context.Context) ([]Owned, error) {
	scan := ownedScan{Clients: c, wanted: []types.Filter{Filter("tag-key", TagInstall)},
		owns: func(tags map[string]string) bool { return tags[TagInstall] != "" }}
	if err := scan.all(ctx); err != nil {
		return nil, fmt.Errorf("look for what carries owner tags: %w", err)
	}
	return scan.found, nil
}

func (s *ownedScan) all(ctx context.Context) error {
	for _, find := range []func(context.Context) error{
		s.instances, s.volumes, s.interfaces, s.groups, s.rules, s.loadBalancers, s.targetGroups, s.vpcLinks, s.apis,
	} {
		if err := find(ctx); err != nil {
			return err
		}
	}
	return nil
}

type ownedScan struct {
	*Clients
	wanted []types.Filter // of EC2, which can look by tag
	owns   func(tags map[string]string) bool
	found  []Owned
}

func (s *ownedScan) filters(more ...types.Filter) []types.Filter {
	return append(more, s.wanted...)
}

// add takes a thing if its tags are right. created may be nil.
func (s *ownedScan) add(o Owned, tags map[string]string, created *time.Time) {
	if !s.owns(tags) {
		return
	}
	o.Name, o.Install, o.Backend, o.Key = tags[TagName], tags[TagInstall], tags[TagBackend], tags[TagResource]
	o.Created = aws.ToTime(created)
	s.found = append(s.found, o)
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
			s.add(Owned{Type: model.OrphanInterface, ID: aws.ToString(n.NetworkInterfaceId), part: true}, TagsOf(n.TagSet), nil)
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
				s.add(Owned{Type: model.OrphanInstance, ID: aws.ToString(i.InstanceId)}, TagsOf(i.Tags), i.LaunchTime)
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
		Filter("resource-type", "volume"), Filter("key", TagInstall),
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
			s.add(Owned{Type: model.OrphanVolume, ID: aws.ToString(v.VolumeId), part: true}, TagsOf(v.Tags), v.CreateTime)
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
			s.add(Owned{Type: model.OrphanSecurityGroup, ID: aws.ToString(g.GroupId)}, TagsOf(g.Tags), nil)
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
			s.add(Owned{Type: model.OrphanRule, ID: aws.ToString(r.SecurityGroupRuleId)}, TagsOf(r.Tags), nil)
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
	return s.tagged(ctx, model.OrphanLoadBalancer, arns)
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
	return s.tagged(ctx, model.OrphanTargetGroup, arns)
}

// tagged takes those whose tags are right. When one of a batch was deleted
// meanwhile, AWS tells of none of them, so each is asked by itself.
func (s *ownedScan) tagged(ctx context.Context, kind string, arns []string) error {
	for some := range slices.Chunk(arns, describeTagsMax) {
		tags, err := s.ELBTags(ctx, some...)
		switch {
		case Classify(err) == NotFound && len(some) > 1:
			for _, arn := range some {
				if err := s.tagged(ctx, kind, []string{arn}); err != nil {
					return err
				}
			}
			continue
		case err != nil && Classify(err) != NotFound:
			return err
		}
		for _, arn := range some {
			s.add(Owned{Type: kind, ID: arn}, tags[arn], nil)
		}
	}
	return nil
}

func (s *ownedScan) vpcLinks(ctx context.Context) error {
	links, err := s.VPCLinks(ctx)
	for _, l := range links {
		if l.VpcLinkStatus != "DELETING" {
			s.add(Owned{Type: model.OrphanVPCLink, ID: aws.ToString(l.VpcLinkId)}, l.Tags, l.CreatedDate)
		}
	}
	return err
}

func (s *ownedScan) apis(ctx context.Context) error {
	apis, err := s.APIs(ctx)
	for _, a := range apis {
		s.add(Owned{Type: model.OrphanAPI, ID: aws.ToString(a.ApiId)}, a.Tags, a.CreatedDate)
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

// OwnerOf returns the tags of something that Owned can tell of, empty when AWS
// knows none or has no such thing.
func (c *Clients) OwnerOf(ctx context.Context, kind, id string) (map[string]string, error) {
	var tags map[string]string
	var err error
	switch kind {
	case model.OrphanLoadBalancer, model.OrphanTargetGroup:
		var all map[string]map[string]string
		all, err = c.ELBTags(ctx, id)
		tags = all[id]
	case model.OrphanVPCLink:
		var out *gw.GetVpcLinkOutput
		if out, err = c.API.GetVpcLink(ctx, &gw.GetVpcLinkInput{VpcLinkId: &id}); err == nil {
			tags = out.Tags
		}
	case model.OrphanAPI:
		var out *gw.GetApiOutput
		if out, err = c.API.GetApi(ctx, &gw.GetApiInput{ApiId: &id}); err == nil {
			tags = out.Tags
		}
	default:
		tags, err = c.ec2Tags(ctx, id)
	}
	if Classify(err) == NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read tags of %s %s: %w", kind, id, err)
	}
	return tags, nil
}

func (c *Clients) ec2Tags(ctx context.Context, id string) (map[string]string, error) {
	out, err := c.EC2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{Filter("resource-id", id)}})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for _, t := range out.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}
