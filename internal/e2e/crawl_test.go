package e2e

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestEveryPageInABrowser follows every link as an admin, one of each kind, in a
// real Chromium: each page is there, and the browser has nothing to complain of,
// a breach of the pages' policy least of all. New pages come in by themselves.
func TestEveryPageInABrowser(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	s.succeeded(s.provision(s.register(launch("orders", nil))))
	s.fault(map[string]any{"op": "apigatewayv2:CreateIntegration", "nth": 1, "do": map[string]any{
		"kind": "error", "status": 400, "code": "BadRequestException", "message": "Invalid integration URI specified"}})
	failed := s.ended(s.provision(s.register(launch("payments", nil))))
	b := startBrowser(t, s)
	b.do(chromedp.Navigate(s.link))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	queue, seen := []string{"/", "/jobs/" + failed.ID, "/jobs/" + failed.ID + "/roll-back", "/account/confirm?next=/", "/api/docs"}, map[string]bool{}
	for len(queue) > 0 {
		address := queue[0]
		queue = queue[1:]
		if kind := kindOf(address); kind == "" || seen[kind] {
			continue
		} else {
			seen[kind] = true
		}
		b.open(address)
		b.do(chromedp.WaitVisible(chromedp.CSS("body")))
		if status := eval[int](b, `performance.getEntriesByType("navigation")[0].responseStatus`); status != 200 {
			t.Errorf("%s: %d", address, status)
		}
		if b.grumbles() {
			t.Errorf("the browser complains of something at %s", address)
		}
		queue = append(queue, eval[[]string](b, `Array.from(document.querySelectorAll("a[href]"), a => a.href).filter(h => h.startsWith(location.origin + "/")).map(h => h.slice(location.origin.length))`)...)
	}
	t.Logf("%d kinds of pages", len(seen))
	if len(seen) < 20 {
		t.Error("that is too few: the walk no longer finds its way")
	}
	b.quiet()
}

// grumbles tells whether the console said something since it was last asked.
func (b *browser) grumbles() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	more := len(b.messages) > b.told
	b.told = len(b.messages)
	return more
}

var thingID = regexp.MustCompile(`\b[a-z]+_[a-z0-9]{12,}\b`)

// kindOf is an address without what tells two things of a kind apart; "" for what
// is no page of ours.
func kindOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.HasPrefix(u.Path, "/static/") || strings.HasPrefix(u.Path, "/api/v1/") ||
		strings.Contains(u.Path, "/export/") || strings.HasSuffix(u.Path, ".csv") || strings.HasSuffix(u.Path, ".json") {
		return ""
	}
	return thingID.ReplaceAllString(u.Path, "ID") + "?" + strings.Join(slices.Sorted(maps.Keys(u.Query())), "&")
}
