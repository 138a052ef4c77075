package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
)

func TestPlanShowsWhatWillBeMadeInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseRegistered)
	s.cloud.findings = []model.Finding{{Severity: model.SeverityWarning, Message: "Both subnets are small.", Advice: "Watch them."}}
	body := want(t, s.as(developer, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusOK,
		"15 steps. Nothing has been made yet.", "Create the internal load balancer", `data-plan="alb" data-action="create"`,
		"Both subnets are small.", "Watch them.", `data-testid="provision"`, `action="/backends/`+b.ID+`/provision"`, "starts at once")
	if strings.Index(body, `data-plan="alb"`) > strings.Index(body, `data-plan="listener"`) {
		t.Error("the listener stands before its load balancer")
	}
	want(t, s.as(viewer, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusOK,
		"This needs the role developer", `!data-testid="provision"`)
}

func TestPlanSaysWhatIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseFailed)
	s.made(b, 6)
	want(t, s.as(developer, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusOK,
		"15 steps. What exists already (6 of them) is kept as it is.", `data-plan="alb-sg" data-action="keep"`, `data-plan="alb" data-action="create"`,
		"6 things stay as they are", "!likely to take")
	p := samplePlan()
	p.Items[0].Action, p.Items[1].Action, p.Expected = model.ActionKeep, model.ActionLetGo, 161*time.Second
	p.Items[1].Kind = "http.first_answer"
	v := newPlanView(&b, p, developer)
	if len(v.Still) != 1 || len(v.Items) != len(p.Items)-2 || v.Items[0].Number != 1 || v.Takes != "It is likely to take about 2 min 41 s." {
		t.Errorf("%d stay, %d do not, %q", len(v.Still), len(v.Items), v.Takes)
	}
	if words := takesWords(&model.Plan{Expected: 9100 * time.Millisecond}); words != "It is likely to take about 9 s." {
		t.Errorf("%q", words)
	}
	for _, row := range v.Items {
		if slices.Contains(strings.Split(row.Needs, ", "), p.Items[1].Key) {
			t.Errorf("%s waits for a check that is not shown", row.Key)
		}
	}
	if strings.Contains(rendered(t, planPage(v)), "It is not ours") {
		t.Error("a check is let go of")
	}
	if got := needsWords([]model.Need{{Key: "a"}, {Key: "b"}, {Key: "c"}, {Key: "d"}, {Key: "e"}}, 5); got != "everything else" {
		t.Errorf("needs %q", got)
	}
}

func TestBlockedPlanHasNoButton(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseRegistered)
	s.cloud.findings = []model.Finding{{Severity: model.SeverityError, Message: "The subnets are in one Availability Zone."}}
	want(t, s.as(owner, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusOK,
		"Must be mended", "The subnets are in one Availability Zone.", "Mend what is marked", `!data-testid="provision"`)
}

func TestDestroyPlanAsksForAConfirmation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseReady)
	s.made(b, 99)
	want(t, s.as(owner, http.MethodGet, pathBackendPlan(b.ID, model.OpDestroy), nil), http.StatusOK,
		"15 resources will be deleted", `data-testid="confirm-destroy"`, "Destroy orders-api", `data-plan="alb" data-action="delete"`)
	want(t, s.as(developer, http.MethodGet, pathBackendPlan(b.ID, model.OpDestroy), nil), http.StatusOK,
		"This needs the role owner", `!data-testid="confirm-destroy"`)
	want(t, s.as(owner, http.MethodGet, pathBackend(b.ID)+"/plan?operation=burn", nil), http.StatusUnprocessableEntity, "is not an operation")
}

func TestProvisioningLeadsToTheJobAndHoldsTheBackend(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, job := s.start("orders-api")
	if !strings.HasPrefix(job, "/jobs/job_") {
		t.Fatalf("leads to %s", job)
	}
	want(t, s.as(viewer, http.MethodGet, job, nil), http.StatusOK,
		"Provision orders-api", `data-testid="job-state"`, "Queued", `data-step="alb" data-state="pending"`, "0 of 15 steps done")
	want(t, s.as(developer, http.MethodPost, pathBackendProvision(b.ID), url.Values{}), http.StatusConflict,
		"Not now", "Another job holds orders-api", `href="`+job+`"`, `data-testid="holder"`)
	want(t, s.as(owner, http.MethodPost, pathBackendDestroy(b.ID), url.Values{}), http.StatusConflict, `href="`+job+`"`)
}

func TestCancelAndRetry(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, job := s.start("orders-api")
	want(t, s.as(developer, http.MethodPost, job+"/retry", url.Values{}), http.StatusConflict, "still under way")
	wantRedirect(t, s.as(developer, http.MethodPost, job+"/cancel", url.Values{}), job)
	want(t, s.as(developer, http.MethodGet, job, nil), http.StatusOK, `!data-testid="cancel"`)
}

func TestCloudThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseRegistered)
	s.cloud.err = model.Errorf(model.CodeUnavailable, "AWS does not answer at http://127.0.0.1:1. Check the endpoint: %w", errors.New("connection refused by secret-host"))
	want(t, s.as(developer, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusServiceUnavailable,
		"Not available now", "AWS does not answer at http://127.0.0.1:1", "Request id", "!secret-host")
	s.cloud.err = errors.New("pq: password authentication failed for user root")
	want(t, s.as(developer, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusInternalServerError,
		"Something went wrong here", "Request id", "!password")
}

func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(viewer, http.MethodGet, "/nowhere", nil), http.StatusNotFound, "Not found", "There is no page at /nowhere.", "To the backends")
	want(t, s.as(viewer, http.MethodGet, "/backends/be_none", nil), http.StatusNotFound, "be_none")
	want(t, s.as(viewer, http.MethodDelete, pathBackends, nil), http.StatusNotFound, "Not found")
}

func TestInternalTextNeverReachesThePage(t *testing.T) {
	t.Parallel()
	v := newErrorView(model.Errorf(model.CodeInternal, "row 7 of table secrets"), "req_1")
	if v.Status != http.StatusInternalServerError || strings.Contains(v.Message, "secrets") || v.RequestID != "req_1" {
		t.Errorf("%+v", v)
	}
}

func TestHugeFormsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := typed("user_data", strings.Repeat("x", maxForm))
	want(t, s.as(developer, http.MethodPost, pathBackendNew(), form), http.StatusUnprocessableEntity, "The form could not be read")
}
