package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"drawbridge/internal/model"
)

// TestAWebhookInABrowser: made on its page, tested, seen to fail and then to
// work without a reload, and told of on the page of notices.
func TestAWebhookInABrowser(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant", "--webhook-networks", "127.0.0.0/8")
	var mended atomic.Bool
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !mended.Load() {
			http.Error(w, "not yet", http.StatusBadGateway)
		}
	}))
	t.Cleanup(target.Close)
	var teams struct{ Items []model.Team }
	s.want(http.StatusOK, "GET", "/api/v1/teams", nil).into(t, &teams)

	b := startBrowser(t, s)
	b.open(strings.TrimPrefix(s.link, b.url))
	b.click(`[data-testid="sign-in"]`)
	b.sees(`[data-testid="backends"]`)
	b.choosesAWayIn()
	b.open("/teams/" + teams.Items[0].ID)
	b.click(`[data-testid="team-webhooks"]`)
	b.sees(`[data-testid="webhook-new"]`)
	b.accessible("webhooks, none")
	b.click(`[data-testid="webhook-new"]`)
	b.sees(`[data-testid="webhook-save"]`)
	b.accessible("new webhook")
	b.types("name", "deploy bot")
	b.types("url", "http://10.0.0.1/")
	b.click(`[data-testid="webhook-save"]`)
	b.sees(`#f-webhook-url-error`)
	b.accessible("new webhook, refused")
	b.types("url", target.URL)
	b.click(`[data-testid="webhook-save"]`)
	b.sees(`[data-testid="webhook-secret"]`)
	b.accessible("webhook, just made")
	b.click(`[data-testid="webhook-test"]`)
	b.sees(`[data-testid="delivery"] .test-reason`)
	eval[bool](b, `window.stays = true; document.querySelectorAll("#deliveries details").forEach(d => d.open = true); true`)
	b.accessible("webhook, failing")
	b.shoot("webhook-failing")
	b.sees(`[data-testid="webhook-state"][data-state="failing"]`)
	mended.Store(true)
	b.sees(`[data-testid="delivery"] [data-state="delivered"]`) // the next try comes by itself
	b.sees(`[data-testid="webhook-state"][data-state="on"]`)
	if !eval[bool](b, `window.stays === true`) {
		t.Error("the page was loaded anew")
	}
	b.shoot("webhook")
	b.click(`[data-testid="redeliver"]`)
	b.sees(`[data-testid="delivery"] [data-state="delivered"]`)

	s.succeeded(s.provision(s.register(launch("orders", nil))))
	b.open("/notices")
	b.sees(`[data-notice="backend.ready"]`)
	b.accessible("notices")
	b.shoot("notices")
	b.open("/teams/" + teams.Items[0].ID + "/webhooks")
	b.sees(`[data-testid="webhook"]`)
	b.accessible("webhooks")
	b.quiet()
}
