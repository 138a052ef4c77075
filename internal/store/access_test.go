package store_test

import (
	"errors"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestAccessIsTold: each change by which somebody may do something else than
// before is told once it is committed, and nothing else is.
func TestAccessIsTold(t *testing.T) {
	t.Parallel()
	ctx, told := t.Context(), 0
	s := opened(t, store.Options{DSN: storetest.SQLite(t), OnAccess: func() { told++ }})
	team, u, x := &model.Team{Name: "t"}, &model.User{Name: "u"}, &model.Session{}
	member := &model.Membership{Role: model.RoleOwner}
	token := &model.Token{Name: "k", Role: model.RoleViewer}
	trust := &model.Trust{Name: "t", Role: model.RoleViewer}
	no := errors.New("no")
	for _, row := range []struct {
		name   string
		change func(q *store.Queries) error
		told   int
	}{
		{"new team", func(q *store.Queries) error { return q.InsertTeam(ctx, team) }, 0},
		{"new user", func(q *store.Queries) error { return q.InsertUser(ctx, u) }, 0},
		{"new session", func(q *store.Queries) error {
			x.UserID = u.ID
			return q.InsertUserSession(ctx, x, time.Time{})
		}, 0},
		{"session seen", func(q *store.Queries) error { return q.TouchUserSession(ctx, x.ID, time.Now()) }, 0},
		{"new member", func(q *store.Queries) error {
			member.TeamID, member.UserID = team.ID, u.ID
			return q.SaveMembership(ctx, member)
		}, 1},
		{"new token", func(q *store.Queries) error {
			token.TeamID = team.ID
			return q.InsertToken(ctx, token, "h")
		}, 0},
		{"token used", func(q *store.Queries) error { return q.TouchToken(ctx, token.ID, time.Now()) }, 0},
		{"new trust", func(q *store.Queries) error {
			trust.TeamID = team.ID
			return q.InsertTrust(ctx, trust)
		}, 0},
		{"trust deleted", func(q *store.Queries) error { return q.DeleteTrust(ctx, team.ID, trust.ID) }, 1},
		{"token deleted", func(q *store.Queries) error { return q.DeleteToken(ctx, team.ID, token.ID) }, 1},
		{"tokens deleted", func(q *store.Queries) error { return q.DeleteTokensBy(ctx, u.ID, "") }, 1},
		{"rolled back", func(q *store.Queries) error {
			return errors.Join(q.DeleteMembership(ctx, team.ID, u.ID), no)
		}, 0},
		{"member left", func(q *store.Queries) error { return q.DeleteMembership(ctx, team.ID, u.ID) }, 1},
		{"session ended", func(q *store.Queries) error { return q.DeleteUserSession(ctx, u.ID, x.ID) }, 1},
		{"sessions ended", func(q *store.Queries) error { return q.DeleteUserSessions(ctx, u.ID, "") }, 1},
		{"switched off", func(q *store.Queries) error { return q.SetUserDisabled(ctx, u.ID, time.Now()) }, 1},
		{"admin", func(q *store.Queries) error { return q.SetUserAdmin(ctx, u.ID, true) }, 1},
	} {
		before := told
		if err := s.InTx(ctx, row.change); err != nil && !errors.Is(err, no) {
			t.Fatalf("%s: %v", row.name, err)
		}
		if told-before != row.told {
			t.Errorf("%s: told %d times, want %d", row.name, told-before, row.told)
		}
	}
}
