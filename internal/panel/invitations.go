package panel

import (
	"context"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// invitationLifetime is how long an invitation is good for.
const invitationLifetime = 7 * 24 * time.Hour

// Invite makes an invitation into the team, bound to an address. The secret of
// its link is returned here and never again. owner.
func (p *Panel) Invite(ctx context.Context, a model.Actor, teamID, email string, role model.Role) (string, *model.Invitation, error) {
	if _, err := p.team(ctx, a, ManageMembers, teamID); err != nil {
		return "", nil, err
	}
	if err := grantable(role); err != nil {
		return "", nil, err
	}
	email, why := model.NormalEmail(email)
	if why != "" {
		return "", nil, invalid("email", "%s", why)
	}
	secret, hash := p.Secrets.NewLink()
	now := p.Store.Now()
	i := &model.Invitation{TeamID: teamID, Email: email, Role: role, CreatedBy: a.Maker(), CreatedAt: now, ExpiresAt: now.Add(invitationLifetime)}
	err := p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.InsertInvitation(ctx, i, hash); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{
			Actor: a, Action: model.AuditInvite, Noun: "invitation", ID: i.ID, Name: email, TeamID: teamID, After: i,
		})
	})
	if err != nil {
		return "", nil, err
	}
	return secret, i, nil
}

// Invitations lists the team's open invitations. owner.
func (p *Panel) Invitations(ctx context.Context, a model.Actor, teamID string) ([]model.Invitation, error) {
	if _, err := p.team(ctx, a, SeeTokens, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().Invitations(ctx, teamID)
}

// RevokeInvitation makes an open invitation worthless. owner.
func (p *Panel) RevokeInvitation(ctx context.Context, a model.Actor, teamID, id string) error {
	if _, err := p.team(ctx, a, ManageMembers, teamID); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.DeleteInvitation(ctx, teamID, id); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditInvitationRevoke, Noun: "invitation", ID: id, TeamID: teamID})
	})
}
