package awsapi

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/model"
)

// Rule is one inbound rule of a security group.
type Rule struct {
	ID       string
	GroupID  string
	Protocol string // "tcp", "-1" for all
	From, To int    // ports
	Source   string // a group id, a CIDR or a prefix list id
	Tags     map[string]string
}

// Allows tells whether the rule lets TCP through to the port, from wherever.
func (r Rule) Allows(port int) bool {
	if r.Protocol == "-1" {
		return true
	}
	return (r.Protocol == "tcp" || r.Protocol == "6") && r.From <= port && port <= r.To
}

// Instances lists the VPC's instances that are not terminated, by name.
func (c *Clients) Instances(ctx context.Context, vpcID string) ([]model.Instance, error) {
	return c.InstancesWhere(ctx, Filter("vpc-id", vpcID),
		Filter("instance-state-name", "pending", "running", "stopping", "stopped"))
}

// InstancesWhere lists the instances that all filters let through, by name.
func (c *Clients) InstancesWhere(ctx context.Context, filters ...types.Filter) ([]model.Instance, error) {
	var list []model.Instance
	for pages := ec2.NewDescribeInstancesPaginator(c.EC2, &ec2.DescribeInstancesInput{Filters: filters}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list instances: %w", err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				list = append(list, InstanceOf(i))
			}
		}
	}
	slices.SortFunc(list, func(a, b model.Instance) int {
		return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID)
	})
	return list, nil
}

// InstanceOf is AWS's instance in our words.
func InstanceOf(i types.Instance) model.Instance {
	m := model.Instance{
		ID: aws.ToString(i.InstanceId), Name: TagsOf(i.Tags)[TagName], Type: string(i.InstanceType),
		VPCID: aws.ToString(i.VpcId), SubnetID: aws.ToString(i.SubnetId), PrivateIP: aws.ToString(i.PrivateIpAddress),
	}
	if i.State != nil {
		m.State = string(i.State.Name)
	}
	if i.Placement != nil {
		m.AZ = aws.ToString(i.Placement.AvailabilityZone)
	}
	for _, g := range i.SecurityGroups {
		m.SecurityGroupIDs = append(m.SecurityGroupIDs, aws.ToString(g.GroupId))
	}
	return m
}

// SecurityGroupRules lists the groups' inbound rules.
func (c *Clients) SecurityGroupRules(ctx context.Context, groupIDs []string) ([]Rule, error) {
	if len(groupIDs) == 0 {
		return nil, nil
	}
	var rules []Rule
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(c.EC2, &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{Filter("group-id", groupIDs...)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list rules of %s: %w", strings.Join(groupIDs, ", "), err)
		}
		for _, r := range page.SecurityGroupRules {
			if !aws.ToBool(r.IsEgress) {
				rules = append(rules, ruleOf(r))
			}
		}
	}
	return rules, nil
}

func ruleOf(r types.SecurityGroupRule) Rule {
	rule := Rule{
		ID: aws.ToString(r.SecurityGroupRuleId), GroupID: aws.ToString(r.GroupId),
		Protocol: aws.ToString(r.IpProtocol), From: int(aws.ToInt32(r.FromPort)), To: int(aws.ToInt32(r.ToPort)),
		Tags: TagsOf(r.Tags),
	}
	switch {
	case r.ReferencedGroupInfo != nil:
		rule.Source = aws.ToString(r.ReferencedGroupInfo.GroupId)
	case r.CidrIpv4 != nil:
		rule.Source = *r.CidrIpv4
	case r.CidrIpv6 != nil:
		rule.Source = *r.CidrIpv6
	default:
		rule.Source = aws.ToString(r.PrefixListId)
	}
	return rule
}

// Subnets describes the subnets in the order of their ids' appearance.
func (c *Clients) Subnets(ctx context.Context, ids []string) ([]types.Subnet, error) {
	out, err := c.EC2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: ids})
	if err != nil {
		return nil, fmt.Errorf("describe subnets %s: %w", strings.Join(ids, ", "), err)
	}
	list := out.Subnets
	slices.SortFunc(list, func(a, b types.Subnet) int {
		return slices.Index(ids, aws.ToString(a.SubnetId)) - slices.Index(ids, aws.ToString(b.SubnetId))
	})
	return list, nil
}

// Filter is an EC2 filter.
func Filter(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}

// OwnerFilters find one resource of a backend by its owner tags.
func OwnerFilters(install, backendID, key string) []types.Filter {
	return []types.Filter{
		Filter("tag:"+TagInstall, install), Filter("tag:"+TagBackend, backendID), Filter("tag:"+TagResource, key),
	}
}

// TagsOf is EC2's list of tags as a map.
func TagsOf(tags []types.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}
