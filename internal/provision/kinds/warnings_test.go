package kinds_test

import (
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/provision/kinds"
)

// TestWarnings: old instances that are asked for a new health path are warned
// of, where there are any and they answer requests.
func TestWarnings(t *testing.T) {
	t.Parallel()
	differ := provision.NewExecutor(provision.Options{Kinds: kinds.Registry(nil, nil)}).Diff
	env := &model.Environment{VPCID: "vpc-1", SubnetIDs: []string{"subnet-1", "subnet-2"}}
	for name, row := range map[string]struct {
		asleep bool
		change func(*model.Spec)
		warns  bool
	}{
		"path and type":         {false, func(s *model.Spec) { s.HealthPath, s.Launch.InstanceType = "/ready", "t3.small" }, true},
		"path and user data":    {false, func(s *model.Spec) { s.HealthPath, s.Launch.UserData = "/ready", "#!/bin/sh" }, true},
		"path alone":            {false, func(s *model.Spec) { s.HealthPath = "/ready" }, false},
		"type alone":            {false, func(s *model.Spec) { s.Launch.InstanceType = "t3.small" }, false},
		"path and more":         {false, func(s *model.Spec) { s.HealthPath, s.Launch.Count = "/ready", 3 }, false},
		"path and fewer":        {false, func(s *model.Spec) { s.HealthPath, s.Launch.Count = "/ready", 1 }, false},
		"path and type, asleep": {true, func(s *model.Spec) { s.HealthPath, s.Launch.InstanceType = "/ready", "t3.small" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &model.Backend{ID: "be_1", Name: "a", Spec: model.Spec{Port: 8000, Launch: &model.Launch{Count: 2}}.WithDefaults()}
			was := kinds.Chain(b, env, kinds.Facts{})
			if row.asleep {
				was = kinds.Asleep(b, env)
			}
			var have []model.Resource
			for _, i := range was {
				have = append(have, model.Resource{Key: i.Key, Kind: i.Kind, Params: i.Params, Ownership: i.Ownership, State: model.ResourceReady, AWSID: "id"})
			}
			row.change(&b.Spec)
			plan, err := provision.ConvergePlan(b, provision.Wanted{Operation: model.OpUpdate, Chain: kinds.Chain(b, env, kinds.Facts{}), Differ: differ}, have)
			if err != nil {
				t.Fatal(err)
			}
			if got := kinds.Warnings(plan, have); (len(got) > 0) != row.warns {
				t.Errorf("warnings %+v", got)
			}
		})
	}
}
