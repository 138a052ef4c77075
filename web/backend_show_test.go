package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/web/ui"
)

// made saves the chain's resources up to the nth as sampleDetail has them.
func (s *site) made(b model.Backend, n int) { s.madeBy(b, n, "") }

// madeBy is made, by that job.
func (s *site) madeBy(b model.Backend, n int, jobID string) {
	s.t.Helper()
	err := s.store.InTx(s.t.Context(), func(q *store.Queries) error {
		for _, r := range sampleDetail(b.Phase, n).Resources {
			r.BackendID, r.MadeBy = b.ID, jobID
			if err := q.UpsertResource(s.t.Context(), &r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestBackendPageShowsItsChain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseReady)
	s.made(b, 99)
	want(t, s.as(owner, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK,
		`data-hop="alb" data-state="ready"`, `data-hop="instances"`, `data-edge="vpclink-alb" data-state="ready"`, "TCP 8000",
		`data-testid="invoke-url"`, "curl -i &#39;http://a1b2c3d4e5", `data-testid="run-tests"`, `data-test="GET /service-a"`,
		`data-testid="destroy"`, "orders-api-234567-alb", `hx-sse:connect="/backends/`+b.ID+`/stream?after=1"`)
}

func TestBackendPageOffersWhatRoleAndPhaseAllow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseRegistered)
	want(t, s.as(owner, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK,
		"Look at the plan", "Destroy…", "Not made yet", "once the chain has its invoke URL", "!Run the tests")
	want(t, s.as(developer, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK, "Look at the plan", "!Destroy…")
	want(t, s.as(viewer, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK, "!Look at the plan", "!Destroy…")

	busy, job := s.start("busy")
	want(t, s.as(owner, http.MethodGet, pathBackend(busy.ID), nil), http.StatusOK,
		`href="`+job+`"`, "A job is at work", "!Plan again", "!Destroy…")
}

func TestChainTellsTheWorstOfEachHop(t *testing.T) {
	t.Parallel()
	d := sampleDetail(model.PhaseProvisioning, 10)
	for i := range d.Resources {
		if d.Resources[i].Key == "targets" {
			d.Resources[i].State, d.Resources[i].Detail = model.ResourceFailed, "Target.Timeout"
		}
	}
	hops := map[string]ui.Hop{}
	edges := map[string]ui.State{}
	for _, h := range newChain(d).Hops {
		hops[h.ID] = h
		if h.In != nil {
			edges[h.In.ID] = h.In.State
		}
	}
	for id, state := range map[string]string{
		"client": "absent", "http-api": "absent", "vpc-link": "pending", "alb": "ready", "target-group": "failed", "instances": "ready",
	} {
		if hops[id].State.Value != state {
			t.Errorf("hop %s is %s, want %s", id, hops[id].State.Value, state)
		}
	}
	for id, state := range map[string]string{"stage": "absent", "route": "absent", "vpclink-alb": "ready", "listener": "ready", "alb-app": "ready"} {
		if edges[id].Value != state {
			t.Errorf("edge %s is %s, want %s", id, edges[id].Value, state)
		}
	}
	if hops["target-group"].Detail != "Target.Timeout" {
		t.Errorf("detail %q", hops["target-group"].Detail)
	}
}

func TestInstancesAreCounted(t *testing.T) {
	t.Parallel()
	d := sampleDetail(model.PhaseProvisioning, 5)
	d.Resources = append(d.Resources, model.Resource{Key: "instance-2", Kind: "ec2.instance", State: model.ResourceReady})
	hop := newChain(d).Hops[5]
	if hop.Name != "1 of 2 ready" || hop.State.Value != "pending" {
		t.Errorf("%q, %s", hop.Name, hop.State.Value)
	}
}

func TestWhatIsGoneIsNotShownAsThere(t *testing.T) {
	t.Parallel()
	d := sampleDetail(model.PhaseDestroyed, 99)
	for i := range d.Resources {
		d.Resources[i].State = model.ResourceGone
	}
	for _, h := range newChain(d).Hops {
		if h.State.Value != "absent" {
			t.Errorf("%s is %s", h.ID, h.State.Value)
		}
	}
}

func TestRouteTestsShowTheAnswer(t *testing.T) {
	t.Parallel()
	d := sampleDetail(model.PhaseReady, 99)
	d.Runs[1] = sampleRun(d.Spec.Tests[1], false)
	page := rendered(t, testsSection(newTestsView(d, owner, sampleNow)))
	for _, part := range []string{
		`data-test="GET /" data-passed="true"`, `data-test="GET /service-a" data-passed="false"`, "2 of 3 passed",
		"503 Service Unavailable, 8.4 ms", "The status is 503, not 200.", "Apigw-Requestid", "abcDEF123=", "{&#34;message&#34;", "2 min ago",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("lacks %q", part)
		}
	}
}

func TestTestsAreSentAndKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseReady, s.answering())
	s.made(b, 99)
	want(t, s.as(developer, http.MethodPost, pathTestsRun(b.ID), url.Values{"name": {"GET /service-a"}}, "HX-Request", "true"),
		http.StatusOK, `data-test="GET /service-a" data-passed="true"`, "hello from /service-a", "1 of 3 passed", "!<html")
	wantRedirect(t, s.as(developer, http.MethodPost, pathTestsRun(b.ID), url.Values{}), pathBackend(b.ID)+"#tests")
	want(t, s.as(viewer, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK, "3 of 3 passed", "hello from /service-b")
}

func TestOneRequestIsAnsweredInPlace(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseReady, s.answering())
	form := url.Values{"method": {"GET"}, "path": {"/missing"}}
	want(t, s.as(developer, http.MethodPost, pathTestsSend(b.ID), form, "HX-Request", "true"), http.StatusOK,
		`data-testid="adhoc-answer" data-status="404 Not Found"`, "hello from /missing", `value="/missing"`, "!<html", "!not 200")
	want(t, s.as(developer, http.MethodPost, pathTestsSend(b.ID), form), http.StatusOK, "<html", "hello from /missing", "Route tests")
	form.Set("path", "no-slash")
	want(t, s.as(developer, http.MethodPost, pathTestsSend(b.ID), form, "HX-Request", "true"), http.StatusUnprocessableEntity,
		`id="f-path-error"`, `value="no-slash"`, "Begin the path with /")
}

func TestSendingBeforeThereIsAnInvokeURLIsAConflict(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseRegistered)
	r := s.as(developer, http.MethodPost, pathTestsRun(b.ID), url.Values{}, "HX-Request", "true")
	if r.Header.Get("HX-Retarget") != "#flash" {
		t.Errorf("the error goes to %q", r.Header.Get("HX-Retarget"))
	}
	want(t, r, http.StatusConflict, "has no invoke URL yet", "!<html", "Request id")
}

func TestClientIsGreenOnceTheChainHasAnswered(t *testing.T) {
	t.Parallel()
	d := sampleDetail(model.PhaseReady, 99)
	if s := newChain(d).Hops[0].State; s.Value != "ready" || s.Word != "Answered" {
		t.Errorf("ready: %+v", s)
	}
	d.Phase = model.PhaseProvisioning
	d.Resources = append(d.Resources, model.Resource{Key: "answer", Kind: "http.first_answer", State: model.ResourcePending, Detail: "503 so far"})
	if h := newChain(d).Hops[0]; h.State.Value != "pending" || h.Detail != "503 so far" {
		t.Errorf("on its way: %+v", h)
	}
	d.Phase = model.PhaseDegraded
	if s := newChain(d).Hops[0].State; s.Word != "May fail" {
		t.Errorf("degraded: %+v", s)
	}
}
