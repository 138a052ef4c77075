package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"net/url"
	"testing"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// place is a world with a provider.
type place struct {
	*world
	issuer   *issuer
	provider *auth.Provider
}

func newPlace(t *testing.T, groups ...auth.GroupRule) *place {
	t.Helper()
	p := &place{world: newWorld(t, false), issuer: newIssuer(t)}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	p.provider = auth.NewProvider(p.Auth, auth.ProviderConfig{
		Name: "Example", Issuer: p.issuer.URL, ClientID: "panel", ClientSecret: "s3cret",
		RedirectURL: "https://panel.example.com/sign-in/callback", GroupsClaim: "groups", Groups: groups, HTTP: client,
	})
	return p
}

// go through the provider and back, in the browser with that cookie.
func (p *place) through(cookie *http.Cookie, e auth.Errand) (back *http.Cookie, next string, err error) {
	p.t.Helper()
	var answer url.Values
	there := p.visit(cookie, func(ctx context.Context) {
		to, err := p.provider.Begin(ctx, e)
		must(p.t, err)
		answer = p.issuer.visit(ctx, to)
	})
	return p.finish(there, answer)
}

func (p *place) finish(cookie *http.Cookie, answer url.Values) (back *http.Cookie, next string, err error) {
	p.t.Helper()
	back = p.visit(cookie, func(ctx context.Context) { next, err = p.provider.Finish(ctx, answer) })
	return back, next, err
}

// link makes a user with that name and identity.
func (p *place) user(name, subject string) *model.User {
	p.t.Helper()
	u := &model.User{Name: name, Email: name + "@example.com"}
	must(p.t, p.store.InTx(p.t.Context(), func(q *store.Queries) error {
		if err := q.InsertUser(p.t.Context(), u); err != nil {
			return err
		}
		return q.InsertIdentity(p.t.Context(), &model.Identity{Issuer: p.issuer.URL, Subject: subject, UserID: u.ID})
	}))
	return u
}

func TestProvider_signsInBySubject(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.user("ada", "42")
	p.issuer.claims["email"] = "somebody.else@example.com" // a changed address moves nothing
	cookie, next, err := p.through(nil, auth.Errand{Next: "/backends"})
	must(t, err)
	if a, ok := p.actor(cookie); !ok || a.ID != u.ID || a.Stale || next != "/backends" {
		t.Fatalf("%+v, next %q", a, next)
	}
}

// TestProvider_addressesLetNobodyIn: the same verified address under another
// subject is another person.
func TestProvider_addressesLetNobodyIn(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.user("ada", "42")
	p.issuer.claims = map[string]any{"sub": "43", "email": "ada@example.com", "email_verified": true}
	_, _, err := p.through(nil, auth.Errand{})
	wantCode(t, err, model.CodeUnauthorized)
}

// TestProvider_refuses walks what may be wrong with an answer or its token.
func TestProvider_refuses(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	for name, spoil := range map[string]func(p *place){
		"wrong nonce":    func(p *place) { p.issuer.change = func(c map[string]any) { c["nonce"] = "x" } },
		"no nonce":       func(p *place) { p.issuer.change = func(c map[string]any) { delete(c, "nonce") } },
		"wrong audience": func(p *place) { p.issuer.change = func(c map[string]any) { c["aud"] = "other" } },
		"wrong issuer":   func(p *place) { p.issuer.change = func(c map[string]any) { c["iss"] = "https://evil.example" } },
		"expired": func(p *place) {
			p.issuer.change = func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }
		},
		"no expiry":  func(p *place) { p.issuer.change = func(c map[string]any) { delete(c, "exp") } },
		"no subject": func(p *place) { p.issuer.change = func(c map[string]any) { delete(c, "sub") } },
		"another key": func(p *place) {
			p.issuer.sign = func(text []byte) string { return p.issuer.signature(other, string(text)) }
		},
		"unsigned": func(p *place) {
			p.issuer.header = map[string]any{"alg": "none"}
			p.issuer.sign = func([]byte) string { return "" }
		},
		"signed with the public key": func(p *place) {
			p.issuer.header["alg"] = "HS256"
			p.issuer.sign = func(text []byte) string {
				mac := hmac.New(sha256.New, p.issuer.key.N.Bytes())
				mac.Write(text)
				return b64(mac.Sum(nil))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.user("ada", "42")
			spoil(p)
			cookie, _, err := p.through(nil, auth.Errand{})
			wantCode(t, err, model.CodeUnauthorized)
			if _, ok := p.actor(cookie); ok {
				t.Error("signed in all the same")
			}
		})
	}
}

// TestProvider_answersBelongToABrowser: another browser's state, a second use
// and an answer out of nowhere are refused.
func TestProvider_answersBelongToABrowser(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.user("ada", "42")
	begin := func() (*http.Cookie, url.Values) {
		var answer url.Values
		cookie := p.visit(nil, func(ctx context.Context) {
			to, err := p.provider.Begin(ctx, auth.Errand{})
			must(t, err)
			answer = p.issuer.visit(ctx, to)
		})
		return cookie, answer
	}
	mine, myAnswer := begin()
	_, theirs := begin()
	for name, try := range map[string]func() error{
		"nobody's":      func() error { _, _, err := p.finish(nil, myAnswer); return err },
		"empty":         func() error { _, _, err := p.finish(nil, url.Values{}); return err },
		"another state": func() error { c, _ := begin(); _, _, err := p.finish(c, theirs); return err },
		"another issuer": func() error {
			c, a := begin()
			a.Set("iss", "https://evil.example")
			_, _, err := p.finish(c, a)
			return err
		},
		"an error": func() error {
			c, a := begin()
			_, _, err := p.finish(c, url.Values{"state": a["state"], "error": {"access_denied"}})
			return err
		},
	} {
		if err := try(); model.CodeOf(err) != model.CodeUnauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := p.finish(mine, myAnswer)
	must(t, err)
	_, _, err = p.finish(mine, myAnswer)
	wantCode(t, err, model.CodeUnauthorized)
}

func (p *place) invite(email string) string {
	p.t.Helper()
	ctx := p.t.Context()
	team, err := p.store.Read().TeamByName(ctx, auth.DefaultTeam)
	must(p.t, err)
	secret, hashed := p.NewLink()
	must(p.t, p.store.InTx(ctx, func(q *store.Queries) error {
		return q.InsertInvitation(ctx, &model.Invitation{TeamID: team.ID, Email: email, Role: model.RoleDeveloper, ExpiresAt: time.Now().Add(time.Hour)}, hashed)
	}))
	return secret
}

func TestProvider_acceptsInvitations(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	invitation := p.invite("bob@example.com")
	p.issuer.claims = map[string]any{"sub": "7", "email": "bob@example.com", "name": "Bob"}
	_, _, err := p.through(nil, auth.Errand{Invitation: invitation})
	wantCode(t, err, model.CodeUnauthorized) // the provider does not vouch for the address
	p.issuer.claims["email_verified"] = true
	p.issuer.claims["email"] = "eve@example.com"
	_, _, err = p.through(nil, auth.Errand{Invitation: invitation})
	wantCode(t, err, model.CodeUnauthorized)
	p.issuer.claims["email"] = "Bob@example.com"
	cookie, _, err := p.through(nil, auth.Errand{Invitation: invitation})
	must(t, err)
	a, ok := p.actor(cookie)
	if !ok || a.Name != "Bob" || a.Best() != model.RoleDeveloper || a.Admin {
		t.Fatalf("%+v", a)
	}
	_, _, err = p.through(nil, auth.Errand{Invitation: invitation})
	wantCode(t, err, model.CodeConflict) // used
	if _, _, err = p.through(nil, auth.Errand{}); err != nil {
		t.Errorf("signing in later: %v", err)
	}
}

func TestProvider_followsGroups(t *testing.T) {
	t.Parallel()
	p := newPlace(t, auth.GroupRule{Group: "eng", Team: auth.DefaultTeam, Role: model.RoleViewer},
		auth.GroupRule{Group: "leads", Team: auth.DefaultTeam, Role: model.RoleOwner},
		auth.GroupRule{Group: "eng", Team: "absent", Role: model.RoleOwner})
	sign := func(groups ...any) model.Role {
		t.Helper()
		p.issuer.claims = map[string]any{"sub": "7", "preferred_username": "gus@corp", "groups": groups}
		cookie, _, err := p.through(nil, auth.Errand{})
		must(t, err)
		a, _ := p.actor(cookie)
		if a.Name != "gus" {
			t.Fatalf("actor %+v", a)
		}
		return a.Best()
	}
	p.issuer.claims = map[string]any{"sub": "7", "groups": []any{"other"}}
	_, _, err := p.through(nil, auth.Errand{})
	wantCode(t, err, model.CodeUnauthorized) // no group lets them in
	for _, c := range []struct {
		groups []any
		want   model.Role
	}{{[]any{"eng"}, model.RoleViewer}, {[]any{"eng", "leads"}, model.RoleOwner}, {[]any{"eng", 3}, model.RoleViewer}, {nil, ""}} {
		if got := sign(c.groups...); got != c.want {
			t.Errorf("groups %v give %q, want %q", c.groups, got, c.want)
		}
	}
}

// TestProvider_confirms: only a fresh sign-in of the same person counts.
func TestProvider_confirms(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.user("ada", "42")
	p.user("eve", "43")
	cookie, _, err := p.through(nil, auth.Errand{})
	must(t, err)
	p.ahead.Add(int64(3 * time.Minute)) // a token is good for five
	stale := func() bool { a, _ := p.actor(cookie); return a.Stale }
	p.ahead.Add(int64(8 * time.Minute))
	if !stale() {
		t.Fatal("not stale after eleven minutes")
	}
	p.issuer.change = func(c map[string]any) { // the provider's clock goes with ours
		c["exp"] = p.now().Add(5 * time.Minute).Unix()
		c["auth_time"] = p.now().Add(-time.Hour).Unix()
	}
	_, _, err = p.through(cookie, auth.Errand{Confirm: true})
	wantCode(t, err, model.CodeUnauthorized) // it did not ask
	p.issuer.change = func(c map[string]any) { c["exp"], c["auth_time"] = p.now().Add(5*time.Minute).Unix(), p.now().Unix() }
	p.issuer.claims["sub"] = "43"
	_, _, err = p.through(cookie, auth.Errand{Confirm: true})
	wantCode(t, err, model.CodeUnauthorized) // somebody else
	p.issuer.claims["sub"] = "42"
	_, _, err = p.through(cookie, auth.Errand{Confirm: true})
	must(t, err)
	if stale() {
		t.Error("still stale")
	}
}

func TestProvider_disabledUsers(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	u := p.user("ada", "42")
	must(t, p.store.InTx(t.Context(), func(q *store.Queries) error { return q.SetUserDisabled(t.Context(), u.ID, time.Now()) }))
	_, _, err := p.through(nil, auth.Errand{})
	wantCode(t, err, model.CodeUnauthorized)
}
