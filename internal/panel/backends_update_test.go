package panel_test

import (
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// instances launches so many.
func instances(n int) model.Spec {
	return model.Spec{Port: 8000, Launch: &model.Launch{Count: n}}
}

// TestUpdateSpec_refusals: what is in the way of a new spec saves nothing.
func TestUpdateSpec_refusals(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		actor   model.Actor
		prepare func(*bench, *model.Backend)
		change  panel.SpecChange
		code    model.Code
		says    string
	}{
		"viewer":          {viewer, nil, panel.SpecChange{Spec: instances(1)}, model.CodeForbidden, "role developer"},
		"bad port":        {developer, nil, panel.SpecChange{Spec: model.Spec{}}, model.CodeInvalid, "is not a port"},
		"another version": {developer, nil, panel.SpecChange{Spec: instances(1), IfVersion: 3}, model.CodePrecondition, "version 1 by now, not 3"},
		"over the quota":  {developer, nil, panel.SpecChange{Spec: instances(9)}, model.CodeInvalid, "needs 8 more"},
		"what AWS says": {developer, func(b *bench, _ *model.Backend) {
			b.cloud.findings = []model.Finding{{Severity: model.SeverityError, Field: "spec.launch.ami", Message: "No such AMI."}}
		}, panel.SpecChange{Spec: instances(2)}, model.CodeInvalid, "No such AMI."},
		"a job is at work": {developer, func(b *bench, x *model.Backend) {
			_, err := b.panel.Provision(b.t.Context(), developer, x.ID)
			must(b.t, err)
		}, panel.SpecChange{Spec: instances(2)}, model.CodeConflict, "Another job holds"},
		"destroyed already": {developer, func(b *bench, x *model.Backend) { b.moveTo(x, model.PhaseDestroyed) }, panel.SpecChange{Spec: instances(2)}, model.CodeConflict, "is destroyed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			back := b.in(model.PhaseReady)
			eight := 8
			_, err := b.panel.SetQuota(t.Context(), admin, back.TeamID, model.QuotaLimits{Instances: &eight})
			must(t, err)
			if row.prepare != nil {
				row.prepare(b, back)
			}
			_, err = b.panel.UpdateSpec(t.Context(), row.actor, back.ID, row.change)
			if model.CodeOf(err) != row.code || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%v, want %s: %s", err, row.code, row.says)
			}
			now, err := b.store.Read().BackendByID(t.Context(), back.ID)
			must(t, err)
			if now.SpecVersion != 1 {
				t.Errorf("the spec has version %d", now.SpecVersion)
			}
		})
	}
}

// TestUpdateSpec_isOneTransaction: the new spec and its job are there together,
// and of what was never made only the spec is saved.
func TestUpdateSpec_isOneTransaction(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.in(model.PhaseReady)
	dry, err := b.panel.UpdateSpec(t.Context(), developer, back.ID, panel.SpecChange{Spec: instances(2), DryRun: true})
	must(t, err)
	if dry.Job != nil || !dry.Changed || dry.Backend.SpecVersion != 2 {
		t.Errorf("dry run: %+v", dry)
	}
	did, err := b.panel.UpdateSpec(t.Context(), developer, back.ID, panel.SpecChange{Spec: instances(2), IfVersion: 1})
	must(t, err)
	if did.Job == nil || did.Job.Operation != model.OpUpdate || did.Backend.SpecVersion != 2 || did.Backend.Phase != model.PhaseUpdating || did.Backend.ActiveJobID != did.Job.ID {
		t.Errorf("updated: %+v, job %+v", did.Backend, did.Job)
	}
	fresh := b.register("fresh")
	saved, err := b.panel.UpdateSpec(t.Context(), developer, fresh.ID, panel.SpecChange{Spec: instances(3)})
	must(t, err)
	if saved.Job != nil || saved.Backend.Phase != model.PhaseRegistered || saved.Backend.Spec.Launch.Count != 3 {
		t.Errorf("never made: %+v, job %+v", saved.Backend, saved.Job)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlansForOtherResources: a plan is made before its job is saved. When a job
// ran from start to end in between, what that made is not in it, and a destroy
// would leave it running.
func TestPlansForOtherResources(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.in(model.PhaseReady)
	b.cloud.asked = func() {
		b.cloud.asked = nil
		made := model.Resource{BackendID: back.ID, Key: "instance-1.2", Kind: "ec2.instance", State: model.ResourceReady, Ownership: model.OwnershipManaged, AWSID: "i-1"}
		must(t, b.store.InTx(t.Context(), func(q *store.Queries) error { return q.UpsertResource(t.Context(), &made) }))
	}
	if _, err := b.panel.Provision(t.Context(), developer, back.ID); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("provisioned by a plan for other resources: %v", err)
	}
	if _, err := b.panel.Provision(t.Context(), developer, back.ID); err != nil {
		t.Errorf("provisioned again: %v", err)
	}
}
