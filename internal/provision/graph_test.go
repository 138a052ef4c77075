package provision_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// drawChain draws a graph in which each node needs some of those before it.
func drawChain(t *rapid.T) []model.PlanItem {
	n := rapid.IntRange(1, 12).Draw(t, "nodes")
	var items []model.PlanItem
	for i := range n {
		item := model.PlanItem{Key: fmt.Sprintf("n%d", i), Action: model.ActionCreate, Ownership: model.OwnershipManaged}
		for j := range i {
			if rapid.Bool().Draw(t, fmt.Sprintf("n%d needs n%d", i, j)) {
				item.Needs = append(item.Needs, model.Need{Key: fmt.Sprintf("n%d", j)})
			}
		}
		items = append(items, item)
	}
	return items
}

// wanted is a chain to provision, of kinds that never change.
func wanted(chain []model.PlanItem) provision.Wanted {
	return provision.Wanted{Operation: model.OpProvision, Chain: chain, Differ: provision.NeverDiffers}
}

func resourcesOf(items []model.PlanItem) []model.Resource {
	var list []model.Resource
	for _, item := range items {
		r := model.Resource{Key: item.Key, Ownership: item.Ownership, State: model.ResourceReady, AWSID: "id-" + item.Key}
		for _, need := range item.Needs {
			r.Needs = append(r.Needs, need.Key)
		}
		list = append(list, r)
	}
	return list
}

func TestDestroyPlan_deletesDependentsFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		chain := drawChain(t)
		plan := provision.DestroyPlan(&model.Backend{}, resourcesOf(chain))
		if len(plan.Items) != len(chain) {
			t.Fatalf("%d of %d resources are deleted", len(plan.Items), len(chain))
		}
		at := map[string]int{}
		for i, item := range plan.Items {
			at[item.Key] = i
		}
		for _, item := range chain {
			for _, need := range item.Needs {
				if at[item.Key] > at[need.Key] {
					t.Fatalf("%s is deleted after %s, which it needs", item.Key, need.Key)
				}
				deleted := plan.Items[at[need.Key]]
				if !slices.Contains(deleted.Needs, model.Need{Key: item.Key, Ready: true}) {
					t.Fatalf("%s does not wait until %s is gone", need.Key, item.Key)
				}
			}
		}
	})
}

func TestDestroyPlan_touchesOnlyWhatIsOurs(t *testing.T) {
	t.Parallel()
	plan := provision.DestroyPlan(&model.Backend{}, []model.Resource{
		{Key: "theirs", Ownership: model.OwnershipReferenced, State: model.ResourceReady, AWSID: "i-1"},
		{Key: "shared", Ownership: model.OwnershipShared, State: model.ResourceReady, AWSID: "ami-1"},
		{Key: "gone", Ownership: model.OwnershipManaged, State: model.ResourceGone, AWSID: "sg-1"},
		{Key: "lost-reply", Ownership: model.OwnershipManaged, State: model.ResourcePlanned},
	})
	got := map[string]model.Action{}
	for _, item := range plan.Items {
		got[item.Key] = item.Action
	}
	want := map[string]model.Action{"theirs": model.ActionUse, "shared": model.ActionUse, "lost-reply": model.ActionDelete}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConvergePlan_keepsWhatExists(t *testing.T) {
	t.Parallel()
	chain := []model.PlanItem{
		{Key: "made", Action: model.ActionCreate}, {Key: "new", Action: model.ActionCreate},
		{Key: "destroyed", Action: model.ActionCreate}, {Key: "unknown", Action: model.ActionCreate},
		{Key: "look", Action: model.ActionUse},
	}
	plan, err := provision.ConvergePlan(&model.Backend{ID: "be_1", SpecVersion: 3}, wanted(chain), []model.Resource{
		{Key: "made", AWSID: "sg-1", State: model.ResourceReady},
		{Key: "destroyed", AWSID: "sg-0", State: model.ResourceGone},
		{Key: "unknown", State: model.ResourcePlanned},
		{Key: "look", AWSID: "ami-1", State: model.ResourceReady},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []model.Action
	for _, item := range plan.Items {
		got = append(got, item.Action)
	}
	want := []model.Action{model.ActionKeep, model.ActionCreate, model.ActionCreate, model.ActionCreate, model.ActionUse}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(plan.Items[3].Reasons) == 0 {
		t.Error("a create whose reply may be lost is not told apart")
	}
}

func TestConvergePlan_refusesABrokenGraph(t *testing.T) {
	t.Parallel()
	for name, chain := range map[string][]model.PlanItem{
		"unknown need": {{Key: "a", Needs: []model.Need{{Key: "b"}}}},
		"wrong order":  {{Key: "a", Needs: []model.Need{{Key: "b"}}}, {Key: "b"}},
		"cycle":        {{Key: "a", Needs: []model.Need{{Key: "a"}}}},
		"doubled key":  {{Key: "a"}, {Key: "a"}},
	} {
		if _, err := provision.ConvergePlan(&model.Backend{}, wanted(chain), nil); err == nil {
			t.Errorf("%s: let through", name)
		}
	}
}
