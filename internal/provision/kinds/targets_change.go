package kinds

import (
	"context"
	"fmt"
	"slices"
	"strings"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// Diff: the registration changes with its port, its instances and its sleep.
func (targets) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	d := differ(have, want)
	d.of(model.ActionUpdate, "port", "The port")
	switch off := asleep(d.want); {
	case off && !asleep(d.have):
		d.note(model.ActionUpdate, "All targets leave.")
	case !off && asleep(d.have):
		d.note(model.ActionUpdate, "The targets join again.")
	default:
		d.members(instancesIn(have.Needs), instancesIn(keysOf(want.Needs)))
	}
	return d.verdict()
}

// members compares the keys of what is registered.
func (d *difference) members(was, is []string) {
	for _, key := range is {
		if !slices.Contains(was, key) {
			d.note(model.ActionUpdate, "%s joins.", key)
		}
	}
	for _, key := range was {
		if !slices.Contains(is, key) {
			d.note(model.ActionUpdate, "%s leaves when the others are healthy.", key)
		}
	}
}

func keysOf(needs []model.Need) []string {
	var keys []string
	for _, n := range needs {
		keys = append(keys, n.Key)
	}
	return keys
}

func instancesIn(keys []string) []string {
	var all []string
	for _, k := range keys {
		if strings.HasPrefix(k, "instance-") {
			all = append(all, k)
		}
	}
	return all
}

// Change brings the group's targets in line with what is wanted: those that
// are missing join, and when all are healthy the others leave, so that at no
// moment fewer answer than before. The group is ours alone: whatever else is
// registered in it leaves.
func (k targets) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	group, err := in.Need("target-group")
	if err != nil {
		return provision.Observed{}, err
	}
	health, err := healthOf(ctx, c, group)
	if err != nil {
		return provision.Observed{}, err
	}
	var ids []string
	if !asleep(r.Wanted()) {
		ids = wanted(in, r)
	}
	stay := placesOf(r.Wanted()["port"], ids)
	if err := join(ctx, c, group, stay, health); err != nil {
		return provision.Observed{}, err
	}
	if err := depart(ctx, c, group, stay, health); err != nil {
		return provision.Observed{}, err
	}
	return provision.Observed{AWSID: group.AWSID, Ready: true, Outputs: map[string]string{
		"instance_ids": joined(ids), "healthy": fmt.Sprintf("%d of %d", len(ids), len(ids)),
	}}, nil
}

// join registers what is missing, and is NotYet until all are healthy.
func join(ctx context.Context, c *awsapi.Clients, group *model.Resource, stay []place, health map[place]*types.TargetHealth) error {
	var missing []place
	var why []string
	for _, at := range stay {
		switch h := health[at]; {
		case h == nil || h.State == types.TargetHealthStateEnumDraining:
			missing = append(missing, at)
		case h.State != types.TargetHealthStateEnumHealthy:
			why = append(why, describeHealth(at.id, h))
		}
	}
	if len(missing) > 0 {
		descriptions, err := describeTargets(missing)
		if err != nil {
			return err
		}
		_, err = c.ELB.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: &group.AWSID, Targets: descriptions})
		if awsapi.HasCode(err, "InvalidTarget") {
			return &provision.NotYet{Why: "The load balancer does not see the instance as running yet: " + said(err), Err: err}
		}
		if err != nil {
			return notNow(fmt.Errorf("register targets in %s: %w", group.Name, err))
		}
		why = append(why, "The new targets are registered, and checked now.")
	}
	if len(why) > 0 {
		return &provision.NotYet{Why: strings.Join(why, " ")}
	}
	return nil
}

// depart deregisters all but those that stay, and is NotYet until the last
// request to them has ended.
func depart(ctx context.Context, c *awsapi.Clients, group *model.Resource, stay []place, health map[place]*types.TargetHealth) error {
	var leave []place
	draining := 0
	for _, at := range sortedPlaces(health) {
		switch {
		case slices.Contains(stay, at):
		case health[at].State == types.TargetHealthStateEnumDraining:
			draining++
		default:
			leave = append(leave, at)
		}
	}
	if len(leave) > 0 {
		descriptions, err := describeTargets(leave)
		if err != nil {
			return err
		}
		_, err = c.ELB.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &group.AWSID, Targets: descriptions})
		if err != nil && !awsapi.HasCode(err, "InvalidTarget") { // that one is not registered any more
			return notNow(fmt.Errorf("deregister targets of %s: %w", group.Name, err))
		}
		draining += len(leave)
	}
	if draining > 0 {
		return &provision.NotYet{Why: fmt.Sprintf("AWS lets the last requests to %d of the old targets end.", draining)}
	}
	return nil
}
