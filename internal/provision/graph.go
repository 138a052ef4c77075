package provision

import (
	"fmt"
	"slices"

	"drawbridge/internal/model"
)

// DestroyPlan deletes every managed resource that may exist, dependents
// first: the reverse of what ProvisionPlan's needs say. Others are let go of,
// not touched.
func DestroyPlan(b *model.Backend, have []model.Resource) *model.Plan {
	return deletePlan(b, model.OpDestroy, have, func(model.Resource) string { return "" })
}

// RollBackPlan deletes what the job made and what still exists of it, in the
// same order, and keeps what is older or was found. It is as empty as what the
// job made.
func RollBackPlan(b *model.Backend, jobID string, have []model.Resource) *model.Plan {
	return deletePlan(b, model.OpRollBack, have, func(r model.Resource) string {
		switch r.MadeBy {
		case jobID:
			return ""
		case "":
			return "The job found it: it stays as it is."
		}
		return "Another job made it: it stays as it is."
	})
}

// deletePlan deletes the managed resources for which stays has no reason.
func deletePlan(b *model.Backend, op model.Operation, have []model.Resource, stays func(model.Resource) string) *model.Plan {
	plan := &model.Plan{BackendID: b.ID, SpecVersion: b.SpecVersion, Operation: op}
	live := live(have)
	dependents := dependents(live)
	for i := range live {
		r := &live[i]
		item := leave(r, dependents[r.Key])
		if why := stays(*r); why != "" {
			item.Action, item.Needs, item.Reasons = model.ActionKeep, nil, []string{why}
		}
		plan.Items = append(plan.Items, item)
	}
	plan.Items = sortByNeeds(plan.Items)
	return plan
}

// dependents are, by key, the resources that need one another, as deletion
// waits for them.
func dependents(live []model.Resource) map[string][]model.Need {
	needs := map[string][]model.Need{}
	for _, r := range live {
		for _, need := range r.Needs {
			needs[need] = append(needs[need], model.Need{Key: r.Key, Ready: true})
		}
	}
	return needs
}

// leave deletes the resource when its dependents are gone, or lets go of one
// that is not ours.
func leave(r *model.Resource, after []model.Need) model.PlanItem {
	item := model.PlanItem{
		Key: r.Key, Kind: r.Kind, Name: r.Name, Title: r.Title, Action: model.ActionDelete, Ownership: r.Ownership,
		AWSID: r.AWSID, Params: r.Params, Needs: after,
	}
	if r.Ownership != model.OwnershipManaged {
		item.Action = model.ActionUse
		item.Reasons = []string{"It is not ours: it stays as it is."}
	}
	return item
}

// checkGraph refuses unknown needs, doubled keys and an order that puts an
// item before what it needs (so a cycle is impossible).
func checkGraph(items []model.PlanItem) error {
	seen := map[string]bool{}
	for _, item := range items {
		if seen[item.Key] {
			return fmt.Errorf("the chain has two nodes %q", item.Key)
		}
		for _, need := range item.Needs {
			if !seen[need.Key] {
				return fmt.Errorf("node %q needs %q, which does not stand before it", item.Key, need.Key)
			}
		}
		seen[item.Key] = true
	}
	return nil
}

// sortByNeeds orders items so that each stands behind what it needs; ties keep
// their place. Items of a cycle, which checkGraph makes impossible, are kept last.
func sortByNeeds(items []model.PlanItem) []model.PlanItem {
	sorted := make([]model.PlanItem, 0, len(items))
	placed := map[string]bool{}
	for rest := slices.Clone(items); len(rest) > 0; {
		i := slices.IndexFunc(rest, func(item model.PlanItem) bool {
			return !slices.ContainsFunc(item.Needs, func(n model.Need) bool { return !placed[n.Key] })
		})
		if i < 0 {
			return append(sorted, rest...)
		}
		placed[rest[i].Key] = true
		sorted = append(sorted, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
	return sorted
}

// Steps are the steps of a new job, one for each item of its plan.
func Steps(jobID string, plan *model.Plan) []model.Step {
	steps := make([]model.Step, 0, len(plan.Items))
	for i, item := range plan.Items {
		steps = append(steps, model.Step{
			JobID: jobID, Key: item.Key, Kind: item.Kind, Action: item.Action,
			Title: stepTitle(item), Position: i, State: model.StepPending,
		})
	}
	return steps
}

func stepTitle(item model.PlanItem) string {
	if item.Title != "" {
		return item.Title
	}
	return item.Name
}
