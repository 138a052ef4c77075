package kinds

import (
	"cmp"
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
// the group's ARN. It is ready when every one is healthy, or, asleep, when none
// is left. Params: port, power.
// Outputs: instance_ids, healthy ("1 of 2").
type targets struct{ base }

func (targets) Name() model.ResourceKind { return KindTargets }

// Timing: counted from when the load balancer is active; the app's own start
// is in this wait. In a change AWS lets a target's last requests end for 300 s.
func (targets) Timing() provision.Timing {
	return provision.Timing{Make: 30 * time.Second, Change: 330 * time.Second, Limit: 15 * time.Minute}
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
	var ids []string
	if r.State == model.ResourceDeleting {
		ids = list(r.Outputs["instance_ids"])
	}
	for key, n := range in.Needs {
		if strings.HasPrefix(key, "instance-") && n.AWSID != "" && n.State != model.ResourceGone {
			ids = append(ids, n.AWSID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// place is what tells a target apart: one instance may be one on two ports.
type place struct{ id, port string }

// healthOf is what AWS says of each target of the group.
func healthOf(ctx context.Context, c *awsapi.Clients, group *model.Resource) (map[place]*types.TargetHealth, error) {
	out, err := c.ELB.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &group.AWSID})
	if err != nil {
		return nil, found(fmt.Errorf("describe targets of %s: %w", group.Name, err))
	}
	health := map[place]*types.TargetHealth{}
	for _, d := range out.TargetHealthDescriptions {
		if d.Target != nil && d.TargetHealth != nil {
			health[place{aws.ToString(d.Target.Id), strconv.Itoa(int(aws.ToInt32(d.Target.Port)))}] = d.TargetHealth
		}
	}
	return health, nil
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
	health, err := healthOf(ctx, c, group)
	switch {
	case err != nil:
		return provision.Observed{}, err
	case r.State == model.ResourceDeleting:
		return leaving(group.AWSID, r, health)
	case r.Changing != nil: // how far that has come, Change says
		return provision.Observed{AWSID: group.AWSID, Outputs: r.Outputs, Differs: true}, nil
	case asleep(r.Params):
		return provision.Observed{AWSID: group.AWSID, Ready: len(health) == 0, Differs: len(health) > 0}, nil
	}
	return joining(group.AWSID, r.Params["port"], wanted(in, r), health)
}

// joining judges registered targets: all must be there and healthy.
func joining(arn, port string, ids []string, health map[place]*types.TargetHealth) (provision.Observed, error) {
	healthy := 0
	var why []string
	for _, id := range ids {
		h := health[place{id, port}]
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
func leaving(arn string, r *model.Resource, health map[place]*types.TargetHealth) (provision.Observed, error) {
	obs := provision.Observed{AWSID: arn, Outputs: maps.Clone(r.Outputs), Gone: true}
	if len(health) == 0 {
		return obs, provision.ErrNotFound
	}
	for _, at := range sortedPlaces(health) {
		if s := health[at].State; s != types.TargetHealthStateEnumDraining && s != types.TargetHealthStateEnumUnused {
			obs.Gone, obs.Why = false, fmt.Sprintf("%s is still %s.", at.id, s)
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
	descriptions, err := describeTargets(placesOf(r.Params["port"], wanted(in, r)))
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

func placesOf(port string, ids []string) []place {
	var all []place
	for _, id := range ids {
		all = append(all, place{id, port})
	}
	return all
}

func sortedPlaces[T any](of map[place]T) []place {
	return slices.SortedFunc(maps.Keys(of), func(a, b place) int {
		return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(a.port, b.port))
	})
}

func describeTargets(places []place) ([]types.TargetDescription, error) {
	var all []types.TargetDescription
	for _, at := range places {
		port, err := strconv.ParseInt(at.port, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read port of target %s: %w", at.id, err)
		}
		all = append(all, types.TargetDescription{Id: &at.id, Port: aws.Int32(int32(port))})
	}
	return all, nil
}

func (k targets) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	places := placesOf(r.Params["port"], wanted(in, r))
	if port := r.Wanted()["port"]; port != r.Params["port"] { // a change to it had begun
		places = append(places, placesOf(port, wanted(in, r))...)
	}
	descriptions, err := describeTargets(places)
	if err != nil || len(descriptions) == 0 {
		return err
	}
	_, err = c.ELB.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &r.AWSID, Targets: descriptions})
	if awsapi.HasCode(err, "InvalidTarget") {
		return nil // not registered; whether anything still is, Find says
	}
	return gone(err)
}
