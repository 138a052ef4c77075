package storetest

import (
	"sync"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Leases of tests: one that holds, and one that has run out when it is given.
const (
	held    = time.Hour
	runOut  = time.Duration(0)
	holderA = "a"
	holderB = "b"
)

func testClaimedOnce(t *testing.T, open Open) {
	const jobs, workers = 200, 8
	w, ctx := newWorld(t, open), t.Context()
	w.queued(jobs)
	var mu sync.Mutex
	claims := map[string]int{}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for misses := 0; misses < 3; {
				j, err := w.ClaimJob(ctx, model.NewID("w"), held)
				if err != nil {
					t.Error(err)
					return
				}
				if j == nil {
					misses++
					continue
				}
				mu.Lock()
				claims[j.ID]++
				mu.Unlock()
				if err := w.FinishJob(ctx, j.Lease(), model.Outcome{State: model.JobSucceeded}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.none()
	same(t, len(claims), jobs)
	for id, n := range claims {
		if n != 1 {
			t.Errorf("job %s was claimed %d times", id, n)
		}
	}
}

func testClaimOrder(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	var ids []string
	for i, name := range []string{"second", "first", "third"} {
		b := w.backend(name)
		j := &model.Job{BackendID: b.ID, TeamID: b.TeamID, Operation: model.OpProvision, CreatedAt: at([]int{2, 1, 3}[i])}
		w.tx(func(q *store.Queries) error { return q.InsertJob(ctx, j) })
		ids = append(ids, j.ID)
	}
	for _, want := range []int{1, 0, 2} {
		j := w.claim(holderA, held)
		same(t, j.ID, ids[want])
		same(t, []any{j.State, j.Attempt, j.LeaseHolder, j.LeaseTerm}, []any{model.JobRunning, 1, holderA, int64(1)})
		if j.StartedAt.IsZero() {
			t.Fatal("a claimed job has no start")
		}
	}
	w.none()
}

// testTakenOver: a holder that slept through its lease can write nothing.
func testTakenOver(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	w.queued(1)
	first := w.claim(holderA, runOut)
	_, b := w.now(first.ID)
	second := w.claim(holderB, held)
	same(t, []any{second.ID, second.LeaseTerm, second.Attempt}, []any{first.ID, int64(2), 2})
	same(t, []any{first.TakenOver(), second.TakenOver(), second.Why}, []any{false, true, "Taken over from a, which stopped answering."})
	before := w.events(b.ID)

	stale := first.Lease()
	otherHolder := model.Lease{JobID: first.ID, Holder: holderA, Term: second.LeaseTerm}
	otherTerm := model.Lease{JobID: first.ID, Holder: holderB, Term: first.LeaseTerm}
	step, res := &model.Step{JobID: first.ID, Key: "alb"}, &model.Resource{BackendID: b.ID, Key: "alb"}
	for _, l := range []model.Lease{stale, otherHolder, otherTerm, {JobID: "absent", Holder: holderA}} {
		_, err := w.HeartbeatJob(ctx, l, held)
		wantErr(t, err, model.ErrLeaseLost)
		_, err = w.Load(ctx, l)
		wantErr(t, err, model.ErrLeaseLost)
		wantErr(t, w.Begin(ctx, l, step, res), model.ErrLeaseLost)
		wantErr(t, w.Save(ctx, l, step, res), model.ErrLeaseLost)
		wantErr(t, w.FinishJob(ctx, l, model.Outcome{State: model.JobSucceeded}), model.ErrLeaseLost)
	}
	same(t, w.events(b.ID), before)
	steps, err := w.Read().Steps(ctx, first.ID)
	must(t, err)
	same(t, len(steps), 0)
	must(t, w.Begin(ctx, second.Lease(), step, res))
}

func testReleased(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	w.queued(2)
	before := w.claim(holderA, held)
	n, err := w.ReleaseJobs(ctx)
	must(t, err)
	same(t, n, 1)
	_, err = w.HeartbeatJob(ctx, before.Lease(), held)
	wantErr(t, err, model.ErrLeaseLost)
	same(t, w.claim(holderB, held).ID, before.ID) // its lease ended before the other was queued
}

func testFinished(t *testing.T, open Open) {
	problem := &model.Problem{Code: "AccessDenied", Message: "m"}
	for _, c := range []struct {
		op      model.Operation
		outcome model.Outcome
		managed bool
		phase   model.Phase
	}{
		{model.OpProvision, model.Outcome{State: model.JobSucceeded}, true, model.PhaseReady},
		{model.OpProvision, model.Outcome{State: model.JobFailed, Problem: problem}, true, model.PhaseFailed},
		{model.OpProvision, model.Outcome{State: model.JobCancelled}, false, model.PhaseRegistered},
		{model.OpProvision, model.Outcome{State: model.JobCancelled}, true, model.PhaseFailed},
		{model.OpDestroy, model.Outcome{State: model.JobSucceeded}, false, model.PhaseDestroyed},
		{model.OpRollBack, model.Outcome{State: model.JobSucceeded}, false, model.PhaseRegistered},
		{model.OpRollBack, model.Outcome{State: model.JobSucceeded}, true, model.PhaseFailed},
		{model.OpRollBack, model.Outcome{State: model.JobFailed, Problem: problem}, false, model.PhaseFailed},
	} {
		w, ctx := newWorld(t, open), t.Context()
		b := w.backend("orders")
		b.InvokeURL = "http://x/"
		w.job(b, c.op)
		if c.managed {
			w.tx(func(q *store.Queries) error {
				return q.UpsertResource(ctx, &model.Resource{BackendID: b.ID, Key: "alb", Ownership: model.OwnershipManaged, State: model.ResourcePlanned})
			})
		}
		lease := w.claim(holderA, held).Lease()
		must(t, w.FinishJob(ctx, lease, c.outcome))
		j, after := w.now(lease.JobID)
		same(t, []any{j.State, j.Problem, after.Phase, after.ActiveJobID, after.InvokeURL == ""},
			[]any{c.outcome.State, c.outcome.Problem, c.phase, "", c.phase == model.PhaseDestroyed})
		if j.FinishedAt.IsZero() || j.LeaseHolder != "" {
			t.Fatalf("finished at %s, held by %q", j.FinishedAt, j.LeaseHolder)
		}
		same(t, w.events(b.ID), []string{"job", "job", "backend"})
		wantErr(t, w.FinishJob(ctx, lease, c.outcome), model.ErrLeaseLost)
		w.none()
		if w.FinishJob(ctx, lease, model.Outcome{State: model.JobRunning}) == nil {
			t.Fatal("running was taken for an outcome")
		}
	}
}

func testFailures(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	id := w.queued(1)[0].ID
	wait := func(o model.Outcome) *model.Job {
		t.Helper()
		o.State = model.JobWaiting
		must(t, w.FinishJob(ctx, w.claim(holderA, held).Lease(), o))
		j, b := w.now(id)
		same(t, []any{j.State, j.Why, b.ActiveJobID, b.Phase}, []any{model.JobWaiting, o.Why, id, model.PhaseProvisioning})
		return j
	}
	same(t, wait(model.Outcome{Retry: true, Why: "AWS is busy."}).Failures, 1)
	same(t, wait(model.Outcome{Retry: true}).Failures, 2)
	same(t, wait(model.Outcome{}).Failures, 0)
	j := wait(model.Outcome{Delay: time.Hour})
	if d := time.Until(j.RunAfter); d < 50*time.Minute || d > 70*time.Minute {
		t.Fatalf("runs again in %s", d)
	}
	w.none()
}

func testRetried(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	id := w.queued(1)[0].ID
	requeue := func() error {
		return w.InTx(ctx, func(q *store.Queries) error {
			_, err := q.RequeueJob(ctx, id)
			return err
		})
	}
	wantCode(t, requeue(), model.CodeConflict)
	lease := w.claim(holderA, held).Lease()
	wantCode(t, requeue(), model.CodeConflict)
	must(t, w.FinishJob(ctx, lease, model.Outcome{State: model.JobFailed, Problem: &model.Problem{Code: "c"}}))
	must(t, requeue())
	j, b := w.now(id)
	same(t, []any{j.State, j.Problem, j.FinishedAt, j.CancelRequestedAt}, []any{model.JobQueued, (*model.Problem)(nil), time.Time{}, time.Time{}})
	same(t, j.Plan.Items[0].Key, "alb")
	again := w.claim(holderA, held)
	same(t, []any{again.ID, again.LeaseTerm}, []any{id, lease.Term + 1})
	wantErr(t, w.FinishJob(ctx, lease, model.Outcome{State: model.JobSucceeded}), model.ErrLeaseLost)
	must(t, w.FinishJob(ctx, again.Lease(), model.Outcome{State: model.JobCancelled}))

	b.ActiveJobID = ""
	w.job(b, model.OpDestroy) // another job under way
	wantCode(t, requeue(), model.CodeConflict)
}

func (w *world) requestCancel(id string) error {
	return w.InTx(w.t.Context(), func(q *store.Queries) error { return q.RequestCancel(w.t.Context(), id) })
}

func testCancelQueued(t *testing.T, open Open) {
	w := newWorld(t, open)
	id := w.queued(1)[0].ID
	must(t, w.requestCancel(id))
	j, b := w.now(id)
	same(t, []any{j.State, b.Phase, b.ActiveJobID}, []any{model.JobCancelled, model.PhaseRegistered, ""})
	same(t, w.events(b.ID), []string{"job", "backend"})
	w.none()
	wantCode(t, w.requestCancel(id), model.CodeConflict)
}

func testCancelRunning(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	id := w.queued(1)[0].ID
	lease := w.claim(holderA, held).Lease()
	_, b := w.now(id)
	cancel, err := w.HeartbeatJob(ctx, lease, held)
	must(t, err)
	same(t, cancel, false)
	must(t, w.requestCancel(id))
	must(t, w.requestCancel(id))
	same(t, w.events(b.ID), []string{"job", "job"}) // running, cancel requested
	cancel, err = w.HeartbeatJob(ctx, lease, held)
	must(t, err)
	same(t, cancel, true)
	step := &model.Step{JobID: id, Key: "alb"}
	wantErr(t, w.Begin(ctx, lease, step, nil), model.ErrCancelled)
	must(t, w.Save(ctx, lease, step, nil)) // what AWS did is still written down
	must(t, w.FinishJob(ctx, lease, model.Outcome{State: model.JobCancelled}))
}

func testCancelWaiting(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	ids := w.queued(2)
	first := w.claim(holderA, held)
	must(t, w.FinishJob(ctx, first.Lease(), model.Outcome{State: model.JobWaiting, Delay: time.Hour}))
	must(t, w.requestCancel(first.ID)) // waiting already
	second := w.claim(holderA, held)
	must(t, w.requestCancel(second.ID))
	must(t, w.FinishJob(ctx, second.Lease(), model.Outcome{State: model.JobWaiting, Delay: time.Hour})) // about to wait
	for _, j := range ids {
		after, _ := w.now(j.ID)
		same(t, after.State, model.JobCancelled)
	}
}
