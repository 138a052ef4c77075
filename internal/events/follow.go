package events

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"drawbridge/internal/model"
)

const (
	// lookEvery is how soon a follower sees what another replica wrote, whose
	// wakes do not come here.
	lookEvery = 2 * time.Second
	// pace is the least time between two looks at all backends: a hundred that
	// change at once are a few looks and not a hundred.
	pace = 300 * time.Millisecond
	// idleAfter is how long nothing is sent before idle is called: short enough
	// for the proxies on the way to keep the connection.
	idleAfter = 15 * time.Second
	// batch is how many events are read at once.
	batch = 200
)

// Read returns a backend's events after the cursor, oldest first, at most limit.
type Read func(ctx context.Context, after int64, limit int) ([]model.Event, error)

// Visible returns the number of the newest event of each backend that the
// caller may see.
type Visible func(ctx context.Context) (map[string]int64, error)

// Follow calls send for each event of the backend after the cursor, oldest
// first and without a gap, and goes on with new ones. It returns when ctx ends
// (with its cause) or when read, send or idle fails. idle, which may be nil,
// is called when nothing was sent for a while.
func (h *Hub) Follow(ctx context.Context, backendID string, after int64, read Read, send func(model.Event) error, idle func() error) error {
	sub := h.Subscribe(backendID) // before the first read: nothing falls between
	defer sub.Close()
	look := func() (bool, error) {
		sent := false
		for {
			list, err := read(ctx, after, batch)
			if err != nil {
				return sent, fmt.Errorf("read events after %d: %w", after, err)
			}
			for _, e := range list {
				if err := send(e); err != nil {
					return sent, err
				}
				after, sent = e.Seq, true
			}
			if len(list) < batch {
				return sent, nil
			}
		}
	}
	return follow(ctx, sub, look, idle)
}

// FollowAll calls changed with the ids of the backends that have new events,
// until ctx ends (with its cause) or a call fails. There is no cursor, so it
// begins with all visible ones: what changed between a page's making and its
// stream, or while the stream was broken, is not missed.
func (h *Hub) FollowAll(ctx context.Context, visible Visible, changed func(backendIDs []string) error, idle func() error) error {
	sub := h.Subscribe("")
	defer sub.Close()
	seen := map[string]int64{}
	look := func() (bool, error) {
		newest, err := visible(ctx)
		if err != nil {
			return false, fmt.Errorf("read event numbers: %w", err)
		}
		maps.DeleteFunc(seen, func(id string, _ int64) bool { _, still := newest[id]; return !still })
		ids := newer(newest, seen)
		if len(ids) == 0 {
			return false, nil
		}
		if err := changed(ids); err != nil {
			return true, err
		}
		maps.Copy(seen, newest)
		select {
		case <-time.After(pace):
		case <-ctx.Done():
		}
		return true, nil
	}
	return follow(ctx, sub, look, idle)
}

// newer returns the ids whose numbers grew, sorted.
func newer(newest, seen map[string]int64) []string {
	var ids []string
	for id, seq := range newest {
		if seq > seen[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// follow looks at once, then after each wake and every lookEvery at the
// latest. look tells whether it sent anything. Once a look has worked, a
// database that does not answer is waited for: the reader's connection lasts
// longer than most outages, and its cursor loses nothing.
func follow(ctx context.Context, sub *Subscription, look func() (sent bool, err error), idle func() error) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	quiet, looked := time.Now(), false
	for {
		sent, err := look()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && (!looked || model.CodeOf(err) != model.CodeUnavailable):
			return err
		case sent:
			quiet = time.Now()
		case idle != nil && time.Since(quiet) >= idleAfter:
			if err := idle(); err != nil {
				return err
			}
			quiet = time.Now()
		}
		looked = true
		select {
		case <-sub.C:
			sub.Take()
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errEnough ends a follow that has seen what it waited for.
var errEnough = errors.New("enough")

// Until calls look at once and whenever the backend may have new events, until
// look tells that it is over (nil), ctx ends (its cause) or look fails.
func (h *Hub) Until(ctx context.Context, backendID string, look func() (over bool, err error)) error {
	sub := h.Subscribe(backendID)
	defer sub.Close()
	err := follow(ctx, sub, func() (bool, error) {
		over, err := look()
		if err == nil && over {
			err = errEnough
		}
		return false, err
	}, nil)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
