package panel_test

import (
	"slices"
	"testing"
	"time"

	"drawbridge/internal/model"
)

// phase is the backend's now.
func (j *jobIn) phase() model.Phase {
	j.t.Helper()
	b, err := j.store.Read().BackendByID(j.t.Context(), j.back.ID)
	if err != nil {
		j.t.Fatal(err)
	}
	return b.Phase
}

// TestRollBack_ofAJobAtWork: the job is cancelled, its roll back is queued in
// the transaction in which it ends, and asking again changes nothing.
func TestRollBack_ofAJobAtWork(t *testing.T) {
	t.Parallel()
	for _, end := range []model.JobState{model.JobCancelled, model.JobFailed, model.JobSucceeded, model.JobWaiting} {
		j := reached(t, model.OpProvision, func(*jobIn) {})
		ctx := t.Context()
		claimed, err := j.store.ClaimJob(ctx, "test", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			asked, err := j.panel.RollBack(ctx, developer, j.job.ID)
			if err != nil || asked.ID != j.job.ID || asked.RollBackBy != developer.Name || asked.CancelRequestedAt.IsZero() {
				t.Fatalf("asked: %+v, %v", asked, err)
			}
		}
		if err := j.store.FinishJob(ctx, claimed.Lease(), model.Outcome{State: end}); err != nil {
			t.Fatal(err)
		}
		jobs, err := j.panel.Jobs(ctx, viewer, j.back.ID, model.Selection{Limit: 100})
		if err != nil || len(jobs) != 2 || jobs[0].Operation != model.OpRollBack || jobs[0].Undoes != j.job.ID || jobs[0].Actor != developer.Name {
			t.Fatalf("after %s: %+v, %v", end, jobs, err)
		}
		if j.phase() != model.PhaseRollingBack {
			t.Errorf("after %s the backend is %s", end, j.phase())
		}
		d, err := j.panel.Job(ctx, viewer, j.job.ID)
		if err != nil || d.RolledBackBy != jobs[0].ID || d.Backend.ActiveJobID != jobs[0].ID {
			t.Errorf("after %s: %+v, %v", end, d, err)
		}
		if again, err := j.panel.RollBack(ctx, developer, j.job.ID); err != nil || again.ID != jobs[0].ID {
			t.Errorf("asked once more after %s: %+v, %v", end, again, err)
		}
	}
}

// TestRollBack_leavesTheTruth: what the backend is afterwards.
func TestRollBack_leavesTheTruth(t *testing.T) {
	t.Parallel()
	gone := func(j *jobIn) {
		_, err := j.panel.RollBack(t.Context(), developer, j.job.ID)
		if err != nil {
			t.Fatal(err)
		}
		j.end(model.JobSucceeded)
	}
	j := reached(t, model.OpProvision, ended(model.JobFailed))
	if j.phase() != model.PhaseFailed {
		t.Errorf("failed: %s", j.phase())
	}
	if gone(j); j.phase() != model.PhaseRegistered {
		t.Errorf("nothing is left: %s", j.phase())
	}
	first := j.start(model.OpProvision)
	j.madeBy(first, "alb-sg")
	j.madeBy(first, "alb")
	j.end(model.JobSucceeded)
	j.job = j.start(model.OpProvision)
	j.end(model.JobFailed)
	if gone(j); j.phase() != model.PhaseReady {
		t.Errorf("the older chain is whole: %s", j.phase())
	}
	j.job = j.start(model.OpProvision)
	j.end(model.JobCancelled)
	if j.phase() != model.PhaseReady {
		t.Errorf("cancelled before it touched the chain: %s", j.phase())
	}
}

func TestRollBackPlan(t *testing.T) {
	t.Parallel()
	j := reached(t, model.OpProvision, ended(model.JobFailed))
	j.madeBy(&model.Job{}, "alb-sg") // adopted
	j.madeBy(j.job, "alb")
	p, err := j.panel.RollBackPlan(t.Context(), viewer, j.job.ID)
	if err != nil || p.Blocked() || len(p.Items) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	i := slices.IndexFunc(p.Items, func(it model.PlanItem) bool { return it.Key == "alb" })
	if p.Items[i].Action != model.ActionDelete || p.Items[1-i].Action != model.ActionKeep || len(p.Items[1-i].Reasons) != 1 {
		t.Errorf("%+v", p.Items)
	}
	done := reached(t, model.OpProvision, ended(model.JobSucceeded))
	if p, err = done.panel.RollBackPlan(t.Context(), viewer, done.job.ID); err != nil || !p.Blocked() {
		t.Errorf("of a job that succeeded: %+v, %v", p, err)
	}
}
