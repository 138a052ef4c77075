package storetest

import (
	"slices"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// sandbox makes a backend a sandbox that was made and ends at those times.
func (w *world) sandbox(b *model.Backend, key string, made, ends time.Time) *model.Sandbox {
	w.t.Helper()
	x := &model.Sandbox{BackendID: b.ID, TeamID: b.TeamID, Key: key, TemplateID: "tpl_1", Template: "app", Branch: "main", Parameters: map[string]string{"a": "b"},
		MadeBy: "usr_1", MadeByName: "ada", CreatedAt: made, MaxEndsAt: ends.Add(time.Hour)}
	x.EndAt(ends, made)
	w.tx(func(q *store.Queries) error { return q.InsertSandbox(w.t.Context(), x) })
	return x
}

func testSandboxes(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	a, b := w.backend("a"), w.backend("b")
	first := w.sandbox(a, "k", at(0), at(9))
	got, err := w.Read().SandboxByID(ctx, a.ID)
	must(t, err)
	same(t, got, first)
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error {
		return q.InsertSandbox(ctx, &model.Sandbox{BackendID: b.ID, TeamID: b.TeamID, Key: "k"})
	}), model.CodeConflict)
	living, err := w.Read().LivingSandbox(ctx, w.team.ID, "k")
	must(t, err)
	same(t, living, first)

	first.EndingAt, first.EndedBy, first.Tries, first.Warned = at(3), "ada", 2, 30*time.Minute
	first.Problem = &model.Problem{Code: "Denied", Message: "no"}
	w.tx(func(q *store.Queries) error { return q.SaveSandbox(ctx, first) })
	got, err = w.Read().SandboxByID(ctx, a.ID)
	must(t, err)
	same(t, got, first)
	living, err = w.Read().LivingSandbox(ctx, w.team.ID, "k")
	must(t, err)
	if living != nil {
		t.Errorf("what is ending has the key: %+v", living)
	}
	second := w.sandbox(b, "k", at(1), at(8))
	n, err := w.Read().CountSandboxes(ctx)
	must(t, err)
	same(t, n, model.SandboxCounts{Living: 1, Ending: 1, Stuck: 1})
	used, err := w.Read().QuotaUsed(ctx, w.team.ID, "usr_1")
	must(t, err)
	same(t, used, model.Quota{Backends: 2, Sandboxes: 2, SandboxesEach: 2})

	list, err := w.Read().Sandboxes(ctx, store.SandboxQuery{TeamIDs: []string{w.team.ID}, Limit: 1})
	must(t, err)
	same(t, list, []model.Sandbox{*second})
	list, err = w.Read().Sandboxes(ctx, store.SandboxQuery{Key: "k", After: b.ID})
	must(t, err)
	same(t, list, []model.Sandbox{*first})
	for _, row := range []struct {
		query store.SandboxQuery
		want  []string
	}{
		{store.SandboxQuery{Sort: "created_at"}, []string{a.ID, b.ID}},
		{store.SandboxQuery{Sort: "-ends_at"}, []string{a.ID, b.ID}},
		{store.SandboxQuery{Sort: "ends_at", After: b.ID}, []string{a.ID}},
		{store.SandboxQuery{Sort: "-key", MadeBy: "usr_1", State: model.SandboxEnding}, []string{a.ID}},
		{store.SandboxQuery{State: model.SandboxLives}, []string{b.ID}},
		{store.SandboxQuery{State: model.SandboxGone}, nil},
		{store.SandboxQuery{TemplateID: "tpl_none"}, nil},
		{store.SandboxQuery{MadeBy: "usr_none"}, nil},
	} {
		list, err := w.Read().Sandboxes(ctx, row.query)
		must(t, err)
		var ids []string
		for _, x := range list {
			ids = append(ids, x.BackendID)
		}
		if !slices.Equal(ids, row.want) {
			t.Errorf("%+v: %v, want %v", row.query, ids, row.want)
		}
	}
	byID, err := w.Read().SandboxesByID(ctx, []string{a.ID, "be_none"})
	must(t, err)
	same(t, byID, map[string]model.Sandbox{a.ID: *first})

	first.GoneAt = at(5)
	w.tx(func(q *store.Queries) error { return q.UpdateSandbox(ctx, first) })
	list, err = w.Read().Sandboxes(ctx, store.SandboxQuery{Gone: true})
	must(t, err)
	same(t, list, []model.Sandbox{*first})
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error {
		return q.UpdateSandbox(ctx, &model.Sandbox{BackendID: "be_none"})
	}), model.CodeNotFound)
	ids, err := w.Read().SandboxesToLookAt(ctx, 10) // the second's end is long past
	must(t, err)
	same(t, ids, []string{b.ID})
}

func testSandboxTemplates(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	other := &model.Team{Name: "other"}
	tp := &model.SandboxTemplate{TeamID: w.team.ID, Name: "app", Description: "d", EnvironmentID: w.env.ID, Spec: model.Spec{Port: 8000}.WithDefaults(),
		Parameters: []model.TemplateParameter{{Name: "v", Pattern: "[0-9]+", Required: true}}, TTL: 90 * time.Minute, CreatedBy: "usr_1", CreatedAt: at(1)}
	all := &model.SandboxTemplate{Name: "app", EnvironmentID: w.env.ID, Parameters: []model.TemplateParameter{}, CreatedAt: at(0)}
	w.tx(func(q *store.Queries) error {
		if err := q.InsertTeam(ctx, other); err != nil {
			return err
		}
		if err := q.InsertSandboxTemplate(ctx, tp); err != nil {
			return err
		}
		return q.SampleTemplate(ctx, all) // its own name does not meet the team's
	})
	w.tx(func(q *store.Queries) error {
		return q.SampleTemplate(ctx, &model.SandboxTemplate{Name: "again", EnvironmentID: w.env.ID})
	})
	list, err := w.Read().SandboxTemplates(ctx, w.team.ID)
	must(t, err)
	same(t, list, []model.SandboxTemplate{*tp, *all})
	_, err = w.Read().SandboxTemplateByID(ctx, other.ID, tp.ID)
	wantCode(t, err, model.CodeNotFound)
	got, err := w.Read().SandboxTemplateByID(ctx, other.ID, all.ID)
	must(t, err)
	same(t, got, all)
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error {
		return q.InsertSandboxTemplate(ctx, &model.SandboxTemplate{TeamID: w.team.ID, Name: "app", EnvironmentID: w.env.ID})
	}), model.CodeConflict)
	tp.Name, tp.TTL = "other", 0
	w.tx(func(q *store.Queries) error { return q.UpdateSandboxTemplate(ctx, tp) })
	got, err = w.Read().SandboxTemplateByID(ctx, w.team.ID, tp.ID)
	must(t, err)
	same(t, got, tp)
	w.tx(func(q *store.Queries) error { return q.DeleteSandboxTemplate(ctx, tp.ID) })
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.DeleteSandboxTemplate(ctx, tp.ID) }), model.CodeNotFound)
}
