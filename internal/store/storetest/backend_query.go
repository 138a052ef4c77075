package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// testBackendFilters: each filter narrows alone and with others, and pages
// cover the list once, in its order.
func testBackendFilters(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	elsewhere := &model.Environment{Name: "elsewhere", Region: "eu-west-1", Credentials: model.CredentialsDefault}
	w.tx(func(q *store.Queries) error { return q.UpsertEnvironment(ctx, elsewhere) })
	var all []string
	for i := range 7 {
		b := &model.Backend{
			TeamID: w.team.ID, EnvironmentID: w.env.ID, Name: fmt.Sprintf("app-%d", i), Phase: model.PhaseRegistered,
			CreatedAt: w.Now().Add(time.Duration(i/2) * time.Second), // pairs of one age
		}
		if i%3 == 0 {
			b.Phase, b.BatchID = model.PhaseReady, "bat_1"
		}
		if i == 6 {
			b.Name, b.EnvironmentID = "a_b", elsewhere.ID
		}
		w.tx(func(q *store.Queries) error { return q.InsertBackend(ctx, b) })
	}
	list := func(query store.BackendQuery) (names []string) {
		t.Helper()
		bs, err := w.Read().Backends(ctx, query)
		must(t, err)
		for _, b := range bs {
			names = append(names, b.Name)
		}
		return names
	}
	sorted := func(query store.BackendQuery) []string { return slices.Sorted(slices.Values(list(query))) }
	all = list(store.BackendQuery{})
	same(t, len(all), 7)
	same(t, sorted(store.BackendQuery{Name: "PP-"}), []string{"app-0", "app-1", "app-2", "app-3", "app-4", "app-5"})
	same(t, sorted(store.BackendQuery{Name: "a_b"}), []string{"a_b"}) // _ is a letter and no pattern
	same(t, sorted(store.BackendQuery{Name: "%"}), []string(nil))
	same(t, sorted(store.BackendQuery{Phase: model.PhaseReady}), []string{"a_b", "app-0", "app-3"})
	same(t, sorted(store.BackendQuery{BatchID: "bat_1", EnvironmentID: w.env.ID}), []string{"app-0", "app-3"})
	same(t, sorted(store.BackendQuery{Names: []string{"app-1", "none"}}), []string{"app-1"})
	same(t, sorted(store.BackendQuery{Names: []string{}}), []string(nil))

	var paged, offset []string
	after := ""
	for {
		bs, err := w.Read().Backends(ctx, store.BackendQuery{After: after, Limit: 3})
		must(t, err)
		if len(bs) == 0 {
			break
		}
		for _, b := range bs {
			paged, after = append(paged, b.Name), b.ID
		}
	}
	for at := 0; at < 7; at += 3 {
		offset = append(offset, list(store.BackendQuery{Limit: 3, Offset: at})...)
	}
	same(t, paged, all)
	same(t, offset, all)
	counts, err := w.Read().CountBackends(ctx, store.BackendQuery{})
	must(t, err)
	same(t, counts, map[model.Phase]int{model.PhaseReady: 3, model.PhaseRegistered: 4})
}

// testBackendLists: what a list shows of many backends comes with one query each.
func testBackendLists(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	first, second := w.backend("first"), w.backend("second")
	job := w.job(first, model.OpProvision)
	later := w.job(second, model.OpProvision)
	w.tx(func(q *store.Queries) error {
		for i, state := range []model.StepState{model.StepDone, model.StepSkipped, model.StepWaiting} {
			if err := q.UpsertStep(ctx, &model.Step{JobID: job.ID, Key: fmt.Sprint(i), State: state}); err != nil {
				return err
			}
		}
		for i := range 3 {
			run := &model.TestRun{BackendID: first.ID, Name: fmt.Sprint(i), At: w.Now().Add(time.Duration(i) * time.Second)}
			if err := q.InsertTestRun(ctx, run); err != nil {
				return err
			}
		}
		return nil
	})
	q := w.Read()
	jobs, err := q.JobsByID(ctx, []string{job.ID, later.ID, "job_none"})
	must(t, err)
	same(t, len(jobs), 2)
	same(t, jobs[later.ID].BackendID, second.ID)
	steps, err := q.StepCounts(ctx, []string{job.ID, later.ID})
	must(t, err)
	same(t, steps, map[string]store.StepCounts{job.ID: {Done: 2, All: 3}})
	runs, err := q.NewestTestRuns(ctx, []string{first.ID, second.ID})
	must(t, err)
	same(t, len(runs), 1)
	same(t, runs[first.ID].Name, "2")
	queue, err := q.QueuePositions(ctx)
	must(t, err)
	same(t, len(queue), 2)
	same(t, queue[job.ID]+queue[later.ID], 3)
	_, err = w.ClaimJob(ctx, "me", time.Minute)
	must(t, err)
	queue, err = q.QueuePositions(ctx)
	must(t, err)
	same(t, len(queue), 1)
	none, err := q.JobsByID(ctx, nil)
	must(t, err)
	same(t, len(none), 0)
}
