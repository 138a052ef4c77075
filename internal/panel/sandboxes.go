package panel

import (
	"cmp"
	"context"
	"slices"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// SandboxFilter narrows Sandboxes. Empty fields narrow nothing.
type SandboxFilter struct {
	TeamID     string // of one team only; one that the actor does not see has none
	Key        string
	TemplateID string
	MadeBy     string // id of the person to whom they go back
	State      model.SandboxState
	Gone       bool   // those of which nothing is left, instead of the others
	Sort       string // created_at, ends_at or key, with - from the last to the first; "" = newest first
	After      string // id of the sandbox that the list goes on after
	Limit      int    // 0 = all
}

// Sandboxes lists the sandboxes that the actor sees. viewer.
func (p *Panel) Sandboxes(ctx context.Context, a model.Actor, f SandboxFilter) ([]BackendSummary, error) {
	if err := member(a, SeeBackends); err != nil {
		return nil, err
	}
	if f.After != "" {
		if _, err := p.backend(ctx, a, SeeBackends, f.After); err != nil {
			return nil, err
		}
	}
	found, err := p.Store.Read().Sandboxes(ctx, store.SandboxQuery{
		TeamIDs: BackendFilter{TeamID: f.TeamID}.teams(a), Key: f.Key, TemplateID: f.TemplateID, MadeBy: f.MadeBy, State: f.State,
		Gone: f.Gone, Sort: f.Sort, After: f.After, Limit: f.Limit,
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make([]string, len(found))
	place := make(map[string]int, len(found))
	for i, x := range found {
		ids[i], place[x.BackendID] = x.BackendID, i
	}
	list, err := p.sandboxSummaries(ctx, ids)
	slices.SortFunc(list, func(a, b BackendSummary) int { return place[a.ID] - place[b.ID] })
	return list, err
}

// TeamSandboxes is Sandboxes for one team, which must be the actor's. viewer.
func (p *Panel) TeamSandboxes(ctx context.Context, a model.Actor, f SandboxFilter) ([]BackendSummary, error) {
	if _, err := p.team(ctx, a, SeeBackends, f.TeamID); err != nil {
		return nil, err
	}
	return p.Sandboxes(ctx, a, f)
}

// Sandbox returns one sandbox with its backend. viewer.
func (p *Panel) Sandbox(ctx context.Context, a model.Actor, id string) (*BackendSummary, error) {
	if _, err := p.sandboxBackend(ctx, a, SeeBackends, id); err != nil {
		return nil, err
	}
	list, err := p.sandboxSummaries(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].Sandbox == nil {
		return nil, model.NotFound("sandbox", id)
	}
	return &list[0], nil
}

// sandboxSummaries are the sandboxes with the ids, in no order.
func (p *Panel) sandboxSummaries(ctx context.Context, ids []string) ([]BackendSummary, error) {
	return p.listed(ctx, store.BackendQuery{IDs: ids, IncludeDestroyed: true})
}

// sandboxBackend loads a sandbox's backend for an actor who has the permission.
func (p *Panel) sandboxBackend(ctx context.Context, a model.Actor, need Permission, id string) (*model.Backend, error) {
	b, err := p.Store.Read().BackendByID(ctx, id)
	if model.CodeOf(err) == model.CodeNotFound {
		return nil, model.NotFound("sandbox", id)
	}
	if err != nil {
		return nil, err
	}
	return b, allow(a, need, b.TeamID, "sandbox", id)
}

// sandboxOf is the sandbox that the backend is, nil for none.
func sandboxOf(ctx context.Context, q *store.Queries, backendID string) (*model.Sandbox, error) {
	x, err := q.SandboxByID(ctx, backendID)
	if model.CodeOf(err) == model.CodeNotFound {
		return nil, nil
	}
	return x, err
}

// lockSandbox locks the sandbox's backend and returns both.
func lockSandbox(ctx context.Context, q *store.Queries, id string) (*model.Sandbox, *model.Backend, error) {
	b, err := q.BackendForUpdate(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	x, err := q.SandboxByID(ctx, id)
	return x, b, err
}

// notEnding refuses to begin what the end of a sandbox would undo.
func (p *Panel) notEnding(ctx context.Context, b *model.Backend, op model.Operation) error {
	if op == model.OpDestroy || op == model.OpCleanUp {
		return nil
	}
	x, err := sandboxOf(ctx, p.Store.Read(), b.ID)
	if err != nil || x == nil || x.EndingAt.IsZero() {
		return err
	}
	return conflict(b.ActiveJobID, "The sandbox %s has ended and is being destroyed. Make a new one instead.", b.Name)
}

// notEndingID is notEnding for who knows the backend's id.
func (p *Panel) notEndingID(ctx context.Context, backendID string, op model.Operation) error {
	b, err := p.Store.Read().BackendByID(ctx, backendID)
	if err != nil {
		return err
	}
	return p.notEnding(ctx, b, op)
}

// SandboxTTLs are how long a sandbox of the environment lives unless asked
// otherwise, and at most.
func (p *Panel) SandboxTTLs(env *model.Environment) (ttl, most time.Duration) {
	most = cmp.Or(env.SandboxMaxTTL, p.SandboxMaxTTL, model.DefaultSandboxMaxTTL)
	return min(cmp.Or(env.SandboxTTL, p.SandboxTTL, model.DefaultSandboxTTL), most), most
}

// TemplateTTLs are how long a sandbox of the template lives unless asked
// otherwise, and at most.
func (p *Panel) TemplateTTLs(t *model.SandboxTemplate, environments []model.Environment) (ttl, most time.Duration) {
	env := &model.Environment{}
	for i := range environments {
		if environments[i].ID == t.EnvironmentID {
			env = &environments[i]
		}
	}
	ttl, most = p.SandboxTTLs(env)
	if t.TTL > 0 {
		ttl = min(t.TTL, most)
	}
	return ttl, most
}

// ExtendSandbox has a sandbox end that long from now, "" = its environment's
// default, model.LongestTTL = as long as it may; not later than it may, and not
// sooner than it would. developer.
func (p *Panel) ExtendSandbox(ctx context.Context, a model.Actor, id, ttl string) (*BackendSummary, error) {
	b, err := p.sandboxBackend(ctx, a, MakeSandboxes, id)
	if err != nil {
		return nil, err
	}
	env, err := p.Store.Read().EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return nil, err
	}
	length, most := p.SandboxTTLs(env)
	cut := ttl == "" || ttl == model.LongestTTL
	if ttl == model.LongestTTL {
		length = most
	}
	if !cut {
		if length, err = model.ParseTTL(ttl); err != nil {
			return nil, asField("ttl", err)
		}
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		now, err := q.Clock(ctx)
		if err != nil {
			return err
		}
		x, b, err := lockSandbox(ctx, q, id)
		if err != nil {
			return err
		}
		before := x.EndsAt
		end, err := extended(x, b, length, cut, now)
		if err != nil {
			return err
		}
		x.EndAt(end, now)
		if err := q.SaveSandbox(ctx, x); err != nil {
			return err
		}
		if err := q.Notify(ctx, model.SandboxNotice(model.NoticeSandboxExtended, x, b)); err != nil {
			return err
		}
		return q.Audit(ctx, ofSandbox(a, model.AuditSandboxExtend, b, map[string]any{"ends_at": before}, map[string]any{"ends_at": x.EndsAt}))
	})
	if err != nil {
		return nil, err
	}
	return p.Sandbox(ctx, a, id)
}

// extended is the new end of a sandbox that shall live that long from now. What
// is more than it may is cut or refused.
func extended(x *model.Sandbox, b *model.Backend, length time.Duration, cut bool, now time.Time) (time.Time, error) {
	if x.State() != model.SandboxLives || !now.Before(x.EndsAt) {
		return now, conflict(b.ActiveJobID, "The sandbox %s has ended and cannot be extended. Make a new one instead.", b.Name)
	}
	end := now.Add(length)
	if cut && end.After(x.MaxEndsAt) {
		end = x.MaxEndsAt
	}
	switch {
	case length < model.MinSandboxTTL:
		return now, invalid("ttl", "A sandbox lives for a minute at least; write how long from now, as in 90m, 8h or 2d12h.")
	case !x.EndsAt.Before(x.MaxEndsAt):
		return now, invalid("ttl", "It lives as long as it may already, and cannot be extended any more.")
	case end.After(x.MaxEndsAt):
		return now, invalid("ttl", "It may live for %s from now at most. Ask for that or less.", model.TTLText(x.MaxEndsAt.Sub(now)))
	case !end.After(x.EndsAt):
		return now, invalid("ttl", "It lives for %s from now already. Ask for more, or end it.", model.TTLText(x.EndsAt.Sub(now)))
	}
	return end, nil
}

// EndSandboxPlan shows what ending the sandbox deletes. It changes nothing. viewer.
func (p *Panel) EndSandboxPlan(ctx context.Context, a model.Actor, id string) (*model.Plan, error) {
	b, err := p.sandboxBackend(ctx, a, SeeBackends, id)
	if err != nil {
		return nil, err
	}
	have, err := p.Store.Read().Resources(ctx, id)
	if err != nil {
		return nil, err
	}
	return provision.DestroyPlan(b, have), nil
}

// EndSandbox ends a sandbox now: what works on it is cancelled, and it is
// destroyed. Asked again, meanwhile or afterwards, it changes nothing. developer.
func (p *Panel) EndSandbox(ctx context.Context, a model.Actor, id string) (*BackendSummary, error) {
	if _, err := p.sandboxBackend(ctx, a, EndSandboxes, id); err != nil {
		return nil, err
	}
	var stopped string
	err := p.Store.InTx(ctx, func(q *store.Queries) error {
		now, err := q.Clock(ctx)
		if err != nil {
			return err
		}
		x, b, err := lockSandbox(ctx, q, id)
		if err != nil {
			return err
		}
		if x.State() != model.SandboxLives {
			return nil
		}
		stopped, err = endStep(ctx, q, a, x, b, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.told(stopped)
	return p.Sandbox(ctx, a, id)
}

// told wakes who carries jobs out, and stops the one that was cancelled.
func (p *Panel) told(stopped string) {
	if stopped != "" {
		p.Worker.Cancel(stopped)
	}
	p.Worker.Wake()
}

// asField is a refusal without fields as one of that field.
func asField(path string, err error) error {
	if e, ok := err.(*model.Error); ok && len(e.Fields) == 0 && e.Code == model.CodeInvalid {
		return invalid(path, "%s", e.Message)
	}
	return err
}

// ofSandbox is a change of a sandbox.
func ofSandbox(a model.Actor, action model.AuditAction, b *model.Backend, before, after any) model.Change {
	return model.Change{Actor: a, Action: action, Noun: "sandbox", ID: b.ID, Name: b.Name, TeamID: b.TeamID, Before: before, After: after}
}
