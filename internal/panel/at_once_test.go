package panel_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestTwoAtOnce: what only one of two may do is done by one, on a database
// where neither sees what the other has not yet committed.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	b := newBenchOn(t, store.Options{DSN: storetest.Postgres(t)})
	ctx := t.Context()
	people := func(role model.Role, admin bool) (two [2]*model.User) {
		for i := range two {
			two[i] = b.user(model.NewID("u-"), role)
			if admin {
				b.change(func(q *store.Queries) error { return q.SetUserAdmin(ctx, two[i].ID, true) })
			}
		}
		return two
	}
	for name, prepare := range map[string]func() [2]func() error{
		"owners who remove each other": func() [2]func() error {
			b.change(func(q *store.Queries) error { return b.noMembers(ctx, q) })
			u := people(model.RoleOwner, false)
			return [2]func() error{
				func() error { return b.panel.RemoveMember(ctx, owner, "team_own", u[0].ID) },
				func() error { return b.panel.RemoveMember(ctx, owner, "team_own", u[1].ID) },
			}
		},
		"an owner who is removed and one who is lowered": func() [2]func() error {
			b.change(func(q *store.Queries) error { return b.noMembers(ctx, q) })
			u := people(model.RoleOwner, false)
			return [2]func() error{
				func() error { return b.panel.RemoveMember(ctx, owner, "team_own", u[0].ID) },
				func() error { return b.panel.SetMemberRole(ctx, owner, "team_own", u[1].ID, model.RoleViewer) },
			}
		},
		"admins who take it from each other": func() [2]func() error {
			b.change(func(q *store.Queries) error { return b.noAdmins(ctx, q) })
			u := people("", true)
			return [2]func() error{
				func() error { return b.panel.SetAdmin(ctx, admin, u[0].ID, false) },
				func() error { return b.panel.SwitchUser(ctx, admin, u[1].ID, false) },
			}
		},
		"the last two ways in": func() [2]func() error {
			u := b.user(model.NewID("u-"), "")
			for _, issuer := range []string{"https://a.example", "https://b.example"} {
				b.change(func(q *store.Queries) error {
					return q.InsertIdentity(ctx, &model.Identity{Issuer: issuer, Subject: u.ID, UserID: u.ID})
				})
			}
			return [2]func() error{
				func() error { return b.panel.Unlink(ctx, person(u, ""), "https://a.example", u.ID) },
				func() error { return b.panel.Unlink(ctx, person(u, ""), "https://b.example", u.ID) },
			}
		},
		"a template of every team, by the addresses of two": func() [2]func() error {
			in := templateInput()
			in.Name, in.Everybody = model.NewID("t-"), true
			tp, err := b.panel.CreateSandboxTemplate(ctx, admin, "team_own", in)
			if err != nil {
				t.Fatal(err)
			}
			seen := model.WithIfMatch(ctx, tp.Tag())
			change := func(team, what string) func() error {
				return func() error {
					in := in
					in.Description = what
					_, err := b.panel.UpdateSandboxTemplate(seen, admin, team, tp.ID, in)
					return err
				}
			}
			return [2]func() error{change("team_own", "one"), change("team_foreign", "another")}
		},
	} {
		t.Run(name, func(t *testing.T) { // one after the other: they share the team
			for round := range 12 {
				var errs [2]error
				var wg sync.WaitGroup
				for i, do := range prepare() {
					wg.Go(func() { errs[i] = do() })
				}
				wg.Wait()
				if (errs[0] == nil) == (errs[1] == nil) {
					t.Fatalf("round %d: %s", round, fmt.Sprint(errs))
				}
			}
		})
	}
}

// change writes to the database past the panel.
func (b *bench) change(write func(q *store.Queries) error) {
	b.t.Helper()
	if err := b.store.InTx(b.t.Context(), write); err != nil {
		b.t.Fatal(err)
	}
}

func (*bench) noMembers(ctx context.Context, q *store.Queries) error {
	members, err := q.Members(ctx, "team_own")
	for _, m := range members {
		if err == nil {
			err = q.DeleteMembership(ctx, "team_own", m.UserID)
		}
	}
	return err
}

func (*bench) noAdmins(ctx context.Context, q *store.Queries) error {
	users, err := q.Users(ctx)
	for _, u := range users {
		if err == nil && u.Admin {
			err = q.SetUserAdmin(ctx, u.ID, false)
		}
	}
	return err
}
