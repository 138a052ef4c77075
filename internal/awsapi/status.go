package awsapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/model"
)

// What AWS demands of the subnets of an internal load balancer.
const (
	minZones   = 2
	minFreeIPs = 8
)

// Status asks the environment whether it answers, as whom, and whether its VPC
// and subnets are fit for a chain.
func (p *Pool) Status(ctx context.Context, env *model.Environment) model.EnvironmentStatus {
	start := time.Now()
	s := model.EnvironmentStatus{CheckedAt: start.UTC().Truncate(time.Millisecond)}
	if err := p.ask(ctx, env, &s); err != nil {
		s.Problem = Problem(err)
	}
	s.Seconds = time.Since(start).Seconds()
	return s
}

func (p *Pool) ask(ctx context.Context, env *model.Environment, s *model.EnvironmentStatus) error {
	c, err := p.Clients(ctx, env)
	if err != nil {
		return err
	}
	who, err := c.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.RetryMaxAttempts = greetAttempts })
	if err != nil {
		return fmt.Errorf("ask who we are: %w", err)
	}
	s.Answers, s.Account = true, aws.ToString(who.Account)
	vpcs, err := c.EC2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{env.VPCID}})
	if err != nil {
		return fmt.Errorf("describe vpc %s: %w", env.VPCID, err)
	}
	for _, v := range vpcs.Vpcs {
		s.VPCName = TagsOf(v.Tags)[TagName]
	}
	subnets, err := c.Subnets(ctx, env.SubnetIDs)
	if err != nil {
		return err
	}
	for _, n := range subnets {
		s.Subnets = append(s.Subnets, subnetOf(n))
	}
	if p := UnfitSubnets(env, subnets); p != nil {
		return p
	}
	return nil
}

func subnetOf(n types.Subnet) model.Subnet {
	return model.Subnet{
		ID: aws.ToString(n.SubnetId), Name: TagsOf(n.Tags)[TagName], AZ: aws.ToString(n.AvailabilityZone),
		CIDR: aws.ToString(n.CidrBlock), FreeIPs: int(aws.ToInt32(n.AvailableIpAddressCount)),
	}
}

// UnfitSubnets says why the environment's subnets cannot carry a chain, or nil.
func UnfitSubnets(env *model.Environment, subnets []types.Subnet) *model.Problem {
	zones := map[string]bool{}
	for _, n := range subnets {
		id := aws.ToString(n.SubnetId)
		if vpc := aws.ToString(n.VpcId); vpc != env.VPCID {
			return unfit("SubnetInAnotherVPC", "Use subnets of one VPC in the environment.",
				"The subnet %s belongs to %s, not to the environment's %s.", id, vpc, env.VPCID)
		}
		if free := aws.ToInt32(n.AvailableIpAddressCount); free < minFreeIPs {
			return unfit("SubnetFull", "Free addresses in it, or use another subnet in the environment.",
				"The subnet %s has %d free IP addresses; a load balancer needs %d.", id, free, minFreeIPs)
		}
		zones[aws.ToString(n.AvailabilityZone)] = true
	}
	if len(zones) < minZones {
		return unfit("SubnetsInOneZone", "Add a subnet in another Availability Zone to the environment.",
			"The subnets %s are all in one Availability Zone; a load balancer needs two.", strings.Join(env.SubnetIDs, ", "))
	}
	return nil
}

func unfit(code, advice, format string, args ...any) *model.Problem {
	return &model.Problem{Code: code, Message: fmt.Sprintf(format, args...), Advice: advice}
}
