package panel

import (
	"context"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// EventFilter narrows Events. Empty fields narrow nothing.
type EventFilter struct {
	Type        model.EventType
	JobID       string
	After       int64 // only those above this number
	NewestFirst bool
	From        int64 // number of the event that the list goes on after
	Limit       int
}

// Events lists a backend's events in the order of their numbers. viewer.
func (p *Panel) Events(ctx context.Context, a model.Actor, backendID string, f EventFilter) ([]model.Event, error) {
	if _, err := p.backend(ctx, a, SeeBackends, backendID); err != nil {
		return nil, err
	}
	return p.Store.Read().Events(ctx, store.EventQuery{
		BackendID: backendID, Type: f.Type, JobID: f.JobID, After: f.After, NewestFirst: f.NewestFirst, From: f.From, Limit: f.Limit,
	})
}

// StreamEvents calls send for each event after the cursor, oldest first, and
// goes on with new ones until ctx ends, send fails or the actor may not ask as
// they did (CodeUnauthorized). idle, when not nil, is called when nothing came
// for 15 s (a keep-alive). viewer.
func (p *Panel) StreamEvents(ctx context.Context, a model.Actor, backendID string, after int64, send func(model.Event) error, idle func() error) error {
	if _, err := p.backend(ctx, a, SeeBackends, backendID); err != nil {
		return err
	}
	read := func(ctx context.Context, after int64, limit int) ([]model.Event, error) {
		if err := p.still(ctx, a); err != nil {
			return nil, err
		}
		return p.Store.Read().EventsAfter(ctx, backendID, after, limit)
	}
	return p.Hub.Follow(ctx, backendID, after, read, send, idle)
}

// StreamBackends calls changed with the ids of the visible backends that have
// new events, until ctx ends, changed fails or the actor may not ask as they did
// (CodeUnauthorized). viewer.
func (p *Panel) StreamBackends(ctx context.Context, a model.Actor, changed func(backendIDs []string) error, idle func() error) error {
	if err := member(a, SeeBackends); err != nil {
		return err
	}
	visible := func(ctx context.Context) (map[string]int64, error) {
		if err := p.still(ctx, a); err != nil {
			return nil, err
		}
		return p.Store.Read().EventSeqs(ctx, store.BackendQuery{TeamIDs: a.TeamIDs(), IncludeDestroyed: true})
	}
	return p.Hub.FollowAll(ctx, visible, changed, idle)
}

// overlap is how far a stream that is taken up goes back beyond where it broke
// off: longer than a transaction takes from an event's time to its commit.
const overlap = time.Minute

// AllEvents follows the events of all backends that an actor sees.
type AllEvents struct {
	TeamID string    // of one team only; "" = of all
	Since  time.Time // the mark that an earlier stream reached; zero = from now on
	Send   func(model.Event) error
	// Mark is told up to which moment everything was sent.
	Mark func(time.Time) error
	Idle func() error
}

// StreamAllEvents sends each event once, in the order of its backend, and goes
// on with new ones until ctx ends, a call fails or the actor may not ask as
// they did (CodeUnauthorized). Taken up at a mark, it misses none; those of the
// last minute before it come again. viewer.
func (p *Panel) StreamAllEvents(ctx context.Context, a model.Actor, f AllEvents) error {
	if err := member(a, SeeBackends); err != nil {
		return err
	}
	query := BackendFilter{TeamID: f.TeamID, Destroyed: true}.query(a)
	looked := p.Store.Now()
	visible := func(ctx context.Context) (map[string]int64, error) {
		if err := p.still(ctx, a); err != nil {
			return nil, err
		}
		looked = p.Store.Now()
		return p.Store.Read().EventSeqs(ctx, query)
	}
	from := looked
	if !f.Since.IsZero() {
		from = f.Since.Add(-overlap)
	}
	after, err := p.Store.Read().EventSeqsBefore(ctx, query, from)
	if err != nil {
		return err
	}
	if err := f.Mark(from); err != nil {
		return err
	}
	changed := func(ids []string) error {
		for _, id := range ids {
			if err := p.sendAfter(ctx, id, after, f.Send); err != nil {
				return err
			}
		}
		return f.Mark(looked)
	}
	return p.Hub.FollowAll(ctx, visible, changed, f.Idle)
}

// eventBatch is how many events are read at once.
const eventBatch = 200

// sendAfter sends a backend's events after the number that is noted for it.
func (p *Panel) sendAfter(ctx context.Context, id string, after map[string]int64, send func(model.Event) error) error {
	for {
		list, err := p.Store.Read().EventsAfter(ctx, id, after[id], eventBatch)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := send(e); err != nil {
				return err
			}
			after[id] = e.Seq
		}
		if len(list) < eventBatch {
			return nil
		}
	}
}

// still refuses to go on for an actor who may no longer do what they could when
// they asked: their session or token has ended, or their roles are others.
func (p *Panel) still(ctx context.Context, a model.Actor) error {
	if p.Access == nil {
		return nil
	}
	now, err := p.Access.Renew(ctx, a)
	if err == nil && !now.SameRights(a) {
		err = model.Errorf(model.CodeUnauthorized, "What you may do has changed. Ask again.")
	}
	return err
}
