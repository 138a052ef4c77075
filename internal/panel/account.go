package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Account is what a person may know about themselves.
type Account struct {
	User       model.User       `json:"user"`
	Identities []model.Identity `json:"identities"`
	Sessions   []model.Session  `json:"sessions"` // the last seen first
	Teams      []TeamRole       `json:"teams"`
}

// TeamRole is a team and what the actor is in it.
type TeamRole struct {
	model.Team
	Role model.Role `json:"role"`
}

// own refuses whoever has no account: tokens and strangers.
func own(a model.Actor) error {
	if !a.Person {
		return model.Errorf(model.CodeUnauthorized, "Sign in first.")
	}
	return nil
}

// Account returns the actor's own account. Everybody's own.
func (p *Panel) Account(ctx context.Context, a model.Actor) (*Account, error) {
	if err := own(a); err != nil {
		return nil, err
	}
	q := p.Store.Read()
	u, err := q.UserByID(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	account := &Account{User: *u}
	if account.Identities, err = q.Identities(ctx, a.ID); err != nil {
		return nil, err
	}
	if account.Sessions, err = q.UserSessions(ctx, a.ID); err != nil {
		return nil, err
	}
	teams, err := q.Teams(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range teams {
		if role := a.Teams[t.ID]; role != "" {
			account.Teams = append(account.Teams, TeamRole{t, role})
		}
	}
	return account, nil
}

// Unlink takes one of the actor's ways in by a provider away, but never the
// last of all. Everybody's own.
func (p *Panel) Unlink(ctx context.Context, a model.Actor, issuer, subject string) error {
	if err := own(a); err != nil {
		return err
	}
	if a.Stale {
		return model.Stale()
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if _, err := q.UserForUpdate(ctx, a.ID); err != nil { // of two ways in that are taken away at once, one stays
			return err
		}
		err := q.DeleteIdentity(ctx, a.ID, issuer, subject)
		if err != nil && model.CodeOf(err) == model.CodeNotFound {
			return model.Errorf(model.CodeNotFound, "This sign-in is not linked to your account any more.")
		}
		if err != nil {
			return err
		}
		u, err := q.UserByID(ctx, a.ID)
		if err != nil {
			return err
		}
		if u.Identities == 0 && (!u.HasPassword || p.NoPasswords) {
			return model.Errorf(model.CodeConflict, "This is your only way in. Link another one, or choose a password, first.")
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditUserUnlink, Noun: "user", ID: a.ID, Name: u.Name,
			Before: model.Identity{Issuer: issuer, Subject: subject, UserID: a.ID}})
	})
}

// EndSession signs one of the actor's own browsers out. Everybody's own.
func (p *Panel) EndSession(ctx context.Context, a model.Actor, id string) error {
	return p.endSessions(ctx, a, id, func(q *store.Queries) error { return q.DeleteUserSession(ctx, a.ID, id) })
}

// EndOtherSessions signs all the actor's browsers out but this one. Everybody's own.
func (p *Panel) EndOtherSessions(ctx context.Context, a model.Actor) error {
	return p.endSessions(ctx, a, "", func(q *store.Queries) error { return q.DeleteUserSessions(ctx, a.ID, a.Session) })
}

func (p *Panel) endSessions(ctx context.Context, a model.Actor, id string, end func(q *store.Queries) error) error {
	if err := own(a); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := end(q); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditSessionEnd, Noun: "session", ID: id})
	})
}
