package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// testsView is the part of a backend's page with its route tests.
type testsView struct {
	Tests   []testView
	RunURL  string
	CanRun  bool
	Why     string // why nothing can be sent yet
	Summary string // "3 of 3 passed"
}

// requestView is the form for one request that is not in the spec, with what
// was typed, and its answer. It stands apart from the tests because these are
// renewed while somebody types.
type requestView struct {
	CanSend bool
	SendURL string
	Method  string
	Path    string
	Error   string
	Methods []string
	Answer  *runView
}

// testView is one expectation and its newest run.
type testView struct {
	Name   string
	Method string
	Path   string
	Rule   string // the expectation in words
	Curl   string
	Run    *runView
}

// runView is one answer.
type runView struct {
	Title   string // of an ad-hoc request
	Curl    string // that sends it again
	Verdict ui.State
	Reason  string
	Status  string // "200 OK", "no answer"
	Time    string
	Headers []headerLine
	Body    string
	Note    string // about a cut body
	At      ui.Time
}

type headerLine struct{ Name, Value string }

func newTestsView(d *panel.BackendDetail, actor model.Actor, now time.Time) testsView {
	v := testsView{RunURL: pathTestsRun(d.ID)}
	newest := map[string]*model.TestRun{}
	for i := range d.Runs {
		newest[d.Runs[i].Name] = &d.Runs[i]
	}
	passed, ran := 0, 0
	for _, t := range d.Spec.Tests {
		row := testView{Name: t.Name, Method: t.Method, Path: t.Path, Rule: ruleOf(t)}
		if d.InvokeURL != "" {
			row.Curl = curlOf(t.Method, joinURL(d.InvokeURL, t.Path))
		}
		if run := newest[t.Name]; run != nil {
			row.Run = newRunView(run, now)
			ran++
			if run.Passed {
				passed++
			}
		}
		v.Tests = append(v.Tests, row)
	}
	if ran > 0 {
		v.Summary = fmt.Sprintf("%d of %d passed", passed, len(v.Tests))
	}
	v.Why = whyNoRequests(d, actor)
	v.CanRun = v.Why == ""
	return v
}

func newRequestView(d *panel.BackendDetail, actor model.Actor) requestView {
	return requestView{
		CanSend: whyNoRequests(d, actor) == "", SendURL: pathTestsSend(d.ID),
		Method: http.MethodGet, Path: "/", Methods: model.Methods,
	}
}

// whyNoRequests says why nothing can be sent to the backend, or "".
func whyNoRequests(d *panel.BackendDetail, actor model.Actor) string {
	switch {
	case d.InvokeURL == "":
		return "Requests can be sent once the chain has its invoke URL."
	case !panel.May(actor, panel.TestRoutes, d.TeamID):
		return "Sending requests needs the role developer."
	}
	return ""
}

func ruleOf(t model.RouteTest) string {
	rule := fmt.Sprintf("status is %d", t.ExpectStatus)
	if t.BodyContains != "" {
		rule += fmt.Sprintf(" and the body contains “%s”", t.BodyContains)
	}
	return rule
}

func curlOf(method, url string) string {
	switch method {
	case http.MethodGet:
		return "curl -i " + shellQuote(url)
	case http.MethodHead:
		return "curl -I " + shellQuote(url)
	}
	return "curl -i -X " + method + " " + shellQuote(url)
}

func newRunView(r *model.TestRun, now time.Time) *runView {
	v := &runView{
		Title: r.Method + " " + r.URL, Curl: curlOf(r.Method, r.URL), Verdict: ui.Verdict(r.Passed), Reason: r.Reason,
		Status: "no answer", Time: millis(r.Millis), Body: r.Body, At: ago(r.At, now),
	}
	if r.Status != 0 {
		v.Status = strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)))
	}
	if r.Truncated {
		v.Note = "The body was longer; this is its beginning."
	}
	names := make([]string, 0, len(r.Headers))
	for name := range r.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range r.Headers[name] {
			v.Headers = append(v.Headers, headerLine{name, value})
		}
	}
	return v
}
