package provision_test

import (
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

func TestExpectedEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	need := func(key string, ready, looks bool) model.Need {
		return model.Need{Key: key, Ready: ready, Looks: looks}
	}
	plan := &model.Plan{Items: []model.PlanItem{
		{Key: "sg", Kind: "group", Action: model.ActionCreate},
		{Key: "alb", Kind: "alb", Action: model.ActionCreate, Needs: []model.Need{need("sg", false, false)}},
		{Key: "vm", Kind: "vm", Action: model.ActionUse, Needs: []model.Need{need("sg", true, false)}},
		{Key: "targets", Kind: "health", Action: model.ActionCreate, Needs: []model.Need{need("vm", true, false), need("alb", true, true)}},
		{Key: "answer", Kind: "answer", Action: model.ActionCheck, Needs: []model.Need{need("targets", true, false)}},
	}}
	typical := map[string]time.Duration{"alb create": 150 * time.Second, "vm create": 25 * time.Second, "health create": 30 * time.Second}
	waiting := func(key string, left time.Duration) model.Step {
		return model.Step{Key: key, State: model.StepWaiting, ExpectedAt: now.Add(left)}
	}
	for name, row := range map[string]struct {
		steps []model.Step
		want  time.Duration // -1: none
	}{
		"not begun":                            {nil, 180 * time.Second},
		"the load balancer is half done":       {[]model.Step{{Key: "sg", State: model.StepDone}, waiting("alb", time.Minute)}, 90 * time.Second},
		"it takes longer than it should":       {[]model.Step{waiting("alb", -time.Minute)}, 55 * time.Second},
		"the registration waits for its turn":  {[]model.Step{{Key: "alb", State: model.StepDone}, {Key: "vm", State: model.StepDone}, waiting("targets", time.Hour)}, time.Hour},
		"a step failed":                        {[]model.Step{{Key: "alb", State: model.StepFailed}}, -1},
		"only the request through it is to do": {[]model.Step{{Key: "alb", State: model.StepDone}, {Key: "vm", State: model.StepSkipped}, {Key: "targets", State: model.StepDone}}, 0},
	} {
		got := provision.ExpectedEnd(plan, row.steps, typical, now)
		if row.want < 0 != got.IsZero() || row.want >= 0 && got.Sub(now) != row.want {
			t.Errorf("%s: %s, want %s", name, got.Sub(now), row.want)
		}
	}
	if got := provision.ExpectedEnd(nil, nil, typical, now); !got.IsZero() {
		t.Errorf("without a plan: %s", got)
	}
}
