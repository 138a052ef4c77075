package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/auth/authtest"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// place is a world with a provider.
type place struct {
	*world
	issuer   *authtest.Issuer
	provider *auth.Provider
}

func newPlace(t *testing.T, groups ...auth.GroupRule) *place {
	t.Helper()
	p := &place{world: newWorld(t, false), issuer: authtest.New(t)}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	p.provider = auth.NewProvider(p.Auth, auth.ProviderConfig{
		Name: "Example", Issuer: p.issuer.URL, ClientID: authtest.ClientID, ClientSecret: authtest.ClientSecret,
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
		answer = p.issuer.Visit(ctx, to)
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
	p.issuer.Claims["email"] = "somebody.else@example.com" // a changed address moves nothing
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
	p.issuer.Claims = map[string]any{"sub": "43", "email": "ada@example.com", "email_verified": true}
	_, _, err := p.through(nil, auth.Errand{})
	wantCode(t, err, model.CodeUnauthorized)
}

// TestProvider_refuses walks what may be wrong with an answer or its token.
func TestProvider_refuses(t *testing.T) {
	t.Parallel()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	for name, spoil := range map[string]func(p *place){
		"wrong nonce":    func(p *place) { p.issuer.Change = func(c map[string]any) { c["nonce"] = "x" } },
		"no nonce":       func(p *place) { p.issuer.Change = func(c map[string]any) { delete(c, "nonce") } },
		"wrong audience": func(p *place) { p.issuer.Change = func(c map[string]any) { c["aud"] = "other" } },
		"wrong issuer":   func(p *place) { p.issuer.Change = func(c map[string]any) { c["iss"] = "https://evil.example" } },
		"expired": func(p *place) {
			p.issuer.Change = func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }
		},
		"no expiry":  func(p *place) { p.issuer.Change = func(c map[string]any) { delete(c, "exp") } },
		"no subject": func(p *place) { p.issuer.Change = func(c map[string]any) { delete(c, "sub") } },
		"another key": func(p *place) {
			p.issuer.Sign = func(text []byte) string { return p.issuer.Signature(other, string(text)) }
		},
		"unsigned": func(p *place) {
			p.issuer.Header = map[string]any{"alg": "none"}
			p.issuer.Sign = func([]byte) string { return "" }
		},
		"signed with the public key": func(p *place) {
			p.issuer.Header["alg"] = "HS256"
			p.issuer.Sign = func(text []byte) string {
				mac := hmac.New(sha256.New, p.issuer.Key.N.Bytes())
				mac.Write(text)
				return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
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
			answer = p.issuer.Visit(ctx, to)
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
	p.issuer.Claims = map[string]any{"sub": "7", "email": "bob@example.com", "name": "Bob"}
	_, _, err := p.through(nil, auth.Errand{Invitation: invitation})
	wantCode(t, err, model.CodeUnauthorized) // the provider does not vouch for the address
	p.issuer.Claims["email_verified"] = true
	p.issuer.Claims["email"] = "eve@example.com"
	_, _, err = p.through(nil, auth.Errand{Invitation: invitation})
	wantCode(t, err, model.CodeUnauthorized)
	p.issuer.Claims["email"] = "Bob@example.com"
	cookie, _, err := p.through(nil, auth.Errand{Invitation: invitation})
	must(t, err)
	a, ok := p.actor(cookie)
	if !ok || a.Name != "Bob" || a.Best() != model.RoleDeveloper || a.Admin {
		t.Fatalf("%+v", a)
	}
	_, _, err = p.through(nil, auth.Errand{Invitation: invitation})
	wantCode(t, err, model.CodeNotFound) // used
	if _, _, err = p.through(nil, auth.Errand{}); err != nil {
		t.Errorf("signing in later: %v", err)
	}
}

// TestProvider_links: somebody who just proved who they are links their account,
// and from then on the provider signs them in. Nobody else's subject moves.
func TestProvider_links(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	cookie := p.withPassword()
	ada, _ := p.actor(cookie)
	p.issuer.Claims = map[string]any{"sub": "7"}
	_, _, err := p.through(nil, auth.Errand{})
	wantCode(t, err, model.CodeUnauthorized) // nobody knows the subject yet

	p.ahead.Store(int64(11 * time.Minute))
	p.visit(cookie, func(ctx context.Context) {
		_, err := p.provider.Begin(ctx, auth.Errand{Link: true})
		wantCode(t, err, model.CodeStale)
	})
	p.ahead.Store(0)
	p.visit(nil, func(ctx context.Context) {
		_, err := p.provider.Begin(ctx, auth.Errand{Link: true})
		wantCode(t, err, model.CodeUnauthorized)
	})
	cookie, next, err := p.through(cookie, auth.Errand{Link: true, Next: "/account"})
	must(t, err)
	if a, ok := p.actor(cookie); !ok || a.ID != ada.ID || next != "/account" {
		t.Fatalf("linking left %+v, next %q", a, next)
	}
	_, _, err = p.through(cookie, auth.Errand{Link: true}) // once more changes nothing
	must(t, err)
	list, err := p.store.Read().Identities(t.Context(), ada.ID)
	must(t, err)
	if len(list) != 1 || list[0].Subject != "7" {
		t.Errorf("identities %+v", list)
	}
	in, _, err := p.through(nil, auth.Errand{})
	must(t, err)
	if a, ok := p.actor(in); !ok || a.ID != ada.ID || !a.Admin {
		t.Errorf("signed in as %+v", a)
	}

	p.user("eve", "8")
	p.issuer.Claims = map[string]any{"sub": "8"}
	_, _, err = p.through(cookie, auth.Errand{Link: true})
	wantCode(t, err, model.CodeConflict)
}

// TestProvider_firstAdmin: where passwords are switched off, the set-up's admin
// links their account, and that closes the set-up.
func TestProvider_firstAdmin(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	cookie := p.signIn(p.link())
	spare := p.link()
	p.ahead.Store(int64(time.Minute))
	_, _, err := p.through(cookie, auth.Errand{Link: true})
	must(t, err)
	if open, err := p.NeedsSetUp(t.Context()); open || err != nil {
		t.Errorf("the set-up is open: %v", err)
	}
	_, err = p.byLink(spare)
	wantCode(t, err, model.CodeUnauthorized)
}

// TestNoPasswords: where they are switched off, a good password lets nobody in,
// proves nothing, and nobody chooses one.
func TestNoPasswords(t *testing.T) {
	t.Parallel()
	p := &place{world: newWorld(t, false)}
	cookie := p.withPassword()
	invitation := p.invite("bob@example.com")
	p.Auth = auth.New(p.store, auth.Options{Now: p.now, NoPasswords: true, Logger: slog.New(slog.DiscardHandler)})
	_, err := p.try(auth.AdminName, goodPassword, "192.0.2.1")
	wantCode(t, err, model.CodeForbidden)
	for name, try := range map[string]func(ctx context.Context) error{
		"confirm": func(ctx context.Context) error { return p.Confirm(ctx, goodPassword) },
		"set":     func(ctx context.Context) error { return p.SetPassword(ctx, "another good password") },
	} {
		p.visit(cookie, func(ctx context.Context) {
			if err := try(ctx); model.CodeOf(err) != model.CodeForbidden {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	p.visit(nil, func(ctx context.Context) {
		wantCode(t, p.AcceptInvitation(ctx, invitation, "Bob", goodPassword), model.CodeForbidden)
	})
	token, _, err := p.NewRescueLink(t.Context(), commandLine, auth.AdminName)
	must(t, err)
	_, err = p.byLink(token) // the rescue stays
	must(t, err)
}

// TestProvider_silent: a provider that does not answer keeps nobody waiting for
// each other's tries.
func TestProvider_silent(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	asked := 0
	p.provider = auth.NewProvider(p.Auth, auth.ProviderConfig{Name: "Example", Issuer: "https://id.example", ClientID: "x", HTTP: &http.Client{
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { asked++; return nil, context.DeadlineExceeded }),
	}})
	begin := func() (err error) {
		p.visit(nil, func(ctx context.Context) { _, err = p.provider.Begin(ctx, auth.Errand{}) })
		return err
	}
	for range 3 {
		wantCode(t, begin(), model.CodeUnavailable)
	}
	if asked != 1 {
		t.Errorf("asked %d times within a moment", asked)
	}
	p.ahead.Store(int64(6 * time.Second))
	wantCode(t, begin(), model.CodeUnavailable)
	if asked != 2 {
		t.Errorf("asked %d times in all, want once more a little later", asked)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestProvider_followsGroups(t *testing.T) {
	t.Parallel()
	p := newPlace(t, auth.GroupRule{Group: "eng", Team: auth.DefaultTeam, Role: model.RoleViewer},
		auth.GroupRule{Group: "leads", Team: auth.DefaultTeam, Role: model.RoleOwner},
		auth.GroupRule{Group: "eng", Team: "absent", Role: model.RoleOwner})
	sign := func(groups ...any) model.Role {
		t.Helper()
		p.issuer.Claims = map[string]any{"sub": "7", "preferred_username": "gus@corp", "groups": groups}
		cookie, _, err := p.through(nil, auth.Errand{})
		must(t, err)
		a, _ := p.actor(cookie)
		if a.Name != "gus" {
			t.Fatalf("actor %+v", a)
		}
		return a.Best()
	}
	p.issuer.Claims = map[string]any{"sub": "7", "groups": []any{"other"}}
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
	p.issuer.Change = func(c map[string]any) { // the provider's clock goes with ours
		c["exp"] = p.now().Add(5 * time.Minute).Unix()
		c["auth_time"] = p.now().Add(-time.Hour).Unix()
	}
	_, _, err = p.through(cookie, auth.Errand{Confirm: true})
	wantCode(t, err, model.CodeUnauthorized) // it did not ask
	p.issuer.Change = func(c map[string]any) { c["exp"], c["auth_time"] = p.now().Add(5*time.Minute).Unix(), p.now().Unix() }
	p.issuer.Claims["sub"] = "43"
	_, _, err = p.through(cookie, auth.Errand{Confirm: true})
	wantCode(t, err, model.CodeUnauthorized) // somebody else
	p.issuer.Claims["sub"] = "42"
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

// TestProvider_strangersSessionsAreShort: whoever only begins leaves a row for some
// minutes; who signs in has a session as long as any.
func TestProvider_strangersSessionsAreShort(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.user("ada", "42")
	var answer url.Values
	left := func(cookie *http.Cookie) time.Duration { return time.Until(cookie.Expires) }
	begun := p.visit(nil, func(ctx context.Context) {
		to, err := p.provider.Begin(ctx, auth.Errand{})
		must(t, err)
		answer = p.issuer.Visit(ctx, to)
	})
	if d := left(begun); d > 16*time.Minute || d < 10*time.Minute {
		t.Errorf("a stranger's session lasts for %s", d)
	}
	in, _, err := p.finish(begun, answer)
	must(t, err)
	if d := left(in); d < 11*time.Hour {
		t.Errorf("a session lasts for %s", d)
	}
	again := p.visit(in, func(ctx context.Context) {
		_, err := p.provider.Begin(ctx, auth.Errand{Confirm: true})
		must(t, err)
	})
	if d := left(again); d < 11*time.Hour {
		t.Errorf("whoever proves again has a session for %s", d)
	}
}
