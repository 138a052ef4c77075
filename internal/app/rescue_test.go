package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// TestRescueLink: beside a running server, with the database alone.
func TestRescueLink(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, u := h.person("olga", model.RoleOwner)
	check(t, h.app.Panel.SetAdmin(t.Context(), model.Actor{ID: "usr_x", Admin: true}, u.ID, true))
	cfg := h.app.cfg
	cfg.Access.URL = h.url + "/"
	quiet := slog.New(slog.DiscardHandler)
	link, name, err := RescueLink(t.Context(), cfg, quiet, "Olga@example.com")
	check(t, err)
	at, err := url.Parse(link)
	check(t, err)
	if name != "olga" || !strings.HasPrefix(link, h.url+"/sign-in/") || at.Query().Get("next") != "/account" {
		t.Fatalf("%s for %s", link, name)
	}
	form := url.Values{"token": {strings.TrimPrefix(at.Path, "/sign-in/")}, "next": {"/account"}}
	for i, want := range []string{"olga@example.com", "not good any more"} { // the second use is refused
		jar, err := cookiejar.New(nil)
		check(t, err)
		resp, err := (&http.Client{Jar: jar}).PostForm(h.url+"/sign-in", form)
		check(t, err)
		page, err := io.ReadAll(resp.Body)
		check(t, err)
		_ = resp.Body.Close()
		if !strings.Contains(string(page), want) || (i == 0) != (resp.Request.URL.Path == "/account") {
			t.Errorf("use %d: %d at %s: %s", i+1, resp.StatusCode, resp.Request.URL, page)
		}
	}
	if _, _, err := RescueLink(t.Context(), cfg, quiet, "nobody@example.com"); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("for nobody: %v", err)
	}
}
