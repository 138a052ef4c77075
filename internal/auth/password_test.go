package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

const goodPassword = "correct horse battery"

// withPassword gives the admin a password and returns their browser.
func (w *world) withPassword() *http.Cookie {
	w.t.Helper()
	cookie := w.signIn(w.link())
	w.visit(cookie, func(ctx context.Context) { must(w.t, w.SetPassword(ctx, goodPassword)) })
	return cookie
}

func (w *world) try(login, password, address string) (cookie *http.Cookie, err error) {
	w.t.Helper()
	cookie = w.visit(nil, func(ctx context.Context) {
		err = w.SignInByPassword(model.WithOrigin(ctx, model.Origin{IP: address, UserAgent: "test"}), login, password)
	})
	return cookie, err
}

func TestPassword_signsInAndClosesTheLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	needed, err := w.NeedsSetUp(t.Context())
	must(t, err)
	if !needed {
		t.Fatal("a fresh installation needs no set-up")
	}
	w.withPassword()
	if needed, err = w.NeedsSetUp(t.Context()); needed || err != nil {
		t.Fatalf("set-up is open with a password: %v", err)
	}
	late := w.link()
	w.visit(nil, func(ctx context.Context) {
		wantCode(t, w.SignInByLink(ctx, late), model.CodeUnauthorized)
	})
	cookie, err := w.try(auth.AdminName, goodPassword, "192.0.2.1")
	must(t, err)
	a, ok := w.actor(cookie)
	if !ok || !a.Admin || !a.Person || a.Stale || a.Session == "" {
		t.Fatalf("actor %+v", a)
	}
	list, err := w.store.Read().UserSessions(t.Context(), a.ID)
	must(t, err)
	if len(list) != 2 || list[0].Address != "192.0.2.1" || list[0].Agent != "test" {
		t.Fatalf("sessions %+v", list)
	}
}

// TestPassword_oneAnswer: an unknown user, a wrong password, an account
// without one and one that is switched off cannot be told apart.
func TestPassword_oneAnswer(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	w.withPassword()
	must(t, w.store.InTx(ctx, func(q *store.Queries) error {
		off := &model.User{Name: "off", DisabledAt: time.Now()}
		return errors.Join(q.InsertUser(ctx, &model.User{Name: "without"}), q.InsertUser(ctx, off))
	}))
	answers := map[string]bool{}
	for login, password := range map[string]string{
		auth.AdminName: "wrong", "nobody": goodPassword, "without": "", "off": goodPassword, "": "", "a@example.com": "x",
	} {
		_, err := w.try(login, password, "192.0.2.1")
		wantCode(t, err, model.CodeUnauthorized)
		answers[err.Error()] = true
	}
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
}

// TestThrottle_isSharedAndSurvives: the counts are in the database, so another
// process knows them, and they hold for an account that does not exist, too.
func TestThrottle_isSharedAndSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.withPassword()
	other := auth.New(w.store, auth.Options{Now: w.now})
	var refused, wrong atomic.Int64
	var wg sync.WaitGroup
	for i := range 14 {
		wg.Go(func() {
			by := w.Auth
			if i%2 == 0 {
				by = other
			}
			w.visit(nil, func(ctx context.Context) {
				err := by.SignInByPassword(model.WithOrigin(ctx, model.Origin{IP: fmt.Sprintf("192.0.2.%d", i)}), "nobody", "x")
				switch model.CodeOf(err) {
				case model.CodeTooMany:
					refused.Add(1)
				case model.CodeUnauthorized:
					wrong.Add(1)
				}
			})
		})
	}
	wg.Wait()
	if wrong.Load() != 10 || refused.Load() != 4 {
		t.Fatalf("%d were tried and %d refused, want 10 and 4", wrong.Load(), refused.Load())
	}
	_, err := w.try("nobody", "x", "192.0.2.99")
	var e *model.Error
	if !errors.As(err, &e) || e.RetryAfter <= 0 || e.RetryAfter > 30*time.Second {
		t.Fatalf("refusal %+v", e)
	}
	w.ahead.Add(int64(31 * time.Second))
	_, err = w.try("nobody", "x", "192.0.2.99")
	wantCode(t, err, model.CodeUnauthorized)
	_, err = w.try("nobody", "x", "192.0.2.99") // and the next wait is twice as long
	if !errors.As(err, &e) || e.RetryAfter <= 30*time.Second {
		t.Fatalf("second refusal %+v", e)
	}
	if _, err = w.try(auth.AdminName, goodPassword, "192.0.2.99"); err != nil {
		t.Fatalf("another account: %v", err)
	}
}

// TestThrottle_countsAddresses: one address that tries many accounts is
// stopped, and a good account of its own buys it nothing.
func TestThrottle_countsAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	w.withPassword()
	for i := range 50 {
		login, password := fmt.Sprintf("user-%d", i), "x"
		if i%10 == 0 {
			login, password = auth.AdminName, goodPassword
		}
		_, err := w.try(login, password, fmt.Sprintf("2001:db8::%d", i)) // one /64
		if model.CodeOf(err) == model.CodeTooMany {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	_, err := w.try(auth.AdminName, goodPassword, "2001:db8::ffff")
	wantCode(t, err, model.CodeTooMany)
	if _, err = w.try(auth.AdminName, goodPassword, "2001:db8:1::1"); err != nil {
		t.Errorf("another network: %v", err)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	cookie := w.withPassword()
	w.ahead.Add(int64(11 * time.Minute))
	if a, ok := w.actor(cookie); !ok || !a.Stale {
		t.Fatalf("after eleven minutes: %+v", a)
	}
	w.visit(cookie, func(ctx context.Context) {
		wantCode(t, w.SetPassword(ctx, "another good password"), model.CodeStale)
		wantCode(t, w.Confirm(ctx, "wrong"), model.CodeInvalid)
		must(t, w.Confirm(ctx, goodPassword))
		must(t, w.SetPassword(ctx, "another good password"))
	})
	if a, ok := w.actor(cookie); !ok || a.Stale {
		t.Fatalf("after the proof: %+v", a)
	}
	_, err := w.try(auth.AdminName, goodPassword, "192.0.2.1")
	wantCode(t, err, model.CodeUnauthorized)
	rows, err := w.store.Read().AuditEntries(t.Context(), store.AuditQuery{AuditFilter: model.AuditFilter{Action: string(model.AuditSignIn), Target: auth.AdminName}, Oldest: true, Limit: 10})
	must(t, err)
	if len(rows) != 2 || rows[0].Outcome != model.AuditRefused { // the proof that failed, and the sign-in after it
		t.Errorf("the audit says %+v", rows)
	}
}

func TestSetPassword_endsOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	first := w.withPassword()
	second, err := w.try(auth.AdminName, goodPassword, "")
	must(t, err)
	w.visit(first, func(ctx context.Context) {
		wantCode(t, w.SetPassword(ctx, "too short"), model.CodeInvalid)
		must(t, w.SetPassword(ctx, "another good password"))
	})
	if _, ok := w.actor(second); ok {
		t.Error("the other browser is still signed in")
	}
	if _, ok := w.actor(first); !ok {
		t.Error("this browser was signed out")
	}
}

func TestDisabledUsersAreOutAtOnce(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	cookie := w.withPassword()
	a, _ := w.actor(cookie)
	must(t, w.store.InTx(ctx, func(q *store.Queries) error { return q.SetUserDisabled(ctx, a.ID, time.Now()) }))
	if _, ok := w.actor(cookie); ok {
		t.Error("still signed in")
	}
	_, err := w.try(auth.AdminName, goodPassword, "")
	wantCode(t, err, model.CodeUnauthorized)
}

// TestHashingIsBounded: a caller that leaves does not wait for a place.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := func() (err error) {
		w.visit(nil, func(context.Context) { err = w.SignInByPassword(ctx, "x", "y") })
		return err
	}
	if err := r(); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
