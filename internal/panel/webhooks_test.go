package panel_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/webhook"
)

func newSender(t testing.TB) *webhook.Sender {
	t.Helper()
	key, err := webhook.OwnKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return &webhook.Sender{Key: key, Client: probe.New(probe.Options{}), Now: time.Now}
}

// webhook makes a webhook of the own team, as the owner.
func (b *bench) webhook(name string) (string, *model.Webhook) {
	b.t.Helper()
	secret, w, err := b.panel.CreateWebhook(b.t.Context(), owner, model.Webhook{TeamID: "team_own", Name: name, Format: model.WebhookStandard}, "https://hooks.example/x?canary")
	if err != nil {
		b.t.Fatal(err)
	}
	return secret, w
}

// TestWebhookInputs: each bad input has a sentence at its field.
func TestWebhookInputs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := model.Webhook{TeamID: "team_own", Name: "hook", Format: model.WebhookStandard}
	for _, row := range []struct {
		name, url, field, says string
		change                 func(*model.Webhook)
	}{
		{"no address", "", "url", "Give the address", nil},
		{"no scheme", "hooks.example/x", "url", "This is not an address", nil},
		{"another scheme", "ftp://hooks.example/x", "url", "https://", nil},
		{"a password", "https://ada:pw@hooks.example/x", "url", "password", nil},
		{"a fragment", "https://hooks.example/x#y", "url", "after #", nil},
		{"a space", "https://hooks.example/x y", "url", "not an address", nil},
		{"too long", "https://hooks.example/" + strings.Repeat("x", 2048), "url", "2048", nil},
		{"this machine", "http://localhost/x", "url", "this machine", nil},
		{"inside", "http://192.168.1.1/x", "url", "--webhook-networks", nil},
		{"another port", "https://hooks.example:8443/x", "url", "Port 8443", nil},
		{"no name", "https://hooks.example/x", "name", "1 to 64", func(w *model.Webhook) { w.Name = "" }},
		{"a long name", "https://hooks.example/x", "name", "1 to 64", func(w *model.Webhook) { w.Name = strings.Repeat("x", 65) }},
		{"a name of two lines", "https://hooks.example/x", "name", "one line", func(w *model.Webhook) { w.Name = "x\ny" }},
		{"another format", "https://hooks.example/x", "format", "standard", func(w *model.Webhook) { w.Format = "xml" }},
		{"an unknown type", "https://hooks.example/x", "events", "nope", func(w *model.Webhook) { w.Events = []model.NoticeType{"nope"} }},
		{"a test for ever", "https://hooks.example/x", "events", "webhook.test", func(w *model.Webhook) { w.Events = []model.NoticeType{model.NoticeWebhookTest} }},
	} {
		w := good
		if row.change != nil {
			row.change(&w)
		}
		if _, _, err := b.panel.CreateWebhook(t.Context(), owner, w, row.url); !refusedFor(err, row.field, row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if _, _, err := b.panel.CreateWebhook(t.Context(), owner, good, " https://hooks.example/x \n"); err != nil {
		t.Error(err)
	}
	if _, _, err := b.panel.CreateWebhook(t.Context(), owner, good, "https://hooks.example/x"); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("the same name: %v", err)
	}
	for i := range model.MaxWebhooksPerTeam - 1 {
		b.webhook(fmt.Sprint("w", i))
	}
	if _, _, err := b.panel.CreateWebhook(t.Context(), owner, model.Webhook{TeamID: "team_own", Name: "one too many", Format: model.WebhookSlack}, "https://hooks.example/x"); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("one too many: %v", err)
	}
}

// TestWebhookLife: what an owner does with a webhook, and what of it is audited.
func TestWebhookLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	secret, w := b.webhook("hook")
	if !strings.HasPrefix(secret, "whsec_") || w.Target != "https://hooks.example/x?…" || !w.Enabled {
		t.Fatalf("%q %+v", secret, w)
	}
	change := func(c panel.WebhookChange) *model.Webhook {
		t.Helper()
		now, err := b.panel.ChangeWebhook(ctx, owner, "team_own", w.ID, c)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	of := func(w *model.Webhook) model.WebhookSecrets {
		t.Helper()
		s, err := b.panel.Deps.Webhooks.Open(w)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	name, to, off, on := "renamed", "https://other.example/y", false, true
	events := []model.NoticeType{model.NoticeJobFailed, model.NoticeBackendReady, model.NoticeJobFailed}
	if now := change(panel.WebhookChange{Name: &name, Events: &events}); now.Name != name || len(now.Events) != 2 || of(now).URL != "https://hooks.example/x?canary" {
		t.Errorf("%+v", now)
	}
	if now := change(panel.WebhookChange{URL: &to}); now.Target != to || of(now).URL != to || of(now).Secret != secret {
		t.Errorf("%+v", now)
	}
	bad := "http://10.0.0.1/"
	if _, err := b.panel.ChangeWebhook(ctx, owner, "team_own", w.ID, panel.WebhookChange{URL: &bad}); !refusedFor(err, "url", "private") {
		t.Error(err)
	}
	next, rotated, err := b.panel.RotateWebhook(ctx, owner, "team_own", w.ID)
	if s := of(rotated); err != nil || next == secret || s.Secret != next || s.OldSecret != secret || rotated.OldSecretUntil.IsZero() {
		t.Errorf("%v %+v", err, rotated)
	}
	test, err := b.panel.TestWebhook(ctx, owner, "team_own", w.ID)
	if err != nil || test.Type != model.NoticeWebhookTest || test.State != model.DeliveryPending {
		t.Errorf("%v %+v", err, test)
	}
	if again, err := b.panel.Redeliver(ctx, owner, "team_own", w.ID, test.ID); err != nil || again.ID != test.ID {
		t.Errorf("%v %+v", err, again)
	}
	if _, err := b.panel.Redeliver(ctx, owner, "team_own", w.ID, "ntc_none"); model.CodeOf(err) != model.CodeNotFound {
		t.Error(err)
	}
	change(panel.WebhookChange{Enabled: &off})
	if _, err := b.panel.TestWebhook(ctx, owner, "team_own", w.ID); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("a test of one that is off: %v", err)
	}
	change(panel.WebhookChange{Enabled: &on})
	if _, err := b.panel.RedeliverFailed(ctx, owner, "team_own", w.ID); err != nil {
		t.Error(err)
	}
	if err := b.panel.DeleteWebhook(ctx, owner, "team_own", w.ID); err != nil {
		t.Error(err)
	}
	slack, err := b.slack()
	if _, _, rotateErr := b.panel.RotateWebhook(ctx, owner, "team_own", slack.ID); err != nil || model.CodeOf(rotateErr) != model.CodeConflict || slack.Target != "https://hooks.slack.example/…" {
		t.Errorf("%v %v %+v", err, rotateErr, slack)
	}
	rows, err := b.store.Read().AuditEntries(ctx, store.AuditQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[model.AuditAction]int{}
	text, _ := json.Marshal(rows)
	for _, r := range rows {
		counts[r.Action]++
	}
	for action, want := range map[model.AuditAction]int{model.AuditWebhookCreate: 2, model.AuditWebhookUpdate: 4, model.AuditWebhookRotate: 1,
		model.AuditWebhookTest: 1, model.AuditWebhookRedeliver: 2, model.AuditWebhookDelete: 1} {
		if counts[action] != want {
			t.Errorf("%s is there %d times, want %d", action, counts[action], want)
		}
	}
	for _, told := range []string{secret, next, "canary", "T0/B0"} {
		if strings.Contains(string(text), told) {
			t.Errorf("the audit tells %q", told)
		}
	}
}

func (b *bench) slack() (*model.Webhook, error) {
	_, w, err := b.panel.CreateWebhook(b.t.Context(), owner, model.Webhook{TeamID: "team_own", Name: "chat", Format: model.WebhookSlack}, "https://hooks.slack.example/services/T0/B0/x")
	return w, err
}

// TestWhoseNotices: everybody sees their teams' notices, owners alone webhooks,
// and a proof that is too old changes none but sends a test.
func TestWhoseNotices(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	_, w := b.webhook("hook")
	err := b.store.InTx(ctx, func(q *store.Queries) error {
		for _, team := range []string{"team_own", "team_foreign"} {
			if err := q.Notify(ctx, &model.Notice{TeamID: team, Type: model.NoticeBackendReady, BackendID: "be_" + team, Title: team}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		actor model.Actor
		f     panel.NoticeFilter
		n     int
	}{
		{"viewer", viewer, panel.NoticeFilter{}, 1}, {"foreigner", foreigner, panel.NoticeFilter{}, 1}, {"admin", admin, panel.NoticeFilter{}, 2},
		{"viewer of another team", viewer, panel.NoticeFilter{TeamID: "team_foreign"}, 0}, {"by backend", admin, panel.NoticeFilter{Backend: "be_team_own"}, 1},
		{"by type", viewer, panel.NoticeFilter{Type: "job"}, 0},
	} {
		row.f.Limit = 10
		list, err := b.panel.Notices(ctx, row.actor, row.f)
		if err != nil || len(list) != row.n {
			t.Errorf("%s sees %d (%v), want %d", row.name, len(list), err, row.n)
		}
	}
	foreign, err := b.panel.Notices(ctx, foreigner, panel.NoticeFilter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.panel.Notices(ctx, viewer, panel.NoticeFilter{After: foreign[0].ID, Limit: 1}); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("a cursor of another team: %v", err)
	}
	stale := owner
	stale.Stale = true
	if _, err := b.panel.ChangeWebhook(ctx, stale, "team_own", w.ID, panel.WebhookChange{}); model.CodeOf(err) != model.CodeStale {
		t.Errorf("a stale owner changes it: %v", err)
	}
	if _, err := b.panel.TestWebhook(ctx, stale, "team_own", w.ID); err != nil {
		t.Errorf("a stale owner may not test: %v", err)
	}
	if _, err := b.panel.Webhooks(ctx, developer, "team_own"); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("a developer sees webhooks: %v", err)
	}
}

// TestWebhookOfAnotherKey: a server with another key changes no secret, and
// says which flag helps.
func TestWebhookOfAnotherKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, w := b.webhook("hook")
	b.panel.Deps.Webhooks = newSender(t)
	to := "https://other.example/"
	_, err := b.panel.ChangeWebhook(t.Context(), owner, "team_own", w.ID, panel.WebhookChange{URL: &to})
	if model.CodeOf(err) != model.CodeUnavailable || !strings.Contains(err.Error(), "--secret-key-file") {
		t.Errorf("change: %v", err)
	}
	if _, _, err := b.panel.RotateWebhook(t.Context(), owner, "team_own", w.ID); model.CodeOf(err) != model.CodeUnavailable {
		t.Errorf("rotate: %v", err)
	}
	if err := b.panel.DeleteWebhook(t.Context(), owner, "team_own", w.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
}
