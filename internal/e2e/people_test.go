package e2e

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestPeopleInABrowser walks the pages of people and access as an admin and as
// somebody whom they invite, from the set-up to being switched off.
func TestPeopleInABrowser(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant", "--oidc-issuer", "https://login.example.com", "--oidc-client-id", "drawbridge", "--oidc-name", "Example Corp")
	ada := startBrowser(t, s)
	setUpInBrowser(ada, s)
	invitation := teamInBrowser(ada)
	bob := startBrowser(t, s)
	acceptInBrowser(bob, invitation)
	switchOffInBrowser(ada, bob)
	rescueInBrowser(t, s)
	auditInBrowser(ada)
	ada.quiet("status of 404")
	bob.quiet("status of 404", "status of 401", "htmx:sse:error") // a used invitation, and the end of the session
}

// setUpInBrowser is the first admin's way in, up to a password of their own.
func setUpInBrowser(b *browser, s *server) {
	b.t.Helper()
	b.open("/sign-in")
	b.sees(`[data-testid="provider"]`)
	b.look("sign-in-provider")
	b.types("login", "ada@example.com")
	b.types("password", "wrong")
	b.click(`[data-testid="sign-in-password"]`)
	b.sees(`[role="alert"]`)
	if kept := eval[string](b, `document.querySelector('[name="login"]').value`); kept != "ada@example.com" {
		b.t.Errorf("the name became %q", kept)
	}
	b.look("sign-in-refused")
	b.do(chromedp.Navigate(s.link))
	b.look("set-up")
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	b.sees(`[data-testid="no-way-in"]`)
	b.click(`[data-testid="no-way-in"] a`)
	b.sees(`[data-testid="confirm"]`)
	b.look("way-in")
	b.open("/account")
	b.look("account-first")
	b.types("password", "short")
	b.click(`[data-testid="save-password"]`)
	b.sees(`[name="password"][aria-invalid="true"]`)
	b.look("account-refused")
	b.types("password", "correct horse battery")
	b.click(`[data-testid="save-password"]`)
	b.sees(`[role="status"]`)
	b.do(chromedp.WaitNotPresent(chromedp.CSS(`[data-testid="no-way-in"]`)))
	b.look("account")
	signInAgainInBrowser(b)
	b.open("/account/confirm?next=/teams")
	b.look("confirm")
	b.do(chromedp.Navigate(s.link)) // used, and the set-up is closed
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[name="token"][aria-invalid="true"]`)
	b.look("set-up-closed")
}

// signInAgainInBrowser sends a form when the session has ended: the way leads
// through the sign-in page and back to the form, with what was typed.
func signInAgainInBrowser(b *browser) {
	b.t.Helper()
	b.open("/teams")
	b.types("name", "typed-before")
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
	b.click(`[data-testid="create-team"]`)
	b.sees(`[data-testid="sign-in-password"]`)
	b.types("login", "admin")
	b.types("password", "correct horse battery")
	b.click(`[data-testid="sign-in-password"]`)
	b.sees(`[data-testid="create-team"]`)
	if kept := eval[string](b, `document.querySelector('[name="name"]').value`); kept != "typed-before" {
		b.t.Errorf("what was typed before the sign-in became %q", kept)
	}
}

// teamInBrowser makes a team with all that lets in, and returns the address of
// an invitation.
func teamInBrowser(b *browser) (invitation string) {
	b.t.Helper()
	b.open("/teams")
	b.types("name", "shop")
	b.click(`[data-testid="create-team"]`)
	b.sees(`section[aria-labelledby="members"]`)
	b.look("team-empty")
	b.do(chromedp.SetValue(chromedp.CSS(`#f-invite-email`), "not an address"))
	eval[bool](b, `document.querySelector('[data-testid="invite"]').form.submit(); true`) // past the browser's own check
	b.sees(`#f-invite-email[aria-invalid="true"]`)
	b.look("team-refused")
	b.do(chromedp.SetValue(chromedp.CSS(`#f-invite-email`), "bob@example.com"))
	b.click(`[data-testid="invite"]`)
	b.sees(`[data-testid="invitation-link"]`)
	b.look("invitation-made")
	invitation = eval[string](b, `document.querySelector('[data-testid="invitation-link"]').textContent`)
	b.do(chromedp.SetValue(chromedp.CSS(`#f-token-name`), "deploy from the pipeline"))
	b.click(`[data-testid="create-token"]`)
	b.sees(`[data-testid="token-secret"]`)
	b.look("token-made")
	b.click(`section[aria-labelledby="trusts"] summary`)
	for field, text := range map[string]string{
		"name": "deploy", "issuer": "https://token.actions.githubusercontent.com", "audience": "https://drawbridge.example.com",
		"claims": "repository=acme/shop\nsub=repo:acme/shop:*",
	} {
		b.do(chromedp.SetValue(chromedp.CSS(`#f-trust-`+field), text))
	}
	b.click(`[data-testid="create-trust"]`)
	b.sees(`[data-testid="trust"]`)
	b.look("team")
	b.open("/teams")
	b.look("teams")
	return strings.TrimPrefix(invitation, b.url)
}

// acceptInBrowser is somebody new who opens an invitation.
func acceptInBrowser(b *browser, invitation string) {
	b.t.Helper()
	b.open(invitation)
	b.sees(`[data-testid="accept"]`)
	b.look("invitation")
	b.types("name", "Bob")
	b.types("password", "short")
	b.click(`[data-testid="accept"]`)
	b.sees(`[name="password"][aria-invalid="true"]`)
	b.look("invitation-refused")
	b.types("password", "staple correct horse")
	b.click(`[data-testid="accept"]`)
	b.sees(`[data-testid="backends"]`)
	b.open(invitation)
	b.look("invitation-used")
	b.open("/backends")
	b.sees(`[data-testid="backends"]`)
}

// switchOffInBrowser takes an account away while its page is open elsewhere:
// that page ends by itself.
func switchOffInBrowser(admin, other *browser) {
	admin.t.Helper()
	admin.open("/users")
	admin.sees(`[aria-label="Switch off: Bob"]`)
	admin.look("users")
	admin.click(`[aria-label="Switch off: Bob"]`)
	admin.sees(`[aria-label="Switch on: Bob"]`)
	start := time.Now()
	other.sees(`[data-testid="sign-in-password"]`)
	admin.t.Logf("the page of who was switched off became the sign-in page within %s", time.Since(start).Round(time.Millisecond))
	admin.look("users-off")
}

// rescueInBrowser lets an admin in who has lost the password.
func rescueInBrowser(t *testing.T, s *server) {
	t.Helper()
	line := s.command("sign-in-link", "--user", "admin", "--data-dir", s.dir, "--url", "http://"+s.listen)
	b := startBrowser(t, s)
	b.do(chromedp.Navigate(regexp.MustCompile(`http://\S+`).FindString(line)))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="save-password"]`)
	if at := eval[string](b, `location.pathname`); at != "/account" {
		t.Errorf("the link led to %s", at)
	}
	b.quiet()
}

func auditInBrowser(b *browser) {
	b.t.Helper()
	b.open("/audit")
	b.sees(`[data-audit="user.make_sign_in_link"]`)
	b.sees(`[data-audit="user.switch"]`)
	b.look("audit")
	b.open("/nowhere")
	b.look("not-found")
}

// look shoots the page as it is and checks that everybody can use it.
func (b *browser) look(name string) {
	b.t.Helper()
	b.shoot("people-" + name)
	b.accessible(name)
}
