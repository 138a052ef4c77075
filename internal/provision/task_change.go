package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"drawbridge/internal/model"
)

// intend has the row say what the task is about to do to a resource that is
// there: what is looked at takes the item's params, what is changed keeps its
// own until AWS has the new ones.
func (t *task) intend(fresh bool) {
	item := &t.node.item
	switch {
	case fresh:
	case t.uses():
		t.res.Title, t.res.Name, t.res.Params, t.res.Needs = item.Title, item.Name, item.Params, needsOf(item)
	case item.Action == model.ActionUpdate:
		had := map[string]string{} // of what a change to something else began, too
		maps.Copy(had, t.res.Changing)
		maps.Copy(had, t.res.Params)
		t.res.Params, t.res.Changing = had, map[string]string{}
		maps.Copy(t.res.Changing, item.Params)
		// Until it is done, deletion has to respect both.
		t.res.Needs = append(t.res.Needs, needsOf(item)...)
		slices.Sort(t.res.Needs)
		t.res.Needs = slices.Compact(t.res.Needs)
		t.res.State, t.res.Detail = model.ResourcePending, "It is being changed."
	}
}

// changed takes in that AWS has what was wanted.
func (t *task) changed() {
	if t.res.Changing == nil {
		return
	}
	item := &t.node.item
	t.res.Params, t.res.Changing = t.res.Changing, nil
	t.res.Title, t.res.Needs = item.Title, needsOf(item)
}

// findAndAlter changes the resource, or makes it as wanted if it is gone.
func (t *task) findAndAlter() (Observed, error) {
	obs, err := t.look()
	switch {
	case errors.Is(err, ErrNotFound):
		t.changed()
		if err := t.forget(); err != nil {
			return Observed{}, err
		}
		return t.apply()
	case err != nil:
		return obs, t.explain(err)
	case obs.Failed != nil:
		return obs, t.observe(obs)
	}
	t.take(obs) // its id, if an earlier answer was lost
	return t.alter()
}

// alter sends the change until AWS has taken all of it.
func (t *task) alter() (Observed, error) {
	changer, ok := t.kind.(Changer)
	if !ok {
		return Observed{}, t.fail(&model.Problem{Code: "NotChangeable", Message: fmt.Sprintf("%s is not as wanted, and its kind cannot be changed.", t.res.Key)})
	}
	start := time.Now()
	for try := 1; ; {
		var obs Observed
		err := t.change(func(ctx context.Context) (err error) {
			obs, err = changer.Change(ctx, t.in, t.res)
			return err
		})
		if err == nil {
			if obs.Ready {
				t.wait.ended(t)
			}
			return obs, nil
		}
		if t.stoppedBy(err) {
			return Observed{}, err
		}
		var notYet *NotYet
		switch {
		case errors.As(err, &notYet) && notYet.Passing:
			err = t.notYet(start, notYet.Why)
		case errors.As(err, &notYet):
			err = t.refused(notYet.Why)
		default:
			problem, retry := t.run.exec.Explain(err)
			if !retry || try == changeTries {
				return Observed{}, t.fail(problem)
			}
			try++
			err = t.notYet(start, fmt.Sprintf("AWS answered %s; trying again.", problem.Code))
		}
		if err != nil {
			return Observed{}, err
		}
	}
}

// waitAction is what waits for an action's end have in common with others.
func waitAction(a model.Action) model.Action {
	switch a {
	case model.ActionDelete, model.ActionUpdate:
		return a
	}
	return model.ActionCreate
}
