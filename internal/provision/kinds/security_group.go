package kinds

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// securityGroup is a group of the chain, with AWS's default egress (all).
// Params: vpc_id, description.
type securityGroup struct{ base }

func (securityGroup) Name() model.ResourceKind { return KindSecurityGroup }

// Timing: a group is there at once; on delete it waits for the network
// interfaces of a load balancer or VPC link, which linger for minutes.
func (securityGroup) Timing() provision.Timing {
	return provision.Timing{Unmake: 90 * time.Second, Limit: 20 * time.Minute}
}

func (k securityGroup) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	query := &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		awsapi.Filter("vpc-id", r.Params["vpc_id"]), awsapi.Filter("group-name", r.Name),
	}}
	if r.AWSID != "" {
		query = &ec2.DescribeSecurityGroupsInput{GroupIds: []string{r.AWSID}}
	}
	out, err := c.EC2.DescribeSecurityGroups(ctx, query)
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("describe security group %s: %w", r.Name, err))
	}
	if len(out.SecurityGroups) == 0 {
		return provision.Observed{}, provision.ErrNotFound
	}
	g := out.SecurityGroups[0]
	id := aws.ToString(g.GroupId)
	if r.AWSID == "" && !owns(c, in, r, awsapi.TagsOf(g.Tags)) {
		return provision.Observed{}, strangers("security group", r.Name, id)
	}
	return provision.Observed{AWSID: id, Ready: true}, nil
}

func (k securityGroup) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.EC2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName:         &r.Name,
		Description:       aws.String(r.Params["description"]),
		VpcId:             aws.String(r.Params["vpc_id"]),
		TagSpecifications: []types.TagSpecification{ec2Tags(types.ResourceTypeSecurityGroup, ownerTags(c, in, r))},
	})
	if awsapi.HasCode(err, "InvalidGroup.Duplicate") {
		return existing(func() (provision.Observed, error) { return k.Find(ctx, in, r) }, err)
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create security group %s: %w", r.Name, later(in, r, err))
	}
	return provision.Observed{AWSID: aws.ToString(out.GroupId), Ready: true}, nil
}

func (securityGroup) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	return tagsOnly(have, want)
}

func (k securityGroup) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.change(ctx, in, r, retagEC2, k.Find)
}

func (k securityGroup) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.EC2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &r.AWSID})
	if awsapi.Classify(err) == awsapi.Dependency {
		return &provision.NotYet{Why: k.usedBy(ctx, c, r.AWSID, err), Err: err}
	}
	return gone(err)
}

// usedBy names what still uses the group: interfaces that AWS takes away by
// itself, or a rule that somebody added by hand and has to take away, too.
func (securityGroup) usedBy(ctx context.Context, c *awsapi.Clients, id string, refusal error) string {
	interfaces, err := c.EC2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{awsapi.Filter("group-id", id)},
	})
	if err == nil && len(interfaces.NetworkInterfaces) > 0 {
		n := interfaces.NetworkInterfaces[0]
		return fmt.Sprintf("The network interface %s (%s) still uses it; AWS removes that a little later.",
			aws.ToString(n.NetworkInterfaceId), aws.ToString(n.Description))
	}
	groups, err := c.EC2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: []types.Filter{awsapi.Filter("ip-permission.group-id", id)},
	})
	if err == nil && len(groups.SecurityGroups) > 0 {
		g := groups.SecurityGroups[0]
		return fmt.Sprintf("An inbound rule of the security group %s (%s) still names it as its source. Remove that rule, if nobody of yours needs it.",
			aws.ToString(g.GroupId), aws.ToString(g.GroupName))
	}
	return "Something still uses it: " + said(refusal)
}
