package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Events returns a backend's events after the cursor, oldest first, at most limit. viewer.
func (p *Panel) Events(ctx context.Context, a model.Actor, backendID string, after int64, limit int) ([]model.Event, error) {
	if _, err := p.backend(ctx, a, SeeBackends, backendID); err != nil {
		return nil, err
	}
	return p.Store.Read().EventsAfter(ctx, backendID, after, limit)
}

// StreamEvents calls send for each event after the cursor, oldest first, and
// goes on with new ones until ctx ends, send fails or the actor may not ask as
// they did (CodeUnauthorized). idle, when not nil, is
// called when nothing came for 15 s (a keep-alive). viewer.
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
