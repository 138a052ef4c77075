package app

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// TestOtherMethods: what no route takes tells nothing and does nothing, a method in
// a header is none, no other site is let read, and nothing private is kept by
// what lies between.
func TestOtherMethods(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	browser, _ := h.person("vera", model.RoleOwner)
	ask := func(client *http.Client, method, path string, header ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, nil)
		check(t, err)
		r.Header.Set("Origin", "https://evil.example")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(r)
		check(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		for name := range resp.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s %s: %s", method, path, name)
			}
		}
		return resp, string(body)
	}
	token := []string{"Authorization", "Bearer " + h.token}
	stranger := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	pages := []string{"/backends", "/backends/" + h.backend, "/backends/" + h.backend + "/destroy", "/teams/" + h.team, "/account", "/audit"}
	rest := []string{"/api/v1/backends", "/api/v1/backends/" + h.backend, "/api/v1/teams/" + h.team + "/tokens", "/api/v1/audit"}
	for _, method := range []string{"HEAD", "OPTIONS", "TRACE", "PROPFIND", "BREW"} {
		for _, path := range append(pages, rest...) {
			for who, client := range map[string]*http.Client{"a stranger": stranger, "an owner": browser} {
				resp, body := ask(client, method, path, token...)
				refused := resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusForbidden ||
					method == http.MethodOptions && resp.StatusCode == http.StatusNoContent // which methods there are, the same to everybody
				if !refused || strings.Contains(body, "orders") {
					t.Errorf("%s %s by %s: %d %s", method, path, who, resp.StatusCode, body)
				}
			}
		}
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		ask(browser, http.MethodGet, "/backends/"+h.backend+"/destroy", name, "POST")
		if resp, _ := ask(stranger, http.MethodGet, "/api/v1/backends/"+h.backend, append(token, name, "DELETE")...); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	jobs, err := h.app.Store.Read().JobsByBackend(t.Context(), h.backend, 10)
	check(t, err)
	if len(jobs) != 1 {
		t.Errorf("jobs %+v", jobs)
	}
	for _, path := range append(pages[:2:2], append(rest, "/sign-in", "/api/v1/nothing", "/nothing")...) {
		if resp, _ := ask(browser, http.MethodGet, path, token...); resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
}
