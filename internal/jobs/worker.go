package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"drawbridge/internal/model"
)

// Options of a Worker. Handlers are needed; the rest has defaults.
type Options struct {
	Handlers map[model.Operation]Handler
	// Holder names this worker in leases; unique among those that share the
	// database. Default: pid and random.
	Holder string
	// Exclusive: no other process works on this database, so leases that are
	// held at start are left over from a process that is gone.
	Exclusive   bool
	Lease       time.Duration // 15 s; a heartbeat goes out every third of it
	Concurrency int           // jobs at once; 256, for a waiting one is cheap
	Poll        time.Duration // between looks for jobs that no Wake announced; 2 s
	Grace       time.Duration // how long a stop waits for handlers; 20 s
	Logger      *slog.Logger  // slog.Default
	Observer    Observer      // nil: nobody
	// Context adds to the ctx of a run's handler and of its log lines what the
	// job's are to carry; nil adds nothing.
	Context func(ctx context.Context, job *model.Job) context.Context
}

// Observer is told what the worker does. It must not block.
type Observer interface {
	Claimed(job *model.Job)
	Ran(job *model.Job, state model.JobState)
	LeaseLost(job *model.Job)
}

type nobody struct{}

func (nobody) Claimed(*model.Job)             {}
func (nobody) Ran(*model.Job, model.JobState) {}
func (nobody) LeaseLost(*model.Job)           {}

func (o Options) withDefaults() Options {
	setDefault(&o.Holder, fmt.Sprintf("%d-%s", os.Getpid(), model.NewID("")))
	setDefault(&o.Lease, 15*time.Second)
	setDefault(&o.Concurrency, 256)
	setDefault(&o.Poll, 2*time.Second)
	setDefault(&o.Grace, 20*time.Second)
	setDefault(&o.Logger, slog.Default())
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Context == nil {
		o.Context = func(ctx context.Context, _ *model.Job) context.Context { return ctx }
	}
	return o
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Worker claims jobs and has them carried out.
type Worker struct {
	Options
	store Store
	wake  chan struct{}
	slots chan struct{} // one value per running job

	running atomic.Bool

	mu   sync.Mutex
	runs map[string]*run // by job; the newest run of each
	wg   sync.WaitGroup
}

// New makes a worker. It does nothing until Run.
func New(s Store, o Options) *Worker {
	o = o.withDefaults()
	return &Worker{
		Options: o, store: s, wake: make(chan struct{}, 1),
		slots: make(chan struct{}, o.Concurrency), runs: map[string]*run{},
	}
}

// Wake tells the worker that a job was queued. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Running tells whether the worker takes jobs.
func (w *Worker) Running() bool { return w.running.Load() }

// Cancel tells a running job's handler that cancel was requested; the request
// itself is in the database. It never blocks, and does nothing for a job that
// runs elsewhere: that one sees it at its next heartbeat.
func (w *Worker) Cancel(jobID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.runs[jobID]; r != nil {
		r.requestCancel()
	}
}

// Run works until ctx ends. Then it stops claiming, ends the handlers' ctx
// with ErrStopping as its cause, and waits for them, but not longer than
// Grace. Their jobs are claimable at once by whoever comes next.
func (w *Worker) Run(ctx context.Context) error {
	w.running.Store(true)
	defer w.running.Store(false)
	if w.Exclusive {
		n, err := w.store.ReleaseJobs(ctx)
		if err != nil {
			return fmt.Errorf("release jobs of the last run: %w", err)
		}
		if n > 0 {
			w.Logger.InfoContext(ctx, "jobs go on from where the last run left them", "jobs", n)
		}
	}
	handlers, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(ErrStopping)
	w.claimAll(ctx, handlers)
	stop(ErrStopping)
	return w.drain(ctx)
}

// drain waits for the running handlers.
func (w *Worker) drain(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		w.wg.Wait()
		close(done)
	}()
	timer := time.NewTimer(w.Grace)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Logger.WarnContext(ctx, "stopped without waiting longer for running jobs; they go on at the next start", "jobs", len(w.runs))
	return nil
}

// claimAll claims jobs until ctx ends, and starts each with handlers as its context.
func (w *Worker) claimAll(ctx, handlers context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	lastErr := ""
	for {
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		sent := time.Now()
		job, err := w.store.ClaimJob(ctx, w.Holder, w.Lease)
		if job != nil && err == nil {
			w.start(handlers, job, sent)
			lastErr = ""
			continue
		}
		<-w.slots
		if err != nil && ctx.Err() == nil && err.Error() != lastErr {
			lastErr = err.Error() // once, not at every look
			w.Logger.ErrorContext(ctx, "jobs cannot be claimed", "error", err)
		}
		timer.Reset(w.Poll)
		select {
		case <-w.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// start runs a claimed job, which has a slot, in a goroutine of its own.
func (w *Worker) start(handlers context.Context, job *model.Job, claimed time.Time) {
	r := newRun(w, handlers, job, claimed)
	w.Observer.Claimed(job)
	if job.TakenOver() {
		r.log.WarnContext(r.ctx, "job taken over", "why", job.Why)
	}
	w.mu.Lock()
	previous := w.runs[job.ID]
	w.runs[job.ID] = r
	w.mu.Unlock()
	w.wg.Go(func() {
		r.perform(previous)
		w.mu.Lock()
		if w.runs[job.ID] == r {
			delete(w.runs, job.ID)
		}
		w.mu.Unlock()
		<-w.slots
		w.Wake() // the job may be claimable again, or its backend's next one
	})
}
