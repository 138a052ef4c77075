package kinds_test

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/provision/kinds"
)

// change gives each resource what items want of it, as the executor does, and
// returns how many it changed.
func (h *harness) change(items []model.PlanItem) (changed int) {
	h.t.Helper()
	for _, item := range items {
		r := h.resources[item.Key]
		kind, ok := h.kinds[item.Kind].(provision.Changer)
		if !ok {
			continue
		}
		action, reasons := kind.Diff(r, &item)
		switch action {
		case model.ActionKeep:
			continue
		case model.ActionUpdate:
		default:
			h.t.Fatalf("%s: %s, for %v", item.Key, action, reasons)
		}
		in := h.inputs(item)
		r.Changing = item.Params
		h.eventually("change "+item.Key, func() (bool, string) {
			obs, err := kind.Change(h.ctx, in, r)
			if err == nil && !obs.Ready {
				obs, err = kind.Find(h.ctx, in, r)
			}
			var notYet *provision.NotYet
			switch {
			case errors.As(err, &notYet):
				return false, notYet.Why
			case awsapi.MayHelpLater(err):
				return false, err.Error()
			case err != nil:
				h.t.Fatalf("change %s: %v", item.Key, err)
			}
			h.take(r, obs)
			return obs.Ready && !obs.Differs, obs.Why
		})
		r.Params, r.Changing = item.Params, nil
		changed++
	}
	return changed
}

// live changes a chain that stands: other tags and another health path, sleep,
// and awake again. Nothing is made or deleted by it.
func (h *harness) live(s *simulator) {
	h.t.Helper()
	before := s.Snapshot()
	h.backend.Spec.HealthPath = "/service-a"
	h.backend.Spec.Tags = map[string]string{"stage": "prod"} // in place of cost-centre
	h.plan()
	if n := h.change(h.items); n < 10 {
		h.t.Errorf("%d resources were changed, want all that carry tags", n)
	}
	if n := h.change(h.items); n != 0 {
		h.t.Errorf("%d resources were changed for nothing", n)
	}
	tagged := s.Snapshot()
	if strings.Contains(tagged.IDs, `"cost-centre"`) || !strings.Contains(tagged.IDs, `"stage"="prod"`) {
		h.t.Errorf("tags after the change:\n%s", tagged.IDs)
	}
	h.change(kinds.Asleep(h.backend, h.env))
	for _, want := range []struct {
		state  string
		status int
	}{{"stopped", 503}, {"running", 200}} {
		if got := h.states(); got != want.state {
			h.t.Errorf("the instances are %s, want %s", got, want.state)
		}
		if status, _, _, err := s.Answer(h.ctx, h.env, h.resources["stage"].Outputs["invoke_url"]+"service-a"); err != nil || status != want.status {
			h.t.Errorf("%s: the invoke URL answers %d, %v", want.state, status, err)
		}
		h.change(h.items) // awake
	}
	if after := s.Snapshot(); after != tagged || after.Instances != before.Instances || after.Targets != before.Targets {
		h.t.Errorf("after a sleep it is\n%+v\nbefore it was\n%+v", after, tagged)
	}
}

// states of the launched instances, joined where they differ.
func (h *harness) states() string {
	h.t.Helper()
	var all []string
	for key, r := range h.resources {
		if !strings.HasPrefix(key, "instance-") {
			continue
		}
		out, err := h.clients.EC2.DescribeInstances(h.ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{r.AWSID}})
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, string(out.Reservations[0].Instances[0].State.Name))
	}
	return strings.Join(slices.Compact(all), ", ")
}
