package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// freezing is a store whose heartbeats can be held back, as those of a process
// that is frozen: time passes and they do not go out.
type freezing struct {
	*store.Store
	frozen atomic.Bool
	thaw   chan struct{}
}

func (f *freezing) HeartbeatJob(ctx context.Context, l model.Lease, lease time.Duration) (bool, error) {
	if f.frozen.Load() {
		<-f.thaw
		ctx = context.WithoutCancel(ctx) // it goes out now
	}
	return f.Store.HeartbeatJob(ctx, l, lease)
}

// TestHeld: a handler whose lease may have run out is told nothing before the
// row has been asked.
func TestHeld(t *testing.T) {
	for name, want := range map[string]error{"mine still": nil, "another's": model.ErrLeaseLost} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				s := &freezing{Store: w.Store, thaw: make(chan struct{})}
				asked := make(chan error, 2)
				w.queue()
				worker := w.start(s, jobs.Options{Lease: 6 * time.Second, Poll: time.Hour}, func(ctx context.Context, _ *model.Job) error {
					asked <- jobs.Held(ctx)
					s.frozen.Store(true)
					time.Sleep(7 * time.Second)
					asked <- jobs.Held(context.WithoutCancel(ctx))
					return nil
				})
				defer worker.stop()
				if err := <-asked; err != nil {
					t.Fatalf("under a new lease: %v", err)
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if len(asked) != 0 {
					t.Errorf("it was told %v before anybody could know", <-asked)
				}
				if want != nil {
					if j, err := w.ClaimJob(t.Context(), "another", time.Hour); err != nil || j == nil || !j.TakenOver() {
						t.Fatalf("claimed %v, %v", j, err)
					}
				}
				s.frozen.Store(false)
				close(s.thaw)
				if err := <-asked; !errors.Is(err, want) {
					t.Fatalf("it was told %v, want %v", err, want)
				}
			})
		})
	}
}

func TestHeldOutsideAHandler(t *testing.T) {
	t.Parallel()
	if err := jobs.Held(t.Context()); err != nil {
		t.Fatal(err)
	}
}
