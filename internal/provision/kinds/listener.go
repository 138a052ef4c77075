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

// listener is the load balancer's HTTP listener on port 80, which forwards to
// the target group. AWS takes it while the load balancer is still provisioning.
type listener struct{ base }

const listenerPort = 80

func (listener) Name() model.ResourceKind { return KindListener }

func (listener) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute}
}

func (k listener) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	query := &elb.DescribeListenersInput{ListenerArns: []string{r.AWSID}}
	if r.AWSID == "" {
		lb, err := in.Need("alb")
		if err != nil {
			return provision.Observed{}, err
		}
		query = &elb.DescribeListenersInput{LoadBalancerArn: &lb.AWSID}
	}
	out, err := c.ELB.DescribeListeners(ctx, query)
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("describe listeners of %s: %w", r.Name, err))
	}
	for _, l := range out.Listeners {
		if aws.ToInt32(l.Port) != listenerPort {
			continue
		}
		arn := aws.ToString(l.ListenerArn)
		if err := k.checkOwner(ctx, c, in, r, "listener", arn); err != nil {
			return provision.Observed{}, err
		}
		return provision.Observed{AWSID: arn, Ready: true}, nil
	}
	return provision.Observed{}, provision.ErrNotFound
}

func (k listener) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	lb, err := in.Need("alb")
	if err != nil {
		return provision.Observed{}, err
	}
	group, err := in.Need("target-group")
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.ELB.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: &lb.AWSID, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(listenerPort),
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: &group.AWSID, Order: aws.Int32(1)}},
		Tags:           elbTags(ownerTags(c, in, r)),
	})
	if awsapi.HasCode(err, "DuplicateListener") {
		return existing(func() (provision.Observed, error) { return k.Find(ctx, in, r) }, err)
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create listener of %s: %w", lb.Name, later(in, r, err))
	}
	return provision.Observed{AWSID: aws.ToString(out.Listeners[0].ListenerArn), Ready: true}, nil
}

func (listener) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	return tagsOnly(have, want)
}

func (k listener) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.change(ctx, in, r, retagELB, k.Find)
}

func (k listener) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.ELB.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: &r.AWSID})
	return gone(err)
}
