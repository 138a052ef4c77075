package auth

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Invitation returns what an open invitation's link lets into; CodeNotFound
// for one that is wrong, used, taken back or expired.
func (a *Auth) Invitation(ctx context.Context, token string) (*model.Invitation, *model.Team, error) {
	i, err := a.openInvitation(ctx, a.store.Read(), token)
	if err != nil {
		return nil, nil, err
	}
	team, err := a.store.Read().TeamByID(ctx, i.TeamID)
	return i, team, err
}

// openInvitation finds an invitation that may still be used: it ends with the
// standing of the person who made it, as a token does.
func (a *Auth) openInvitation(ctx context.Context, q *store.Queries, token string) (*model.Invitation, error) {
	over := model.Errorf(model.CodeNotFound, "This invitation is not good any more: each works once, within seven days, and may be taken back. Ask for a new one.")
	i, err := q.InvitationByHash(ctx, hash(token))
	if err != nil && model.CodeOf(err) == model.CodeNotFound {
		return nil, over
	}
	if err != nil {
		return nil, err
	}
	if i.CreatedBy == "" {
		return i, nil
	}
	stands, err := q.OwnerStands(ctx, i.TeamID, i.CreatedBy)
	if err == nil && !stands {
		err = over
	}
	return i, err
}

// AcceptInvitation uses an invitation up. The signed-in user of its address
// joins the team; without one, a new user with that address, the name and the
// password does, and is signed in.
func (a *Auth) AcceptInvitation(ctx context.Context, token, name, password string) error {
	i, _, err := a.Invitation(ctx, token)
	if err != nil {
		return err
	}
	if actor, ok := a.UserActor(ctx); ok {
		return a.acceptAs(ctx, actor, i)
	}
	var v model.Invalid
	if why := model.ValidateUserName(name); why != "" {
		v.Add("name", "%s", why)
	}
	if why := model.ValidatePassword(password); why != "" {
		v.Add("password", "%s", why)
	}
	if err := v.Err(); err != nil {
		return err
	}
	hashed, err := a.newPassword(ctx, password)
	if err != nil {
		return err
	}
	u := &model.User{Name: name, Email: i.Email}
	err = a.store.InTx(ctx, func(q *store.Queries) error {
		if err := newcomer(ctx, q, u); err != nil {
			return err
		}
		if err := q.SetPasswordHash(ctx, u.ID, hashed); err != nil {
			return err
		}
		return join(ctx, q, u, i)
	})
	if err != nil {
		return err
	}
	return a.begin(ctx, u)
}

func (a *Auth) acceptAs(ctx context.Context, actor model.Actor, i *model.Invitation) error {
	return a.store.InTx(ctx, func(q *store.Queries) error {
		u, err := q.UserByID(ctx, actor.ID)
		if err != nil {
			return err
		}
		if u.Email != i.Email {
			return model.Errorf(model.CodeConflict, "This invitation is for %s, and you are signed in with another address. Sign out, then open the link again.", i.Email)
		}
		return join(ctx, q, u, i)
	})
}

// newcomer saves a user whose address nobody has.
func newcomer(ctx context.Context, q *store.Queries, u *model.User) error {
	_, err := q.UserByLogin(ctx, u.Email)
	if err == nil {
		return model.Errorf(model.CodeConflict, "There is an account with the address %s already. Sign in, then open the link of the invitation again.", u.Email)
	}
	if model.CodeOf(err) != model.CodeNotFound {
		return err
	}
	var v model.Invalid
	v.Add("name", "Somebody has this name already; choose another.")
	users, err := q.Users(ctx)
	if err == nil && model.TakenName(users, u.Name) {
		return v.Err()
	}
	if err == nil {
		err = q.InsertUser(ctx, u)
	}
	if err != nil && model.CodeOf(err) == model.CodeConflict {
		return v.Err()
	}
	return err
}

// join uses the invitation up and puts the user into its team. A member's role
// never falls by it.
func join(ctx context.Context, q *store.Queries, u *model.User, i *model.Invitation) error {
	ok, err := q.UseInvitation(ctx, i.ID)
	if err != nil {
		return err
	}
	if !ok {
		return model.Errorf(model.CodeConflict, "This invitation was used a moment ago.")
	}
	m := &model.Membership{UserID: u.ID, TeamID: i.TeamID, Role: i.Role}
	have, err := q.Membership(ctx, i.TeamID, u.ID)
	switch {
	case err == nil && have.Role.AtLeast(i.Role):
		m = have
	case err == nil || model.CodeOf(err) == model.CodeNotFound:
		if err := q.SaveMembership(ctx, m); err != nil {
			return err
		}
	default:
		return err
	}
	return q.Audit(ctx, model.Change{
		Actor: model.Actor{ID: u.ID, Name: u.Name}, Action: model.AuditInvitationAccept, Noun: "invitation",
		ID: i.ID, Name: i.Email, TeamID: i.TeamID, After: m,
	})
}
