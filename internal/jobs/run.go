package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"drawbridge/internal/model"
)

// finishTimeout bounds one try to record how a run ended.
const finishTimeout = 15 * time.Second

type cancelKey struct{}

// CancelRequested returns a channel that is closed when cancel of the job of
// the handler's ctx is requested, so that waits end promptly while calls under
// way are not torn. Outside a handler it is nil, which never fires.
func CancelRequested(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(cancelKey{}).(chan struct{})
	return c
}

// run is one claim of a job by this worker.
type run struct {
	worker *Worker
	job    *model.Job
	ctx    context.Context // the handler's
	end    context.CancelCauseFunc
	hold   *hold
	log    *slog.Logger
	done   chan struct{} // closed when the handler has returned and the outcome is recorded

	cancelOnce sync.Once
	cancelled  chan struct{}
}

// newRun begins a run of a job that was claimed by a request sent at claimed.
func newRun(w *Worker, handlers context.Context, job *model.Job, claimed time.Time) *run {
	r := &run{
		worker: w, job: job, hold: newHold(claimed.Add(w.Lease)), done: make(chan struct{}), cancelled: make(chan struct{}),
		log: w.Logger,
	}
	ctx := context.WithValue(context.WithValue(w.Context(handlers, job), cancelKey{}, r.cancelled), holdKey{}, r.hold)
	r.ctx, r.end = context.WithCancelCause(ctx)
	if !job.CancelRequestedAt.IsZero() {
		r.requestCancel()
	}
	return r
}

func (r *run) requestCancel() { r.cancelOnce.Do(func() { close(r.cancelled) }) }

// lose ends a run whose job is another's.
func (r *run) lose() {
	r.hold.lose()
	r.end(model.ErrLeaseLost)
}

// perform keeps the lease while the handler works, and records the outcome.
// previous is an older run of the same job in this process, whose lease was
// taken by this one (the machine slept): the job must not be worked on twice.
func (r *run) perform(previous *run) {
	defer close(r.done)
	beat, stopBeating := context.WithCancel(context.WithoutCancel(r.ctx))
	var beating sync.WaitGroup
	beating.Go(func() { r.heartbeat(beat) })
	defer beating.Wait()
	defer stopBeating()
	defer r.end(nil)
	if previous != nil {
		previous.lose()
		<-previous.done
	}
	start := time.Now()
	err := r.handle()
	lost := errors.Is(err, model.ErrLeaseLost) || errors.Is(context.Cause(r.ctx), model.ErrLeaseLost)
	if lost {
		r.left()
		return
	}
	o := outcome(r.ctx, err, r.job.Failures)
	r.report(err, o, time.Since(start))
	switch err := r.finish(beat, o); {
	case err == nil:
		r.worker.Observer.Ran(r.job, o.State)
	case errors.Is(err, model.ErrLeaseLost):
		// It ended before a heartbeat could tell: a process that was frozen
		// within a transaction wakes to a broken one.
		r.left()
	}
}

// left notes that the run's job is another's, and so is its outcome.
func (r *run) left() {
	r.worker.Observer.LeaseLost(r.job)
	r.log.WarnContext(r.ctx, "job left to another holder")
}

func (r *run) handle() error {
	h := r.worker.Handlers[r.job.Operation]
	if h == nil {
		return Fatal(&model.Problem{Code: "UnknownOperation", Message: "This version of Drawbridge cannot " + string(r.job.Operation) + ".",
			Advice: "Start the version that queued the job."})
	}
	crash, err := safely(r.ctx, h, r.job)
	if crash != nil {
		r.log.ErrorContext(r.ctx, "job's handler panicked", "panic", crash.value, "stack", string(crash.stack))
	}
	return err
}

func (r *run) report(err error, o model.Outcome, took time.Duration) {
	level := slog.LevelInfo
	if o.Retry || o.State == model.JobFailed {
		level = slog.LevelWarn
	}
	r.log.Log(r.ctx, level, "job ran", "state", o.State, "took", took, "error", err, "problem", o.Problem)
}

// finish records the outcome. While the database does not take it, it tries
// again under the living lease; a worker that stops gives up, and the job is
// claimed again once the lease has run out. The error says why nothing is
// recorded: model.ErrLeaseLost when that is another's to do.
func (r *run) finish(ctx context.Context, o model.Outcome) error {
	for {
		tryCtx, cancel := context.WithTimeout(ctx, finishTimeout)
		err := r.worker.store.FinishJob(tryCtx, r.job.Lease(), o)
		cancel()
		if err == nil || errors.Is(err, model.ErrLeaseLost) {
			return err
		}
		r.log.ErrorContext(ctx, "how the job ran cannot be recorded", "state", o.State, "error", err)
		timer := time.NewTimer(r.worker.Poll)
		select {
		case <-timer.C:
		case <-r.ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// heartbeat extends the lease until ctx ends. It ends the handler when the
// lease is another's, or when it could not be extended before it ran out.
func (r *run) heartbeat(ctx context.Context) {
	every := r.worker.Lease / 3
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		sent := time.Now()
		tryCtx, cancelTry := context.WithTimeout(ctx, every)
		cancel, err := r.worker.store.HeartbeatJob(tryCtx, r.job.Lease(), r.worker.Lease)
		cancelTry()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			r.hold.renew(sent.Add(r.worker.Lease))
			if cancel {
				r.requestCancel()
			}
		case errors.Is(err, model.ErrLeaseLost), r.hold.over():
			r.log.ErrorContext(ctx, "lease on the job lost", "error", err)
			r.lose()
			return
		default:
			r.log.WarnContext(ctx, "lease on the job not extended; trying again", "error", err)
		}
	}
}
