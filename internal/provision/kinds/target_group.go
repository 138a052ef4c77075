package kinds

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// targetGroup is the group of instances that the load balancer sends to, with
// its health check. Params: vpc_id, port, health_path.
type targetGroup struct{ base }

// The health check is closer than AWS's default (30 s, 5 checks): a first
// check passes within 10 s of the app's start instead of 30, and an app that
// died is taken out after 20 s instead of 60. The timeout is AWS's default.
const (
	healthInterval  = 10 // seconds
	healthTimeout   = 5  // seconds
	healthyChecks   = 2
	unhealthyChecks = 2
)

func (targetGroup) Name() model.ResourceKind { return KindTargetGroup }

func (targetGroup) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute}
}

func (k targetGroup) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	query := &elb.DescribeTargetGroupsInput{Names: []string{r.Name}}
	if r.AWSID != "" {
		query = &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{r.AWSID}}
	}
	out, err := c.ELB.DescribeTargetGroups(ctx, query)
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("describe target group %s: %w", r.Name, err))
	}
	if len(out.TargetGroups) == 0 {
		return provision.Observed{}, provision.ErrNotFound
	}
	arn := aws.ToString(out.TargetGroups[0].TargetGroupArn)
	if err := k.checkOwner(ctx, c, in, r, "target group", arn); err != nil {
		return provision.Observed{}, err
	}
	return provision.Observed{AWSID: arn, Ready: true}, nil
}

// checkOwner refuses a load balancer, target group or listener that was found
// by its name or place and is not ours.
func (base) checkOwner(ctx context.Context, c *awsapi.Clients, in provision.Inputs, r *model.Resource, noun, arn string) error {
	if r.AWSID != "" {
		return nil
	}
	tags, err := c.ELBTags(ctx, arn)
	if err != nil {
		return found(fmt.Errorf("read tags of %s: %w", arn, err))
	}
	if !owns(c, in, r, tags[arn]) {
		return strangers(noun, r.Name, arn)
	}
	return nil
}

func (k targetGroup) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	port, err := strconv.ParseInt(r.Params["port"], 10, 32)
	if err != nil {
		return provision.Observed{}, fmt.Errorf("read port of target group %s: %w", r.Name, err)
	}
	out, err := c.ELB.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: &r.Name, VpcId: aws.String(r.Params["vpc_id"]),
		Protocol: types.ProtocolEnumHttp, Port: aws.Int32(int32(port)), TargetType: types.TargetTypeEnumInstance,
		HealthCheckEnabled: aws.Bool(true), HealthCheckProtocol: types.ProtocolEnumHttp,
		HealthCheckPath: aws.String(r.Params["health_path"]), HealthCheckPort: aws.String("traffic-port"),
		HealthCheckIntervalSeconds: aws.Int32(healthInterval), HealthCheckTimeoutSeconds: aws.Int32(healthTimeout),
		HealthyThresholdCount: aws.Int32(healthyChecks), UnhealthyThresholdCount: aws.Int32(unhealthyChecks),
		Matcher: &types.Matcher{HttpCode: aws.String("200")},
		Tags:    elbTags(ownerTags(c, in, r)),
	})
	if awsapi.HasCode(err, "DuplicateTargetGroupName") {
		return existing(func() (provision.Observed, error) { return k.Find(ctx, in, r) }, err)
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create target group %s: %w", r.Name, later(in, r, err))
	}
	return provision.Observed{AWSID: aws.ToString(out.TargetGroups[0].TargetGroupArn), Ready: true}, nil
}

// Diff: each target has a port of its own, and the group's is only what one
// without would get.
func (targetGroup) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	d := differ(have, want)
	d.of(model.ActionUpdate, "health_path", "The health check's path")
	d.tags(have)
	return d.verdict()
}

func (targetGroup) modify(ctx context.Context, c *awsapi.Clients, r *model.Resource) error {
	if path := r.Wanted()["health_path"]; path != r.Params["health_path"] {
		_, err := c.ELB.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: &r.AWSID, HealthCheckPath: &path})
		if err != nil {
			return notNow(fmt.Errorf("change the health check of %s: %w", r.Name, err))
		}
	}
	return retagELB(ctx, c, r)
}

func (k targetGroup) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.change(ctx, in, r, k.modify, k.Find)
}

func (k targetGroup) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.ELB.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: &r.AWSID})
	return gone(err)
}
