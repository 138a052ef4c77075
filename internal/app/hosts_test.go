package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestOwnHosts: by which names a panel is asked, by what is known of it.
func TestOwnHosts(t *testing.T) {
	t.Parallel()
	local, open := "127.0.0.1:8080", "0.0.0.0:8080"
	for _, row := range []struct {
		listen string
		c      AccessConfig
		host   string
		want   bool
	}{
		{local, AccessConfig{}, "127.0.0.1:8080", true},
		{local, AccessConfig{}, "localhost:8080", true},
		{local, AccessConfig{}, "panel.localhost", true},
		{local, AccessConfig{}, "[::1]:8080", true},
		{local, AccessConfig{}, "evil.example", false}, // a name that was pointed at this machine
		{local, AccessConfig{}, "127.0.0.1.evil.example:8080", false},
		{local, AccessConfig{}, "localhost.evil.example", false},
		{local, AccessConfig{}, "evil-localhost", false},
		{local, AccessConfig{}, "", false},
		{local, AccessConfig{URL: "https://panel.example.com"}, "Panel.Example.COM.:443", true},
		{local, AccessConfig{URL: "https://panel.example.com"}, "panel.example.com.evil.example", false},
		{local, AccessConfig{URL: "https://panel.example.com"}, "127.0.0.1:8080", true}, // from the proxy, or by hand
		{open, AccessConfig{}, "panel.internal", true},                                  // nobody said its names
		{open, AccessConfig{URL: "https://panel.example.com"}, "panel.internal", false},
		{open, AccessConfig{URL: "https://panel.example.com", Hosts: []string{"panel.internal"}}, "panel.internal:8080", true},
		{open, AccessConfig{ACMEHosts: []string{"panel.example.com"}}, "panel.example.com", true},
		{open, AccessConfig{ACMEHosts: []string{"panel.example.com"}}, "evil.example", false},
		{open, AccessConfig{URL: "https://panel.example.com"}, "10.0.0.5", true}, // no name, nothing to point elsewhere
		{"panel.internal:80", AccessConfig{}, "panel.internal", true},
	} {
		if got := ownHosts(row.listen, row.c).allow(row.host); got != row.want {
			t.Errorf("listening on %s with %+v, %q is let in: %v", row.listen, row.c, row.host, got)
		}
	}
}

// TestForgedHosts: what a client says of where it came from and of who it asks
// changes nothing that the panel says, and a foreign Host is refused, as a
// problem by REST and as a page else.
func TestForgedHosts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const evil = "evil.example"
	ask := func(path, host string, header ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+path, nil)
		check(t, err)
		r.Host = host
		r.Header.Set("Authorization", "Bearer "+h.token)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := noRedirects.Do(r)
		check(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		return resp, string(body)
	}
	for path, kind := range map[string]string{
		"/sign-in": "text/html", "/": "text/html", "/static/app.css": "text/html", "/api/v1/backends": "application/problem+json",
		"/api/v1/openapi.json": "application/problem+json", "/api/docs": "application/problem+json", "/nowhere": "text/html",
	} {
		resp, body := ask(path, evil)
		if resp.StatusCode != http.StatusForbidden || !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) || strings.Contains(body, evil) {
			t.Errorf("%s for another host: %d %s %s", path, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
	}
	if resp, _ := ask("/healthz", evil); resp.StatusCode != http.StatusOK {
		t.Errorf("a load balancer's question: %d", resp.StatusCode)
	}
	for _, path := range []string{"/sign-in?next=/teams", "/backends", "/api/v1/backends", "/api/v1/openapi.json", "/nowhere"} {
		plain, want := ask(path, "127.0.0.1")
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Original-Url", "X-Rewrite-Url", "X-Real-Ip", "Forwarded", "X-Http-Method-Override"} {
			resp, got := ask(path, "127.0.0.1", name, evil)
			if resp.StatusCode != plain.StatusCode || resp.Header.Get("Location") != plain.Header.Get("Location") || strings.Contains(got, evil) || len(got) != len(want) {
				t.Errorf("%s with %s: %d %q, without %d %q", path, name, resp.StatusCode, resp.Header.Get("Location"), plain.StatusCode, plain.Header.Get("Location"))
			}
		}
	}
}

// noRedirects is a client that stays where it is.
var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// TestPathTricks: what is not embedded is served under no spelling, and no path
// leads to another site.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, path := range []string{
		"/static/../internal/app/app.go", "/static/%2e%2e/%2e%2e/go.mod", "/static/..%2f..%2fgo.mod", "/static/..%5c..%5cgo.mod", "/static/%252e%252e/go.mod",
		"/static/./app.css/../../go.mod", "/static//app.css", "/static/vendor/../../static.go", "/static/%00app.css", "/static/app.css%00.js", "/static/app.css/",
		"/static/vendor/", "/static/", "/static", "//evil.example/%2e%2e", "//evil.example/..", "/%5cevil.example", "/\\evil.example/", "//evil.example//", "/%2f%2fevil.example/",
		"/.//evil.example/", "/backends/..%2f..%2fusers", "/api/v1/../../backends", "/api/%2e%2e/backends", "/API/v1/backends", "/static/APP.CSS",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url, nil)
		check(t, err)
		r.URL.Opaque = "//" + r.URL.Host + path // as it stands, on the wire
		resp, err := noRedirects.Do(r)
		check(t, err)
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		_ = resp.Body.Close()
		to := resp.Header.Get("Location")
		if resp.StatusCode >= 500 || resp.StatusCode == http.StatusOK || strings.HasPrefix(to, "//") || strings.Contains(to, "\\") || strings.Contains(to, "://") ||
			strings.Contains(string(body), "module drawbridge") || strings.Contains(string(body), "package ") {
			t.Errorf("%s: %d to %q: %.80s", path, resp.StatusCode, to, body)
		}
	}
}
