package auth_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

var commandLine = model.Actor{Name: "command line", Admin: true}

// byLink opens a link and tells whether it signed in.
func (w *world) byLink(token string) (cookie *http.Cookie, err error) {
	w.t.Helper()
	cookie = w.visit(nil, func(ctx context.Context) { err = w.SignInByLink(ctx, token) })
	return cookie, err
}

// TestRescueLink: whoever has a shell lets an admin in who lost the password,
// once, who then sets a new one. It opens no set-up.
func TestRescueLink(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, false), t.Context()
	lost := w.withPassword() // and whoever has it now is signed in
	token, u, err := w.NewRescueLink(ctx, commandLine, auth.AdminName)
	must(t, err)
	if setUp, err := w.NeedsSetUp(ctx); setUp || err != nil {
		t.Fatalf("a rescue opened the set-up: %v", err)
	}
	cookie, err := w.byLink(token)
	must(t, err)
	a, ok := w.actor(cookie)
	if !ok || a.ID != u.ID || !a.Admin || a.Stale {
		t.Fatalf("actor %+v", a)
	}
	_, err = w.byLink(token)
	wantCode(t, err, model.CodeUnauthorized)
	w.visit(cookie, func(ctx context.Context) { must(t, w.SetPassword(ctx, "another good password")) })
	if _, ok := w.actor(lost); ok {
		t.Error("who came by the old password is still signed in")
	}
	if _, err := w.try(auth.AdminName, "another good password", ""); err != nil {
		t.Error(err)
	}
	users, err := w.store.Read().Users(ctx)
	must(t, err)
	if len(users) != 1 {
		t.Errorf("users %+v", users)
	}
	rows, err := w.store.Read().AuditEntries(ctx, store.AuditQuery{Oldest: true, Limit: 100})
	must(t, err)
	var said []string
	for _, r := range rows {
		said = append(said, string(r.Action)+" "+r.ActorKind+" "+string(r.Outcome))
	}
	want := []string{
		"session.sign_in user done", "user.set_password user done", // the set-up
		"user.make_sign_in_link system done", "session.sign_in user done", "session.sign_in nobody refused",
		"user.set_password user done", "session.sign_in user done",
	}
	if len(said) != len(want) {
		t.Fatalf("the audit says %q", said)
	}
	for i := range want {
		if said[i] != want[i] {
			t.Errorf("row %d: %s, want %s", i, said[i], want[i])
		}
	}
}

// TestRescueLink_refused: for nobody and for somebody who is switched off there
// is none, and one that is late, was overtaken by a new password or is that of
// somebody who was switched off meanwhile lets nobody in.
func TestRescueLink_refused(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(w *world, u *model.User){
		"an hour":      func(w *world, _ *model.User) { w.ahead.Store(int64(time.Hour)) },
		"new password": func(w *world, _ *model.User) { w.setPassword() },
		"another link": func(w *world, u *model.User) {
			token, _, err := w.NewRescueLink(w.t.Context(), commandLine, u.Name)
			must(w.t, err)
			_, err = w.byLink(token)
			must(w.t, err)
		},
		"switched off": func(w *world, u *model.User) {
			must(w.t, w.store.InTx(w.t.Context(), func(q *store.Queries) error {
				return q.SetUserDisabled(w.t.Context(), u.ID, time.Now())
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, false)
			w.withPassword()
			token, u, err := w.NewRescueLink(t.Context(), commandLine, auth.AdminName)
			must(t, err)
			happens(w, u)
			_, err = w.byLink(token)
			wantCode(t, err, model.CodeUnauthorized)
		})
	}
	w, ctx := newWorld(t, false), t.Context()
	_, _, err := w.NewRescueLink(ctx, commandLine, "nobody@example.com")
	wantCode(t, err, model.CodeNotFound)
	u := &model.User{Name: "Olga", DisabledAt: time.Now()}
	must(t, w.store.InTx(ctx, func(q *store.Queries) error { return q.InsertUser(ctx, u) }))
	_, _, err = w.NewRescueLink(ctx, commandLine, "Olga")
	wantCode(t, err, model.CodeConflict)
}

// setPassword sets the admin's password from another browser of theirs.
func (w *world) setPassword() {
	w.t.Helper()
	cookie, err := w.try(auth.AdminName, goodPassword, "")
	must(w.t, err)
	w.visit(cookie, func(ctx context.Context) { must(w.t, w.SetPassword(ctx, "another good password")) })
}
