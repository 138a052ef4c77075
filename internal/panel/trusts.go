package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Trusts lists whose workloads may act for the team. owner.
func (p *Panel) Trusts(ctx context.Context, a model.Actor, teamID string) ([]model.Trust, error) {
	if _, err := p.team(ctx, a, SeeTokens, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().Trusts(ctx, teamID)
}

// CreateTrust lets workloads act for the team, with a role that is not above
// the actor's. owner.
func (p *Panel) CreateTrust(ctx context.Context, a model.Actor, t model.Trust) (*model.Trust, error) {
	if _, err := p.team(ctx, a, ManageTokens, t.TeamID); err != nil {
		return nil, err
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if !a.RoleIn(t.TeamID).AtLeast(t.Role) {
		return nil, invalid("role", "A trust's role cannot be above yours.")
	}
	t.ID, t.CreatedBy, t.CreatedAt = "", a.Maker(), p.Store.Now()
	err := p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.InsertTrust(ctx, &t); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditTrustCreate, Noun: "trust", ID: t.ID, Name: t.Name, TeamID: t.TeamID, After: t})
	})
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// DeleteTrust ends a trust at once. owner.
func (p *Panel) DeleteTrust(ctx context.Context, a model.Actor, teamID, id string) error {
	if _, err := p.team(ctx, a, ManageTokens, teamID); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.DeleteTrust(ctx, teamID, id); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditTrustDelete, Noun: "trust", ID: id, TeamID: teamID})
	})
}
