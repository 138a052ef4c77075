package app

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// TestSecretsAreNowhere lets people and programs in by every way, lets others
// fail, has everything shown, exported and backed up, and finds none of the
// secrets: not in an answer, a log line of any level, a file, a row or a backup.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		i := newIntruder(t, "")
		i.useSecrets()
		i.seeEverything()
		backup := filepath.Join(t.TempDir(), "backup.db") // as sqlite3's .backup makes it, but while the server runs
		db, err := sql.Open("sqlite", filepath.Join(i.dir, "drawbridge.db"))
		check(t, err)
		defer db.Close()
		_, err = db.ExecContext(t.Context(), "VACUUM INTO ?", backup)
		check(t, err)
		for _, why := range append(i.canaries.FindInFiles(filepath.Dir(backup)), i.canaries.FindInFiles(i.dir)...) {
			t.Error(why)
		}
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn := storetest.Postgres(t)
		i := newIntruder(t, dsn)
		i.useSecrets()
		i.seeEverything()
		rows := dump(t, dsn)
		if why := i.canaries.Find("a dump", rows); why != "" || len(rows) < 10_000 {
			t.Errorf("%d bytes: %s", len(rows), why)
		}
	})
}

// useSecrets uses each secret that lets in, and some that nearly do.
func (i *intruder) useSecrets() {
	i.t.Helper()
	const mistyped = "canary of a mistyped password"
	i.canaries.Add("a mistyped password", mistyped)
	jar, err := cookiejar.New(nil)
	check(i.t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: noRedirects.CheckRedirect}
	for password, want := range map[string]int{mistyped: http.StatusUnprocessableEntity, housePassword: http.StatusSeeOther} {
		if status, _, _ := i.ask(browser, http.MethodPost, "/sign-in", url.Values{"login": {"olga"}, "password": {password}}); status != want {
			i.t.Errorf("olga's sign-in: %d, want %d", status, want)
		}
	}
	forged := i.token[:len(i.token)-1] + "!"
	i.canaries.Add("a forged token", forged[8:])
	for _, bearer := range []string{i.token, forged} {
		r, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, i.url+"/api/v1/teams", nil)
		check(i.t, err)
		r.Header.Set("Authorization", "Bearer "+bearer)
		resp, err := http.DefaultClient.Do(r)
		check(i.t, err)
		_ = resp.Body.Close()
	}
	i.byProvider("eng", http.StatusSeeOther)
	i.byProvider("nobody's", http.StatusUnauthorized)
	i.issuer.Sign = func([]byte) string { return "canaryOfASignature0123" }
	i.canaries.Add("an ID token's signature", "canaryOfASignature0123")
	i.byProvider("eng", http.StatusUnauthorized)
	i.issuer.Sign = nil
}

// byProvider goes through the provider as a member of the group.
func (i *intruder) byProvider(group string, want int) {
	i.t.Helper()
	jar, err := cookiejar.New(nil)
	check(i.t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: noRedirects.CheckRedirect}
	i.issuer.Claims = map[string]any{"sub": group, "name": "Gus", "groups": []string{group}}
	_, header, _ := i.ask(browser, http.MethodPost, "/sign-in/provider", url.Values{"next": {"/"}})
	_, to, _ := strings.Cut(header.Get("Refresh"), "url=")
	answer := i.issuer.Visit(i.t.Context(), to)
	i.canaries.Add("an authorization code", answer.Get("code"))
	if status, _, body := i.ask(browser, http.MethodGet, "/sign-in/callback?"+answer.Encode(), nil); status != want {
		i.t.Errorf("by the provider as of group %s: %d, want %d: %s", group, status, want, body)
	}
}

// seeEverything asks for each page, each operation of REST that only looks, and
// each export.
func (i *intruder) seeEverything() {
	i.t.Helper()
	pages, _ := i.crawl()
	admin, _, err := i.app.Auth.CreateToken(i.t.Context(), model.TokenRequest{Name: "all", Role: model.RoleAdmin})
	check(i.t, err)
	i.canaries.Add("an admin's token", admin)
	looks := 0
	for _, r := range i.app.routes.Routes() {
		if r.Method != http.MethodGet || strings.HasSuffix(r.Path, "/stream") || strings.HasPrefix(r.Path, "/static") {
			continue
		}
		address := i.real(strings.TrimPrefix(r.Path, "/api/v1"))
		if strings.HasPrefix(r.Path, "/api/v1") {
			address = "/api/v1" + address
		}
		for _, format := range []string{"csv", "json"} { // of exports
			i.look(strings.Replace(address, "/export/", "/export/"+format, 1), admin)
			looks++
		}
	}
	i.t.Logf("%d kinds of pages, %d addresses asked with a token or a session", pages, looks)
}

// look asks for an address as the admin, by session and by token.
func (i *intruder) look(address, token string) {
	i.t.Helper()
	if !strings.HasPrefix(address, "/api/") {
		i.ask(i.browser, http.MethodGet, address, nil)
		return
	}
	for _, accept := range []string{"application/json", "application/x-ndjson"} {
		r, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, i.url+address, nil)
		check(i.t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(r)
		check(i.t, err)
		var body []byte
		if resp.Header.Get("Content-Type") != "text/event-stream" { // which would not end
			body, err = io.ReadAll(resp.Body)
			check(i.t, err)
		}
		_ = resp.Body.Close()
		if why := i.canaries.Find("GET "+address, body); why != "" {
			i.t.Error(why)
		}
	}
}

// dump is every row of a PostgreSQL database as text.
func dump(t *testing.T, dsn string) (all []byte) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	check(t, err)
	defer db.Close()
	var tables []string
	var names string
	check(t, db.QueryRowContext(t.Context(), `SELECT json_agg(table_name) FROM information_schema.tables WHERE table_schema = 'public'`).Scan(&names))
	check(t, json.Unmarshal([]byte(names), &tables))
	for _, table := range tables {
		var rows string
		check(t, db.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT COALESCE(json_agg(x)::text, '') FROM %q x`, table)).Scan(&rows))
		all = append(all, rows...)
	}
	return all
}
