package storetest

import (
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// testRollBackFollows: a roll back that was asked for meanwhile is queued in
// the transaction in which the job ends, once, and holds the backend.
func testRollBackFollows(t *testing.T, open Open) {
	for _, atWork := range []bool{false, true} {
		w, ctx := newWorld(t, open), t.Context()
		b := w.backend("orders")
		j := w.job(b, model.OpProvision)
		ask := func() {
			w.tx(func(q *store.Queries) error { return q.RequestRollBack(ctx, j.ID, "ada") })
		}
		if atWork {
			lease := w.claim(holderA, held).Lease()
			w.tx(func(q *store.Queries) error { return q.RequestCancel(ctx, j.ID) }) // and then thought better of it
			ask()
			ask()
			same(t, w.Begin(ctx, lease, &model.Step{JobID: j.ID, Key: "alb"}, nil), model.ErrCancelled)
			must(t, w.FinishJob(ctx, lease, model.Outcome{State: model.JobCancelled}))
		} else {
			ask()
		}
		ended, after := w.now(j.ID)
		next := w.claim(holderB, held)
		same(t, []any{ended.State, ended.RollBackBy, after.Phase, after.ActiveJobID}, []any{model.JobCancelled, "ada", model.PhaseRollingBack, next.ID})
		same(t, []any{next.Operation, next.Undoes, next.Actor, next.Plan == nil}, []any{model.OpRollBack, j.ID, "ada", true})
		must(t, w.FinishJob(ctx, next.Lease(), model.Outcome{State: model.JobFailed}))
		w.none()
		var again *model.Job
		w.tx(func(q *store.Queries) (err error) { again, err = q.RequeueJob(ctx, next.ID); return err })
		same(t, []string{again.Undoes, again.RollBackBy}, []string{j.ID, ""})
	}
}

// testPlanJob: a job that was queued without a plan gets it once, by its holder.
func testPlanJob(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	j := w.job(w.backend("orders"), model.OpProvision)
	w.tx(func(q *store.Queries) error { return q.RequestRollBack(ctx, j.ID, "ada") })
	next := w.claim(holderA, held)
	plan := func(key string) func(*model.Backend, []model.Resource) (*model.Plan, []model.Step) {
		return func(b *model.Backend, _ []model.Resource) (*model.Plan, []model.Step) {
			return &model.Plan{BackendID: b.ID, Items: []model.PlanItem{{Key: key}}}, []model.Step{{JobID: next.ID, Key: key}}
		}
	}
	stale := next.Lease()
	stale.Term--
	wantErr(t, w.PlanJob(ctx, stale, plan("alb")), model.ErrLeaseLost)
	must(t, w.PlanJob(ctx, next.Lease(), plan("alb")))
	must(t, w.PlanJob(ctx, next.Lease(), plan("other")))
	rec, err := w.Load(ctx, next.Lease())
	must(t, err)
	same(t, []any{len(rec.Job.Plan.Items), rec.Job.Plan.Items[0].Key, len(rec.Steps), rec.Steps[0].Key}, []any{1, "alb", 1, "alb"})
}
