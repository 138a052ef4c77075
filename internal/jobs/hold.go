package jobs

import (
	"context"
	"sync"
	"time"

	"drawbridge/internal/model"
)

type holdKey struct{}

// hold is what a run knows of its lease: until when it surely has it. It is
// reckoned from when the last heartbeat was sent, so that it never ends later
// than the row's, and on the process's monotonic clock, which nobody sets and
// which goes on while the process is frozen.
type hold struct {
	mu      sync.Mutex
	until   time.Time
	lost    bool
	changed chan struct{} // closed, and replaced, with every change
}

func newHold(until time.Time) *hold {
	return &hold{until: until, changed: make(chan struct{})}
}

func (h *hold) renew(until time.Time) { h.change(func() { h.until = until }) }
func (h *hold) lose()                 { h.change(func() { h.lost = true }) }

func (h *hold) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

// state tells whether the lease surely is held, or else that it is lost or
// when there will be more to say.
func (h *hold) state() (held, lost bool, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.lost && time.Now().Before(h.until), h.lost, h.changed
}

// over tells whether the lease has run out, as far as is known.
func (h *hold) over() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost || time.Now().After(h.until)
}

// Held returns nil while the handler of ctx surely holds its job's lease. It
// is asked right before each call that changes something outside the database,
// where no fence stops a process that slept. When the lease may have run out,
// Held waits for the next heartbeat to say; model.ErrLeaseLost means that the
// job is another's. Outside a handler it is nil.
func Held(ctx context.Context) error {
	h, ok := ctx.Value(holdKey{}).(*hold)
	if !ok {
		return nil
	}
	for {
		held, lost, changed := h.state()
		switch {
		case held:
			return nil
		case lost:
			return model.ErrLeaseLost
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
