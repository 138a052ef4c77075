package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestSandboxesInABrowser presses the buttons from the empty list to the end of
// a sandbox, and makes a template.
func TestSandboxesInABrowser(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant", "--sandbox-ttl", "100m", "--sandbox-max-ttl", "3d")
	b := startBrowser(t, s)
	b.do(chromedp.Navigate(s.link))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	b.open("/sandboxes")
	b.sees(`[data-testid="first-sandbox"]`)
	b.look("sandboxes-empty")

	b.click(`[data-testid="new-sandbox"]`)
	b.sees(`[data-testid="make-sandbox"]`)
	b.look("sandbox-new")
	b.types("branch", "feature/login-page")
	b.types("ttl", "9d")
	b.click(`[data-testid="make-sandbox"]`)
	b.sees(`[name="ttl"][aria-invalid="true"]`)
	b.look("sandbox-refused")
	b.open("/sandboxes/new")
	b.click(`[data-testid="make-sandbox"]`) // nothing but the button
	b.sees(`[data-testid="job-state"][data-state="succeeded"]`)
	b.sees(`[data-testid="sandbox-notice"]`) // 100 minutes are less than two hours
	b.look("sandbox-job")
	b.click(`[data-testid="to-backend"]`)
	b.sees(`[data-testid="invoke-url"]`)
	b.look("sandbox-backend")
	if title := eval[string](b, `document.querySelector('h1').innerText`); title != "sample-app" {
		t.Errorf("it is called %q", title)
	}
	if words := eval[string](b, `document.querySelector('[data-testid="countdown"]').innerText`); !strings.Contains(words, "ends in 1 h") {
		t.Errorf("the countdown says %q", words)
	}
	b.click(`[data-testid="extend"]`) // by a day, which is chosen beforehand
	b.do(chromedp.WaitNotPresent(chromedp.CSS(`[data-testid="sandbox-notice"]`)))
	if words := eval[string](b, `document.querySelector('[data-testid="countdown"]').innerText`); !strings.Contains(words, "ends in 1 day") {
		t.Errorf("the countdown says %q after it was extended", words)
	}
	b.open("/sandboxes")
	b.sees(`[data-sandbox] [data-testid="countdown"]`)
	b.look("sandboxes")
	templateInBrowser(b)

	b.open("/sandboxes")
	b.click(`[data-testid="end"]`)
	b.sees(`[data-testid="confirm-end"]`)
	b.look("sandbox-end")
	b.click(`[data-testid="confirm-end"]`)
	b.sees(`[data-testid="job-state"][data-state="succeeded"]`)
	b.open("/sandboxes")
	b.click(`[data-testid="gone"]`)
	b.sees(`[data-sandbox] [data-testid="countdown"][data-state="gone"]`)
	b.look("sandboxes-gone")
	b.quiet()
}

// templateInBrowser makes a template with a parameter and sees its form.
func templateInBrowser(b *browser) {
	b.t.Helper()
	b.click(`[data-testid="templates"]`)
	b.sees(`[data-testid="template"]`)
	b.look("templates")
	b.click(`[data-testid="new-template"]`)
	b.sees(`[data-testid="save-template"]`)
	b.look("template-new")
	b.types("name", "Our app")
	b.types("p0_name", "version")
	b.types("p0_pattern", "[0-9.]+")
	b.types("tags", "branch={{brunch}}")
	b.click(`[data-testid="save-template"]`)
	b.sees(`[name="tags"][aria-invalid="true"]`)
	b.look("template-refused")
	b.types("tags", "branch={{branch}}")
	b.click(`[data-testid="save-template"]`)
	b.sees(`[data-testid="template"]:nth-of-type(2)`)
	b.look("templates-two")
	b.open("/sandboxes/new")
	b.sees(`[name="p_version"]`)
	b.look("sandbox-new-parameters")
}
