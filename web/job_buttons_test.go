package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// TestJobButtons: what a person sees on a job's page in each of its states.
// "x" is offered, "-" is shown disabled with the reason, "" is not shown.
func TestJobButtons(t *testing.T) {
	t.Parallel()
	refused := panel.JobAction{Why: "Another job holds it.", Holder: "job_other"}
	busy := func(d *panel.JobDetail) {
		d.Backend.ActiveJobID, d.Actions.Retry, d.Actions.RollBack = "job_other", refused, refused
	}
	idle := func(d *panel.JobDetail) { d.Backend.ActiveJobID, d.Backend.Phase = "", model.PhaseFailed }
	of := func(op model.Operation) func(*panel.JobDetail) {
		return func(d *panel.JobDetail) { idle(d); d.Operation = op }
	}
	ended := func(d *panel.JobDetail) {
		d.Sandbox = &model.Sandbox{BackendID: d.BackendID, TeamID: d.TeamID, EndingAt: sampleNow}
		d.Next = &model.Job{ID: "job_destroys", Operation: model.OpDestroy}
	}
	stopping := func(d *panel.JobDetail) { d.CancelRequestedAt = time.Now() }
	for _, row := range []struct {
		name   string
		state  model.JobState
		change func(*panel.JobDetail)
		actor  model.Actor
		want   string // cancel retry rollback destroy
	}{
		{"queued", model.JobQueued, nil, developer, "x,,x,"},
		{"running", model.JobRunning, nil, owner, "x,,x,"},
		{"running, viewer", model.JobRunning, nil, viewer, ",,,"},
		{"stopping", model.JobRunning, stopping, developer, ",,x,"},
		{"waiting", model.JobWaiting, nil, developer, "x,,x,"},
		{"succeeded", model.JobSucceeded, idle, owner, ",,,"},
		{"failed", model.JobFailed, idle, owner, ",x,x,x"},
		{"failed, developer", model.JobFailed, idle, developer, ",x,x,"},
		{"failed, viewer", model.JobFailed, idle, viewer, ",,,"},
		{"failed, busy", model.JobFailed, busy, owner, ",-,-,"},
		{"cancelled", model.JobCancelled, idle, owner, ",x,x,x"},
		{"cancelled, sandbox ends", model.JobCancelled, func(d *panel.JobDetail) { busy(d); ended(d) }, owner, ",,,"},
		{"destroy failed, sandbox ends", model.JobFailed, func(d *panel.JobDetail) { of(model.OpDestroy)(d); ended(d) }, owner, ",x,,"},
		{"destroy failed", model.JobFailed, of(model.OpDestroy), owner, ",x,,"},
		{"destroy failed, developer", model.JobFailed, of(model.OpDestroy), developer, ",,,"},
		{"roll back failed", model.JobFailed, of(model.OpRollBack), owner, ",x,,x"},
	} {
		d := sampleJob(row.state)
		if row.change != nil {
			row.change(d)
		}
		v := newJobView(d, row.actor, sampleNow)
		got := fmt.Sprintf("%s,%s,%s,%s", mark(v.Head.Cancel), mark(v.Head.Retry), mark(v.Head.RollBack), mark(v.Head.Destroy))
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
		page := rendered(t, jobPage(v))
		if says := strings.Contains(page, "Another job holds it."); says != strings.Contains(row.want, "-") {
			t.Errorf("%s: the page says why: %v", row.name, says)
		}
		if strings.Contains(row.want, "-") && !strings.Contains(page, `href="/jobs/job_other"`) {
			t.Errorf("%s: no link to the job that stands in the way", row.name)
		}
	}
}

// TestJobLeadsOn: a job that stopped leads to what came after it.
func TestJobLeadsOn(t *testing.T) {
	t.Parallel()
	destroy := &model.Job{ID: "job_destroys", Operation: model.OpDestroy}
	ends := &model.Sandbox{EndingAt: sampleNow}
	for name, row := range map[string]struct {
		state   model.JobState
		next    *model.Job
		sandbox *model.Sandbox
		want    []string
	}{
		"it is under way":           {model.JobRunning, nil, nil, []string{"<noscript>", "Load it again"}},
		"nothing came after":        {model.JobCancelled, nil, nil, []string{"!related-job", "what exists is kept"}},
		"another job came after":    {model.JobCancelled, destroy, nil, []string{"Another job came after this one.", "Go to the job: Destroy", `href="/jobs/job_destroys"`}},
		"it succeeded":              {model.JobSucceeded, destroy, nil, []string{"!related-job"}},
		"its sandbox ends":          {model.JobCancelled, nil, ends, []string{"This sandbox ends: what this job made is destroyed next.", "!related-job", "!data-testid=\"retry\""}},
		"its sandbox is destroyed":  {model.JobCancelled, destroy, ends, []string{"This sandbox ends; what this job made", "Go to the job that destroys it", `href="/jobs/job_destroys"`}},
		"its sandbox was destroyed": {model.JobFailed, destroy, &model.Sandbox{EndingAt: sampleNow, GoneAt: sampleNow}, []string{"This sandbox has ended;", "What existed then", "!What exists now"}},
	} {
		d := sampleJob(row.state)
		d.Next, d.Sandbox, d.Backend.ActiveJobID = row.next, row.sandbox, ""
		page := rendered(t, jobPage(newJobView(d, developer, sampleNow)))
		for _, part := range row.want {
			if text, absent := strings.CutPrefix(part, "!"); strings.Contains(page, text) == absent {
				t.Errorf("%s: the page and %q", name, part)
			}
		}
	}
}

func mark(b jobButton) string {
	switch {
	case b.URL != "":
		return "x"
	case b.Shown():
		return "-"
	}
	return ""
}

// TestRollBackPages walks from a failed job over its plan to the roll back and
// back again.
func TestRollBackPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.backend(model.PhaseRegistered)
	at := s.as(developer, http.MethodPost, pathBackendProvision(b.ID), nil).Header.Get("Location")
	job := model.Job{ID: strings.TrimPrefix(at, "/jobs/")}
	s.madeBy(b, 3, job.ID)
	want(t, s.as(developer, http.MethodGet, pathJobRollBack(job.ID), nil), http.StatusOK,
		"Roll back plan", "4 resources that this job made will be deleted", "it is cancelled first", "Cancel and roll back",
		`data-testid="confirm-roll-back"`, `action="/jobs/`+job.ID+`/roll-back"`)
	want(t, s.as(viewer, http.MethodGet, pathJobRollBack(job.ID), nil), http.StatusOK,
		"This needs the role developer", `!data-testid="confirm-roll-back"`)
	to := s.as(developer, http.MethodPost, pathJobRollBack(job.ID), nil).Header.Get("Location")
	if !strings.HasPrefix(to, "/jobs/") || to == pathJob(job.ID) {
		t.Fatalf("leads to %q", to)
	}
	want(t, s.as(developer, http.MethodGet, to, nil), http.StatusOK, "Roll back orders-api", `href="`+pathJob(job.ID)+`"`)
	want(t, s.as(developer, http.MethodGet, pathJob(job.ID), nil), http.StatusOK,
		`href="`+to+`"`, `data-testid="related-job"`, `!data-testid="retry"`, `!data-testid="roll-back"`)
	want(t, s.as(developer, http.MethodGet, pathJobRollBack(job.ID), nil), http.StatusOK,
		"Must be mended", "is being rolled back already", `!data-testid="confirm-roll-back"`)
	if again := s.as(developer, http.MethodPost, pathJobRollBack(job.ID), nil).Header.Get("Location"); again != to {
		t.Errorf("a second click leads to %q, want %q", again, to)
	}
	want(t, s.as(owner, http.MethodPost, pathBackendDestroy(b.ID), nil), http.StatusConflict, "Another job holds", `href="`+to+`"`)
	want(t, s.as(developer, http.MethodGet, pathJobRollBack("job_none"), nil), http.StatusNotFound, "job_none")
}
