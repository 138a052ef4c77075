package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawbridge/internal/model"
)

const (
	// changeTries is how often a call that may help later is sent before the step fails.
	changeTries = 6
	// lookTries is the same for looks, on top of the SDK's own tries.
	lookTries = 5
	// maxRequestIDs bounds what a step keeps of its changes' request ids; the newest stay.
	maxRequestIDs = 20
	// visibleWithin is how long a thing that was just made may be invisible:
	// AWS's reads are eventually consistent (docs/aws-facts.md, section C4).
	visibleWithin = 30 * time.Second
)

// task carries out one node: make for what is wanted, unmake for what leaves.
type task struct {
	run       *run
	node      *node
	kind      Kind
	in        Inputs
	timing    Timing
	ctx       context.Context // ends when the run is interrupted
	res       *model.Resource
	announced bool // the walk knows that the resource exists
	doubtful  bool // an earlier run began to make it, and nobody knows whether it did
	wait      wait
}

// make brings the node's resource into being, changes the one that is there or
// takes note of it, and waits until it is ready.
func (t *task) make() error {
	res, fresh := t.run.resource(t.node)
	t.res = res
	if t.run.restful && t.node.item.Action == model.ActionKeep {
		return t.pass()
	}
	t.intend(fresh)
	if err := t.begin(); err != nil {
		return err
	}
	obs, err := t.findOrApply(fresh)
	for err == nil && !obs.Ready {
		if obs.Differs {
			obs, err = t.alter()
			continue
		}
		obs, err = t.awaitReady(obs)
	}
	if err != nil {
		return err
	}
	return t.finish(obs)
}

// uses tells whether the node only looks at something.
func (t *task) uses() bool {
	return t.node.item.Action == model.ActionUse || t.node.item.Action == model.ActionCheck
}

// begin writes the intent, before any call.
func (t *task) begin() error {
	s := *t.node.step
	t.doubtful = t.res.AWSID == "" && (s.State == model.StepStarted || s.State == model.StepWaiting)
	if s.StartedAt.IsZero() || s.State == model.StepFailed {
		s.StartedAt, s.WaitingSince, s.ExpectedAt = t.run.now(), time.Time{}, time.Time{}
	}
	s.State, s.Problem, s.Why, s.FinishedAt = model.StepStarted, nil, "", time.Time{}
	s.Attempt++
	if t.res.State == model.ResourceFailed {
		t.res.State, t.res.Detail = model.ResourcePlanned, ""
	}
	ctx, cancel := context.WithTimeout(t.ctx, saveTimeout)
	defer cancel()
	if err := t.run.exec.Journal.Begin(ctx, t.run.lease, &s, t.run.row(t.res)); err != nil {
		return err
	}
	*t.node.step = s
	t.run.publish(t.run.row(t.res))
	return nil
}

// findOrApply is "found before made": only a fresh resource is made without a look.
func (t *task) findOrApply(fresh bool) (Observed, error) {
	switch {
	case t.res.Changing != nil:
		return t.findAndAlter()
	case t.uses():
		obs, err := t.look()
		if errors.Is(err, ErrNotFound) {
			return Observed{Why: "AWS does not show it."}, nil
		}
		return obs, t.explain(err)
	case fresh:
		obs, err := t.apply()
		if err == nil && obs.Found && t.mayPredate() {
			t.res.MadeBy = ""
		}
		return obs, err
	}
	obs, err := t.lookUntilSure()
	if errors.Is(err, ErrNotFound) {
		if err := t.forget(); err != nil {
			return Observed{}, err
		}
		return t.apply()
	}
	return obs, t.explain(err)
}

// mayPredate tells whether what Apply found can be older than the job: what
// hangs on something that the job made cannot, and a lost answer explains it.
func (t *task) mayPredate() bool {
	for _, need := range t.in.Needs {
		if need.MadeBy == t.run.rec.Job.ID {
			return false
		}
	}
	return true
}

// forget drops the identity of a resource that is no more, so that the one
// made in its place is told apart from it (client tokens hold CreatedAt) and
// is this job's.
func (t *task) forget() error {
	job := t.run.rec.Job.ID
	if t.res.AWSID == "" && t.res.MadeBy == job {
		return nil
	}
	if t.res.AWSID != "" {
		t.res.AWSID, t.res.Outputs, t.res.State, t.res.CreatedAt = "", nil, model.ResourcePlanned, t.run.now()
	}
	t.res.MadeBy = job
	return t.run.save(t.ctx, t.node.step, t.res)
}

// apply sends the create until AWS carried it out. After an answer that does
// not say what became of the call, it looks before it sends again.
func (t *task) apply() (Observed, error) {
	start := time.Now()
	for try := 1; ; try++ {
		var obs Observed
		err := t.change(func(ctx context.Context) (err error) {
			obs, err = t.kind.Apply(ctx, t.in, t.res)
			return err
		})
		var notYet *NotYet
		switch {
		case err == nil:
			return obs, nil
		case t.stoppedBy(err):
			return Observed{}, err
		case errors.As(err, &notYet):
			if err := t.notYet(start, notYet.Why); err != nil {
				return Observed{}, err
			}
			continue
		}
		problem, retry := t.run.exec.Explain(err)
		if !retry || try == changeTries {
			return Observed{}, t.fail(problem)
		}
		t.run.exec.Logger.WarnContext(t.ctx, "aws call is tried again", "try", try, "error", err)
		if err := t.notYet(start, fmt.Sprintf("AWS answered %s; looking before trying again.", problem.Code)); err != nil {
			return Observed{}, err
		}
		if obs, err := t.look(); err == nil {
			return obs, nil
		} else if !errors.Is(err, ErrNotFound) && t.ctx.Err() != nil {
			return Observed{}, err
		}
	}
}

// finish records that the resource does its work.
func (t *task) finish(obs Observed) error {
	t.take(obs)
	t.changed()
	t.res.State, t.res.Detail = model.ResourceReady, ""
	t.node.step.State, t.node.step.Why = model.StepDone, ""
	return t.end()
}

func (t *task) end() error {
	s := t.node.step
	s.FinishedAt = t.run.now()
	s.AWSID = t.res.AWSID
	return t.run.save(t.ctx, s, t.res)
}

// observe records a look that found the resource not ready, if it tells
// anything new, and lets the nodes start that need it only to exist.
func (t *task) observe(obs Observed) error {
	if obs.Failed != nil {
		t.take(obs)
		t.res.State, t.res.Detail = model.ResourceFailed, obs.Failed.Message
		return t.fail(obs.Failed)
	}
	s := t.node.step
	if obs.Setback > 0 {
		t.timing.Limit, t.wait.unlike, s.ExpectedAt = max(t.timing.Limit, obs.Setback), true, time.Time{}
	}
	known := s.State == model.StepWaiting && s.Why == obs.Why && s.AWSID == obs.AWSID
	t.take(obs)
	if !known {
		t.res.State, t.res.Detail = model.ResourcePending, obs.Why
		s.State, s.Why, s.AWSID = model.StepWaiting, obs.Why, obs.AWSID
		if err := t.run.save(t.ctx, s, t.res); err != nil {
			return err
		}
	}
	if obs.AWSID != "" && !t.announced {
		t.announced = true
		t.run.progress <- progress{node: t.node, level: levelMade}
	}
	return nil
}

func (t *task) take(obs Observed) {
	if obs.AWSID != "" {
		t.res.AWSID, t.res.Outputs = obs.AWSID, obs.Outputs
	}
	if obs.Foreign {
		t.res.Ownership = model.OwnershipReferenced
	}
}

// look asks AWS what there is. It changes nothing, so an interrupt may tear
// it, and what may help later is asked again.
func (t *task) look() (Observed, error) {
	start := time.Now()
	for try := 1; ; try++ {
		ctx, cancel := context.WithTimeout(t.queued(t.ctx), lookTimeout)
		obs, err := t.kind.Find(ctx, t.in, t.res)
		cancel()
		switch {
		case err == nil || errors.Is(err, ErrNotFound):
			return obs, err
		case t.ctx.Err() != nil:
			return obs, context.Cause(t.ctx)
		}
		problem, retry := t.run.exec.Explain(err)
		if !retry || try == lookTries {
			return obs, err
		}
		if err := t.notYet(start, fmt.Sprintf("AWS answered %s; asking again.", problem.Code)); err != nil {
			return obs, err
		}
	}
}

// lookUntilSure looks. What may have been asked for by a run that died is only
// believed absent when it has been so for as long as its kind says.
func (t *task) lookUntilSure() (Observed, error) {
	const looks = 5
	for n := 1; ; n++ {
		obs, err := t.look()
		if !errors.Is(err, ErrNotFound) || !t.doubtful || t.timing.Unseen == 0 || n == looks {
			return obs, err
		}
		if err := t.note("Drawbridge was interrupted when it was about to make this. It looks for some seconds whether AWS got the request."); err != nil {
			return Observed{}, err
		}
		if err := t.pause(t.timing.Unseen / (looks - 1)); err != nil {
			return Observed{}, err
		}
	}
}

// change sends a call that changes something and notes its request ids. An
// interrupt does not tear it, but one that came before stops it from being sent.
func (t *task) change(f func(ctx context.Context) error) (err error) {
	t.run.serialised(t.timing.Serial, func() {
		if t.ctx.Err() != nil {
			err = context.Cause(t.ctx)
			return
		}
		ctx, requestIDs := t.run.exec.Trace(t.queued(context.WithoutCancel(t.ctx)))
		err = f(ctx)
		s := t.node.step
		s.RequestIDs = append(s.RequestIDs, requestIDs()...)
		s.RequestIDs = s.RequestIDs[max(0, len(s.RequestIDs)-maxRequestIDs):]
	})
	return err
}

// queued returns a context under which calls wait for their turn, and say so
// in the step. What an interrupt ends is that wait, not a call that was sent.
func (t *task) queued(ctx context.Context) context.Context {
	return t.run.exec.Queue(ctx, Caller{Team: t.run.rec.Job.TeamID, Until: t.ctx, Tell: func(why string, wait time.Duration) {
		t.node.step.ExpectedAt = t.run.now().Add(wait + t.run.pace.typical(t.waitKey()))
		if err := t.note(why); err != nil {
			t.run.exec.Logger.WarnContext(t.ctx, "a step's wait is not recorded", "error", err)
		}
	}})
}

// waitKey is that of the wait which the task's change begins.
func (t *task) waitKey() waitKey {
	if t.node.gone {
		return waitKey{t.node.item.Kind, model.ActionDelete}
	}
	return waitKey{t.node.item.Kind, waitAction(t.node.item.Action)}
}

// stoppedBy tells whether err ends the run rather than being AWS's word: an
// interruption, or a lease that ran out before the call was sent.
func (t *task) stoppedBy(err error) bool {
	return errors.Is(err, model.ErrLeaseLost) || t.ctx.Err() != nil && errors.Is(err, context.Cause(t.ctx))
}

// explain fails the step for an error of a look; nil stays nil, and an
// interrupt stays what it is.
func (t *task) explain(err error) error {
	if err == nil || t.ctx.Err() != nil {
		return err
	}
	if errors.Is(err, ErrNotFound) {
		return t.fail(&model.Problem{
			Code: "ResourceDisappeared", Message: "It was there and AWS does not show it any more: somebody deleted it.",
			Advice: "Retry makes it again.",
		})
	}
	problem, _ := t.run.exec.Explain(err)
	return t.fail(problem)
}

// fail records that the step failed for good, and its resource with it unless
// that works already or is on its way out.
func (t *task) fail(p *model.Problem) error {
	if t.res.State == model.ResourcePlanned || t.res.State == model.ResourcePending {
		t.res.State, t.res.Detail = model.ResourceFailed, p.Message
	}
	return t.run.fail(t.ctx, t.node, t.res, p)
}

// interrupted puts the step back to where a later run goes on from, and
// returns the error that interrupted it.
func (t *task) interrupted(err error) error {
	s := t.node.step
	if s.State == model.StepWaiting || s.State == model.StepStarted {
		s.State, s.Why = model.StepPending, "Interrupted; a retry goes on from here."
		if saveErr := t.run.save(t.ctx, s, t.res); saveErr != nil {
			return errors.Join(err, saveErr)
		}
	}
	return err
}
