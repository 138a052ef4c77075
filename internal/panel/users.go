package panel

import (
	"context"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Users lists everybody who has an account, oldest first. admin.
func (p *Panel) Users(ctx context.Context, a model.Actor) ([]model.User, error) {
	if err := member(a, SeeUsers); err != nil {
		return nil, err
	}
	return p.Store.Read().Users(ctx)
}

// SwitchUser switches a user off, which ends their sessions and the tokens
// that they made at once, or on again. admin.
func (p *Panel) SwitchUser(ctx context.Context, a model.Actor, id string, on bool) error {
	return p.changeUser(ctx, a, id, model.AuditUserSwitch, func(q *store.Queries) error {
		if on {
			return q.SetUserDisabled(ctx, id, time.Time{})
		}
		if err := q.DeleteUserSessions(ctx, id, ""); err != nil {
			return err
		}
		if err := q.DeleteTokensBy(ctx, id, ""); err != nil {
			return err
		}
		return q.SetUserDisabled(ctx, id, p.Store.Now())
	})
}

// SetAdmin makes a user an admin, or no longer. admin.
func (p *Panel) SetAdmin(ctx context.Context, a model.Actor, id string, admin bool) error {
	return p.changeUser(ctx, a, id, model.AuditUserAdmin, func(q *store.Queries) error {
		return q.SetUserAdmin(ctx, id, admin)
	})
}

// changeUser changes a user, but never so that no admin is left.
func (p *Panel) changeUser(ctx context.Context, a model.Actor, id string, action model.AuditAction, change func(q *store.Queries) error) error {
	if err := member(a, ManageUsers); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.LockAdmins(ctx); err != nil { // two who switch each other off at once wait for each other
			return err
		}
		before, err := q.UserForUpdate(ctx, id)
		if err != nil {
			return err
		}
		if err := change(q); err != nil {
			return err
		}
		users, err := q.Users(ctx)
		if err != nil {
			return err
		}
		var after *model.User
		admins := 0
		for i := range users {
			if users[i].ID == id {
				after = &users[i]
			}
			if users[i].Admin && !users[i].Disabled() {
				admins++
			}
		}
		if admins == 0 {
			return model.Errorf(model.CodeConflict, "Drawbridge would have no admin. Make somebody else an admin first.")
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: action, Noun: "user", ID: id, Name: before.Name, Before: before, After: after})
	})
}
