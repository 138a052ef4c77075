package app

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"drawbridge/internal/model"
)

// stream opens a stream and returns what waits for its end. token is "" for a
// browser's page.
func (h *house) stream(browser *http.Client, token, path string) (end func() error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*time.Minute) // a stream that does not end fails the test
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
			h.post(other, "/sign-in", url.Values{"login": {u.Name}, "password": {housePassword}})
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
			for _, path := range []string{"/backends/stream", "/backends/" + h.backend + "/stream", "/jobs/" + h.job + "/stream", "/sandboxes/stream"} {
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
			one := h.stream(http.DefaultClient, secret, "/api/v1/backends/"+h.backend+"/events")
			all := h.stream(http.DefaultClient, secret, "/api/v1/events")
			start := time.Now()
			lose(h, maker, token.ID)
			lost := time.Since(start)
			check(t, one())
			check(t, all())
			t.Logf("ended %s after access was lost", (time.Since(start) - lost).Round(time.Millisecond))
		})
	}
}
