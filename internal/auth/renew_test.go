package auth_test

import (
	"testing"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TestRenew_sessions: whoever holds a session may go on while a new request of
// theirs would be let in, and no longer.
func TestRenew_sessions(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(q *store.Queries, a model.Actor) error
		later  time.Duration
		ends   bool
	}{
		"nothing happened": {},
		"signed out":       {change: func(q *store.Queries, a model.Actor) error { return q.DeleteUserSession(t.Context(), a.ID, a.Session) }, ends: true},
		"all ended":        {change: func(q *store.Queries, a model.Actor) error { return q.DeleteUserSessions(t.Context(), a.ID, "") }, ends: true},
		"others ended":     {change: func(q *store.Queries, a model.Actor) error { return q.DeleteUserSessions(t.Context(), a.ID, a.Session) }},
		"switched off":     {change: func(q *store.Queries, a model.Actor) error { return q.SetUserDisabled(t.Context(), a.ID, time.Now()) }, ends: true},
		"not yet idle":     {later: 11 * time.Hour},
		"idle":             {later: 13 * time.Hour, ends: true},
		"a week later":     {later: 7*24*time.Hour + time.Minute, ends: true},
		"a week, not idle": {change: func(q *store.Queries, a model.Actor) error {
			return q.TouchUserSession(t.Context(), a.Session, time.Now().Add(7*24*time.Hour))
		}, later: 7*24*time.Hour + time.Minute, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, false)
			a, _ := w.actor(w.signIn(w.link()))
			if row.change != nil {
				must(t, w.store.InTx(t.Context(), func(q *store.Queries) error { return row.change(q, a) }))
			}
			w.ahead.Store(int64(row.later))
			now, err := w.Renew(t.Context(), a)
			if row.ends {
				wantCode(t, err, model.CodeUnauthorized)
				return
			}
			must(t, err)
			if now.ID != a.ID || now.Session != a.Session || !now.Until.Equal(a.Until) || !now.SameRights(a) {
				t.Errorf("%+v, was %+v", now, a)
			}
		})
	}
}

// TestRenew_roles: a role that was lost or changed is seen.
func TestRenew_roles(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	a, _ := w.actor(w.signIn(w.link()))
	team, err := w.store.Read().TeamByName(ctx, auth.DefaultTeam)
	must(t, err)
	for _, change := range []func(q *store.Queries) error{
		func(q *store.Queries) error {
			return q.SaveMembership(ctx, &model.Membership{TeamID: team.ID, UserID: a.ID, Role: model.RoleOwner})
		},
		func(q *store.Queries) error { return q.SetUserAdmin(ctx, a.ID, false) },
		func(q *store.Queries) error {
			return q.SaveMembership(ctx, &model.Membership{TeamID: team.ID, UserID: a.ID, Role: model.RoleViewer})
		},
		func(q *store.Queries) error { return q.DeleteMembership(ctx, team.ID, a.ID) },
	} {
		must(t, w.store.InTx(ctx, change))
		now, err := w.Renew(ctx, a)
		must(t, err)
		if now.SameRights(a) {
			t.Errorf("the same rights: %+v", now)
		}
		a = now
	}
}

// TestRenew_tokens: a token and a trust hold until they are deleted or expire,
// or until who made them could not make them any more.
func TestRenew_tokens(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(q *store.Queries, made *made) error
		later  time.Duration
		ends   bool
	}{
		"nothing happened": {},
		"expired":          {later: 2 * time.Hour, ends: true},
		"deleted":          {change: func(q *store.Queries, m *made) error { return m.remove(q) }, ends: true},
		"maker switched off": {change: func(q *store.Queries, m *made) error {
			return q.SetUserDisabled(t.Context(), m.maker, time.Now())
		}, ends: true},
		"maker demoted": {change: func(q *store.Queries, m *made) error {
			return q.SaveMembership(t.Context(), &model.Membership{TeamID: m.team, UserID: m.maker, Role: model.RoleDeveloper})
		}, ends: true},
		"maker left": {change: func(q *store.Queries, m *made) error {
			return q.DeleteMembership(t.Context(), m.team, m.maker)
		}, ends: true},
		"maker left and is an admin": {change: func(q *store.Queries, m *made) error {
			if err := q.SetUserAdmin(t.Context(), m.maker, true); err != nil {
				return err
			}
			return q.DeleteMembership(t.Context(), m.team, m.maker)
		}},
	} {
		for _, kind := range []string{"token", "trust"} {
			t.Run(kind+": "+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, false)
				m := w.make(kind)
				if row.change != nil {
					must(t, w.store.InTx(t.Context(), func(q *store.Queries) error { return row.change(q, m) }))
				}
				w.ahead.Store(int64(row.later))
				now, err := w.Renew(t.Context(), m.actor)
				if row.ends {
					wantCode(t, err, model.CodeUnauthorized)
				} else if must(t, err); !now.SameRights(m.actor) || now.By != m.maker {
					t.Errorf("%+v, was %+v", now, m.actor)
				}
				if m.secret == "" {
					return
				}
				if _, err := w.TokenActor(t.Context(), m.secret); (err != nil) != row.ends {
					t.Errorf("a new request by the token: %v", err)
				}
			})
		}
	}
}

// made is a token or a trust that an owner made.
type made struct {
	actor       model.Actor
	team, maker string
	secret      string // of a token
	remove      func(q *store.Queries) error
}

func (w *world) make(kind string) *made {
	w.t.Helper()
	ctx := w.t.Context()
	team, err := w.store.Read().TeamByName(ctx, auth.DefaultTeam)
	must(w.t, err)
	u := &model.User{Name: "Olga"}
	must(w.t, w.store.InTx(ctx, func(q *store.Queries) error {
		if err := q.InsertUser(ctx, u); err != nil {
			return err
		}
		return q.SaveMembership(ctx, &model.Membership{TeamID: team.ID, UserID: u.ID, Role: model.RoleOwner})
	}))
	m := &made{team: team.ID, maker: u.ID}
	if kind == "trust" {
		x := &model.Trust{TeamID: team.ID, Name: "deploy", Role: model.RoleDeveloper, CreatedBy: u.ID}
		must(w.t, w.store.InTx(ctx, func(q *store.Queries) error { return q.InsertTrust(ctx, x) }))
		m.actor = model.Member(x.ID, x.Name, team.ID, x.Role)
		m.actor.By, m.actor.Until = u.ID, w.now().Add(time.Hour)
		m.remove = func(q *store.Queries) error { return q.DeleteTrust(ctx, team.ID, x.ID) }
		return m
	}
	secret, k, err := w.CreateToken(ctx, model.TokenRequest{TeamID: team.ID, Name: "ci", Role: model.RoleDeveloper, TTL: time.Hour,
		Actor: model.Actor{ID: u.ID, Person: true}})
	must(w.t, err)
	m.actor, err = w.TokenActor(ctx, secret)
	must(w.t, err)
	m.secret = secret
	m.remove = func(q *store.Queries) error { return q.DeleteToken(ctx, team.ID, k.ID) }
	return m
}
