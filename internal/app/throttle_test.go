package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// trySignIn sends a wrong password and returns the status.
func trySignIn(t *testing.T, server, login string, header ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/sign-in",
		strings.NewReader(url.Values{"login": {login}, "password": {"wrong"}}.Encode()))
	check(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := noRedirects.Do(r)
	check(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
		t.Error("a refusal does not say for how long")
	}
	return resp.StatusCode
}

// replica serves a Drawbridge on that PostgreSQL database, until it is stopped.
func replica(t *testing.T, dsn string) (server string, stop func()) {
	t.Helper()
	a, err := New(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Database: dsn, Sim: SimConfig{Off: true}, Version: "test"},
		slog.New(slog.DiscardHandler))
	check(t, err)
	srv := httptest.NewServer(a.handler)
	return srv.URL, func() { srv.Close(); a.close() }
}

// TestThrottle_onPostgreSQL: tries are counted in the database: two replicas
// count together, and a new one knows of them when both have gone.
func TestThrottle_onPostgreSQL(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	one, stopOne := replica(t, dsn)
	two, stopTwo := replica(t, dsn)
	for i := range 10 {
		if status := trySignIn(t, []string{one, two}[i%2], "ada"); status != http.StatusUnprocessableEntity {
			t.Errorf("try %d: %d", i+1, status)
		}
	}
	for name, server := range map[string]string{"one": one, "two": two} {
		if status := trySignIn(t, server, "ada"); status != http.StatusTooManyRequests {
			t.Errorf("try 11 at replica %s: %d", name, status)
		}
	}
	if status := trySignIn(t, one, "bob"); status != http.StatusUnprocessableEntity {
		t.Errorf("another account: %d", status)
	}
	stopOne()
	stopTwo()
	three, stopThree := replica(t, dsn)
	defer stopThree()
	if status := trySignIn(t, three, "ada"); status != http.StatusTooManyRequests {
		t.Errorf("after a restart: %d", status)
	}
}

// TestThrottle_countsRealAddresses: a header that anybody can write buys no tries.
// Behind a proxy that is trusted, its word counts, and only the right-most of it.
func TestThrottle_countsRealAddresses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		proxies []string
		header  string // %d is another each time
		want    int    // of the 51st try, each at another account
	}{
		"a forged header":           {nil, "192.0.2.%d", http.StatusTooManyRequests},
		"a forged start of it":      {[]string{"127.0.0.1"}, "192.0.2.%d, 198.51.100.7", http.StatusTooManyRequests},
		"what a trusted proxy says": {[]string{"127.0.0.1"}, "192.0.2.%d", http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(c *Config) { c.Access.TrustedProxies = row.proxies })
			status := 0
			for i := range 51 {
				from := fmt.Sprintf(strings.Replace(row.header, "%d", "%[1]d", 1), i)
				status = trySignIn(t, h.url, fmt.Sprintf("user-%d", i), "X-Forwarded-For", from, "X-Real-Ip", from, "Forwarded", "for="+from)
			}
			if status != row.want {
				t.Errorf("try 51: %d, want %d", status, row.want)
			}
		})
	}
}

// TestTokensOfTokens: what a token makes goes back to the person who made that
// token, and ends with them, however long the line.
func TestTokensOfTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, olga := h.person("olga", model.RoleOwner)
	first, _, err := h.app.Auth.CreateToken(t.Context(), model.TokenRequest{TeamID: h.team, Name: "first", Role: model.RoleOwner,
		Actor: model.Actor{ID: olga.ID, Person: true}})
	check(t, err)
	line := []string{first}
	for i := range 3 {
		var made struct{ Secret string }
		h.rest(line[i], http.MethodPost, "/teams/"+h.team+"/tokens", fmt.Sprintf(`{"name":"t%d","role":"owner"}`, i), &made)
		line = append(line, made.Secret)
	}
	var invited struct{ Path string }
	h.rest(line[3], http.MethodPost, "/teams/"+h.team+"/invitations", `{"email":"eve@example.com","role":"owner"}`, &invited)
	for _, row := range []struct {
		what   string
		change func()
		works  bool
	}{
		{"as they were made", func() {}, true},
		{"with the maker switched off", func() {
			check(t, h.app.Panel.SwitchUser(t.Context(), model.Actor{ID: "usr_x", Admin: true}, olga.ID, false))
		}, false},
		{"with the maker switched on again", func() {
			check(t, h.app.Panel.SwitchUser(t.Context(), model.Actor{ID: "usr_x", Admin: true}, olga.ID, true))
		}, false}, // tokens are gone for good
	} {
		row.change()
		for i, token := range line {
			if _, err := h.app.Auth.TokenActor(t.Context(), token); (err == nil) != row.works {
				t.Errorf("token %d, %s: %v", i, row.what, err)
			}
		}
	}
	check(t, h.app.Panel.SwitchUser(t.Context(), model.Actor{ID: "usr_x", Admin: true}, olga.ID, false))
	resp, err := http.Get(h.url + invited.Path)
	check(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("the last token's invitation: %d", resp.StatusCode)
	}
}
