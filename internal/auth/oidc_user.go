package auth

import (
	"context"
	"fmt"
	"strings"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// confirm notes that the signed-in user was just asked by the provider. An
// old sign-in there does not count, and neither does another person's.
func (p *Provider) confirm(ctx context.Context, c *claims) error {
	actor, ok := p.auth.UserActor(ctx)
	if !ok {
		return model.Errorf(model.CodeUnauthorized, "Sign in first.")
	}
	u, err := p.auth.store.Read().UserByIdentity(ctx, c.Issuer, c.Subject)
	if err != nil && model.CodeOf(err) != model.CodeNotFound {
		return err
	}
	age := p.auth.now().Unix() - c.AuthTime
	if err != nil || u.ID != actor.ID || age > int64((confirmedFor/2+clockSkew).Seconds()) {
		return refusedBy("%s did not ask who you are just now. Begin again and sign in there with your own account.", p.cfg.Name)
	}
	return p.auth.confirmed(ctx, actor)
}

// linker is who may link their account to the provider: somebody who just
// proved who they are, or who has no way in of their own yet.
func (p *Provider) linker(ctx context.Context) (model.Actor, error) {
	actor, ok := p.auth.UserActor(ctx)
	if !ok {
		return actor, model.Errorf(model.CodeUnauthorized, "Sign in first.")
	}
	u, err := p.auth.store.Read().UserByID(ctx, actor.ID)
	if err == nil && actor.Stale && u.HasCredentials() {
		err = model.Stale()
	}
	return actor, err
}

// link lets the signed-in user sign in by the provider from now on. It is the
// only way by which an account gets an identity that it was not made with.
func (p *Provider) link(ctx context.Context, c *claims) error {
	actor, err := p.linker(ctx)
	if err != nil {
		return err
	}
	return p.auth.store.InTx(ctx, func(q *store.Queries) error {
		u, err := q.UserByIdentity(ctx, c.Issuer, c.Subject)
		switch {
		case err == nil && u.ID == actor.ID:
			return nil
		case err == nil:
			return model.Errorf(model.CodeConflict, "This account at %s is linked to another account here. Sign in there as yourself, or unlink it there first.", p.cfg.Name)
		case model.CodeOf(err) != model.CodeNotFound:
			return err
		}
		i := &model.Identity{Issuer: c.Issuer, Subject: c.Subject, UserID: actor.ID}
		if err := q.InsertIdentity(ctx, i); err != nil {
			return err
		}
		if err := q.CloseSignInLinks(ctx, actor.ID); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: actor, Action: model.AuditUserLink, Noun: "user", ID: actor.ID, Name: actor.Name, After: i})
	})
}

// userOf is whose sign-in it is: the identity's user, or a new one whom an
// invitation or a group lets in. An address alone lets nobody in and finds
// nobody: it may change hands.
func (p *Provider) userOf(ctx context.Context, c *claims, invitation string) (*model.User, error) {
	var u *model.User
	err := p.auth.store.InTx(ctx, func(q *store.Queries) error {
		var err error
		u, err = q.UserByIdentity(ctx, c.Issuer, c.Subject)
		if err != nil && model.CodeOf(err) != model.CodeNotFound {
			return err
		}
		if err != nil {
			if u, err = p.newUser(ctx, q, c, invitation != ""); err != nil {
				return err
			}
		}
		if u.Disabled() {
			return model.Errorf(model.CodeUnauthorized, "This account is switched off. Ask an admin.")
		}
		if err := p.followGroups(ctx, q, u, c); err != nil {
			return err
		}
		if invitation == "" {
			return nil
		}
		return p.accept(ctx, q, u, c, invitation)
	})
	return u, err
}

func (p *Provider) newUser(ctx context.Context, q *store.Queries, c *claims, invited bool) (*model.User, error) {
	if !invited && len(p.roles(c)) == 0 {
		return nil, refusedBy("%s knows you, but you have no account here. Ask an owner of a team for an invitation.", p.cfg.Name)
	}
	u := &model.User{}
	if email, why := model.NormalEmail(c.Email); why == "" && bool(c.Verified) {
		if _, err := q.UserByLogin(ctx, email); err == nil {
			return nil, model.Errorf(model.CodeConflict, "There is an account with the address %s already, which is not linked to %s. Sign in to it as before, and link it on the page of your account.", email, p.cfg.Name)
		} else if model.CodeOf(err) != model.CodeNotFound {
			return nil, err
		}
		u.Email = email
	}
	var err error
	if u.Name, err = freeName(ctx, q, c); err != nil {
		return nil, err
	}
	if err := q.InsertUser(ctx, u); err != nil {
		return nil, err
	}
	i := &model.Identity{Issuer: c.Issuer, Subject: c.Subject, UserID: u.ID}
	if err := q.InsertIdentity(ctx, i); err != nil {
		return nil, err
	}
	return u, q.Audit(ctx, model.Change{
		Actor: model.Actor{ID: u.ID, Name: u.Name}, Action: model.AuditUserLink, Noun: "user", ID: u.ID, Name: u.Name, After: i,
	})
}

// freeName is what the provider calls the person, made fit and unique.
func freeName(ctx context.Context, q *store.Queries, c *claims) (string, error) {
	name := ""
	for _, given := range []string{c.Name, c.Username, c.Email} {
		given, _, _ = strings.Cut(strings.TrimSpace(given), "@")
		if name == "" && model.ValidateUserName(given) == "" {
			name = given
		}
	}
	if name == "" {
		name = "user"
	}
	users, err := q.Users(ctx)
	if err != nil {
		return "", err
	}
	try := name
	for n := 2; model.TakenName(users, try); n++ {
		try = fmt.Sprintf("%s %d", name, n)
	}
	return try, nil
}

func (p *Provider) accept(ctx context.Context, q *store.Queries, u *model.User, c *claims, invitation string) error {
	i, err := p.auth.openInvitation(ctx, q, invitation)
	if err != nil {
		return err
	}
	if email, why := model.NormalEmail(c.Email); why != "" || !bool(c.Verified) || email != i.Email {
		return refusedBy("This invitation is for %s, and %s does not vouch that this is your address.", i.Email, p.cfg.Name)
	}
	return join(ctx, q, u, i)
}

// roles are what the person's groups give, by team name: the highest of each.
func (p *Provider) roles(c *claims) map[string]model.Role {
	roles := map[string]model.Role{}
	for _, rule := range p.cfg.Groups {
		for _, group := range c.Groups {
			if group == rule.Group && !roles[rule.Team].AtLeast(rule.Role) {
				roles[rule.Team] = rule.Role
			}
		}
	}
	return roles
}

// followGroups brings the memberships that follow groups up to date. One that
// was given by hand stays as it is.
func (p *Provider) followGroups(ctx context.Context, q *store.Queries, u *model.User, c *claims) error {
	if len(p.cfg.Groups) == 0 {
		return nil
	}
	have, err := q.Memberships(ctx, u.ID)
	if err != nil {
		return err
	}
	want := map[string]model.Role{}
	for name, role := range p.roles(c) {
		team, err := q.TeamByName(ctx, name)
		switch {
		case err == nil:
			want[team.ID] = role
		case model.CodeOf(err) == model.CodeNotFound:
			p.auth.log.WarnContext(ctx, "a group is mapped to a team that does not exist", "team", name)
		default:
			return err
		}
	}
	for _, m := range have {
		if role := want[m.TeamID]; !m.ByGroup || role == m.Role {
			delete(want, m.TeamID)
		} else if err := p.lose(ctx, q, u, m); err != nil {
			return err
		}
	}
	for teamID, role := range want {
		m := &model.Membership{UserID: u.ID, TeamID: teamID, Role: role, ByGroup: true}
		if err := q.SaveMembership(ctx, m); err != nil {
			return err
		}
		if err := q.Audit(ctx, byGroup(u, model.AuditMemberRole, teamID, m)); err != nil {
			return err
		}
	}
	return nil
}

// lose takes a membership away that the groups no longer give, with the tokens
// that were made by it.
func (p *Provider) lose(ctx context.Context, q *store.Queries, u *model.User, m model.Membership) error {
	if err := q.DeleteMembership(ctx, m.TeamID, u.ID); err != nil {
		return err
	}
	if err := q.DeleteTokensBy(ctx, u.ID, m.TeamID); err != nil {
		return err
	}
	return q.Audit(ctx, byGroup(u, model.AuditMemberRemove, m.TeamID, nil))
}

func byGroup(u *model.User, action model.AuditAction, teamID string, after any) model.Change {
	return model.Change{
		Actor: model.Actor{ID: u.ID, Name: u.Name}, Action: action, Noun: "member", ID: u.ID, Name: u.Name, TeamID: teamID, After: after,
	}
}
