package panel_test

import (
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
	tagged := func(install, backend, key string) panel.Tagged {
		return panel.Tagged{
			Orphan: model.Orphan{Type: "thing", ID: "id-" + key, InstallID: install, BackendID: backend, Key: key},
			In: func(have []model.Resource) bool {
				for _, r := range have {
					if r.Key == key && r.AWSID == "id-"+key {
						return true
					}
				}
				return false
			},
		}
	}
	j.cloud.tagged = []panel.Tagged{
		tagged("ins_other", j.back.ID, "alb"), tagged("ins_own", j.back.ID, "alb"),
		tagged("ins_own", j.back.ID, "vpc-link"), tagged("ins_own", "be_unknown", "api"),
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
