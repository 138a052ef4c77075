package provision

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/internal/model"
)

// oven is a kind whose things are ready when their time has come. It counts calls.
type oven struct {
	mu    sync.Mutex
	done  map[string]time.Time
	calls int
	asked int
}

func (*oven) Name() model.ResourceKind { return "toy.oven" }
func (*oven) Timing() Timing           { return Timing{Make: time.Minute} }

func (o *oven) Find(_ context.Context, _ Inputs, r *model.Resource) (Observed, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	return o.see(r)
}

func (o *oven) see(r *model.Resource) (Observed, error) {
	o.asked++
	at, ok := o.done[r.AWSID]
	if !ok {
		return Observed{}, ErrNotFound
	}
	return Observed{AWSID: r.AWSID, Ready: !time.Now().Before(at)}, nil
}

func (o *oven) Apply(ctx context.Context, in Inputs, r *model.Resource) (Observed, error) {
	return o.Find(ctx, in, r)
}
func (*oven) Delete(context.Context, Inputs, *model.Resource) error { return nil }

// batchOven looks at all with one call.
type batchOven struct{ *oven }

func (o batchOven) FindAll(_ context.Context, asks []Ask) []Answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	answers := make([]Answer, len(asks))
	for i, a := range asks {
		answers[i].Observed, answers[i].Err = o.see(a.Resource)
	}
	return answers
}

// unqueued is for kinds whose calls take no turns.
func unqueued(ctx context.Context, _ Caller) context.Context { return ctx }

// wants is a request for a look at a thing, due in a while.
func wants(id string, in time.Duration) *request {
	due := time.Now().Add(in)
	return &request{
		ask: Ask{In: Inputs{Environment: &model.Environment{ID: "env_1"}}, Resource: &model.Resource{BackendID: id, Key: "k", AWSID: id}},
		due: func() time.Time { return due }, slack: 100 * time.Millisecond, answer: make(chan Answer, 1),
	}
}

// lookAll asks for n things, a little after each other, and returns when all are answered.
func lookAll(t *testing.T, kind Kind, n int, apart time.Duration) {
	t.Helper()
	w := newWatch(unqueued)
	var all sync.WaitGroup
	for i := range n {
		r := wants(fmt.Sprint(i), time.Minute+time.Duration(i)*apart)
		all.Go(func() {
			obs, err := w.look(t.Context(), kind, r)
			if err != nil || !obs.Ready {
				t.Errorf("thing %d: %+v, %v", i, obs, err)
			}
		})
	}
	all.Wait()
	synctest.Wait()
	if len(w.groups) != 0 {
		t.Errorf("%d groups are left", len(w.groups))
	}
}

func ready(n int) *oven {
	o := &oven{done: map[string]time.Time{}}
	for i := range n {
		o.done[fmt.Sprint(i)] = time.Now().Add(time.Minute)
	}
	return o
}

// TestWatch_sharesLooks: twenty waits that are due together take one call, and
// a look that comes a little early for some answers those that are over.
func TestWatch_sharesLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		o := batchOven{ready(20)}
		lookAll(t, o, 20, time.Second)
		if o.calls != 1 || time.Since(start) != time.Minute {
			t.Errorf("%d calls in %s", o.calls, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		o := ready(20) // takes one at a time
		lookAll(t, o, 20, time.Second)
		if o.calls != 20 {
			t.Errorf("%d calls", o.calls)
		}
	})
}

// TestWatch_earlyLooksAreNotToldOf: one that is not due and not over waits on.
func TestWatch_earlyLooksAreNotToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := batchOven{ready(2)}
		o.done["1"] = time.Now().Add(time.Hour)
		w := newWatch(unqueued)
		first, second := wants("0", time.Minute), wants("1", 2*time.Minute)
		answers := make(chan string, 2)
		for id, r := range map[string]*request{"0": first, "1": second} {
			go func() {
				obs, err := w.look(t.Context(), o, r)
				answers <- fmt.Sprintf("%s: %t, %v", id, obs.Ready, err)
			}()
		}
		start := time.Now()
		if got := <-answers; got != "0: true, <nil>" || time.Since(start) != time.Minute {
			t.Errorf("%s after %s", got, time.Since(start))
		}
		if got := <-answers; got != "1: false, <nil>" || time.Since(start) != 2*time.Minute {
			t.Errorf("%s after %s", got, time.Since(start))
		}
	})
}

// TestWatch_leaves: a wait that is interrupted ends at once and takes nobody's
// look with it; one that somebody deleted is told so.
func TestWatch_leaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := batchOven{ready(1)}
		w := newWatch(unqueued)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errInterrupted) })
		start := time.Now()
		if _, err := w.look(ctx, o, wants("0", time.Minute)); !errors.Is(err, errInterrupted) || time.Since(start) != time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if _, err := w.look(t.Context(), o, wants("gone", time.Minute)); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		if o.asked != 1 {
			t.Errorf("looked at %d things", o.asked)
		}
	})
}

// TestWatch_learnsMeanwhile: what makes a look due sooner wakes the watch.
func TestWatch_learnsMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := batchOven{ready(1)}
		w := newWatch(unqueued)
		var mu sync.Mutex
		start := time.Now()
		due := start.Add(time.Hour)
		r := wants("0", 0)
		r.due = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return due
		}
		time.AfterFunc(time.Minute, func() {
			mu.Lock()
			due = start.Add(2 * time.Minute)
			mu.Unlock()
			w.poke("env_1")
		})
		if _, err := w.look(t.Context(), o, r); err != nil || time.Since(start) != 2*time.Minute {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}
