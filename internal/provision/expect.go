package provision

import (
	"context"
	"time"

	"drawbridge/internal/model"
)

// Typical says how long waits in an environment mostly take, by kind and
// action ("elbv2.load_balancer create"): what was learned there, else AWS's
// typical durations at the environment's pace. What is there at once is absent.
func (e *Executor) Typical(ctx context.Context, environmentID string) map[string]time.Duration {
	p := e.paceOf(ctx, environmentID)
	all := map[string]time.Duration{}
	for kind := range e.kinds {
		for _, action := range []model.Action{model.ActionCreate, model.ActionUpdate, model.ActionDelete} {
			k := waitKey{kind, action}
			if t := p.typical(k); t > 0 {
				all[k.String()] = t
			}
		}
	}
	return all
}

func (k waitKey) String() string { return string(k.kind) + " " + string(k.action) }

// ExpectedEnd is when the plan's steps are likely to be done, given what such
// waits take: the end of the longest way through the graph. Zero when a step
// has failed or the plan is empty.
func ExpectedEnd(plan *model.Plan, steps []model.Step, typical map[string]time.Duration, now time.Time) time.Time {
	if plan == nil || len(plan.Items) == 0 {
		return time.Time{}
	}
	known := map[string]*model.Step{}
	for i := range steps {
		known[steps[i].Key] = &steps[i]
	}
	made, ready := map[string]time.Time{}, map[string]time.Time{}
	last := now
	for _, item := range plan.Items {
		s := known[item.Key]
		if s != nil && s.State == model.StepFailed {
			return time.Time{}
		}
		from, looks := now, now
		for _, need := range item.Needs {
			switch {
			case need.Looks:
				looks = later(looks, ready[need.Key])
			case need.Ready:
				from = later(from, ready[need.Key])
			default:
				from = later(from, made[need.Key])
			}
		}
		looks = later(looks, from)
		made[item.Key], ready[item.Key] = from, expectedStep(item, s, looks, typical, now)
		last = later(last, ready[item.Key])
	}
	return last
}

// expectedStep is when one step is likely to be done whose wait begins at from
// unless it has begun.
func expectedStep(item model.PlanItem, s *model.Step, from time.Time, typical map[string]time.Duration, now time.Time) time.Time {
	switch {
	case s != nil && (s.State == model.StepDone || s.State == model.StepSkipped):
		return now
	case s != nil && s.State == model.StepWaiting && !s.ExpectedAt.IsZero():
		return later(now, s.ExpectedAt)
	case item.Action == model.ActionKeep, item.Action == model.ActionLetGo:
		return from
	}
	return from.Add(typical[waitKey{item.Kind, waitAction(item.Action)}.String()])
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
