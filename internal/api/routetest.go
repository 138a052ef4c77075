package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// TestRun is one sent request and its verdict.
type TestRun struct {
	ID        string              `json:"id" doc:"Its id." example:"run_z2m4qk7xj5wd3npa"`
	BackendID string              `json:"backend_id" doc:"The backend." example:"be_k3x7q2mfd5wa4nzp"`
	Name      string              `json:"name" doc:"The route test's name." example:"GET /service-a"`
	Method    string              `json:"method" doc:"The method that was sent." example:"GET"`
	URL       string              `json:"url" doc:"The URL that was asked."`
	Passed    bool                `json:"passed" doc:"The answer was as expected."`
	Reason    string              `json:"reason,omitempty" doc:"Why it did not pass, and who answered."`
	Status    int                 `json:"status" doc:"The status that came back; 0 when no answer came." example:"200"`
	Proto     string              `json:"proto,omitempty" doc:"The protocol." example:"HTTP/1.1"`
	Millis    float64             `json:"millis" doc:"Milliseconds until the body was complete." example:"12.5"`
	Headers   map[string][]string `json:"headers,omitempty" doc:"The headers that came back."`
	Body      string              `json:"body" doc:"The body that came back, its first 64 KiB at most."`
	Truncated bool                `json:"truncated" doc:"The body was longer."`
	Actor     string              `json:"actor" doc:"Who asked for it." example:"ci"`
	At        time.Time           `json:"at" doc:"When it was sent."`
}

func testRunOf(r *model.TestRun) TestRun {
	return TestRun{
		ID: r.ID, BackendID: r.BackendID, Name: r.Name, Method: r.Method, URL: r.URL, Passed: r.Passed, Reason: r.Reason,
		Status: r.Status, Proto: r.Proto, Millis: r.Millis, Headers: r.Headers, Body: r.Body, Truncated: r.Truncated,
		Actor: r.Actor, At: r.At,
	}
}

// RunTests selects what to send.
type RunTests struct {
	Names   []string   `json:"names,omitempty" doc:"Names of the spec's route tests; all of them when left out."`
	Request *RouteTest `json:"request,omitempty" doc:"A request that is not in the spec, instead of names."`
}

type runTestsInput struct {
	BodyRead
	ID   string    `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	Body *RunTests `doc:"What to send; every route test of the spec when left out."`
}

type testRunsInput struct {
	ID     string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	Sort   string `query:"sort" enum:"at,-at" default:"-at" doc:"Oldest first, or, with -, newest first."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"64" doc:"next_cursor of the page before, with the same sort and filters."`
	Name   string `query:"name" maxLength:"256" doc:"Only runs of the route test of this name." example:"GET /service-a"`
	Passed string `query:"passed" enum:"true,false" doc:"Only runs that passed, or that did not."`
}

func (a *API) registerRouteTests(h huma.API) {
	tags := []string{"Route tests"}
	route(a, h, huma.Operation{
		OperationID: "run-tests", Method: http.MethodPost, Path: "/backends/{id}/tests/run", Tags: tags,
		Summary: "Run route tests", Description: "Sends requests through the invoke URL and records the answers. A test that does not pass is still an answer with status 200: look at passed.",
	}, a.runTests)
	route(a, h, huma.Operation{
		OperationID: "list-test-runs", Method: http.MethodGet, Path: "/backends/{id}/tests/runs", Tags: tags,
		Summary: "List route test runs", Description: "Newest first.",
	}, a.listTestRuns)
}

func (a *API) runTests(ctx context.Context, actor model.Actor, in *runTestsInput) (*listOutput[TestRun], error) {
	var body RunTests
	if in.Body != nil {
		body = *in.Body
	}
	if body.Request == nil {
		runs, err := a.panel.RunTests(ctx, actor, in.ID, body.Names)
		return listed(runs, err, testRunOf)
	}
	if len(body.Names) > 0 {
		var v model.Invalid
		v.Add("request", "Send either names or a request, not both.")
		return nil, v.Err()
	}
	run, err := a.panel.RunAdHocTest(ctx, actor, in.ID, body.Request.model())
	if err != nil {
		return nil, err
	}
	return &listOutput[TestRun]{List[TestRun]{Items: []TestRun{testRunOf(run)}}}, nil
}

func (a *API) listTestRuns(ctx context.Context, actor model.Actor, in *testRunsInput) (*listOutput[TestRun], error) {
	runs, err := a.panel.TestRuns(ctx, actor, in.ID, model.Selection{
		State: in.Passed, What: in.Name, OldestFirst: in.Sort == "at", After: in.Cursor, Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	runs, next := more(runs, in.Limit, func(r *model.TestRun) string { return r.ID })
	return &listOutput[TestRun]{List[TestRun]{listOf(runs, testRunOf).Items, next}}, nil
}
