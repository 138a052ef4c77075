package app

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// house is a wired Drawbridge over HTTP, with a team, a backend and an owner's
// token of it, and a clock that a test may set forward.
type house struct {
	t       *testing.T
	app     *App
	url     string
	team    string
	backend string
	job     string
	token   string
	ahead   atomic.Int64
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t}
	a, err := New(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Sim: SimConfig{Off: true}, Version: "test",
		Now: func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }}, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(a.close)
	srv := httptest.NewServer(a.handler)
	t.Cleanup(srv.Close)
	h.app, h.url = a, srv.URL
	h.fill()
	return h
}

func (h *house) fill() {
	h.t.Helper()
	ctx := h.t.Context()
	team, err := h.app.Store.Read().TeamByName(ctx, "default")
	check(h.t, err)
	env := &model.Environment{Name: "lab", Region: "ap-northeast-1"}
	b := &model.Backend{TeamID: team.ID, Name: "orders", Spec: model.Spec{Port: 8000}.WithDefaults(), SpecVersion: 1, Phase: model.PhaseFailed}
	j := &model.Job{TeamID: team.ID, Operation: model.OpProvision, State: model.JobQueued, Plan: &model.Plan{}}
	check(h.t, h.app.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.UpsertEnvironment(ctx, env); err != nil {
			return err
		}
		b.EnvironmentID = env.ID
		if err := q.InsertBackend(ctx, b); err != nil {
			return err
		}
		j.BackendID = b.ID
		if err := q.InsertJob(ctx, j); err != nil {
			return err
		}
		owner := &model.User{Name: "keeper"} // so that others may leave
		if err := q.InsertUser(ctx, owner); err != nil {
			return err
		}
		return q.SaveMembership(ctx, &model.Membership{TeamID: team.ID, UserID: owner.ID, Role: model.RoleOwner})
	}))
	h.team, h.backend, h.job = team.ID, b.ID, j.ID
	h.token = h.newToken(model.RoleOwner)
}

// newToken makes a token as the command line does.
func (h *house) newToken(role model.Role) string {
	h.t.Helper()
	secret, _, err := h.app.Auth.CreateToken(h.t.Context(), model.TokenRequest{TeamID: h.team, Name: string(role), Role: role, TTL: time.Hour})
	check(h.t, err)
	return secret
}

// rest sends a REST request that must succeed, and reads the answer into out.
func (h *house) rest(token, method, path, body string, out any) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1"+path, strings.NewReader(body))
	check(h.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	check(h.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(h.t, err)
	if resp.StatusCode >= http.StatusBadRequest {
		h.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	if out != nil {
		check(h.t, json.Unmarshal(text, out))
	}
}

// person accepts an invitation into the team and returns their browser.
func (h *house) person(name string, role model.Role) (*http.Client, *model.User) {
	h.t.Helper()
	var made struct{ Path string }
	h.rest(h.token, "POST", "/teams/"+h.team+"/invitations", `{"email":"`+name+`@example.com","role":"`+string(role)+`"}`, &made)
	jar, err := cookiejar.New(nil)
	check(h.t, err)
	browser := &http.Client{Jar: jar}
	h.post(browser, "/invitations", url.Values{"token": {strings.TrimPrefix(made.Path, "/invitations/")}, "name": {name}, "password": {"a long enough password"}})
	u, err := h.app.Store.Read().UserByLogin(h.t.Context(), name)
	check(h.t, err)
	return browser, u
}

// post sends a form, which must be taken.
func (h *house) post(browser *http.Client, path string, form url.Values) {
	h.t.Helper()
	resp, err := browser.PostForm(h.url+path, form)
	check(h.t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		h.t.Fatalf("POST %s: %d %s", path, resp.StatusCode, text)
	}
}

// stream opens a stream and returns what waits for its end. token is "" for a
// browser's page.
func (h *house) stream(browser *http.Client, token, path string) (end func() error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute) // a stream that does not end fails the test
	h.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+path, nil)
	check(h.t, err)
	r.Header.Set("Accept", "text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := browser.Do(r)
	check(h.t, err)
	h.t.Cleanup(func() { _ = resp.Body.Close() })
	body := bufio.NewReader(resp.Body)
	line, err := body.ReadString('\n')
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || err != nil {
		h.t.Fatalf("%s: %d %q, %v", path, resp.StatusCode, line, err)
	}
	return func() error {
		_, err := io.Copy(io.Discard, body)
		return err
	}
}

// TestStreamsEndWithAccess: every kind of stream ends when a new request of the
// same browser or token would be refused, and the next one is.
func TestStreamsEndWithAccess(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(h *house, browser *http.Client, u *model.User){
		"signed out": func(h *house, browser *http.Client, _ *model.User) { h.post(browser, "/sign-out", nil) },
		"session ended elsewhere": func(h *house, _ *http.Client, u *model.User) {
			jar, _ := cookiejar.New(nil)
			other := &http.Client{Jar: jar}
			h.post(other, "/sign-in", url.Values{"login": {u.Name}, "password": {"a long enough password"}})
			h.post(other, "/account/sessions/end", nil)
		},
		"switched off": func(h *house, _ *http.Client, u *model.User) {
			check(h.t, h.app.Panel.SwitchUser(h.t.Context(), model.Actor{ID: "usr_x", Admin: true}, u.ID, false))
		},
		"membership lost": func(h *house, _ *http.Client, u *model.User) {
			h.rest(h.token, "DELETE", "/teams/"+h.team+"/members/"+u.ID, "", nil)
		},
		"role changed": func(h *house, _ *http.Client, u *model.User) {
			h.rest(h.token, "PUT", "/teams/"+h.team+"/members/"+u.ID, `{"role":"viewer"}`, nil)
		},
		"session expired": func(h *house, _ *http.Client, _ *model.User) { h.ahead.Store(int64(13 * time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			browser, u := h.person("vera", model.RoleDeveloper)
			stays, _ := h.person("dan", model.RoleViewer)
			var ends []func() error
			for _, path := range []string{"/backends/stream", "/backends/" + h.backend + "/stream", "/jobs/" + h.job + "/stream"} {
				ends = append(ends, h.stream(browser, "", path))
			}
			h.stream(stays, "", "/backends/stream")
			start := time.Now()
			lose(h, browser, u)
			lost := time.Since(start)
			for _, end := range ends {
				check(t, end())
			}
			t.Logf("%d streams ended %s after access was lost", len(ends), (time.Since(start) - lost).Round(time.Millisecond))
		})
	}
}

func TestRESTStreamsEndWithTheToken(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(h *house, maker *model.User, token string){
		"revoked": func(h *house, _ *model.User, id string) {
			h.rest(h.token, "DELETE", "/teams/"+h.team+"/tokens/"+id, "", nil)
		},
		"expired": func(h *house, _ *model.User, _ string) { h.ahead.Store(int64(2 * time.Hour)) },
		"maker switched off": func(h *house, maker *model.User, _ string) {
			check(h.t, h.app.Panel.SwitchUser(h.t.Context(), model.Actor{ID: "usr_x", Admin: true}, maker.ID, false))
		},
		"maker left the team": func(h *house, maker *model.User, _ string) {
			h.rest(h.token, "DELETE", "/teams/"+h.team+"/members/"+maker.ID, "", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			_, maker := h.person("olga", model.RoleOwner)
			secret, token, err := h.app.Auth.CreateToken(t.Context(), model.TokenRequest{TeamID: h.team, Name: "ci", Role: model.RoleViewer,
				TTL: time.Hour, Actor: model.Actor{ID: maker.ID, Person: true}})
			check(t, err)
			end := h.stream(http.DefaultClient, secret, "/api/v1/backends/"+h.backend+"/events")
			start := time.Now()
			lose(h, maker, token.ID)
			lost := time.Since(start)
			check(t, end())
			t.Logf("ended %s after access was lost", (time.Since(start) - lost).Round(time.Millisecond))
		})
	}
}
