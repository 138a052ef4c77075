package web

import (
	"net/http"
	"net/url"
	"testing"

	"drawbridge/internal/model"
)

var nobody = model.Actor{}

func TestSignInPageExplainsTheLink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(nobody, http.MethodGet, pathSignInNext("/backends/be_1"), nil), http.StatusOK,
		"one-time link", `name="token"`, `value="/backends/be_1"`, `data-testid="sign-in"`, "!Sign out", "!data-testid=\"register\"")
}

func TestOpeningTheLinkRedeemsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(nobody, http.MethodGet, pathSignIn+"/good", nil), http.StatusOK,
		`value="good"`, `method="post"`, "Sign in to Drawbridge")
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, row := range map[string]struct{ token, next, to string }{
		"token":          {"good", "", "/"},
		"whole link":     {" http://127.0.0.1:8080/sign-in/good?next=x ", "", "/"},
		"back to a page": {"good", "/backends/be_1?a=b", "/backends/be_1?a=b"},
		"foreign site":   {"good", "https://evil.example/", "/"},
		"hidden host":    {"good", "//evil.example", "/"},
	} {
		form := url.Values{"token": {row.token}, "next": {row.next}}
		r := s.as(nobody, http.MethodPost, pathSignIn, form)
		if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != row.to {
			t.Errorf("%s: %d to %q, want %q", name, r.StatusCode, r.Header.Get("Location"), row.to)
		}
	}
	want(t, s.as(nobody, http.MethodPost, pathSignIn, url.Values{"token": {"used"}, "next": {"/backends"}}),
		http.StatusUnprocessableEntity, "This link was used already.", `aria-invalid="true"`, `value="/backends"`)
}

func TestSigningOut(t *testing.T) {
	t.Parallel()
	wantRedirect(t, newSite(t).as(owner, http.MethodPost, pathSignOut, url.Values{}), pathSignIn)
}
