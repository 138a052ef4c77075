package panel

import (
	"context"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Secrets makes what lets somebody in, and knows what is stored of it.
type Secrets interface {
	// CreateToken makes an API token; its secret is told this once.
	CreateToken(ctx context.Context, r model.TokenRequest) (string, *model.Token, error)
	// NewLink makes the secret of a link and the hash that is stored of it.
	NewLink() (secret, hash string)
}

// Tokens lists a team's API tokens, newest first. owner.
func (p *Panel) Tokens(ctx context.Context, a model.Actor, teamID string) ([]model.Token, error) {
	if _, err := p.team(ctx, a, SeeTokens, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().Tokens(ctx, teamID)
}

// CreateToken makes an API token of the team, with a role that is not above
// the actor's. Its secret is returned here and never again. owner.
func (p *Panel) CreateToken(ctx context.Context, a model.Actor, teamID, name string, role model.Role, ttl time.Duration) (string, *model.Token, error) {
	if _, err := p.team(ctx, a, ManageTokens, teamID); err != nil {
		return "", nil, err
	}
	if err := grantable(role); err != nil {
		return "", nil, err
	}
	if !a.RoleIn(teamID).AtLeast(role) {
		return "", nil, invalid("role", "A token's role cannot be above yours.")
	}
	r := model.TokenRequest{TeamID: teamID, Name: name, Role: role, TTL: ttl, Actor: a}
	return p.Secrets.CreateToken(ctx, r)
}

// RevokeToken makes a token's secret worthless. owner.
func (p *Panel) RevokeToken(ctx context.Context, a model.Actor, teamID, id string) error {
	if _, err := p.team(ctx, a, ManageTokens, teamID); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.DeleteToken(ctx, teamID, id); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditTokenRevoke, Noun: "token", ID: id, TeamID: teamID})
	})
}
