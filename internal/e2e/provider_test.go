package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"drawbridge/internal/auth/authtest"
)

// TestSignInByProviderInABrowser: a real Chromium, a real issuer with a page of
// its own, and a panel without passwords. The first admin links their account,
// somebody new is let in by a group and out of the team by its loss, and what a
// person proves anew they prove at the provider.
func TestSignInByProviderInABrowser(t *testing.T) {
	t.Parallel()
	issuer := authtest.New(t)
	issuer.People = map[string]map[string]any{
		"ada": {"sub": "1", "name": "Ada", "email": "ada@example.com", "email_verified": true},
		"gus": {"sub": "2", "name": "Gus", "groups": []string{"eng"}},
		"eve": {"sub": "3", "name": "Eve"},
		"bob": {"sub": "4", "name": "Bob", "email": "bob@example.com", "email_verified": true},
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(authtest.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, "instant", "--no-passwords", "--oidc-issuer", issuer.URL, "--oidc-client-id", authtest.ClientID,
		"--oidc-client-secret-file", secret, "--oidc-name", "Example Corp", "--oidc-groups", "eng=default:developer")
	s.canary("the provider's client secret", authtest.ClientSecret)
	ada := startBrowser(t, s)
	invitation := firstAdminInBrowser(ada, s)
	s.restart()
	if s.link != "" {
		t.Errorf("with an admin whom the provider lets in, a restart printed %s", s.link)
	}
	byGroupInBrowser(t, s, issuer)
	byInvitationInBrowser(t, s, invitation)
	strangerInBrowser(t, s)
	ada.quiet("status of 409") // the last way in, which it kept
}

// firstAdminInBrowser comes by the set-up's link, links the account, signs in by
// the provider and returns an invitation.
func firstAdminInBrowser(b *browser, s *server) (invitation string) {
	b.t.Helper()
	b.open("/sign-in")
	b.sees(`[data-testid="provider"]`)
	if eval[bool](b, `!!document.querySelector('[name="password"]')`) {
		b.t.Error("a password is asked for where they are switched off")
	}
	b.look("provider-sign-in")
	b.do(chromedp.Navigate(s.link))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	b.open("/account/confirm?next=/account")
	b.sees(`[data-testid="provider"]`)
	b.look("provider-first")
	b.atProvider(`[data-testid="provider"]`, "ada")
	b.sees(`[data-testid="identity"]`)
	b.look("provider-linked")
	b.click(`[data-testid="sign-out"]`)
	b.atProvider(`[data-testid="provider"]`, "ada")
	b.sees(`[data-testid="backends"]`)
	b.open("/account")
	b.click(`[data-testid="unlink"]`) // the last way in: it stays
	b.sees(`main h1`)
	b.look("provider-unlink-refused")
	b.open("/account/confirm?next=/teams")
	b.atProvider(`[data-testid="provider"]`, "ada")
	b.sees(`[data-testid="team-link"], main a[href^="/teams/"]`)
	b.click(`main a[href^="/teams/"]`)
	b.sees(`#f-invite-email`)
	b.do(chromedp.SetValue(chromedp.CSS(`#f-invite-email`), "bob@example.com"))
	b.click(`[data-testid="invite"]`)
	b.sees(`[data-testid="invitation-link"]`)
	return eval[string](b, `new URL(document.querySelector('[data-testid="invitation-link"]').textContent).pathname`)
}

// atProvider presses a button that leads to the provider, and says there who one is.
func (b *browser) atProvider(button, who string) {
	b.t.Helper()
	b.click(button)
	b.sees("#" + who)
	b.click("#" + who)
}

// byGroupInBrowser: the group lets in, and its loss takes the team away again.
func byGroupInBrowser(t *testing.T, s *server, issuer *authtest.Issuer) {
	t.Helper()
	b := startBrowser(t, s)
	b.open("/sign-in?next=/backends/new")
	b.atProvider(`[data-testid="provider"]`, "gus")
	b.sees(`[data-testid="register-submit"]`) // a developer, where they wanted to go
	b.click(`[data-testid="sign-out"]`)
	issuer.Grant("gus", "groups", []string{"other"})
	b.atProvider(`[data-testid="provider"]`, "gus")
	b.sees(`[data-testid="sign-out"]`)
	b.open("/account")
	if text := eval[string](b, `document.querySelector('section[aria-labelledby="own-teams"]').innerText`); text != "Your teams\n\nYou are a member of no team." {
		t.Errorf("after the group was lost: %q", text)
	}
	b.quiet("status of 403")
}

func byInvitationInBrowser(t *testing.T, s *server, invitation string) {
	t.Helper()
	b := startBrowser(t, s)
	b.open(invitation)
	b.sees(`[data-testid="provider"]`)
	b.look("provider-invitation")
	b.atProvider(`[data-testid="provider"]`, "bob")
	b.sees(`[data-testid="backends"]`)
	b.quiet()
}

// strangerInBrowser: whom nobody let in, the page tells what to do.
func strangerInBrowser(t *testing.T, s *server) {
	t.Helper()
	b := startBrowser(t, s)
	b.open("/sign-in")
	b.atProvider(`[data-testid="provider"]`, "eve")
	b.sees(`[role="alert"]`)
	b.look("provider-stranger")
	b.quiet("status of 401")
}
