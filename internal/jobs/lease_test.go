package jobs_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TestLeftOverLeases: what a killed process held goes on at once where one
// process owns the database, and after the lease elsewhere.
func TestLeftOverLeases(t *testing.T) {
	for name, c := range map[string]struct {
		exclusive bool
		within    time.Duration
	}{"exclusive": {true, 0}, "shared": {false, 62 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				id := w.queue()
				_, err := w.ClaimJob(t.Context(), "killed", time.Minute)
				must(t, err)
				worker := w.start(w, jobs.Options{Exclusive: c.exclusive}, func(context.Context, *model.Job) error { return nil })
				defer worker.stop()
				if c.within > 0 {
					time.Sleep(59 * time.Second)
					synctest.Wait()
					if j := w.job(id); j.State != model.JobRunning || j.LeaseHolder != "killed" {
						t.Fatalf("taken before the lease ended: %+v", j)
					}
					time.Sleep(c.within - 59*time.Second)
				}
				synctest.Wait()
				if j := w.job(id); j.State != model.JobSucceeded {
					t.Fatalf("the job is %s", j.State)
				}
			})
		})
	}
}

// faulty is a store in which some calls go wrong.
type faulty struct {
	*store.Store
	heartbeat func() error // its answer instead of the store's, when not nil
	finish    func() error
}

func (f *faulty) HeartbeatJob(ctx context.Context, l model.Lease, lease time.Duration) (bool, error) {
	if f.heartbeat != nil {
		return false, f.heartbeat()
	}
	return f.Store.HeartbeatJob(ctx, l, lease)
}

func (f *faulty) FinishJob(ctx context.Context, l model.Lease, o model.Outcome) error {
	if f.finish != nil {
		if err := f.finish(); err != nil {
			return err
		}
	}
	return f.Store.FinishJob(ctx, l, o)
}

var errDown = model.Errorf(model.CodeUnavailable, "The database does not answer.")

// TestLostLeaseEndsTheHandler: a worker that cannot reach the database for a
// lease's length stops its handler, and what that answers is not recorded.
func TestLostLeaseEndsTheHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		id := w.queue()
		var ended time.Duration
		start := time.Now()
		cut := w.start(&faulty{Store: w.Store, heartbeat: func() error { return errDown }}, jobs.Options{Holder: "cut", Poll: time.Hour},
			func(ctx context.Context, _ *model.Job) error {
				<-ctx.Done()
				ended = time.Since(start)
				if !errors.Is(context.Cause(ctx), model.ErrLeaseLost) {
					t.Errorf("the cause is %v", context.Cause(ctx))
				}
				return nil // "succeeded", but it is not its job any more
			})
		defer cut.stop()
		time.Sleep(time.Second) // the second comes later, so the first claims
		second := w.start(w, jobs.Options{Holder: "second"}, func(ctx context.Context, _ *model.Job) error {
			return jobs.Fatal(&model.Problem{Code: "BySecond"})
		})
		defer second.stop()
		w.wantState(id, model.JobFailed)
		time.Sleep(30 * time.Second)
		if j := w.job(id); j.State != model.JobFailed || j.LeaseTerm != 2 {
			t.Fatalf("the job is %s in term %d", j.State, j.LeaseTerm)
		}
		if ended < 15*time.Second || ended > 20*time.Second {
			t.Fatalf("its handler went on for %s; the lease is 15 s", ended)
		}
	})
}

// counts is an observer that counts.
type counts struct{ claimed, ran, lost atomic.Int64 }

func (c *counts) Claimed(*model.Job)             { c.claimed.Add(1) }
func (c *counts) Ran(*model.Job, model.JobState) { c.ran.Add(1) }
func (c *counts) LeaseLost(*model.Job)           { c.lost.Add(1) }

// TestAnOutcomeThatComesTooLate: a handler that ends, with an error of its own,
// after its job became another's and before a heartbeat said so. That is a
// lost lease, and not how the job ran.
func TestAnOutcomeThatComesTooLate(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		id := w.queue()
		asleep, seen := make(chan struct{}), &counts{}
		silent := &faulty{Store: w.Store, heartbeat: func() error { return nil }} // sent, as it thinks
		first := w.start(silent, jobs.Options{Holder: "first", Poll: time.Hour, Observer: seen}, func(context.Context, *model.Job) error {
			<-asleep
			return errDown
		})
		defer first.stop()
		synctest.Wait() // it has claimed
		second := w.start(w, jobs.Options{Holder: "second"}, func(context.Context, *model.Job) error { return nil })
		defer second.stop()
		w.wantState(id, model.JobSucceeded)
		close(asleep)
		synctest.Wait()
		if claimed, ran, lost := seen.claimed.Load(), seen.ran.Load(), seen.lost.Load(); claimed != 1 || ran != 0 || lost != 1 {
			t.Errorf("%d claimed, %d ran, %d lost; want 1, 0 and 1", claimed, ran, lost)
		}
		if j := w.job(id); j.State != model.JobSucceeded || j.LeaseTerm != 2 {
			t.Errorf("the job is %s in term %d", j.State, j.LeaseTerm)
		}
	})
}

// TestOwnJobClaimedAgain: after a sleep of the machine a worker may claim what
// it works on already. The old run must have ended before the new one begins.
func TestOwnJobClaimedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		id := w.queue()
		var mu sync.Mutex
		now, runs := 0, 0
		asleep := &faulty{Store: w.Store, heartbeat: func() error { return nil }} // sent, as it thinks
		worker := w.start(asleep, jobs.Options{Lease: 30 * time.Second}, func(ctx context.Context, _ *model.Job) error {
			mu.Lock()
			now++
			runs++
			run := runs
			if now > 1 {
				t.Error("two handlers work on one job")
			}
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			if run == 1 {
				<-ctx.Done()
				time.Sleep(5 * time.Second) // a call under way
				return context.Cause(ctx)
			}
			return nil
		})
		defer worker.stop()
		if j := w.wantState(id, model.JobSucceeded); j.LeaseTerm != 2 || runs != 2 {
			t.Fatalf("term %d after %d runs", j.LeaseTerm, runs)
		}
	})
}

// TestOutcomeIsRecordedWhenTheDatabaseIsBack: the work is not done twice.
func TestOutcomeIsRecordedWhenTheDatabaseIsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		id := w.queue()
		runs, fails := 0, 20
		down := &faulty{Store: w.Store, finish: func() error {
			if fails--; fails >= 0 {
				return errDown
			}
			return nil
		}}
		worker := w.start(down, jobs.Options{}, func(context.Context, *model.Job) error { runs++; return nil })
		defer worker.stop()
		if j := w.wantState(id, model.JobSucceeded); j.LeaseTerm != 1 || runs != 1 {
			t.Fatalf("term %d, %d runs", j.LeaseTerm, runs)
		}
	})
}
