package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// edited are the inputs of the form of the sample backend, with one changed.
func edited(b model.Backend, change func(url.Values)) url.Values {
	v := url.Values{"version": {"1"}}
	for _, f := range formOfSpec(b.Spec).fields() {
		v.Add(f.Label, f.Value)
	}
	change(v)
	return v
}

func TestEditLeadsToThePlanAndThenToTheJob(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseReady)
	path := pathBackendEdit(b.ID)
	want(t, s.as(developer, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK, `data-testid="edit"`, `href="`+path+`"`, `data-testid="sleep"`, "!data-testid=\"wake\"")
	want(t, s.as(developer, http.MethodGet, path, nil), http.StatusOK, "Edit "+b.Name, `value="`+b.Spec.HealthPath+`"`, `name="version" value="1"`, "!Register a backend", "Look at the plan")

	form := edited(b, func(v url.Values) { v.Set("health_path", "/ready") })
	want(t, s.as(developer, http.MethodPost, path, form), http.StatusOK,
		`data-testid="plan-items"`, `name="health_path" value="/ready"`, `name="action" value="apply"`, `name="action" value="edit"`)
	if s.spec(b.ID).HealthPath != b.Spec.HealthPath {
		t.Error("looking at the plan saved the spec")
	}
	form.Set("action", "edit")
	want(t, s.as(developer, http.MethodPost, path, form), http.StatusOK, `id="register"`, `value="/ready"`)
	form.Set("action", "apply")
	want(t, s.as(developer, http.MethodPost, path, form), http.StatusSeeOther)
	if got := s.spec(b.ID); got.HealthPath != "/ready" || len(got.Tests) != len(b.Spec.Tests) {
		t.Errorf("applied: %+v", got)
	}
}

func TestEditKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseReady)
	path := pathBackendEdit(b.ID)
	for name, row := range map[string]struct {
		change func(url.Values)
		status int
		says   []string
	}{
		"no number": {func(v url.Values) { v.Set("port", "many") }, 422, []string{`value="many"`, "as a whole number"}},
		"no path":   {func(v url.Values) { v.Set("health_path", "ready") }, 422, []string{`value="ready"`, "Begin the path with /"}},
		"bad script": {func(v url.Values) { v.Set("source", "launch"); v.Set("user_data", "echo hi"); v.Set("count", "1") }, 422,
			[]string{"echo hi", "cloud-init ignores anything else"}},
		"changed meanwhile": {func(v url.Values) { v.Set("version", "7"); v.Set("health_path", "/mine"); v.Set("action", "apply") }, 412,
			[]string{`value="/mine"`, "somebody changed it meanwhile", `name="version" value="1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, s.as(developer, http.MethodPost, path, edited(b, row.change)), row.status, row.says...)
		})
	}
}

// TestEditTouchesNothingElse: what the form cannot say to the letter stays.
func TestEditTouchesNothingElse(t *testing.T) {
	t.Parallel()
	was := model.Spec{Port: 8000, Launch: &model.Launch{UserData: "#!/bin/sh\nexec /app\n\n"}, Tags: map[string]string{"a": "b"},
		Tests: []model.RouteTest{{Name: "front door", Path: "/"}}}.WithDefaults()
	form := formOfSpec(was)
	form.UserData = strings.ReplaceAll(form.UserData, "\n", "\r\n")
	sent := url.Values{}
	for _, f := range form.fields() {
		sent.Add(f.Label, f.Value)
	}
	again := formOf(sent)
	r, err := again.registration()
	if err != nil {
		t.Fatal(err)
	}
	got := again.untouched(r.Spec, was)
	if got.Launch.UserData != was.Launch.UserData || got.Tests[0].Name != "front door" || got.Tags["a"] != "b" {
		t.Errorf("got %+v, %q", got, got.Launch.UserData)
	}
}

func TestSleepAndWakeButtons(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseAsleep)
	want(t, s.as(developer, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK, `data-testid="wake"`, `data-testid="asleep"`, "Gets 503", "!data-testid=\"sleep\"")
	want(t, s.as(viewer, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK, `data-testid="asleep"`, "!data-testid=\"wake\"", "!data-testid=\"edit\"")
	want(t, s.as(developer, http.MethodPost, pathBackendWake(b.ID), url.Values{}), http.StatusSeeOther)
	awake := s.backend(model.PhaseReady, func(x *model.Backend) { x.ID, x.Name = "be_awake", "awake" })
	want(t, s.as(developer, http.MethodGet, pathBackendPlan(awake.ID, model.OpSleep), nil), http.StatusOK, "Sleep plan", "answers 503", `action="`+pathBackendSleep(awake.ID)+`"`)
	want(t, s.as(developer, http.MethodPost, pathBackendSleep(awake.ID), url.Values{}), http.StatusSeeOther)
}

func (s *site) spec(id string) model.Spec {
	s.t.Helper()
	var b *model.Backend
	err := s.store.InTx(s.t.Context(), func(q *store.Queries) (err error) {
		b, err = q.BackendByID(s.t.Context(), id)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return b.Spec
}
