package jobs_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func TestJobIsDoneAtOnceWhenWoken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		worker := w.start(w, jobs.Options{}, func(context.Context, *model.Job) error { return nil })
		defer worker.stop()
		synctest.Wait() // it has looked, found nothing, and waits
		start := time.Now()
		id := w.queue()
		worker.Wake()
		synctest.Wait()
		if j := w.job(id); j.State != model.JobSucceeded || time.Since(start) != 0 {
			t.Fatalf("the job is %s after %s", j.State, time.Since(start))
		}
	})
}

func TestJobIsFoundWithoutWake(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		worker := w.start(w, jobs.Options{Poll: 3 * time.Second}, func(context.Context, *model.Job) error { return nil })
		defer worker.stop()
		synctest.Wait()
		id := w.queue()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if j := w.job(id); j.State != model.JobSucceeded {
			t.Fatalf("the job is %s", j.State)
		}
	})
}

func TestOutcomes(t *testing.T) {
	problem := &model.Problem{Code: "AccessDenied", Message: "No."}
	for name, c := range map[string]struct {
		err   error
		state model.JobState
		code  string
	}{
		"fatal":            {jobs.Fatal(problem), model.JobFailed, "AccessDenied"},
		"cancelled":        {model.ErrCancelled, model.JobCancelled, ""},
		"errors of AWS":    {problem, model.JobFailed, "AccessDenied"},
		"errors for users": {model.Errorf(model.CodeUnavailable, "Gone."), model.JobFailed, "unavailable"},
		"errors for us":    {errors.New("secret"), model.JobFailed, "internal"},
		"panics":           {nil, model.JobFailed, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				worker := w.start(w, jobs.Options{}, func(context.Context, *model.Job) error {
					if c.err == nil {
						panic("secret")
					}
					return c.err
				})
				defer worker.stop()
				j := w.wantState(w.queue(), c.state)
				if c.code == "" && j.Problem == nil {
					return
				}
				if j.Problem == nil || j.Problem.Code != c.code {
					t.Fatalf("the problem is %v, want code %s", j.Problem, c.code)
				}
				if strings.Contains(j.Problem.Message, "secret") {
					t.Fatal("an error of ours was shown")
				}
			})
		})
	}
}

func TestUnknownOperationFails(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		worker := w.start(w, jobs.Options{Handlers: map[model.Operation]jobs.Handler{}}, nil)
		defer worker.stop()
		if j := w.wantState(w.queue(), model.JobFailed); j.Problem.Code != "UnknownOperation" {
			t.Fatalf("the problem is %v", j.Problem)
		}
	})
}

// TestErrorsAreTriedAgain: eight tries in a row, further and further apart.
func TestErrorsAreTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var tries []time.Time
		worker := w.start(w, jobs.Options{}, func(context.Context, *model.Job) error {
			tries = append(tries, time.Now())
			return errors.New("not yet")
		})
		defer worker.stop()
		id := w.queue()
		waiting := w.wantState(id, model.JobWaiting)
		if waiting.Why == "" || strings.Contains(waiting.Why, "not yet") {
			t.Errorf("it says %q while it waits", waiting.Why)
		}
		w.wantState(id, model.JobFailed)
		if len(tries) != 8 {
			t.Fatalf("%d tries, want 8", len(tries))
		}
		if first, last := tries[1].Sub(tries[0]), tries[7].Sub(tries[6]); first > 4*time.Second || last < 30*time.Second || last > 63*time.Second {
			t.Fatalf("pauses of %s at first and %s at last", first, last)
		}
	})
}

func TestNoMoreThanConcurrencyRun(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var now, most atomic.Int64
		for range 10 {
			w.queue()
		}
		worker := w.start(w, jobs.Options{Concurrency: 3}, func(context.Context, *model.Job) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Minute)
			now.Add(-1)
			return nil
		})
		defer worker.stop()
		time.Sleep(4*time.Minute + 30*time.Second)
		synctest.Wait()
		if most.Load() != 3 || now.Load() != 0 {
			t.Fatalf("%d ran at once, %d run still", most.Load(), now.Load())
		}
	})
}

// waitForCancel is a handler that waits as the executor does: on both.
func waitForCancel(torn *atomic.Bool) jobs.Handler {
	return func(ctx context.Context, _ *model.Job) error {
		select {
		case <-jobs.CancelRequested(ctx):
			torn.Store(ctx.Err() != nil)
			return model.ErrCancelled
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func TestCancelReachesTheHandler(t *testing.T) {
	for name, c := range map[string]struct {
		tell   func(w *jobs.Worker, id string)
		within time.Duration
	}{
		"of this process": {func(w *jobs.Worker, id string) { w.Cancel(id); w.Cancel(id); w.Cancel("absent") }, 0},
		"of another":      {func(*jobs.Worker, string) {}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				var torn atomic.Bool
				id := w.queue()
				worker := w.start(w, jobs.Options{Lease: 15 * time.Second}, waitForCancel(&torn))
				defer worker.stop()
				synctest.Wait()
				must(t, w.InTx(t.Context(), func(q *store.Queries) error { return q.RequestCancel(t.Context(), id) }))
				c.tell(worker.Worker, id)
				time.Sleep(c.within)
				synctest.Wait()
				if j := w.job(id); j.State != model.JobCancelled {
					t.Fatalf("the job is %s", j.State)
				}
				if torn.Load() {
					t.Fatal("the handler's ctx ended: a call under way would have been torn")
				}
			})
		})
	}
}

func TestNoCancelOutsideAHandler(t *testing.T) {
	t.Parallel()
	if jobs.CancelRequested(t.Context()) != nil {
		t.Fatal("a cancel for nobody")
	}
}

// TestStopLeavesJobsResumable: the handler is told, its job is claimable at
// once, and the next worker goes on with it.
func TestStopLeavesJobsResumable(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		var cause atomic.Value
		id := w.queue()
		first := w.start(w, jobs.Options{}, func(ctx context.Context, _ *model.Job) error {
			<-ctx.Done()
			cause.Store(context.Cause(ctx))
			return context.Cause(ctx)
		})
		synctest.Wait()
		start := time.Now()
		first.stop()
		if cause.Load() != jobs.ErrStopping {
			t.Fatalf("the cause was %v", cause.Load())
		}
		if j := w.job(id); j.State != model.JobWaiting || j.Why == "" || j.Failures != 0 {
			t.Fatalf("after the stop: %+v", j)
		}
		second := w.start(w, jobs.Options{}, func(context.Context, *model.Job) error { return nil })
		defer second.stop()
		synctest.Wait()
		if j := w.job(id); j.State != model.JobSucceeded || time.Since(start) != 0 {
			t.Fatalf("the job is %s %s after the stop", j.State, time.Since(start))
		}
	})
}

func TestStopWaitsNoLongerThanGrace(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		id := w.queue()
		worker := w.start(w, jobs.Options{Grace: 7 * time.Second}, func(context.Context, *model.Job) error {
			<-release
			return nil
		})
		synctest.Wait()
		start := time.Now()
		worker.stop()
		if d := time.Since(start); d != 7*time.Second {
			t.Fatalf("it stopped after %s", d)
		}
		if j := w.job(id); j.State != model.JobRunning {
			t.Fatalf("the job is %s", j.State)
		}
		close(release)
		synctest.Wait()
	})
}
