package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func testUsers(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	ada := &model.User{Name: "ada", Email: "ada@example.com", CreatedAt: at(0)}
	bob := &model.User{Name: "bob", Admin: true, CreatedAt: at(1)} // no address; many may have none
	eve := &model.User{Name: "eve", CreatedAt: at(2)}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.InsertUser(ctx, ada), q.InsertUser(ctx, bob), q.InsertUser(ctx, eve))
	})
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error {
		return q.InsertUser(ctx, &model.User{Name: "other", Email: ada.Email})
	}), model.CodeConflict)

	w.tx(func(q *store.Queries) error {
		return errors.Join(q.SetPasswordHash(ctx, ada.ID, "hashed"), q.SetUserDisabled(ctx, ada.ID, at(5)), q.SetUserAdmin(ctx, ada.ID, true),
			q.InsertIdentity(ctx, &model.Identity{Issuer: "https://id", Subject: "7", UserID: ada.ID, CreatedAt: at(3)}))
	})
	ada.HasPassword, ada.DisabledAt, ada.Admin, ada.Identities = true, at(5), true, 1
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error {
		return q.InsertIdentity(ctx, &model.Identity{Issuer: "https://id", Subject: "7", UserID: bob.ID})
	}), model.CodeConflict)
	q := w.Read()
	for name, read := range map[string]func() (*model.User, error){
		"by name":     func() (*model.User, error) { return q.UserByLogin(ctx, "ada") },
		"by address":  func() (*model.User, error) { return q.UserByLogin(ctx, "ada@example.com") },
		"by identity": func() (*model.User, error) { return q.UserByIdentity(ctx, "https://id", "7") },
	} {
		got, err := read()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, got, ada)
	}
	for _, read := range []func() (*model.User, error){
		func() (*model.User, error) { return q.UserByLogin(ctx, "") }, // two have no address
		func() (*model.User, error) { return q.UserByIdentity(ctx, "https://other", "7") },
	} {
		_, err := read()
		wantCode(t, err, model.CodeNotFound)
	}
	hash, err := q.PasswordHash(ctx, ada.ID)
	must(t, err)
	same(t, hash, "hashed")
	list, err := q.Identities(ctx, ada.ID)
	must(t, err)
	same(t, list, []model.Identity{{Issuer: "https://id", Subject: "7", UserID: ada.ID, CreatedAt: at(3)}})
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.DeleteIdentity(ctx, bob.ID, "https://id", "7") }), model.CodeNotFound)
	w.tx(func(q *store.Queries) error { return q.DeleteIdentity(ctx, ada.ID, "https://id", "7") })
}

func testMembers(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	ada := &model.User{Name: "ada", Email: "ada@example.com", CreatedAt: at(0)}
	m := &model.Membership{TeamID: w.team.ID, Role: model.RoleViewer, CreatedAt: at(1)}
	w.tx(func(q *store.Queries) error {
		if err := q.InsertUser(ctx, ada); err != nil {
			return err
		}
		m.UserID = ada.ID
		return q.SaveMembership(ctx, m)
	})
	again := *m
	again.Role, again.ByGroup, again.CreatedAt = model.RoleOwner, true, at(9)
	w.tx(func(q *store.Queries) error { return q.SaveMembership(ctx, &again) })
	again.CreatedAt = at(1) // they are a member since then
	q := w.Read()
	one, err := q.Membership(ctx, w.team.ID, ada.ID)
	must(t, err)
	same(t, one, &again)
	mine, err := q.Memberships(ctx, ada.ID)
	must(t, err)
	same(t, mine, []model.Membership{again})
	people, err := q.Members(ctx, w.team.ID)
	must(t, err)
	same(t, people, []model.TeamMember{{Membership: again, Name: "ada", Email: "ada@example.com"}})
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.DeleteMembership(ctx, "team_x", ada.ID) }), model.CodeNotFound)
	w.tx(func(q *store.Queries) error { return q.DeleteMembership(ctx, w.team.ID, ada.ID) })
	_, err = q.Membership(ctx, w.team.ID, ada.ID)
	wantCode(t, err, model.CodeNotFound)
}

// testInvitations: an invitation is good once, until it expires, and for the
// team that it was made for.
func testInvitations(t *testing.T, open Open) {
	var seconds atomic.Int64
	w, ctx := worldOf(t, open(t, store.Options{Now: func() time.Time { return at(int(seconds.Load())) }})), t.Context()
	began := w.Now() // the database's clock, where several processes share it
	in := func(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }
	first := &model.Invitation{TeamID: w.team.ID, Email: "bob@example.com", Role: model.RoleViewer, ExpiresAt: in(10)}
	second := &model.Invitation{TeamID: w.team.ID, Email: "bob@example.com", Role: model.RoleOwner, ExpiresAt: in(10), CreatedBy: "usr_1"}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.InsertInvitation(ctx, first, "hash-1"), q.InsertInvitation(ctx, second, "hash-2"))
	})
	q := w.Read()
	_, err := q.InvitationByHash(ctx, "hash-1") // the second replaced it
	wantCode(t, err, model.CodeNotFound)
	got, err := q.InvitationByHash(ctx, "hash-2")
	must(t, err)
	same(t, got, second)
	list, err := q.Invitations(ctx, w.team.ID)
	must(t, err)
	same(t, list, []model.Invitation{*second})
	var uses atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w.tx(func(q *store.Queries) error {
				ok, err := q.UseInvitation(ctx, second.ID)
				if ok {
					uses.Add(1)
				}
				return err
			})
		})
	}
	wg.Wait()
	same(t, uses.Load(), int64(1))
	_, err = q.InvitationByHash(ctx, "hash-2")
	wantCode(t, err, model.CodeNotFound)

	third := &model.Invitation{TeamID: w.team.ID, Email: "eve@example.com", Role: model.RoleViewer, ExpiresAt: in(10)}
	w.tx(func(q *store.Queries) error { return q.InsertInvitation(ctx, third, "hash-3") })
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.DeleteInvitation(ctx, "team_x", third.ID) }), model.CodeNotFound)
	seconds.Store(10)
	_, err = q.InvitationByHash(ctx, "hash-3")
	wantCode(t, err, model.CodeNotFound)
	w.tx(func(q *store.Queries) error {
		ok, err := q.UseInvitation(ctx, third.ID)
		if ok {
			t.Error("an expired invitation was good")
		}
		return errors.Join(err, q.DeleteInvitation(ctx, w.team.ID, third.ID))
	})
}

func testUserSessions(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	ada := &model.User{Name: "ada"}
	old := &model.Session{Address: "192.0.2.1", Agent: "old", CreatedAt: at(1)}
	one := &model.Session{Address: "192.0.2.2", Agent: "one", CreatedAt: at(50)}
	two := &model.Session{Address: "192.0.2.3", Agent: "two", CreatedAt: at(60)}
	w.tx(func(q *store.Queries) error {
		if err := q.InsertUser(ctx, ada); err != nil {
			return err
		}
		for _, x := range []*model.Session{old, one, two} {
			x.UserID = ada.ID
			if err := q.InsertUserSession(ctx, x, x.CreatedAt.Add(-20*time.Second)); err != nil {
				return err
			}
		}
		return errors.Join(q.TouchUserSession(ctx, one.ID, at(70)), q.ConfirmUserSession(ctx, two.ID, at(80)))
	})
	one.SeenAt, two.ConfirmedAt = at(70), at(80)
	list, err := w.Read().UserSessions(ctx, ada.ID)
	must(t, err)
	same(t, list, []model.Session{*one, *two})
	got, err := w.Read().UserSession(ctx, two.ID)
	must(t, err)
	same(t, got, two)
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.DeleteUserSession(ctx, "usr_x", two.ID) }), model.CodeNotFound)
	w.tx(func(q *store.Queries) error { return q.DeleteUserSessions(ctx, ada.ID, one.ID) })
	w.tx(func(q *store.Queries) error { return q.DeleteUserSession(ctx, ada.ID, one.ID) })
	list, err = w.Read().UserSessions(ctx, ada.ID)
	must(t, err)
	same(t, list, []model.Session{})
}

// testTries: many tries at once are all counted, and each differently.
func testTries(t *testing.T, open Open) {
	var seconds atomic.Int64
	w, ctx := worldOf(t, open(t, store.Options{Now: func() time.Time { return at(int(seconds.Load())) }})), t.Context()
	began := w.Now() // the database's clock, where several processes share it
	in := func(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }
	try := func(key string) (n int64) {
		w.tx(func(q *store.Queries) error {
			got, err := q.CountTry(ctx, key, 30*time.Second)
			n = got.Tries
			return err
		})
		return n
	}
	var sum atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { sum.Add(try("a")) })
	}
	wg.Wait()
	same(t, sum.Load(), int64(36))
	same(t, try("b"), int64(1))
	w.tx(func(q *store.Queries) error { return q.BlockTries(ctx, "a", in(100)) })
	until, err := w.Read().BlockedUntil(ctx, "b", "a")
	must(t, err)
	same(t, until, in(100))
	seconds.Store(31)
	same(t, try("b"), int64(1)) // long ago
	same(t, try("a"), int64(9)) // still blocked, so not forgotten
	w.tx(func(q *store.Queries) error { return q.ForgetTries(ctx, "a") })
	until, err = w.Read().BlockedUntil(ctx, "b", "a")
	must(t, err)
	same(t, until, time.Time{})
}

func testTrusts(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	x := &model.Trust{TeamID: w.team.ID, Name: "ci", Issuer: "https://id", Audience: "panel", Role: model.RoleDeveloper,
		Claims: map[string]string{"sub": "repo:acme/*"}, CreatedBy: "usr_1", CreatedAt: at(1)}
	w.tx(func(q *store.Queries) error { return q.InsertTrust(ctx, x) })
	for _, read := range []func() ([]model.Trust, error){
		func() ([]model.Trust, error) { return w.Read().Trusts(ctx, w.team.ID) },
		func() ([]model.Trust, error) { return w.Read().TrustsOf(ctx, "https://id") },
	} {
		list, err := read()
		must(t, err)
		same(t, list, []model.Trust{*x})
	}
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.DeleteTrust(ctx, "team_x", x.ID) }), model.CodeNotFound)
	w.tx(func(q *store.Queries) error { return q.DeleteTrust(ctx, w.team.ID, x.ID) })
}
