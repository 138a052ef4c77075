package provision

import (
	"fmt"
	"slices"

	"drawbridge/internal/model"
)

// KindOrphan is the kind that deletes things by type and id that no resource
// accounts for. Params: type and key, as in its tags.
const KindOrphan model.ResourceKind = "aws.orphan"

// behind are the types that stand in the way of a type's deletion
// (docs/aws-facts.md, section C1). What belongs to a thing goes with it: an
// API's routes, a balancer's listeners.
var behind = map[string][]string{
	model.OrphanVPCLink:      {model.OrphanAPI},
	model.OrphanLoadBalancer: {model.OrphanAPI},
	model.OrphanTargetGroup:  {model.OrphanLoadBalancer},
	model.OrphanVolume:       {model.OrphanInstance},
	model.OrphanInterface:    {model.OrphanInstance, model.OrphanLoadBalancer, model.OrphanVPCLink},
	model.OrphanSecurityGroup: {
		model.OrphanRule, model.OrphanInstance, model.OrphanLoadBalancer, model.OrphanVPCLink, model.OrphanInterface,
	},
}

// CleanUpPlan deletes the orphans whose tags name the backend, in an order
// that AWS allows.
func CleanUpPlan(b *model.Backend, orphans []model.Orphan) *model.Plan {
	plan := &model.Plan{BackendID: b.ID, SpecVersion: b.SpecVersion, Operation: model.OpCleanUp}
	keys := map[string][]model.Need{} // by type
	for i, o := range orphans {
		keys[o.Type] = append(keys[o.Type], model.Need{Key: orphanKey(i), Ready: true})
	}
	for i, o := range orphans {
		item := model.PlanItem{
			Key: orphanKey(i), Kind: KindOrphan, Name: o.Name, AWSID: o.ID, Action: model.ActionDelete, Ownership: model.OwnershipManaged,
			Title: fmt.Sprintf("The %s %s, which nothing accounts for", o.Type, named(o)), Params: map[string]string{"type": o.Type, "key": o.Key},
			Reasons: []string{o.Why},
		}
		for _, other := range behind[o.Type] {
			item.Needs = append(item.Needs, keys[other]...)
		}
		plan.Items = append(plan.Items, item)
	}
	plan.Items = sortByNeeds(plan.Items)
	return plan
}

func orphanKey(i int) string { return fmt.Sprintf("orphan-%d", i+1) }

func named(o model.Orphan) string {
	if o.Name != "" {
		return o.Name
	}
	return o.ID
}

// Deletes tells whether the plan deletes the thing of that id.
func Deletes(p *model.Plan, id string) bool {
	return p != nil && slices.ContainsFunc(p.Items, func(item model.PlanItem) bool {
		return item.AWSID == id && item.Action == model.ActionDelete
	})
}
