package kinds

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// loadBalancer is the internal Application Load Balancer. Params: subnets.
// Outputs: dns_name.
type loadBalancer struct{ base }

func (loadBalancer) Name() model.ResourceKind { return KindLoadBalancer }

// Timing: AWS takes two to three minutes.
func (loadBalancer) Timing() provision.Timing {
	return provision.Timing{Make: 150 * time.Second, Limit: 15 * time.Minute}
}

func (k loadBalancer) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	query := &elb.DescribeLoadBalancersInput{Names: []string{r.Name}}
	if r.AWSID != "" {
		query = &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{r.AWSID}}
	}
	out, err := c.ELB.DescribeLoadBalancers(ctx, query)
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("describe load balancer %s: %w", r.Name, err))
	}
	if len(out.LoadBalancers) == 0 {
		return provision.Observed{}, provision.ErrNotFound
	}
	lb := out.LoadBalancers[0]
	if err := k.checkOwner(ctx, c, in, r, "load balancer", aws.ToString(lb.LoadBalancerArn)); err != nil {
		return provision.Observed{}, err
	}
	return observedLoadBalancer(lb), nil
}

// describeBalancersMax is how many ARNs AWS takes in one call.
const describeBalancersMax = 20

// FindAll looks at many with one call for each twenty.
func (k loadBalancer) FindAll(ctx context.Context, asks []provision.Ask) []provision.Answer {
	return batch[types.LoadBalancer]{
		most: describeBalancersMax, describe: describeBalancers, find: k.Find,
		judge: func(lb types.LoadBalancer, _ *model.Resource) (provision.Observed, error) {
			return observedLoadBalancer(lb), nil
		},
	}.answer(ctx, k.base, asks)
}

func describeBalancers(ctx context.Context, c *awsapi.Clients, arns []string) (map[string]types.LoadBalancer, error) {
	out, err := c.ELB.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: arns})
	if err != nil {
		return nil, fmt.Errorf("describe %d load balancers: %w", len(arns), err)
	}
	known := map[string]types.LoadBalancer{}
	for _, lb := range out.LoadBalancers {
		known[aws.ToString(lb.LoadBalancerArn)] = lb
	}
	return known, nil
}

func observedLoadBalancer(lb types.LoadBalancer) provision.Observed {
	obs := provision.Observed{
		AWSID:   aws.ToString(lb.LoadBalancerArn),
		Outputs: map[string]string{"dns_name": aws.ToString(lb.DNSName)},
	}
	if lb.State == nil {
		obs.Why = "AWS has not said yet what state the load balancer is in."
		return obs
	}
	reason := aws.ToString(lb.State.Reason)
	switch lb.State.Code {
	case types.LoadBalancerStateEnumActive, types.LoadBalancerStateEnumActiveImpaired:
		obs.Ready = true
	case types.LoadBalancerStateEnumFailed:
		obs.Failed = &model.Problem{
			Code: "LoadBalancerFailed", Message: "AWS could not set up the load balancer: " + reason,
			Advice: "Destroy what exists and provision again; if it stays so, check the subnets' free addresses.",
		}
	default:
		obs.Why = fmt.Sprintf("The load balancer is %s.", lb.State.Code)
		if reason != "" {
			obs.Why += " " + reason
		}
	}
	return obs
}

func (k loadBalancer) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	group, err := in.Need("alb-sg")
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.ELB.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
		Name:           &r.Name,
		Type:           types.LoadBalancerTypeEnumApplication,
		Scheme:         types.LoadBalancerSchemeEnumInternal,
		IpAddressType:  types.IpAddressTypeIpv4,
		Subnets:        list(r.Params["subnets"]),
		SecurityGroups: []string{group.AWSID},
		Tags:           elbTags(ownerTags(c, in, r)),
	})
	if awsapi.HasCode(err, "DuplicateLoadBalancerName") {
		return existing(func() (provision.Observed, error) { return k.Find(ctx, in, r) }, err)
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create load balancer %s: %w", r.Name, later(in, r, err))
	}
	return observedLoadBalancer(out.LoadBalancers[0]), nil
}

func (loadBalancer) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	return tagsOnly(have, want)
}

func (k loadBalancer) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.change(ctx, in, r, retagELB, k.Find)
}

func (k loadBalancer) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.ELB.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: &r.AWSID})
	return gone(err)
}
