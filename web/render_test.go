package web

import (
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

func rendered(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// evil stands wherever a user's or AWS's text can.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)> style="x"`

// everyPage renders each page with the samples, and with evil text in them.
func everyPage() map[string]templ.Component {
	pages := map[string]templ.Component{}
	for _, phase := range []model.Phase{model.PhaseRegistered, model.PhaseProvisioning, model.PhaseReady, model.PhaseAsleep, model.PhaseUpdating, model.PhaseFailed, model.PhaseDestroyed} {
		d := sampleDetail(phase, 9)
		d.Name, d.EnvironmentName, d.Environment.Name = evil, evil, evil
		d.Resources[9].Detail, d.Resources[9].Name, d.Resources[9].AWSID = evil, evil, evil
		d.Spec.Tags = map[string]string{evil: evil}
		d.Runs = []model.TestRun{sampleRun(model.RouteTest{Name: evil, Method: "GET", Path: "/"}, false)}
		d.Spec.Tests = []model.RouteTest{{Name: evil, Method: "GET", Path: evil, BodyContains: evil}}
		d.Runs[0].Body, d.Runs[0].Reason, d.Runs[0].Headers = evil, evil, map[string][]string{evil: {evil}}
		d.LastRun = &d.Runs[0]
		pages["backend "+string(phase)] = backendPage(newBackendView(d, owner, sampleNow))
		pages["list "+string(phase)] = backendListPage(newBackendListView([]panel.BackendSummary{d.BackendSummary}, backendFilter{Page: 1}, map[model.Phase]int{phase: 1}, sampleNow))
	}
	for _, state := range []model.JobState{model.JobQueued, model.JobRunning, model.JobSucceeded, model.JobFailed, model.JobCancelled} {
		d := sampleJob(state)
		d.Actor, d.Why, d.Steps[8].Why, d.Steps[8].Title = evil, evil, evil, evil
		d.Steps[3].Problem = &model.Problem{Code: evil, Message: evil, Meaning: evil, Advice: evil, Exists: evil, RequestID: evil}
		pages["job "+string(state)] = jobPage(newJobView(d, owner, sampleNow))
	}
	b, plan, env := sampleBackend(model.PhaseRegistered), samplePlan(), sampleEnvironment()
	plan.Items[0].Name, plan.Items[0].Reasons = evil, []string{evil}
	plan.Findings = []model.Finding{{Severity: model.SeverityWarning, Message: evil, Advice: evil}}
	pages["plan"] = planPage(newPlanView(&b, plan, owner))
	env.Name, env.Description = evil, evil
	pages["environments"] = environmentListPage([]environmentView{newEnvironmentView(&env)})
	pages["status"] = environmentStatusPage(newStatusView(evil, sampleStatus(true)))
	pages["status, silent"] = environmentStatusPage(newStatusView(evil, sampleStatus(false)))
	form := backendForm{Name: evil, Source: "instances", Port: evil, UserData: evil, Tests: evil, Tags: evil}
	v := newBackendNewView(form, []model.Environment{env})
	v.Errors, v.Rest = map[string]string{"name": evil, "tests": evil}, []string{evil}
	v.Instances = newInstancesView([]model.Instance{{ID: evil, Name: evil}}, nil)
	pages["form"] = backendNewPage(v)
	pages["sign-in"] = signInPage(signInView{Next: evil, Error: evil})
	pages["confirm"] = confirmPage(signInView{Token: evil})
	pages["error"] = errorPage(newErrorView(&model.Error{Code: model.CodeConflict, Message: evil, Holder: evil}, evil))
	return pages
}

var (
	tagRE    = regexp.MustCompile(`<[a-zA-Z][^<>]*>`)
	inlineRE = regexp.MustCompile(`\s(style|on[a-z]+|hx-on[^=\s]*)=`)
	idRE     = regexp.MustCompile(`\sid="([^"]*)"`)
	refRE    = regexp.MustCompile(`\s(?:for|aria-describedby|aria-labelledby)="([^"]*)"`)
)

// quotedRE is what stands in attributes, which cannot start a tag.
var quotedRE = regexp.MustCompile(`"[^"]*"`)

func TestPagesHaveNothingInline(t *testing.T) {
	t.Parallel()
	for name, page := range everyPage() {
		html := rendered(t, ui.Layout(ui.Page{Title: evil, User: evil}))
		html += rendered(t, page)
		for _, tag := range tagRE.FindAllString(html, -1) {
			bare := quotedRE.ReplaceAllString(tag, `""`)
			if inlineRE.MatchString(bare) {
				t.Errorf("%s: inline code or style in %s", name, tag)
			}
			if strings.HasPrefix(bare, "<style") || strings.HasPrefix(bare, "<script") && !strings.Contains(bare, " src=") {
				t.Errorf("%s: inline %s", name, tag)
			}
			if strings.Contains(tag, "js:") || strings.Contains(tag, "javascript:") {
				t.Errorf("%s: code in %s", name, tag)
			}
		}
		if strings.Contains(html, "<script>alert") || strings.Contains(html, "<img src=x") {
			t.Errorf("%s: text became markup", name)
		}
	}
}

func TestIdsAreUniqueAndReferencesResolve(t *testing.T) {
	t.Parallel()
	for name, page := range everyPage() {
		html := rendered(t, page)
		ids := map[string]bool{}
		for _, m := range idRE.FindAllStringSubmatch(html, -1) {
			if ids[m[1]] {
				t.Errorf("%s: two elements have the id %s", name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range refRE.FindAllStringSubmatch(html, -1) {
			if strings.Contains(m[1], "&") {
				continue // made of evil, which has blanks
			}
			for _, ref := range strings.Fields(m[1]) {
				if !ids[ref] {
					t.Errorf("%s: %s leads nowhere", name, ref)
				}
			}
		}
	}
}

func TestPageOfABrokenComponentIsAnErrorPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseReady, func(b *model.Backend) { b.InvokeURL = "javascript:alert(1)" })
	want(t, s.as(owner, "GET", pathBackend(b.ID), nil), 200, `!href="javascript:`)
}

func TestLayoutShowsWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	html := rendered(t, ui.Layout(ui.Page{Title: "Backends", Nav: "backends", User: "Dana", Links: ui.Links{Backends: pathBackends, SignOut: pathSignOut}}))
	for _, part := range []string{`<html lang="en"`, "<title>Backends · Drawbridge</title>", "Dana", `action="/sign-out"`, `aria-current="page"`, `href="#main"`, `"includeIndicatorCSS":false`} {
		if !strings.Contains(html, part) {
			t.Errorf("lacks %q", part)
		}
	}
	if html := rendered(t, ui.Layout(ui.Page{})); strings.Contains(html, "Sign out") {
		t.Error("strangers can sign out")
	}
}
