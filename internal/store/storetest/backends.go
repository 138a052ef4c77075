package storetest

import (
	"errors"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func testBackends(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	other := &model.Team{Name: "other"}
	theirs := &model.Backend{EnvironmentID: w.env.ID, Name: "theirs", Phase: model.PhaseRegistered, CreatedAt: w.Now().Add(-time.Hour)}
	w.tx(func(q *store.Queries) error {
		must(t, q.InsertTeam(ctx, other))
		theirs.TeamID = other.ID
		return q.InsertBackend(ctx, theirs)
	})
	ours := w.backend("ours")
	w.tx(func(q *store.Queries) error {
		b, err := q.BackendForUpdate(ctx, ours.ID)
		must(t, err)
		b.InvokeURL, b.SpecVersion, b.Spec.Port, b.ActiveJobID = "http://x/", 2, 9000, "job_x"
		ours = b
		return q.UpdateBackend(ctx, b)
	})
	got, err := w.Read().BackendByID(ctx, ours.ID)
	must(t, err)
	same(t, got, ours)

	list := func(query store.BackendQuery) (names []string) {
		t.Helper()
		bs, err := w.Read().Backends(ctx, query)
		must(t, err)
		for _, b := range bs {
			names = append(names, b.Name)
		}
		return names
	}
	same(t, list(store.BackendQuery{}), []string{"ours", "theirs"})
	same(t, list(store.BackendQuery{TeamIDs: []string{other.ID}}), []string{"theirs"})
	same(t, list(store.BackendQuery{TeamIDs: []string{"x", w.team.ID, other.ID}}), []string{"ours", "theirs"})
	same(t, list(store.BackendQuery{TeamIDs: []string{}}), []string(nil))
	theirs.Phase = model.PhaseDestroyed
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.UpdateBackend(ctx, theirs), q.AppendBackend(ctx, theirs))
	})
	same(t, list(store.BackendQuery{}), []string{"ours"})
	same(t, list(store.BackendQuery{IncludeDestroyed: true}), []string{"ours", "theirs"})
	seqs, err := w.Read().EventSeqs(ctx, store.BackendQuery{IncludeDestroyed: true})
	must(t, err)
	same(t, seqs, map[string]int64{ours.ID: 0, theirs.ID: 1})
}

// testBackendNames: a name is one backend's in its team until that is destroyed.
func testBackendNames(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	first := w.backend("orders")
	second := &model.Backend{TeamID: w.team.ID, EnvironmentID: w.env.ID, Name: "orders", Phase: model.PhaseRegistered}
	insert := func(q *store.Queries) error { return q.InsertBackend(ctx, second) }
	wantCode(t, w.InTx(ctx, insert), model.CodeConflict)
	first.Phase = model.PhaseDestroyed
	w.tx(func(q *store.Queries) error { return q.UpdateBackend(ctx, first) })
	w.tx(insert)
	first.Phase = model.PhaseFailed
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.UpdateBackend(ctx, first) }), model.CodeConflict)
}

func testJobRows(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("orders")
	old := &model.Job{BackendID: b.ID, TeamID: b.TeamID, Operation: model.OpDestroy, State: model.JobFailed, Why: "w",
		Plan:    &model.Plan{BackendID: b.ID, Items: []model.PlanItem{{Key: "alb", Needs: []model.Need{{Key: "sg", Ready: true}}}}},
		Problem: &model.Problem{Code: "AccessDenied", Advice: "a"}, Actor: "ada", Attempt: 2, Failures: 1,
		CancelRequestedAt: at(1), RunAfter: at(2), CreatedAt: at(3), StartedAt: at(4), FinishedAt: at(5)}
	w.tx(func(q *store.Queries) error { return q.InsertJob(ctx, old) })
	got, err := w.Read().JobByID(ctx, old.ID)
	must(t, err)
	same(t, got, old)

	j := w.job(b, model.OpProvision)
	another := &model.Job{BackendID: b.ID, TeamID: b.TeamID, Operation: model.OpDestroy}
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.InsertJob(ctx, another) }), model.CodeConflict)
	list, err := w.Read().JobsByBackend(ctx, b.ID, 5)
	must(t, err)
	same(t, []string{list[0].ID, list[1].ID}, []string{j.ID, old.ID})

	first := model.Step{JobID: j.ID, Key: "z", Kind: "ec2.security_group", Action: model.ActionCreate, Title: "t", Position: 0,
		State: model.StepFailed, Why: "w", AWSID: "sg-1", RequestIDs: []string{"r1", "r2"},
		Problem: &model.Problem{Code: "c"}, Attempt: 1, StartedAt: at(1), FinishedAt: at(2)}
	second := model.Step{JobID: j.ID, Key: "a", Position: 1, State: model.StepPending}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.UpsertStep(ctx, &second), q.UpsertStep(ctx, &first))
	})
	first.State, first.Problem = model.StepDone, nil
	w.tx(func(q *store.Queries) error { return q.UpsertStep(ctx, &first) })
	steps, err := w.Read().Steps(ctx, j.ID)
	must(t, err)
	same(t, steps, []model.Step{first, second})
}

func testStepSeconds(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("orders")
	j := w.job(b, model.OpProvision)
	w.tx(func(q *store.Queries) error {
		// Twenty steps; the five oldest took long and no longer count.
		for i := range 20 {
			took := 1000 + i
			if i < 5 {
				took = 900_000
			}
			end := at(i * 1000)
			must(t, q.UpsertStep(ctx, &model.Step{JobID: j.ID, Key: model.NewID("k"), Kind: "ec2.instance", Action: model.ActionCreate,
				State: model.StepDone, StartedAt: end.Add(-time.Duration(took) * time.Millisecond), FinishedAt: end}))
		}
		return q.UpsertStep(ctx, &model.Step{JobID: j.ID, Key: "f", Kind: "ec2.instance", Action: model.ActionDelete,
			State: model.StepFailed, StartedAt: at(1), FinishedAt: at(2)})
	})
	for _, teams := range [][]string{nil, {w.team.ID}} {
		got, err := w.Read().StepSeconds(ctx, teams)
		must(t, err)
		same(t, got, map[string]float64{"ec2.instance create": 1.012})
	}
	got, err := w.Read().StepSeconds(ctx, []string{"another"})
	must(t, err)
	same(t, got, map[string]float64{})
}
