package auth_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an Auth on a real store, whose clock a test may set forward.
type world struct {
	*auth.Auth
	t     *testing.T
	store *store.Store
	ahead atomic.Int64
}

func newWorld(t *testing.T, secure bool) *world {
	t.Helper()
	w := &world{t: t}
	logger := slog.New(slog.DiscardHandler)
	st, err := store.Open(t.Context(), store.Options{
		DSN: storetest.SQLite(t), Now: w.now, Logger: logger,
	})
	must(t, err)
	t.Cleanup(func() { must(t, st.Close()) })
	w.store = st
	w.Auth = auth.New(st, auth.Options{Secure: secure, Now: w.now, Logger: logger})
	must(t, w.SeedAdmin(t.Context()))
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code model.Code) {
	t.Helper()
	if err == nil || model.CodeOf(err) != code {
		t.Fatalf("error is %v, want %s", err, code)
	}
}

// visit is one request of a browser that has the cookie, if any, to a handler
// that runs fn. It returns the cookie that the answer sets.
func (w *world) visit(cookie *http.Cookie, fn func(ctx context.Context)) *http.Cookie {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	rec := httptest.NewRecorder()
	w.Sessions.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fn(r.Context()) })).ServeHTTP(rec, r)
	if cookies := rec.Result().Cookies(); len(cookies) > 0 {
		return cookies[0]
	}
	return nil
}

// actor is who is signed in with the cookie.
func (w *world) actor(cookie *http.Cookie) (a model.Actor, ok bool) {
	w.t.Helper()
	w.visit(cookie, func(ctx context.Context) { a, ok = w.UserActor(ctx) })
	return a, ok
}

func (w *world) link() string {
	w.t.Helper()
	token, err := w.NewSignInLink(w.t.Context())
	must(w.t, err)
	return token
}

func (w *world) signIn(token string) *http.Cookie {
	w.t.Helper()
	return w.visit(nil, func(ctx context.Context) {
		must(w.t, w.SignInByLink(ctx, token))
	})
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	if _, ok := w.actor(nil); ok {
		t.Fatal("a stranger is signed in")
	}
	cookie := w.signIn(w.link())
	if cookie.Name != "drawbridge_session" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/" {
		t.Fatalf("cookie %+v", cookie)
	}
	a, ok := w.actor(cookie)
	if !ok || a.Name != auth.AdminName || !a.Admin || a.Stale || a.ID == "" {
		t.Fatalf("actor %+v, %v", a, ok)
	}
	if _, ok := w.actor(&http.Cookie{Name: cookie.Name, Value: cookie.Value[1:] + "A"}); ok {
		t.Fatal("a tampered cookie is signed in")
	}
	w.visit(cookie, func(ctx context.Context) { must(t, w.SignOut(ctx)) })
	if _, ok := w.actor(cookie); ok {
		t.Fatal("signed out, and still in")
	}
}

// TestSignInsAreAudited: who came in, who did not, who left, who made a token.
func TestSignInsAreAudited(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), model.WithOrigin(t.Context(), model.Origin{IP: "192.0.2.7"})
	cookie := w.signIn(w.link())
	w.visit(nil, func(ctx context.Context) {
		err := w.SignInByLink(ctx, "wrong")
		wantCode(t, err, model.CodeUnauthorized)
	})
	w.visit(cookie, func(ctx context.Context) { must(t, w.SignOut(ctx)) })
	w.visit(nil, func(ctx context.Context) { must(t, w.SignOut(ctx)) }) // nobody left
	secret, _, err := w.CreateToken(ctx, w.request())
	must(t, err)
	rows, err := w.store.Read().AuditEntries(ctx, store.AuditQuery{Oldest: true, Limit: 10})
	must(t, err)
	var said []string
	for _, r := range rows {
		said = append(said, strings.Join([]string{r.ActorKind, r.ActorName, string(r.Action), string(r.Outcome), r.IP}, " "))
		if strings.Contains(string(r.After), secret) || strings.Contains(string(r.After), "hash") {
			t.Errorf("row %d holds a secret: %s", r.Seq, r.After)
		}
	}
	want := []string{"user admin session.sign_in done ", "nobody  session.sign_in refused ", "user admin session.sign_out done ",
		"nobody  token.create done 192.0.2.7"}
	if !slices.Equal(said, want) {
		t.Errorf("the audit says %q", said)
	}
}

// TestRefusalsCannotFillTheAudit: whoever guesses for hours leaves some rows, and
// another address its own.
func TestRefusalsCannotFillTheAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	guess := func(times int, address string) {
		for range times {
			w.visit(nil, func(ctx context.Context) {
				err := w.SignInByLink(model.WithOrigin(ctx, model.Origin{IP: address}), "wrong")
				wantCode(t, err, model.CodeUnauthorized)
			})
		}
	}
	rows := func() int {
		list, err := w.store.Read().AuditEntries(t.Context(), store.AuditQuery{Limit: 1000})
		must(t, err)
		return len(list)
	}
	guess(120, "2001:db8::1")
	guess(5, "2001:db8::2") // of the same network
	if n := rows(); n != 100 {
		t.Errorf("%d rows, want 100", n)
	}
	guess(3, "192.0.2.1")
	if n := rows(); n != 103 {
		t.Errorf("with another address %d rows, want 103", n)
	}
	w.ahead.Store(int64(31 * time.Minute))
	guess(1, "2001:db8::1")
	if n := rows(); n != 104 {
		t.Errorf("half an hour later %d rows, want 104", n)
	}
}

func TestCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	c := w.signIn(w.link())
	if c.Name != "__Host-drawbridge" || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Fatalf("cookie %+v", c)
	}
}

// TestSessionFixation: a session from before the sign-in is worth nothing after it.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	planted := w.visit(nil, func(ctx context.Context) { w.Sessions.Put(ctx, "x", "y") })
	link := w.link()
	fresh := w.visit(planted, func(ctx context.Context) {
		err := w.SignInByLink(ctx, link)
		must(t, err)
	})
	if _, ok := w.actor(planted); ok || fresh.Value == planted.Value {
		t.Fatal("the planted session is signed in")
	}
	if _, ok := w.actor(fresh); !ok {
		t.Fatal("the new session is not")
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	cookie := w.signIn(w.link())
	w.ahead.Store(int64(11 * time.Hour))
	if _, ok := w.actor(cookie); !ok {
		t.Fatal("signed out after 11 hours")
	}
	w.ahead.Store(int64(13 * time.Hour)) // idle: scs counted from the real clock's now
	if _, ok := w.actor(cookie); ok {
		t.Fatal("signed in after 13 idle hours")
	}
}

// TestSessionEndsAfterAWeek: one that is used all the time ends, too.
func TestSessionEndsAfterAWeek(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		cookie := w.signIn(w.link())
		start := time.Now()
		for time.Since(start) < 7*24*time.Hour-6*time.Hour {
			time.Sleep(6 * time.Hour) // the bubble's
			if _, ok := w.actor(cookie); !ok {
				t.Fatalf("signed out after %s of use", time.Since(start))
			}
		}
		time.Sleep(6 * time.Hour)
		if _, ok := w.actor(cookie); ok {
			t.Fatalf("signed in after %s", time.Since(start))
		}
	})
}

// TestSessionRowsExpireToo: a session whose row says that it was idle for too long
// lets nobody in, whatever the cookie and what stands behind it say.
func TestSessionRowsExpireToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	cookie := w.signIn(w.link())
	a, _ := w.actor(cookie)
	must(t, w.store.InTx(t.Context(), func(q *store.Queries) error {
		return q.TouchUserSession(t.Context(), a.Session, w.now().Add(-13*time.Hour))
	}))
	if _, ok := w.actor(cookie); ok {
		t.Error("signed in")
	}
}

// TestSecretsAreHashed: what is in the database opens nothing.
func TestSecretsAreHashed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	link := w.link()
	used := w.link()
	cookie := w.signIn(used)
	for _, secret := range []string{link, cookie.Value} {
		if _, found, err := w.store.Sessions().FindCtx(t.Context(), secret); err != nil || found {
			t.Fatalf("stored as it is: %v, %v", found, err)
		}
		must(t, w.store.InTx(t.Context(), func(q *store.Queries) error {
			if _, err := q.UseSignInLink(t.Context(), secret); model.CodeOf(err) != model.CodeNotFound {
				t.Errorf("stored as it is: %v", err)
			}
			return nil
		}))
	}
}

func TestLinkWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	link := w.link()
	var in, refused atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w.visit(nil, func(ctx context.Context) {
				err := w.SignInByLink(ctx, link)
				switch {
				case err == nil:
					in.Add(1)
				case model.CodeOf(err) == model.CodeUnauthorized:
					refused.Add(1)
				}
			})
		})
	}
	wg.Wait()
	if in.Load() != 1 || refused.Load() != 7 {
		t.Fatalf("%d signed in, %d were refused", in.Load(), refused.Load())
	}
}

// TestBadLinks: wrong, used and expired are told apart by nobody.
func TestBadLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	used, late := w.link(), w.link()
	w.signIn(used)
	w.ahead.Store(int64(time.Hour))
	texts := map[string]bool{}
	for _, token := range []string{used, late, "wrong", ""} {
		w.visit(nil, func(ctx context.Context) {
			err := w.SignInByLink(ctx, token)
			wantCode(t, err, model.CodeUnauthorized)
			texts[err.Error()] = true
			if _, ok := w.UserActor(ctx); ok {
				t.Error("signed in all the same")
			}
		})
	}
	if len(texts) != 1 {
		t.Fatalf("different answers: %v", texts)
	}
}

func TestSeedAdminOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	must(t, w.SeedAdmin(t.Context()))
	users, err := w.store.Read().Users(t.Context())
	must(t, err)
	teams, err := w.store.Read().Teams(t.Context())
	must(t, err)
	if len(users) != 1 || len(teams) != 1 || teams[0].Name != auth.DefaultTeam {
		t.Fatalf("users %v, teams %v", users, teams)
	}
}

func (w *world) request() model.TokenRequest {
	w.t.Helper()
	team, err := w.store.Read().TeamByName(w.t.Context(), auth.DefaultTeam)
	must(w.t, err)
	return model.TokenRequest{TeamID: team.ID, Name: "ci", Role: model.RoleDeveloper, TTL: time.Hour}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	r := w.request()
	secret, token, err := w.CreateToken(ctx, r)
	must(t, err)
	if len(secret) != 42 || !strings.HasPrefix(secret, "dbr_") {
		t.Fatalf("secret %q", secret)
	}
	a, err := w.TokenActor(ctx, secret)
	must(t, err)
	want := model.Member(token.ID, "ci", r.TeamID, model.RoleDeveloper)
	want.Until = token.ExpiresAt
	if !reflect.DeepEqual(a, want) {
		t.Fatalf("actor %+v", a)
	}
	list, err := w.store.Read().Tokens(ctx, r.TeamID)
	must(t, err)
	if len(list) != 1 || list[0].LastUsedAt.IsZero() {
		t.Fatalf("tokens %+v", list)
	}
	w.ahead.Store(int64(time.Hour + time.Second))
	_, err = w.TokenActor(ctx, secret)
	wantCode(t, err, model.CodeUnauthorized)
}

// TestMistypedTokens: refused without the database, which is closed here.
func TestMistypedTokens(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	secret, _, err := w.CreateToken(ctx, w.request())
	must(t, err)
	other, _, err := w.CreateToken(ctx, w.request())
	must(t, err)
	must(t, w.store.Close())
	_, err = w.TokenActor(ctx, secret)
	wantCode(t, err, model.CodeUnavailable) // a good one is asked for, and nobody answers
	bad := []string{"", "dbr_", strings.TrimPrefix(secret, "dbr_"), secret + "0", secret[:36] + other[36:], strings.ToUpper(secret)}
	for i := range secret {
		c := byte('0')
		if secret[i] == c {
			c = '1'
		}
		bad = append(bad, secret[:i]+string(c)+secret[i+1:])
	}
	for _, b := range bad {
		_, err := w.TokenActor(ctx, b)
		wantCode(t, err, model.CodeUnauthorized)
	}
}

func TestDeletedToken(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	secret, token, err := w.CreateToken(ctx, w.request())
	must(t, err)
	must(t, w.store.InTx(ctx, func(q *store.Queries) error { return q.DeleteToken(ctx, token.TeamID, token.ID) }))
	_, err = w.TokenActor(ctx, secret)
	wantCode(t, err, model.CodeUnauthorized)
}

func TestTokenRequests(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	for name, c := range map[string]struct {
		change func(*model.TokenRequest)
		code   model.Code // "" = made
	}{
		"nameless":      {func(r *model.TokenRequest) { r.Name = "" }, model.CodeInvalid},
		"two lines":     {func(r *model.TokenRequest) { r.Name = "ci\nroot" }, model.CodeInvalid},
		"an escape":     {func(r *model.TokenRequest) { r.Name = "ci\x1b[2J" }, model.CodeInvalid},
		"the server's":  {func(r *model.TokenRequest) { r.Name = "DRAWBRIDGE" }, model.CodeInvalid},
		"no such role":  {func(r *model.TokenRequest) { r.Role = "root" }, model.CodeInvalid},
		"no team":       {func(r *model.TokenRequest) { r.TeamID = "" }, model.CodeInvalid},
		"no such team":  {func(r *model.TokenRequest) { r.TeamID = "team_x" }, model.CodeNotFound},
		"expired":       {func(r *model.TokenRequest) { r.TTL = -time.Second }, model.CodeInvalid},
		"for ever":      {func(r *model.TokenRequest) { r.TTL = 10_000 * time.Hour }, model.CodeInvalid},
		"admin":         {func(r *model.TokenRequest) { r.TeamID, r.Role = "", model.RoleAdmin }, ""},
		"for 90 days":   {func(r *model.TokenRequest) { r.TTL = 0 }, ""},
		"as it is made": {func(*model.TokenRequest) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := w.request()
			c.change(&r)
			_, token, err := w.CreateToken(ctx, r)
			if c.code != "" {
				wantCode(t, err, c.code)
				return
			}
			must(t, err)
			if left := token.ExpiresAt.Sub(token.CreatedAt); r.TTL == 0 && left != 90*24*time.Hour {
				t.Fatalf("good for %s", left)
			}
		})
	}
}
