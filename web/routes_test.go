package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

func TestEveryRouteHasATitleAndARule(t *testing.T) {
	t.Parallel()
	public := map[string]bool{"error_list": true, "session_new": true, "session_confirm": true, "session_create": true, "session_delete": true,
		"provider_begin": true, "provider_finish": true, "invitation_show": true, "invitation_accept": true}
	seen := map[string]bool{}
	for _, r := range routes() {
		if r.Title == "" || r.Name == "" || r.handle == nil {
			t.Errorf("%s %s is not complete", r.Method, r.Path)
		}
		if public[r.Name] != (r.Needs == panel.Anybody) || !r.Needs.Known() {
			t.Errorf("%s has the rule %q", r.Name, r.Needs)
		}
		if r.Method != http.MethodGet && r.Needs.Role() == model.RoleViewer {
			t.Errorf("%s changes something for viewers", r.Name)
		}
		for _, key := range []string{r.Name, r.Method + " " + r.Path} {
			if seen[key] {
				t.Errorf("%s stands there twice", key)
			}
			seen[key] = true
		}
	}
}

// filled is a route's path with ids in it.
func filled(r route) string {
	return strings.NewReplacer(":id", "be_none", ":token", "abc").Replace(r.Path)
}

func TestStrangersAreSentToSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, r := range routes() {
		if r.Needs == panel.Anybody {
			continue
		}
		to := pathSignIn
		if r.Method == http.MethodGet {
			to = pathSignInNext(filled(r))
		}
		wantRedirect(t, s.as(model.Actor{}, r.Method, filled(r), url.Values{}), to)
		part := s.as(model.Actor{}, r.Method, filled(r), url.Values{}, "HX-Request", "true")
		if part.StatusCode != http.StatusUnauthorized || part.Header.Get("HX-Redirect") != pathSignIn {
			t.Errorf("%s as a fragment: %d, HX-Redirect %q", r.Name, part.StatusCode, part.Header.Get("HX-Redirect"))
		}
	}
}

func TestRolesTooLowAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, r := range routes() {
		for _, a := range []model.Actor{viewer, developer} {
			if panel.MayAnywhere(a, r.Needs) {
				continue
			}
			want(t, s.as(a, r.Method, filled(r), url.Values{}), http.StatusForbidden, "Not allowed", string(r.Needs.Role()))
		}
	}
}

func TestForeignIdsAreLikeAbsentOnes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.foreignTeam()
	foreign := s.backend(model.PhaseReady, func(b *model.Backend) { b.ID, b.TeamID = "be_foreign", "team_b" })
	for _, r := range routes() {
		if !strings.HasPrefix(r.Path, "/backends/:id") {
			continue
		}
		path := strings.ReplaceAll(r.Path, ":id", foreign.ID)
		form := url.Values{"path": {"/"}, "method": {"GET"}}
		want(t, s.as(owner, r.Method, path, form), http.StatusNotFound, "Not found", "be_foreign", "!orders-api")
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{"/", pathSignIn, pathBackends, pathBackendNew(), "/none", "/backends/be_none"} {
		h := s.as(owner, http.MethodGet, path, nil).Header
		csp := h.Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'self'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "form-action 'self'", "frame-ancestors 'none'", "connect-src 'self'"} {
			if !strings.Contains(csp, rule) {
				t.Errorf("%s: policy %q lacks %s", path, csp, rule)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

// TestWhoProvedLongAgoProvesAgain: every form whose permission takes a fresh proof
// sends a person without one to give it, and does nothing meanwhile.
func TestWhoProvedLongAgoProvesAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.foreignTeam()
	var fresh, others []string
	for _, r := range routes() {
		if r.Method == http.MethodGet {
			continue
		}
		if !r.Needs.Fresh() {
			others = append(others, r.Name)
			continue
		}
		fresh = append(fresh, r.Name)
		a := model.Actor{ID: "usr_stale", Name: "Ada", Admin: true, Person: true, Stale: true}
		x := s.things("team_a", model.Actor{})
		got := s.askWith(a, r.Method, address(r, x, x), "role=viewer&name=fresh&url=https://hooks.example.com/x&format=standard&which=all", false)
		if got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), pathConfirm) {
			t.Errorf("%s: %d to %q", r.Name, got.Code, got.Header().Get("Location"))
		}
	}
	for _, name := range []string{"backend_destroy", "token_create", "trust_create", "invitation_create", "member_save", "member_remove", "user_switch", "user_admin"} {
		if !slices.Contains(fresh, name) {
			t.Errorf("%s takes no fresh proof", name)
		}
	}
	t.Logf("a fresh proof is asked for by %q, and not by %q", fresh, others)
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, r := range routes() {
		if r.Method == http.MethodGet {
			continue
		}
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			if got := s.as(owner, r.Method, filled(r), url.Values{}, header...); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %v: %d", r.Name, header, got.StatusCode)
			}
		}
	}
	b := s.backend(model.PhaseRegistered)
	r := s.as(owner, http.MethodPost, pathBackendProvision(b.ID), url.Values{}, "Sec-Fetch-Site", "cross-site")
	want(t, r, http.StatusForbidden, "came from another site")
	if jobs, err := s.store.Read().JobsByBackend(t.Context(), b.ID, 1); err != nil || len(jobs) != 0 {
		t.Fatalf("jobs %v, %v", jobs, err)
	}
	wantSeeOther := s.as(owner, http.MethodPost, pathBackendProvision(b.ID), url.Values{}, "Sec-Fetch-Site", "same-origin")
	if wantSeeOther.StatusCode != http.StatusSeeOther {
		t.Fatalf("same origin: %d", wantSeeOther.StatusCode)
	}
}
