package web

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/web/ui"
)

func TestWebhookPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := pathWebhooks("team_a")
	want(t, s.as(owner, http.MethodGet, list, nil), http.StatusOK, "Nothing is sent anywhere yet", pathWebhookNew("team_a"))
	want(t, s.as(owner, http.MethodGet, pathWebhookNew("team_a"), nil), http.StatusOK, "backend.ready", `value="job.failed"`)

	bad := url.Values{"name": {"my hook"}, "url": {"http://10.0.0.1/x"}, "format": {"slack"}, "which": {"some"}, "events": {"job.failed"}}
	want(t, s.as(owner, http.MethodPost, list, bad), http.StatusUnprocessableEntity, "private address", `value="my hook"`, `value="http://10.0.0.1/x"`,
		`value="slack" checked`, `value="job.failed" checked`, "!"+`value="job.succeeded" checked`)
	none := url.Values{"name": {"my hook"}, "url": {"https://hooks.example/x"}, "format": {"standard"}, "which": {"some"}}
	want(t, s.as(owner, http.MethodPost, list, none), http.StatusUnprocessableEntity, "Choose which notices are sent")

	good := url.Values{"name": {"my hook"}, "url": {"https://hooks.example/x?token=canary"}, "format": {"standard"}, "which": {"all"}}
	page := want(t, s.as(owner, http.MethodPost, list, good), http.StatusCreated, "whsec_", "shown this once", "https://hooks.example/x?…", "!canary")
	hooks, err := s.store.Read().Webhooks(t.Context(), "team_a")
	if err != nil || len(hooks) != 1 {
		t.Fatal(hooks, err)
	}
	at := pathWebhook("team_a", hooks[0].ID)
	if !strings.Contains(page, at+"/test") {
		t.Error("no button for a test")
	}
	want(t, s.as(owner, http.MethodGet, at, nil), http.StatusOK, "!whsec_", "!canary", "Nothing yet", "Send a test")
	wantRedirect(t, s.as(owner, http.MethodPost, pathWebhookTest("team_a", hooks[0].ID), url.Values{}), at)
	want(t, s.as(owner, http.MethodGet, at, nil), http.StatusOK, "is being sent", `hx-trigger="every 2s"`, "A test of the webhook my hook", "Send once more")
	want(t, s.as(owner, http.MethodGet, at+"?state=delivered", nil), http.StatusOK, "Nothing fits", "!hx-trigger")
	want(t, s.as(owner, http.MethodPost, pathWebhookRotate("team_a", hooks[0].ID), url.Values{}), http.StatusOK, "whsec_", "The secret before signs, too")
	want(t, s.as(owner, http.MethodPost, at, bad), http.StatusUnprocessableEntity, "private address", "<details class=\"aside\" open")
	wantRedirect(t, s.as(owner, http.MethodPost, at, url.Values{"name": {"renamed"}, "which": {"some"}, "events": {"job.failed"}}), at)
	wantRedirect(t, s.as(owner, http.MethodPost, pathWebhookSwitch("team_a", hooks[0].ID), url.Values{"enabled": {"false"}}), at)
	want(t, s.as(owner, http.MethodGet, at, nil), http.StatusOK, "Switch on", "waits until the webhook is switched on", "!Send a test", "!hx-trigger")
	want(t, s.as(owner, http.MethodGet, list, nil), http.StatusOK, "renamed", "Off", "job.failed")
	want(t, s.as(owner, http.MethodGet, pathTeam("team_a"), nil), http.StatusOK, list)
	want(t, s.as(viewer, http.MethodGet, pathTeam("team_a"), nil), http.StatusOK, "!"+list)
	wantRedirect(t, s.as(owner, http.MethodPost, pathWebhookDelete("team_a", hooks[0].ID), url.Values{}), list)
	want(t, s.as(owner, http.MethodGet, at, nil), http.StatusNotFound)
}

// TestNoticesPage: the end of a job and what its backend became are one row;
// pages go on, and filters stay.
func TestNoticesPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(viewer, http.MethodGet, pathNotices, nil), http.StatusOK, "Nothing that fits has happened", "!"+pathWebhooks("team_a"))
	now := time.Now()
	told := func(typ model.NoticeType, job, title string, at time.Time) {
		t.Helper()
		err := s.store.InTx(t.Context(), func(q *store.Queries) error {
			return q.Notify(t.Context(), &model.Notice{TeamID: "team_a", Type: typ, BackendID: "be_1", JobID: job, Title: title, At: at,
				Data: map[string]string{"backend_name": "orders", "invoke_url": "javascript:alert(1)"}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	told(model.NoticeJobSucceeded, "job_1", "orders: provision succeeded", now)
	told(model.NoticeBackendReady, "job_1", "orders is ready", now)
	told(model.NoticeJobFailed, "job_2", "<b>hostile</b>", now.Add(time.Second))
	want(t, s.as(viewer, http.MethodGet, pathNotices, nil), http.StatusOK, "orders is ready", "job.succeeded", "!orders: provision succeeded",
		"&lt;b&gt;hostile", "!"+`href="javascript:`, pathJob("job_2"), pathBackend("be_1"))
	want(t, s.as(viewer, http.MethodGet, pathNotices+"?type=job", nil), http.StatusOK, "orders: provision succeeded", "!orders is ready")
	for i := range noticeRows {
		told(model.NoticeBackendFailed, "", "later", now.Add(time.Duration(i+2)*time.Second))
	}
	page := want(t, s.as(viewer, http.MethodGet, pathNotices+"?type=backend", nil), http.StatusOK, "later", "!orders is ready", "Older")
	_, after, _ := strings.Cut(page, pathNotices+"?after=")
	after, _, _ = strings.Cut(after, `"`)
	want(t, s.as(viewer, http.MethodGet, pathNotices+"?after="+strings.ReplaceAll(after, "&amp;", "&"), nil), http.StatusOK, "orders is ready", "!later", "!Older", "!hostile")
	want(t, s.as(owner, http.MethodGet, pathNotices, nil), http.StatusOK, pathWebhooks("team_a"))
}

// TestEveryNoticeIsNamed: a type that a team can hear of has a word, a label
// and a place in the document.
func TestEveryNoticeIsNamed(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range model.NoticeTypes {
		if !strings.Contains(string(document), "`"+string(typ)+"`") {
			t.Errorf("docs/webhooks.md does not tell of %s", typ)
		}
		if eventLabels[typ] == "" || nounLabels[typ.Noun()] == "" || ui.NoticeState(typ).Word == string(typ) {
			t.Errorf("%s has no words", typ)
		}
	}
}
