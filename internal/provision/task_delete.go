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
	if t.node.item.Action == model.ActionKeep {
		return t.pass()
	}
	t.res.State = model.ResourceDeleting
	if t.node.item.Action != model.ActionDelete || fresh {
		return t.letGo(model.StepSkipped)
	}
	if err := t.begin(); err != nil {
		return err
	}
	if t.run.orphans {
		obs, err := t.look()
		switch {
		case errors.Is(err, ErrNotFound), err == nil && obs.Gone:
			return t.letGo(t.passed())
		case err != nil:
			return t.explain(err)
		}
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
	if t.timing.Lingers {
		if err := t.awaitGone(); err != nil {
			return err
		}
	}
	t.wait.ended(t)
	return t.letGo(model.StepDone)
}

// passed is the state of a step that finds its orphan gone, or accounted for by
// now: only one that was begun before may have deleted it.
func (t *task) passed() model.StepState {
	if t.node.step.Attempt > 1 {
		return model.StepDone
	}
	return model.StepSkipped
}

// remove sends the delete until AWS took it. How long AWS refuses because
// something lingers that goes by itself is what such waits mostly take.
func (t *task) remove() error {
	start := time.Now()
	for try := 1; ; {
		err := t.change(func(ctx context.Context) error { return t.kind.Delete(ctx, t.in, t.res) })
		if err == nil || t.stoppedBy(err) {
			return err
		}
		var notYet *NotYet
		switch {
		case errors.As(err, &notYet) && notYet.Passing:
			err = t.notYet(start, notYet.Why)
		case errors.As(err, &notYet):
			err = t.refused(notYet.Why)
		case errors.Is(err, ErrNotFound):
			var gone bool
			if gone, err = t.absent(start); gone {
				return nil
			}
		default:
			problem, retry := t.run.exec.Explain(err)
			if !retry || try == changeTries {
				return t.fail(problem)
			}
			try++
			err = t.notYet(start, fmt.Sprintf("AWS answered %s; trying again.", problem.Code))
		}
		if err != nil {
			return err
		}
	}
}

// absent handles AWS's word that there is nothing to delete. What was made a
// moment ago may be hidden from one call and not from the next (docs/aws-facts.md, section C4),
// so a look must say the same; else the delete is to be sent again.
func (t *task) absent(start time.Time) (gone bool, err error) {
	obs, err := t.look()
	switch {
	case errors.Is(err, ErrNotFound), err == nil && obs.Gone:
		return true, nil
	case err != nil:
		return false, t.explain(err)
	}
	return false, t.notYet(start, "AWS says that it does not exist, and shows it; trying again.")
}

// awaitGone waits until AWS does not show the resource any more.
func (t *task) awaitGone() error {
	t.wait.begin(t)
	why := "AWS is deleting it."
	for {
		if err := t.note(why); err != nil {
			return err
		}
		obs, err := t.nextLook(why)
		switch {
		case errors.Is(err, ErrNotFound), err == nil && obs.Gone:
			return nil
		case err != nil:
			return t.explain(err)
		}
		why = obs.Why
	}
}

// pass records that the step leaves its resource as it is.
func (t *task) pass() error {
	s := t.node.step
	s.State, s.Why, s.AWSID = model.StepSkipped, "", t.res.AWSID
	s.StartedAt, s.FinishedAt = t.run.now(), t.run.now()
	return t.run.save(t.ctx, s, nil)
}

// letGo records that the backend has nothing more to do with the resource.
func (t *task) letGo(state model.StepState) error {
	t.res.State, t.res.Detail, t.res.Changing = model.ResourceGone, "", nil
	s := t.node.step
	s.State, s.Why = state, ""
	if s.StartedAt.IsZero() {
		s.StartedAt = t.run.now()
	}
	return t.end()
}
