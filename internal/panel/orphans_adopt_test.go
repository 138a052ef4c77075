package panel_test

import (
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// TestAdoptOrphan: it becomes the resource at its place, made by no job; asked
// again the same; the place is then taken.
func TestAdoptOrphan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.register("orders")
	b.cloud.tagged = []panel.Tagged{stray("ins_own", back.ID, "alb")}
	list, err := b.panel.Orphans(t.Context(), admin, "env_1")
	if err != nil || len(list) != 1 || !list[0].Adoptable {
		t.Fatalf("%+v, %v", list, err)
	}
	first, err := b.panel.AdoptOrphan(t.Context(), admin, "env_1", "id-alb")
	if err != nil || first.AWSID != "id-alb" || first.Key != "alb" || first.State != model.ResourcePending || first.MadeBy != "" ||
		first.Position != 1 || len(first.Needs) != 1 || first.Needs[0] != "alb-sg" {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := b.panel.AdoptOrphan(t.Context(), admin, "env_1", "id-alb")
	if err != nil || !again.UpdatedAt.Equal(first.UpdatedAt) {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	plan, err := b.panel.Plan(t.Context(), owner, back.ID, model.OpProvision)
	if err != nil || plan.Items[1].Action != model.ActionKeep || plan.Items[1].AWSID != "id-alb" {
		t.Errorf("%+v, %v", plan, err)
	}
	events, err := b.store.Read().EventsAfter(t.Context(), back.ID, back.EventSeq, 10)
	if err != nil || len(events) != 1 || events[0].Type != model.EventResource || events[0].Key != "alb" {
		t.Errorf("%+v, %v", events, err)
	}
	other := stray("ins_own", back.ID, "alb")
	other.ID, other.In = "id-other", func([]model.Resource) bool { return false }
	b.cloud.tagged = append(b.cloud.tagged, other)
	if list, err = b.panel.Orphans(t.Context(), admin, "env_1"); err != nil || len(list) != 1 || list[0].Adoptable {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := b.panel.AdoptOrphan(t.Context(), admin, "env_1", "id-other"); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("the place is taken: %v", err)
	}
}

func TestAdoptOrphan_refused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	busy, gone := b.queued(), b.register("gone")
	err := b.store.InTx(t.Context(), func(q *store.Queries) error {
		row, err := q.BackendForUpdate(t.Context(), gone.ID)
		if err != nil {
			return err
		}
		row.Phase = model.PhaseDestroyed
		return q.UpdateBackend(t.Context(), row)
	})
	if err != nil {
		t.Fatal(err)
	}
	misplaced := stray("ins_own", busy.BackendID, "nowhere")
	destroyed := stray("ins_own", gone.ID, "alb")
	destroyed.ID = "id-destroyed"
	b.cloud.tagged = []panel.Tagged{
		stray("ins_own", busy.BackendID, "alb"), stray("ins_own", "be_lost", "api"), stray("ins_other", "be_x", "theirs"), misplaced, destroyed,
	}
	stale := admin
	stale.Stale = true
	for name, tc := range map[string]struct {
		actor   model.Actor
		env, id string
		want    model.Code
	}{
		"viewer": {viewer, "env_1", "id-alb", model.CodeForbidden}, "developer": {developer, "env_1", "id-alb", model.CodeForbidden},
		"owner": {owner, "env_1", "id-alb", model.CodeForbidden}, "nobody": {nobody, "env_1", "id-alb", model.CodeUnauthorized},
		"signed in long ago": {stale, "env_1", "id-alb", model.CodeStale},
		"no environment":     {admin, "env_none", "id-alb", model.CodeNotFound},
		"absent":             {admin, "env_1", "id-none", model.CodeNotFound},
		"foreign":            {admin, "env_1", "id-theirs", model.CodeNotFound},
		"busy":               {admin, "env_1", "id-alb", model.CodeConflict},
		"no such place":      {admin, "env_1", "id-nowhere", model.CodeConflict},
		"unknown backend":    {admin, "env_1", "id-api", model.CodeConflict},
		"destroyed":          {admin, "env_1", "id-destroyed", model.CodeConflict},
	} {
		if _, err := b.panel.AdoptOrphan(t.Context(), tc.actor, tc.env, tc.id); model.CodeOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	if have, err := b.store.Read().Resources(t.Context(), busy.BackendID); err != nil || len(have) != 0 {
		t.Errorf("a refused request left %+v, %v", have, err)
	}
}
