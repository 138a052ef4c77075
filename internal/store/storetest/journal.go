package storetest

import (
	"sync"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func testJournal(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	w.queued(1)
	j := w.claim(holderA, held)
	_, b := w.now(j.ID)
	rec, err := w.Load(ctx, j.Lease())
	must(t, err)
	same(t, []any{rec.Job.ID, rec.Backend.ID, rec.Environment.ID, len(rec.Steps), len(rec.Resources)}, []any{j.ID, b.ID, w.env.ID, 0, 0})

	step := &model.Step{JobID: j.ID, Key: "alb", Position: 1, State: model.StepStarted, StartedAt: at(1)}
	res := &model.Resource{BackendID: b.ID, Key: "alb", Ownership: model.OwnershipManaged, State: model.ResourcePlanned,
		Params: map[string]string{"a": "b"}, Needs: []string{"sg"}, CreatedAt: at(1)}
	must(t, w.Begin(ctx, j.Lease(), step, res))
	must(t, w.Begin(ctx, j.Lease(), &model.Step{JobID: j.ID, Key: "sg", State: model.StepStarted}, nil))
	step.State, res.State, res.AWSID = model.StepDone, model.ResourceReady, "arn"
	must(t, w.Save(ctx, j.Lease(), step, res))
	same(t, w.events(b.ID), []string{"job", "step alb", "resource alb", "step sg", "step alb", "resource alb"})

	rec, err = w.Load(ctx, j.Lease())
	must(t, err)
	same(t, []string{rec.Steps[0].Key, rec.Steps[1].Key}, []string{"sg", "alb"})
	same(t, rec.Steps[1], step)
	same(t, rec.Resources, map[string]*model.Resource{"alb": res})
}

// testJournalQuiet: a wait is saved often; a resource that did not change says nothing.
func testJournalQuiet(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	w.queued(1)
	j := w.claim(holderA, held)
	res := &model.Resource{BackendID: j.BackendID, Key: "alb", State: model.ResourcePending, CreatedAt: w.Now()}
	for _, why := range []string{"provisioning", "still provisioning"} {
		c := *res
		must(t, w.Save(ctx, j.Lease(), &model.Step{JobID: j.ID, Key: "alb", State: model.StepWaiting, Why: why}, &c))
	}
	same(t, w.events(j.BackendID), []string{"job", "step alb", "resource alb", "step alb"})
}

func testInvokeURL(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	w.queued(1)
	j := w.claim(holderA, held)
	stage := &model.Resource{BackendID: j.BackendID, Key: "stage", State: model.ResourceReady,
		Outputs: map[string]string{"invoke_url": "http://x/"}, CreatedAt: at(1)}
	step := &model.Step{JobID: j.ID, Key: "stage"}
	must(t, w.Save(ctx, j.Lease(), step, stage))
	_, b := w.now(j.ID)
	same(t, b.InvokeURL, "http://x/")
	must(t, w.Save(ctx, j.Lease(), step, stage))
	same(t, w.events(b.ID), []string{"job", "step stage", "resource stage", "backend", "step stage"})
	stage.State = model.ResourceGone
	must(t, w.Save(ctx, j.Lease(), step, stage))
	_, b = w.now(j.ID)
	same(t, b.InvokeURL, "")
}

// testLockOrder: claims, saves, cancels and the panel's transactions meet on
// the same few rows; PostgreSQL must not find a deadlock.
func testLockOrder(t *testing.T, open Open) {
	const rounds = 15
	w, ctx := newWorld(t, open), t.Context()
	jobs := w.queued(2)
	var wg sync.WaitGroup
	both := func(fn func(*model.Job) error) {
		for _, j := range jobs {
			wg.Go(func() {
				for range rounds {
					if err := fn(j); err != nil && model.CodeOf(err) == model.CodeUnavailable {
						t.Error(err)
					}
				}
			})
		}
	}
	both(func(*model.Job) error {
		j, err := w.ClaimJob(ctx, holderA, runOut)
		if j == nil {
			return err
		}
		if err := w.Save(ctx, j.Lease(), &model.Step{JobID: j.ID, Key: "alb"}, nil); err != nil {
			return err
		}
		_, err = w.HeartbeatJob(ctx, j.Lease(), runOut)
		return err
	})
	both(func(j *model.Job) error { return w.requestCancel(j.ID) })
	both(func(j *model.Job) error {
		return w.InTx(ctx, func(q *store.Queries) error {
			b, err := q.BackendForUpdate(ctx, j.BackendID)
			if err != nil {
				return err
			}
			if err := q.AppendBackend(ctx, b); err != nil {
				return err
			}
			again, err := q.RequeueJob(ctx, j.ID)
			if err != nil {
				return err
			}
			return q.AppendJob(ctx, again)
		})
	})
	wg.Wait()
	for _, j := range jobs {
		w.events(j.BackendID) // no gaps
	}
}
