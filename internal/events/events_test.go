package events_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"drawbridge/internal/events"
	"drawbridge/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// feed is a backend's events, as a database would give them.
type feed struct {
	mu   sync.Mutex
	seq  int64
	fail error
}

func (f *feed) add(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq += n
}

func (f *feed) read(_ context.Context, after int64, limit int) ([]model.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []model.Event
	for seq := after + 1; seq <= f.seq && len(list) < limit; seq++ {
		list = append(list, model.Event{Seq: seq})
	}
	return list, f.fail
}

// follower follows the feed in a goroutine and keeps what it was sent.
type follower struct {
	mu    sync.Mutex
	got   []int64
	when  []time.Duration
	idles atomic.Int64
	stop  context.CancelCauseFunc
	err   chan error
}

var errGone = errors.New("the browser is gone")

func follow(t *testing.T, hub *events.Hub, f *feed, after int64) *follower {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	fw := &follower{stop: cancel, err: make(chan error, 1)}
	start := time.Now()
	send := func(e model.Event) error {
		fw.mu.Lock()
		defer fw.mu.Unlock()
		fw.got, fw.when = append(fw.got, e.Seq), append(fw.when, time.Since(start))
		return nil
	}
	idle := func() error {
		fw.idles.Add(1)
		return nil
	}
	go func() { fw.err <- hub.Follow(ctx, "be_a", after, f.read, send, idle) }()
	return fw
}

func (fw *follower) want(t *testing.T, from, to int64) {
	t.Helper()
	synctest.Wait()
	fw.mu.Lock()
	defer fw.mu.Unlock()
	if int64(len(fw.got)) != to-from+1 {
		t.Fatalf("got %d events, want %d to %d", len(fw.got), from, to)
	}
	for i, seq := range fw.got {
		if seq != from+int64(i) {
			t.Fatalf("event %d came at place %d", seq, i)
		}
	}
}

func (fw *follower) end(t *testing.T) {
	t.Helper()
	fw.stop(errGone)
	if err := <-fw.err; !errors.Is(err, errGone) {
		t.Fatalf("it ended with %v, want the context's cause", err)
	}
}

func TestFollowSendsOldEventsThenNewOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub, f := events.NewHub(), &feed{seq: 450} // more than are read at once
		fw := follow(t, hub, f, 10)
		fw.want(t, 11, 450)
		f.add(2)
		hub.Wake("be_b") // not the one that is followed
		fw.want(t, 11, 450)
		hub.Wake("be_a")
		fw.want(t, 11, 452)
		if last := fw.when[len(fw.when)-1]; last != 0 {
			t.Fatalf("a woken follower sent after %s", last)
		}
		fw.end(t)
	})
}

// TestWakeAllHasFollowersLook: the first look after it refuses, and the stream
// ends with that at once.
func TestWakeAllHasFollowersLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub, f := events.NewHub(), &feed{seq: 1}
		fw := follow(t, hub, f, 0)
		fw.want(t, 1, 1)
		start := time.Now()
		f.mu.Lock()
		f.fail = model.Errorf(model.CodeUnauthorized, "Your session has ended.")
		f.mu.Unlock()
		hub.WakeAll()
		if err := <-fw.err; model.CodeOf(err) != model.CodeUnauthorized || time.Since(start) != 0 {
			t.Fatalf("it ended after %s with %v", time.Since(start), err)
		}
	})
}

// TestFollowSeesOtherReplicas: their wakes do not come here.
func TestFollowSeesOtherReplicas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub, f := events.NewHub(), &feed{}
		fw := follow(t, hub, f, 0)
		synctest.Wait()
		f.add(1)
		time.Sleep(2 * time.Second)
		fw.want(t, 1, 1)
		fw.end(t)
	})
}

// TestFollowOutlastsTheDatabase: a stream that has begun stays open while the
// database does not answer, and misses nothing.
func TestFollowOutlastsTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub, f := events.NewHub(), &feed{seq: 3}
		fw := follow(t, hub, f, 0)
		fw.want(t, 1, 3)
		down := func(err error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.fail = err
		}
		down(model.Errorf(model.CodeUnavailable, "The database does not answer."))
		time.Sleep(time.Minute)
		if fw.idles.Load() == 0 {
			t.Fatal("nothing kept the connection")
		}
		f.add(2)
		down(nil)
		time.Sleep(2 * time.Second)
		fw.want(t, 1, 5)
		fw.end(t)

		down(model.Errorf(model.CodeUnavailable, "The database does not answer."))
		if err := hub.Follow(t.Context(), "be_a", 0, f.read, nil, nil); model.CodeOf(err) != model.CodeUnavailable {
			t.Fatalf("a stream began without a database: %v", err)
		}
	})
}

func TestFollowKeepsTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub, f := events.NewHub(), &feed{seq: 1}
		fw := follow(t, hub, f, 0)
		time.Sleep(10 * time.Second)
		f.add(1) // not idle: it counts from here
		hub.Wake("be_a")
		time.Sleep(14 * time.Second)
		synctest.Wait()
		if fw.idles.Load() != 0 {
			t.Fatal("idle was called although something was sent")
		}
		time.Sleep(36 * time.Second) // 50 s after the last event, looked at every 2 s
		synctest.Wait()
		if n := fw.idles.Load(); n != 3 {
			t.Fatalf("idle was called %d times in 50 s, want 3", n)
		}
		fw.end(t)
	})
}

func TestFollowEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	fine := func(model.Event) error { return nil }
	for name, c := range map[string]struct {
		feed *feed
		send func(model.Event) error
		idle func() error
	}{
		"read": {&feed{fail: broken}, fine, nil},
		"send": {&feed{seq: 1}, func(model.Event) error { return broken }, nil},
		"idle": {&feed{}, fine, func() error { return broken }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := events.NewHub().Follow(t.Context(), "be_a", 0, c.feed.read, c.send, c.idle)
				if !errors.Is(err, broken) {
					t.Fatalf("it ended with %v", err)
				}
			})
		})
	}
}

func TestFollowAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hub := events.NewHub()
		var mu sync.Mutex
		seqs := map[string]int64{"be_a": 3, "be_b": 1}
		var got []string
		set := func(id string, seq int64) {
			mu.Lock()
			seqs[id] = seq
			mu.Unlock()
			hub.Wake(id)
		}
		want := func(ids ...string) {
			t.Helper()
			time.Sleep(time.Second) // more than its pace, on the test's clock
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !reflect.DeepEqual(got, ids) {
				t.Fatalf("changed %v, want %v", got, ids)
			}
			got = nil
		}
		visible := func(context.Context) (map[string]int64, error) {
			mu.Lock()
			defer mu.Unlock()
			c := map[string]int64{}
			for id, seq := range seqs {
				c[id] = seq
			}
			return c, nil
		}
		changed := func(ids []string) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, ids...)
			return nil
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- hub.FollowAll(ctx, visible, changed, nil) }()
		want("be_a", "be_b")
		set("be_b", 2)
		want("be_b")
		set("be_c", 1)
		want("be_c")
		set("be_a", 3) // woken, but nothing that the caller has not seen
		want()
		cancel(errGone)
		if err := <-done; !errors.Is(err, errGone) {
			t.Fatalf("it ended with %v", err)
		}
	})
}

// TestWakeNeverBlocks: subscribers that take nothing, many wakers.
func TestWakeNeverBlocks(t *testing.T) {
	t.Parallel()
	hub := events.NewHub()
	all, one, closed := hub.Subscribe(""), hub.Subscribe("be_a"), hub.Subscribe("")
	closed.Close()
	var wg sync.WaitGroup
	for _, id := range []string{"be_a", "be_b"} {
		for range 4 {
			wg.Go(func() {
				for range 100 {
					hub.Wake(id)
				}
			})
		}
	}
	wg.Wait()
	for sub, want := range map[*events.Subscription][]string{all: {"be_a", "be_b"}, one: {"be_a"}, closed: {}} {
		if got := sub.Take(); !reflect.DeepEqual(got, want) {
			t.Errorf("took %v, want %v", got, want)
		}
		if got := sub.Take(); len(got) != 0 {
			t.Errorf("took %v twice", got)
		}
	}
	if len(all.C) != 1 || len(closed.C) != 0 {
		t.Errorf("signals: %d and %d", len(all.C), len(closed.C))
	}
	all.Close()
	one.Close()
}
