package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/auth/authtest"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestWorkloadTokens: a GitHub Actions ID token acts for the team whose trust
// it fits, and no other token does.
func TestWorkloadTokens(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{DSN: storetest.SQLite(t)})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	au := auth.New(st, auth.Options{Issuers: client})
	must(t, au.SeedAdmin(ctx))
	team, err := st.Read().TeamByName(ctx, auth.DefaultTeam)
	must(t, err)
	i := authtest.New(t)
	trust := &model.Trust{
		TeamID: team.ID, Name: "deploy", Issuer: i.URL, Audience: "https://panel", Role: model.RoleDeveloper,
		Claims: map[string]string{"sub": "repo:acme/shop:*", "repository": "acme/shop"},
	}
	must(t, trust.Validate())
	must(t, st.InTx(ctx, func(q *store.Queries) error { return q.InsertTrust(ctx, trust) }))
	i.Claims = map[string]any{"sub": "repo:acme/shop:ref:refs/heads/main", "repository": "acme/shop", "aud": "https://panel"}

	a, err := au.TokenActor(ctx, i.IDToken(nil))
	must(t, err)
	if a.ID != trust.ID || a.Name != "deploy" || a.RoleIn(team.ID) != model.RoleDeveloper || a.Admin || a.Kind() != model.ActorToken {
		t.Fatalf("actor %+v", a)
	}
	for range 20 {
		_, err := au.TokenActor(ctx, i.IDToken(nil))
		must(t, err)
	}
	if n := i.Keys.Load(); n != 1 {
		t.Errorf("the keys were asked for %d times", n)
	}
	for name, change := range map[string]func(c map[string]any){
		"another repository":   func(c map[string]any) { c["repository"], c["sub"] = "evil/shop", "repo:evil/shop:x" },
		"another subject":      func(c map[string]any) { c["sub"] = "repo:acme/shopping:x" },
		"claim is a number":    func(c map[string]any) { c["repository"] = 7 },
		"claim is missing":     func(c map[string]any) { delete(c, "repository") },
		"another audience":     func(c map[string]any) { c["aud"] = "https://other" },
		"expired":              func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() },
		"no expiry":            func(c map[string]any) { delete(c, "exp") },
		"an issuer of its own": func(c map[string]any) { c["iss"] = "https://evil.example" },
	} {
		i.Change = change
		_, err := au.TokenActor(ctx, i.IDToken(nil))
		if model.CodeOf(err) != model.CodeUnauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	i.Change = nil
	for name, bearer := range map[string]string{
		"unsigned": "e30." + strings.Split(i.IDToken(nil), ".")[1] + ".", "no JSON": "a.b.c", "cut": i.IDToken(nil)[:200],
	} {
		if _, err := au.TokenActor(ctx, bearer); model.CodeOf(err) != model.CodeUnauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	trustEndsWithItsMaker(t, au, st, i, trust)
	must(t, st.InTx(ctx, func(q *store.Queries) error { return q.DeleteTrust(ctx, team.ID, trust.ID) }))
	_, err = au.TokenActor(ctx, i.IDToken(nil))
	wantCode(t, err, model.CodeUnauthorized)
}

// trustEndsWithItsMaker: a trust that a person made holds while they could make it.
func trustEndsWithItsMaker(t *testing.T, au *auth.Auth, st *store.Store, i *authtest.Issuer, trust *model.Trust) {
	t.Helper()
	ctx := t.Context()
	u := &model.User{Name: "Olga"}
	must(t, st.InTx(ctx, func(q *store.Queries) error { return q.InsertUser(ctx, u) }))
	hers := *trust
	hers.ID, hers.Audience, hers.CreatedBy = "", "https://hers", u.ID
	must(t, st.InTx(ctx, func(q *store.Queries) error { return q.InsertTrust(ctx, &hers) }))
	i.Change = func(c map[string]any) { c["aud"] = "https://hers" }
	be := func(role model.Role) func(q *store.Queries) error {
		return func(q *store.Queries) error {
			return q.SaveMembership(ctx, &model.Membership{UserID: u.ID, TeamID: trust.TeamID, Role: role})
		}
	}
	for _, row := range []struct {
		name   string
		change func(q *store.Queries) error
		holds  bool
	}{
		{"no member", func(*store.Queries) error { return nil }, false},
		{"owner", be(model.RoleOwner), true},
		{"demoted", be(model.RoleDeveloper), false},
		{"owner again", be(model.RoleOwner), true},
		{"removed", func(q *store.Queries) error { return q.DeleteMembership(ctx, trust.TeamID, u.ID) }, false},
		{"admin", func(q *store.Queries) error { return q.SetUserAdmin(ctx, u.ID, true) }, true},
		{"switched off", func(q *store.Queries) error { return q.SetUserDisabled(ctx, u.ID, time.Now()) }, false},
	} {
		must(t, st.InTx(ctx, row.change))
		a, err := au.TokenActor(ctx, i.IDToken(nil))
		if (err == nil) != row.holds || row.holds && a.Maker() != u.ID {
			t.Errorf("%s: %+v, %v", row.name, a, err)
		}
	}
	i.Change = nil
}

// TestInvitation_endsWithItsMaker: whoever may not invite any more has left no
// way in behind.
func TestInvitation_endsWithItsMaker(t *testing.T) {
	t.Parallel()
	p, ctx := newPlace(t), t.Context()
	team, err := p.store.Read().TeamByName(ctx, auth.DefaultTeam)
	must(t, err)
	maker := p.user("olga", "1")
	secret, hashed := p.NewLink()
	must(t, p.store.InTx(ctx, func(q *store.Queries) error {
		return q.InsertInvitation(ctx, &model.Invitation{TeamID: team.ID, Email: "eve@example.com", Role: model.RoleOwner,
			CreatedBy: maker.ID, ExpiresAt: time.Now().Add(time.Hour)}, hashed)
	}))
	be := func(role model.Role) {
		must(t, p.store.InTx(ctx, func(q *store.Queries) error {
			return q.SaveMembership(ctx, &model.Membership{UserID: maker.ID, TeamID: team.ID, Role: role})
		}))
	}
	p.issuer.Claims = map[string]any{"sub": "8", "email": "eve@example.com", "email_verified": true}
	for _, role := range []model.Role{model.RoleDeveloper, model.RoleViewer} {
		be(role)
		_, _, err = p.Invitation(ctx, secret)
		wantCode(t, err, model.CodeNotFound)
		p.visit(nil, func(ctx context.Context) {
			wantCode(t, p.AcceptInvitation(ctx, secret, "Eve", goodPassword), model.CodeNotFound)
		})
		_, _, err = p.through(nil, auth.Errand{Invitation: secret})
		wantCode(t, err, model.CodeNotFound)
	}
	be(model.RoleOwner)
	_, _, err = p.through(nil, auth.Errand{Invitation: secret})
	must(t, err)
}

// TestInvitation_byPassword: one link, one address, one use.
func TestInvitation_byPassword(t *testing.T) {
	t.Parallel()
	p := &place{world: newWorld(t, false)}
	token := p.invite("bob@example.com")
	accept := func(cookie *http.Cookie, token, name, password string) (back *http.Cookie, err error) {
		back = p.visit(cookie, func(ctx context.Context) { err = p.AcceptInvitation(ctx, token, name, password) })
		return back, err
	}
	_, err := accept(nil, "wrong", "Bob", goodPassword)
	wantCode(t, err, model.CodeNotFound)
	_, err = accept(nil, token, "b@b", "short")
	wantCode(t, err, model.CodeInvalid)
	for _, name := range []string{auth.AdminName, "Admin", "aDMIN", "Drawbridge", "a\u202enimd", "ad\u200bmin"} { // somebody's name, or as good as that
		_, err = accept(nil, token, name, goodPassword)
		wantCode(t, err, model.CodeInvalid)
	}
	cookie, err := accept(nil, token, "Bob", goodPassword)
	must(t, err)
	if a, ok := p.actor(cookie); !ok || a.Name != "Bob" || a.Best() != model.RoleDeveloper {
		t.Fatalf("%+v", a)
	}
	_, err = accept(nil, token, "Eve", goodPassword)
	wantCode(t, err, model.CodeNotFound)
	_, err = p.try("BOB@example.com", goodPassword, "")
	must(t, err)

	again := p.invite("bob@example.com")
	_, err = accept(nil, again, "Bobby", goodPassword) // the address has an account
	wantCode(t, err, model.CodeConflict)
	_, err = accept(cookie, again, "", "")
	must(t, err)
	other := p.invite("eve@example.com")
	_, err = accept(cookie, other, "", "")
	wantCode(t, err, model.CodeConflict)
}

// TestWorkloadTokens_slowIssuer: whoever trusts an issuer that does not answer
// keeps no other team's workloads out meanwhile.
func TestWorkloadTokens_slowIssuer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{DSN: storetest.SQLite(t)})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	au := auth.New(st, auth.Options{Issuers: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
	must(t, au.SeedAdmin(ctx))
	team, err := st.Read().TeamByName(ctx, auth.DefaultTeam)
	must(t, err)
	asked, answer := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(slow.Close)
	i := authtest.New(t)
	for _, issuer := range []string{slow.URL, i.URL} {
		must(t, st.InTx(ctx, func(q *store.Queries) error {
			return q.InsertTrust(ctx, &model.Trust{TeamID: team.ID, Name: "deploy", Issuer: issuer, Audience: "https://panel", Role: model.RoleViewer, Claims: map[string]string{"sub": "ci"}})
		}))
	}
	i.Claims = map[string]any{"sub": "ci", "aud": "https://panel"}
	good := i.IDToken(nil)
	i.Change = func(c map[string]any) { c["iss"] = slow.URL }
	bad := i.IDToken(nil)
	refused, let := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := au.TokenActor(ctx, bad)
		refused <- err
	}()
	<-asked
	go func() {
		_, err := au.TokenActor(ctx, good)
		let <- err
	}()
	select {
	case err = <-let:
	case <-time.After(20 * time.Second):
		t.Error("waits for another team's issuer")
	}
	must(t, err)
	close(answer)
	wantCode(t, <-refused, model.CodeUnavailable)
}
