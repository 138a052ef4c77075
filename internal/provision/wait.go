package provision

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"drawbridge/internal/model"
)

// wait is the time in which AWS is at work on a task's resource.
type wait struct {
	key   waitKey
	since time.Time     // zero: it has not begun
	here  time.Time     // since when this run waits
	over  time.Duration // it is known to have taken longer than this
	// unlike others: nothing is learned from it.
	unlike bool
}

// begin starts the wait, or goes on with the one that an earlier run began.
func (w *wait) begin(t *task) {
	if !w.since.IsZero() {
		return
	}
	s := t.node.step
	if s.WaitingSince.IsZero() {
		s.WaitingSince = t.run.now()
	}
	w.key, w.here = t.waitKey(), time.Now()
	w.over = t.run.now().Sub(s.WaitingSince)
	w.since = w.here.Add(-w.over)
	if typical := t.run.pace.typical(w.key); typical > 0 {
		s.ExpectedAt = s.WaitingSince.Add(typical).Truncate(time.Millisecond)
	}
}

// goesOn takes in that the wait was not over when AWS was asked.
func (w *wait) goesOn(t *task) {
	w.over = time.Since(w.since)
	t.run.pace.goesOn(w.key, w.over)
}

// ended learns from the wait, unless it was unlike others or an interrupted run
// had a part in it.
func (w *wait) ended(t *task) {
	if w.unlike {
		t.node.step.WaitingSince = time.Time{} // by which the journal tells waits
		return
	}
	if w.since.IsZero() || t.node.step.Attempt > 1 {
		return
	}
	if t.run.pace.learn(w.key, took{over: w.over, under: time.Since(w.since)}) {
		t.run.exec.watch.poke(t.run.rec.Environment.ID)
	}
}

// awaitReady waits until the resource does its work, or has to be changed first.
func (t *task) awaitReady(obs Observed) (Observed, error) {
	gate := t.gate()
	if gate == nil {
		t.wait.begin(t)
	}
	if err := t.observe(obs); err != nil {
		return obs, err
	}
	if gate != nil {
		select {
		case <-gate:
		case <-t.ctx.Done():
			return obs, context.Cause(t.ctx)
		}
		t.wait.begin(t)
	}
	made := time.Now()
	for {
		next, err := t.nextLook(obs.Why)
		switch {
		case err == nil && next.Ready:
			t.wait.ended(t)
			return next, nil
		case err == nil && next.Differs:
			return next, nil
		case err == nil:
			obs = next
		case errors.Is(err, ErrNotFound) && t.uses():
			obs.Why = "AWS does not show it."
		case errors.Is(err, ErrNotFound) && time.Since(made) < visibleWithin:
			obs.Why = "AWS does not show it yet."
		default:
			return obs, t.explain(err)
		}
		if err := t.observe(obs); err != nil {
			return obs, err
		}
	}
}

// gate is closed when the node is ready without which there is nothing to see
// of this one's progress; nil when there is none to wait for.
func (t *task) gate() <-chan struct{} {
	for _, need := range t.node.item.Needs {
		if n := t.run.byKey[need.Key]; need.Looks && n != nil {
			return n.ready
		}
	}
	return nil
}

// nextLook waits until the next look is due and returns what it found. A
// failed one that may help later is made again.
func (t *task) nextLook(why string) (Observed, error) {
	for try := 1; ; try++ {
		if err := t.overdue(t.wait.here, why); err != nil {
			return Observed{}, err
		}
		res := *t.res // the watch may still read it when this task goes on
		obs, err := t.run.exec.watch.look(t.ctx, t.kind, &request{
			ask: Ask{In: t.in, Resource: &res}, due: t.due, slack: t.run.pace.forecast(t.wait.key).step() / 2, answer: make(chan Answer, 1),
		})
		switch {
		case t.ctx.Err() != nil:
			return obs, context.Cause(t.ctx)
		case err == nil && !obs.Ready && !obs.Gone, errors.Is(err, ErrNotFound):
			t.wait.goesOn(t)
			return obs, err
		case err == nil:
			return obs, nil
		}
		problem, retry := t.run.exec.Explain(err)
		if !retry || try == lookTries {
			return obs, err
		}
		if err := t.notYet(t.wait.here, fmt.Sprintf("AWS answered %s; asking again.", problem.Code)); err != nil {
			return obs, err
		}
	}
}

// due is when the next look, or the next try, makes sense.
func (t *task) due() time.Time {
	return t.wait.since.Add(t.run.pace.forecast(t.wait.key).next(t.wait.over))
}

// refused records that AWS does not delete it for now, and pauses until the
// next try makes sense.
func (t *task) refused(why string) error {
	t.wait.begin(t)
	t.wait.goesOn(t)
	if err := t.note(why); err != nil {
		return err
	}
	if err := t.overdue(t.wait.here, why); err != nil {
		return err
	}
	return t.pause(time.Until(t.due()))
}

// notYet records what is in the way and passes by itself, and pauses a little;
// longer the longer that has been so.
func (t *task) notYet(start time.Time, why string) error {
	if err := t.note(why); err != nil {
		return err
	}
	if err := t.overdue(start, why); err != nil {
		return err
	}
	waited := time.Since(start)
	d := forecast{}.next(waited) - waited
	return t.pause(d + rand.N(d/10+1)) // so that many do not beat in time
}

// note records what the step waits for.
func (t *task) note(why string) error {
	s := t.node.step
	if s.State == model.StepWaiting && s.Why == why {
		return nil
	}
	s.State, s.Why = model.StepWaiting, why
	return t.run.save(t.ctx, s, t.res)
}

// overdue fails the step when it has waited for longer than its kind may.
func (t *task) overdue(start time.Time, why string) error {
	if t.timing.Limit <= 0 || time.Since(start) <= t.timing.Limit {
		return nil
	}
	return t.fail(&model.Problem{
		Code:    "WaitTimedOut",
		Message: fmt.Sprintf("It was not done after %s. Last seen: %s", t.timing.Limit.Round(time.Second), why),
		Advice:  "Look at the resource in AWS's console. Retry goes on waiting from here.",
	})
}

// pause waits. It ends early with the walk's error when the run is interrupted.
func (t *task) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.ctx.Done():
		return context.Cause(t.ctx)
	}
}
