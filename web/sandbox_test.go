package web

import (
	"net/http"
	"net/url"
	"regexp"

	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/web/ui"
)

func TestCountdown(t *testing.T) {
	t.Parallel()
	now := sampleNow
	for _, row := range []struct {
		x     model.Sandbox
		words string
		tone  ui.Tone
	}{
		{model.Sandbox{EndsAt: now.Add(50 * time.Hour)}, "ends in 2 days 2 h", ui.ToneIdle},
		{model.Sandbox{EndsAt: now.Add(24 * time.Hour)}, "ends in 1 day", ui.ToneIdle},
		{model.Sandbox{EndsAt: now.Add(3*time.Hour + 5*time.Minute)}, "ends in 3 h 05 min", ui.ToneIdle},
		{model.Sandbox{EndsAt: now.Add(59*time.Minute + 40*time.Second)}, "ends in 1 h", ui.ToneWarn},
		{model.Sandbox{EndsAt: now.Add(12 * time.Minute)}, "ends in 12 min", ui.ToneBad},
		{model.Sandbox{EndsAt: now.Add(20 * time.Second)}, "ends in less than a minute", ui.ToneBad},
		{model.Sandbox{EndsAt: now.Add(-time.Second)}, "ending", ui.ToneBusy},
		{model.Sandbox{EndsAt: now.Add(time.Hour), EndingAt: now}, "ending", ui.ToneBusy},
		{model.Sandbox{EndsAt: now, EndingAt: now, Problem: &model.Problem{}}, "cannot be destroyed", ui.ToneBad},
		{model.Sandbox{EndsAt: now, EndingAt: now, GoneAt: now.Add(-5 * time.Minute)}, "ended 5 min ago", ui.ToneOff},
	} {
		if c := countdown(&row.x, now); c.Words != row.words || c.Tone != row.tone || c.ISO == "" {
			t.Errorf("%q %s, want %q %s", c.Words, c.Tone, row.words, row.tone)
		}
	}
}

var jobPath = regexp.MustCompile(`^/jobs/(job_[a-z0-9]+)$`)

// TestSandboxPages presses the buttons from the first template to the end.
func TestSandboxPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(viewer, http.MethodGet, pathSandboxes, nil), http.StatusOK, "No sandbox lives", "!Make one", "!new-sandbox")
	want(t, s.as(developer, http.MethodGet, pathSandboxNew(""), nil), http.StatusOK, "no template to make a sandbox from", "!make-sandbox")
	want(t, s.as(developer, http.MethodGet, pathTemplates("team_a"), nil), http.StatusOK, "There is no template yet", "!new-template")
	want(t, s.as(owner, http.MethodGet, pathTemplateNew("team_a"), nil), http.StatusOK, "save-template", "!Every team may use it", `name="p0_name"`)
	want(t, s.as(admin, http.MethodGet, pathTemplateNew("team_a"), nil), http.StatusOK, "Every team may use it")

	want(t, s.as(viewer, http.MethodGet, pathEnvironments, nil), http.StatusOK, "Sandboxes live for", "8 h, 7 days at most")

	form := url.Values{"name": {"Our app"}, "environment_id": {"env_local"}, "source": {"launch"}, "port": {"8000"}, "health_path": {"/health"}, "instance_type": {"t3.micro"}, "count": {"1"},
		"tests": {"GET /"}, "tags": {"branch={{branch}}"}, "ttl": {"3h"}, "description": {"The shop at a branch."},
		"p0_name": {"version"}, "p0_pattern": {"[0-9.]+"}, "p0_required": {"1"}}
	bad := url.Values{}
	for k, v := range form {
		bad[k] = v
	}
	bad.Set("port", "many")
	bad.Set("p0_pattern", "(")
	want(t, s.as(owner, http.MethodPost, pathTemplateNew("team_a"), bad), http.StatusUnprocessableEntity, `value="many"`, "whole number", "Nothing was saved", "branch={{branch}}")
	bad.Set("port", "8000")
	want(t, s.as(owner, http.MethodPost, pathTemplateNew("team_a"), bad), http.StatusUnprocessableEntity, "no regular expression", `value="("`)
	wantRedirect(t, s.as(owner, http.MethodPost, pathTemplateNew("team_a"), form), pathTemplates("team_a"))
	list := want(t, s.as(owner, http.MethodGet, pathTemplates("team_a"), nil), http.StatusOK, "Our app", "The shop at a branch.", "3 h", "version", "delete-template")
	at := regexp.MustCompile(pathTemplates("team_a") + `/(tpl_[a-z0-9]+)"`).FindStringSubmatch(list)
	if at == nil {
		t.Fatal("no link to the template")
	}
	form.Set("name", "Our application")
	want(t, s.as(owner, http.MethodGet, pathTemplate("team_a", at[1]), nil), http.StatusOK, `value="Our app"`, `value="[0-9.]+"`, "branch={{branch}}", "GET / 200", `value="3h"`)
	wantRedirect(t, s.as(owner, http.MethodPost, pathTemplate("team_a", at[1]), form), pathTemplates("team_a"))

	want(t, s.as(developer, http.MethodGet, pathSandboxNew(""), nil), http.StatusOK, "Our application", `name="p_version"`, "must fit [0-9.]+", `name="once" value="page-`)
	make := url.Values{"once": {"page-1"}, "branch": {"feature/x"}, "p_version": {"one"}, "ttl": {"-1h"}}
	want(t, s.as(developer, http.MethodPost, pathSandboxNew(""), make), http.StatusUnprocessableEntity, "in the past", `value="feature/x"`, `value="-1h"`)
	make.Set("ttl", "")
	want(t, s.as(developer, http.MethodPost, pathSandboxNew(""), make), http.StatusUnprocessableEntity, "does not fit the pattern", `value="one"`)
	make.Set("p_version", "1.2")
	first := s.as(developer, http.MethodPost, pathSandboxNew(""), make).Header.Get("Location")
	if twice := s.as(developer, http.MethodPost, pathSandboxNew(""), make).Header.Get("Location"); !jobPath.MatchString(first) || twice != first {
		t.Fatalf("to %q, and when the form is sent twice to %q", first, twice)
	}
	want(t, s.as(developer, http.MethodGet, first, nil), http.StatusOK, "Provision feature-x", `data-testid="countdown"`, "ends in 3 h", `data-testid="extend"`)
	want(t, s.as(viewer, http.MethodGet, pathSandboxes, nil), http.StatusOK, "feature-x", "ends in 3 h", "feature/x", "Dana", "!data-testid=\"extend\"", "!data-testid=\"end\"")
	want(t, s.as(developer, http.MethodGet, pathBackends, nil), http.StatusOK, `data-testid="countdown"`)

	boxes, err := s.store.Read().Sandboxes(t.Context(), store.SandboxQuery{})
	if err != nil || len(boxes) != 1 {
		t.Fatalf("%v, %v", boxes, err)
	}
	id := boxes[0].BackendID
	for _, path := range []string{pathSandboxes, pathBackend(id), first} { // a day beforehand, wherever one looks
		want(t, s.as(developer, http.MethodGet, path, nil), http.StatusOK, `<option value="1d" selected>`, `<option value="4h">`)
	}
	want(t, s.as(owner, http.MethodGet, pathBackend(id), nil), http.StatusOK, `data-testid="end"`, `!data-testid="destroy"`, `href="/sandboxes">Sandboxes</a>`)
	want(t, s.as(developer, http.MethodPost, pathSandboxExtend(id), url.Values{"ttl": {"1h"}}), http.StatusUnprocessableEntity, "already")
	wantRedirect(t, s.as(developer, http.MethodPost, pathSandboxExtend(id), url.Values{"ttl": {"1d"}}), pathBackend(id))
	want(t, s.as(developer, http.MethodGet, pathBackend(id), nil), http.StatusOK, "ends in 1 day", "$0.04 an hour: about $0.93 more until it ends, if it stays awake", "Template", `<option value="max" selected>as long as it may: 7 days`)
	wantRedirect(t, s.as(developer, http.MethodPost, pathSandboxExtend(id), url.Values{"ttl": {"max"}}), pathBackend(id))
	want(t, s.as(developer, http.MethodGet, pathBackend(id), nil), http.StatusOK, "ends in 7 days", `!data-testid="extend"`)
	want(t, s.as(developer, http.MethodGet, pathSandboxEnd(id), nil), http.StatusOK, "End feature-x", "confirm-end")
	want(t, s.as(viewer, http.MethodGet, pathSandboxEnd(id), nil), http.StatusOK, "needs the role developer", "!confirm-end")
	ended := s.as(developer, http.MethodPost, pathSandboxEnd(id), url.Values{}).Header.Get("Location")
	want(t, s.as(developer, http.MethodGet, ended, nil), http.StatusOK, "Destroy feature-x", `data-state="ending"`, `!data-testid="extend"`)
	boxes[0].EndingAt, boxes[0].Tries, boxes[0].Problem = s.store.Now(), 3, &model.Problem{Code: "Denied", Message: "AWS says no."}
	if err := s.store.InTx(t.Context(), func(q *store.Queries) error { return q.SaveSandbox(t.Context(), &boxes[0]) }); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pathSandboxes, pathBackend(id), ended} {
		want(t, s.as(viewer, http.MethodGet, path, nil), http.StatusOK, "cannot be destroyed", "failed 3 times: AWS says no.", "tried again until nothing", `data-tone="bad"`)
	}
	for n, words := range map[int]string{0: "0 sandboxes", 1: "1 sandbox", 2: "2 sandboxes"} {
		if got := count(n, "sandbox"); got != words {
			t.Errorf("%q, want %q", got, words)
		}
	}
	wantRedirect(t, s.as(owner, http.MethodPost, pathTemplateDelete("team_a", at[1]), url.Values{}), pathTemplates("team_a"))
}
