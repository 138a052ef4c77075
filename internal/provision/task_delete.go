package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawbridge/internal/model"
)

// unmake deletes the node's resource and waits until it is gone.
func (t *task) unmake() error {
	res, fresh := t.run.resource(t.node)
	t.res = res
	t.res.State = model.ResourceDeleting
	if t.node.item.Action != model.ActionDelete || fresh {
		return t.letGo(model.StepSkipped)
	}
	if err := t.begin(); err != nil {
		return err
	}
	if t.res.AWSID == "" {
		obs, err := t.look()
		if errors.Is(err, ErrNotFound) {
			return t.letGo(model.StepDone)
		}
		if err != nil {
			return t.explain(err)
		}
		t.res.AWSID, t.res.Outputs = obs.AWSID, obs.Outputs
		if obs.Foreign {
			return t.letGo(model.StepSkipped)
		}
	}
	if err := t.remove(); err != nil {
		return err
	}
	return t.awaitGone()
}

// remove sends the delete until AWS took it.
func (t *task) remove() error {
	start := time.Now()
	for try := 1; ; {
		err := t.change(func(ctx context.Context) error { return t.kind.Delete(ctx, t.in, t.res) })
		if err == nil || t.stoppedBy(err) {
			return err
		}
		why := ""
		var notYet *NotYet
		if errors.As(err, &notYet) {
			why = notYet.Why
		} else {
			problem, retry := t.run.exec.Explain(err)
			if !retry || try == changeTries {
				return t.fail(problem)
			}
			why = fmt.Sprintf("AWS answered %s; trying again.", problem.Code)
			try++
		}
		if err := t.waitNote(start, why); err != nil {
			return err
		}
	}
}

func (t *task) awaitGone() error {
	start := time.Now()
	for {
		obs, err := t.look()
		if errors.Is(err, ErrNotFound) || err == nil && obs.Gone {
			return t.letGo(model.StepDone)
		}
		if err != nil {
			return t.explain(err)
		}
		if err := t.waitNote(start, obs.Why); err != nil {
			return err
		}
	}
}

// letGo records that the backend has nothing more to do with the resource.
func (t *task) letGo(state model.StepState) error {
	t.res.State, t.res.Detail = model.ResourceGone, ""
	s := t.node.step
	s.State, s.Why = state, ""
	if s.StartedAt.IsZero() {
		s.StartedAt = t.run.now()
	}
	return t.end()
}
