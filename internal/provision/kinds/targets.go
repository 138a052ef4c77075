package kinds

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// targets is the registration of all instances in the target group; its id is
// the group's ARN. It is ready when every one is healthy. Params: port.
// Outputs: instance_ids, healthy ("1 of 2").
type targets struct{ base }

func (targets) Name() model.ResourceKind { return KindTargets }

// Timing: counted from when the load balancer is active; the app's own start
// is in this wait.
func (targets) Timing() provision.Timing {
	return provision.Timing{Make: 30 * time.Second, Limit: 15 * time.Minute}
}

// hints say what the reasons of an unhealthy target mostly come from.
var hints = map[types.TargetHealthReasonEnum]string{
	types.TargetHealthReasonEnumTimeout:              "Mostly the instance's security group does not let the load balancer in on that port, or the app hangs.",
	types.TargetHealthReasonEnumFailedHealthChecks:   "Mostly the app does not listen on that port, or only on 127.0.0.1, or it has not started yet.",
	types.TargetHealthReasonEnumResponseCodeMismatch: "The app must answer the health path with 200, without a redirect and without signing in.",
	types.TargetHealthReasonEnumNotInUse:             "The load balancer has no subnet in the instance's Availability Zone, or no listener yet.",
	types.TargetHealthReasonEnumInvalidState:         "The instance is stopped or terminated.",
}

// wanted are the ids of the instances to register, sorted.
func wanted(in provision.Inputs, r *model.Resource) []string {
	if ids := r.Outputs["instance_ids"]; ids != "" && r.State == model.ResourceDeleting {
		return list(ids)
	}
	var ids []string
	for key, n := range in.Needs {
		if strings.HasPrefix(key, "instance-") && n.AWSID != "" {
			ids = append(ids, n.AWSID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (k targets) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	group, err := in.Need("target-group")
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.ELB.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &group.AWSID})
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("describe targets of %s: %w", group.Name, err))
	}
	health := map[string]*types.TargetHealth{}
	for _, d := range out.TargetHealthDescriptions {
		if d.Target != nil && d.TargetHealth != nil {
			health[aws.ToString(d.Target.Id)] = d.TargetHealth
		}
	}
	if r.State == model.ResourceDeleting {
		return leaving(group.AWSID, r, health)
	}
	return joining(group.AWSID, wanted(in, r), health)
}

// joining judges registered targets: all must be there and healthy.
func joining(arn string, ids []string, health map[string]*types.TargetHealth) (provision.Observed, error) {
	healthy := 0
	var why []string
	for _, id := range ids {
		h := health[id]
		switch {
		case h == nil || h.State == types.TargetHealthStateEnumDraining:
			return provision.Observed{}, provision.ErrNotFound // registering again is free
		case h.State == types.TargetHealthStateEnumHealthy:
			healthy++
		default:
			why = append(why, describeHealth(id, h))
		}
	}
	return provision.Observed{
		AWSID: arn,
		Outputs: map[string]string{
			"instance_ids": joined(ids), "healthy": fmt.Sprintf("%d of %d", healthy, len(ids)),
		},
		Ready: healthy == len(ids) && healthy > 0,
		Why:   strings.Join(why, " "),
	}, nil
}

func describeHealth(id string, h *types.TargetHealth) string {
	text := fmt.Sprintf("%s is %s", id, h.State)
	if d := aws.ToString(h.Description); d != "" {
		text += ": " + d
	}
	text = strings.TrimSuffix(text, ".") + "."
	if hint := hints[h.Reason]; hint != "" {
		text += " " + hint
	}
	return text
}

// leaving judges targets that were deregistered. A draining one is as good as
// gone: its instance and its target group may be deleted.
func leaving(arn string, r *model.Resource, health map[string]*types.TargetHealth) (provision.Observed, error) {
	obs := provision.Observed{AWSID: arn, Outputs: maps.Clone(r.Outputs), Gone: true}
	if len(health) == 0 {
		return obs, provision.ErrNotFound
	}
	for _, id := range slices.Sorted(maps.Keys(health)) {
		if s := health[id].State; s != types.TargetHealthStateEnumDraining && s != types.TargetHealthStateEnumUnused {
			obs.Gone, obs.Why = false, fmt.Sprintf("%s is still %s.", id, s)
		}
	}
	return obs, nil
}

func (k targets) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	group, err := in.Need("target-group")
	if err != nil {
		return provision.Observed{}, err
	}
	descriptions, err := describeTargets(r, wanted(in, r))
	if err != nil {
		return provision.Observed{}, err
	}
	_, err = c.ELB.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: &group.AWSID, Targets: descriptions})
	if awsapi.HasCode(err, "InvalidTarget") && settling(in, r) {
		return provision.Observed{}, &provision.NotYet{Why: "The load balancer does not see the instance as running yet: " + said(err), Err: err}
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("register targets in %s: %w", group.Name, later(in, r, err))
	}
	return provision.Observed{
		AWSID:   group.AWSID,
		Outputs: map[string]string{"instance_ids": joined(wanted(in, r))},
		Why:     "The targets are registered. Their health checks begin when the load balancer is active.",
	}, nil
}

func describeTargets(r *model.Resource, ids []string) ([]types.TargetDescription, error) {
	port, err := strconv.ParseInt(r.Params["port"], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read port of %s: %w", r.Key, err)
	}
	var all []types.TargetDescription
	for _, id := range ids {
		all = append(all, types.TargetDescription{Id: &id, Port: aws.Int32(int32(port))})
	}
	return all, nil
}

func (k targets) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	descriptions, err := describeTargets(r, wanted(in, r))
	if err != nil || len(descriptions) == 0 {
		return err
	}
	_, err = c.ELB.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &r.AWSID, Targets: descriptions})
	if awsapi.HasCode(err, "InvalidTarget") {
		return nil // not registered; whether anything still is, Find says
	}
	return gone(err)
}
