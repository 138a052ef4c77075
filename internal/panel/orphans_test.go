package panel_test

import (
	"slices"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// TestOrphans: what a resource accounts for is none; another installation's
// come last and do not count; only an admin looks.
func TestOrphans(t *testing.T) {
	t.Parallel()
	j := reached(t, model.OpProvision, ended(model.JobFailed))
	j.madeBy(j.job, "alb")
	j.cloud.tagged = []panel.Tagged{
		stray("ins_other", j.back.ID, "alb"), stray("ins_own", j.back.ID, "alb"),
		stray("ins_own", j.back.ID, "vpc-link"), stray("ins_own", "be_unknown", "api"),
	}
	got, err := j.panel.Orphans(t.Context(), admin, "env_1")
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if last := got[2]; !last.Foreign || last.Key != "alb" || got[0].Foreign || got[1].Foreign {
		t.Errorf("%+v", got)
	}
	for _, o := range got {
		if o.Why == "" {
			t.Errorf("%s: no reason", o.ID)
		}
	}
	envs, err := j.panel.Environments(t.Context(), viewer)
	if err != nil || envs[0].Orphans != 2 || envs[0].OrphansAt.IsZero() {
		t.Errorf("%+v, %v", envs, err)
	}
	for _, a := range []model.Actor{viewer, developer, owner} {
		if _, err := j.panel.Orphans(t.Context(), a, "env_1"); model.CodeOf(err) != model.CodeForbidden {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
	if _, err := j.panel.Orphans(t.Context(), nobody, "env_1"); model.CodeOf(err) != model.CodeUnauthorized {
		t.Errorf("nobody: %v", err)
	}
	if _, err := j.panel.Orphans(t.Context(), admin, "env_none"); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("no such environment: %v", err)
	}
	j.cloud.err = model.Errorf(model.CodeUnavailable, "away")
	if _, err := j.panel.Orphans(t.Context(), admin, "env_1"); model.CodeOf(err) != model.CodeUnavailable {
		t.Errorf("AWS does not answer: %v", err)
	}
}

// stray is a thing with owner tags.
func stray(install, backend, key string) panel.Tagged {
	return panel.Tagged{
		Orphan: model.Orphan{Type: model.OrphanLoadBalancer, ID: "id-" + key, InstallID: install, BackendID: backend, Key: key, Kind: "elbv2.load_balancer"},
		In: func(have []model.Resource) bool {
			return slices.ContainsFunc(have, func(r model.Resource) bool { return r.Key == key && r.AWSID == "id-"+key })
		},
	}
}

// TestDeleteOrphans: one job for each backend in the tags, an unknown one
// recovered; asked again the same; the backend's phase stays.
func TestDeleteOrphans(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	known := b.register("orders")
	b.cloud.tagged = []panel.Tagged{
		stray("ins_own", known.ID, "alb"), stray("ins_own", known.ID, "tg"), stray("ins_own", "be_lost", "api"), stray("ins_other", "be_x", "theirs"),
	}
	first, err := b.panel.DeleteOrphans(t.Context(), admin, "env_1", nil, true)
	if err != nil || len(first.Jobs) != 2 || len(first.Left) != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := b.panel.DeleteOrphans(t.Context(), admin, "env_1", []string{"id-api", "id-alb", "id-api"}, false)
	if err != nil || len(again.Jobs) != 2 {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	for _, j := range first.Jobs {
		back, err := b.store.Read().BackendByID(t.Context(), j.BackendID)
		want := map[bool]model.Phase{true: model.PhaseRegistered, false: model.PhaseDestroyed}[back.ID == known.ID]
		if err != nil || j.Operation != model.OpCleanUp || back.ActiveJobID != j.ID || back.Phase != want || back.TeamID == "" {
			t.Errorf("%+v of %+v, %v", j, back, err)
		}
	}
	list, err := b.panel.Orphans(t.Context(), admin, "env_1")
	if err != nil || list[0].JobID == "" || list[3].JobID != "" || !list[3].Foreign {
		t.Errorf("%+v, %v", list, err)
	}
	b.cloud.tagged = nil // they are gone; a second click comes late
	if late, err := b.panel.DeleteOrphans(t.Context(), admin, "env_1", []string{"id-alb"}, false); err != nil || len(late.Jobs) != 1 || late.Jobs[0].BackendID != known.ID {
		t.Errorf("late: %+v, %v", late, err)
	}
}

func TestDeleteOrphans_refused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	busy := b.queued()
	b.cloud.tagged = []panel.Tagged{
		stray("ins_own", busy.BackendID, "alb"), stray("ins_own", "be_lost", "api"), stray("ins_other", "be_x", "theirs"),
		stray("ins_own", "x'; --", "tg"),
	}
	stale := admin
	stale.Stale = true
	for name, tc := range map[string]struct {
		actor model.Actor
		env   string
		ids   []string
		all   bool
		want  model.Code
	}{
		"viewer": {viewer, "env_1", []string{"id-api"}, false, model.CodeForbidden}, "developer": {developer, "env_1", []string{"id-api"}, false, model.CodeForbidden},
		"owner": {owner, "env_1", []string{"id-api"}, false, model.CodeForbidden}, "nobody": {nobody, "env_1", []string{"id-api"}, false, model.CodeUnauthorized},
		"signed in long ago": {stale, "env_1", []string{"id-api"}, false, model.CodeStale},
		"no environment":     {admin, "env_none", []string{"id-api"}, false, model.CodeNotFound},
		"absent":             {admin, "env_1", []string{"id-api", "id-none"}, false, model.CodeNotFound},
		"foreign":            {admin, "env_1", []string{"id-theirs"}, false, model.CodeNotFound},
		"busy":               {admin, "env_1", []string{"id-api", "id-alb"}, false, model.CodeConflict},
		"tags of nonsense":   {admin, "env_1", []string{"id-tg"}, false, model.CodeConflict},
		"nothing named":      {admin, "env_1", nil, false, model.CodeInvalid}, "both": {admin, "env_1", []string{"id-api"}, true, model.CodeInvalid},
	} {
		if _, err := b.panel.DeleteOrphans(t.Context(), tc.actor, tc.env, tc.ids, tc.all); model.CodeOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	if _, err := b.store.Read().BackendByID(t.Context(), "be_lost"); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("a refused request left a backend: %v", err)
	}
	done, err := b.panel.DeleteOrphans(t.Context(), admin, "env_1", nil, true)
	if err != nil || len(done.Jobs) != 1 || len(done.Left) != 2 || done.Left[0].Holder != busy.ID && done.Left[1].Holder != busy.ID {
		t.Errorf("all: %+v, %v", done, err)
	}
}
