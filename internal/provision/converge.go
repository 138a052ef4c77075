package provision

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"drawbridge/internal/model"
)

// Wanted is what a chain is to become. Provision, update, sleep and wake
// differ in that alone.
type Wanted struct {
	Operation model.Operation
	Chain     []model.PlanItem // in an order that respects their needs
	Findings  []model.Finding
	Differ    Differ
}

// Differ says how a live resource becomes as wanted: ActionKeep, ActionUpdate
// (in place) or ActionReplace (another is made before it is deleted), and why
// in plain words. It is pure. Executor.Diff is one.
type Differ func(have *model.Resource, want *model.PlanItem) (model.Action, []string)

// NeverDiffers keeps whatever exists.
func NeverDiffers(*model.Resource, *model.PlanItem) (model.Action, []string) {
	return model.ActionKeep, nil
}

// ConvergePlan says what it takes for the backend to have the wanted chain and
// nothing else, given the resources that the journal knows: the chain's nodes
// in their order, then what leaves.
func ConvergePlan(b *model.Backend, w Wanted, have []model.Resource) (*model.Plan, error) {
	if err := checkGraph(w.Chain); err != nil {
		return nil, err
	}
	c := converging{Wanted: w, live: live(have), keys: map[string]string{}, taken: map[string]string{}}
	plan := &model.Plan{BackendID: b.ID, SpecVersion: b.SpecVersion, Operation: w.Operation, Findings: slices.Clone(w.Findings)}
	for _, item := range w.Chain {
		plan.Items = append(plan.Items, c.node(item))
	}
	if w.Operation == model.OpSleep {
		plan.Findings = append(plan.Findings, notWhole(plan.Items)...)
	}
	plan.Items = sortByNeeds(append(plan.Items, c.leaving()...))
	return plan, nil
}

func live(have []model.Resource) []model.Resource {
	return slices.DeleteFunc(slices.Clone(have), func(r model.Resource) bool { return r.State == model.ResourceGone })
}

// notWhole refuses to put a chain to sleep of which something is missing: an
// instance that is stopped while its first boot runs may never run its app.
func notWhole(items []model.PlanItem) []model.Finding {
	var found []model.Finding
	for _, item := range items {
		if item.Action == model.ActionCreate || item.Action == model.ActionReplace {
			found = append(found, model.Finding{Severity: model.SeverityError, Key: item.Key,
				Message: fmt.Sprintf("The chain is not as its spec says: %s is still to be made.", item.Key),
				Advice:  "Provision it first, then put it to sleep; or destroy it."})
		}
	}
	return found
}

// converging is a plan on its way. A node of the chain is a slot, named by its
// key; the resource that fills it may be of a later generation and then has a
// key of its own ("instance-1.2" fills "instance-1").
type converging struct {
	Wanted
	live  []model.Resource
	keys  map[string]string // slot -> key of what fills it
	taken map[string]string // key of a live resource that stays, or of a new one -> its slot
}

var generationRE = regexp.MustCompile(`\.[0-9]+$`)

func slotOf(key string) string { return generationRE.ReplaceAllString(key, "") }

// node says what happens in one slot.
func (c *converging) node(item model.PlanItem) model.PlanItem {
	slot := item.Key
	item.Needs = slices.Clone(item.Needs)
	for i := range item.Needs {
		item.Needs[i].Key = c.keys[item.Needs[i].Key]
	}
	r, action, reasons := c.best(&item)
	switch {
	case r == nil:
	case action == model.ActionReplace:
		c.rename(&item)
		item.Reasons = append(reasons, fmt.Sprintf("It takes the place of %s, which stays until this one does its work.", r.Key))
		if item.Action == model.ActionCreate {
			item.Action = model.ActionReplace
		}
	default:
		c.rekey(&item, r.Key)
		c.fill(&item, r, action, reasons)
	}
	c.keys[slot], c.taken[item.Key] = item.Key, slot
	return item
}

// fill says what happens to the resource that stays in the slot.
func (c *converging) fill(item *model.PlanItem, r *model.Resource, action model.Action, reasons []string) {
	item.AWSID = r.AWSID
	switch {
	case item.Action != model.ActionCreate:
		// Only what is changed is looked at when a chain sleeps or wakes.
		if item.Action == model.ActionUse && r.State == model.ResourceReady && restful(c.Operation) {
			item.Action = model.ActionKeep
		}
	case action == model.ActionUpdate:
		item.Action, item.Reasons = action, append(item.Reasons, reasons...)
	case r.AWSID == "":
		item.Reasons = append(item.Reasons, "An earlier job may have made it; it is looked for first.")
	default:
		item.Action, item.Ownership = model.ActionKeep, cmp.Or(r.Ownership, item.Ownership)
	}
}

// restful are the operations that touch only what they change, so that nothing
// else can stand in their way.
func restful(op model.Operation) bool { return op == model.OpSleep || op == model.OpWake }

// best finds the live resource of the slot that is nearest to what is wanted;
// among equals the newest.
func (c *converging) best(item *model.PlanItem) (best *model.Resource, action model.Action, reasons []string) {
	for i := range c.live {
		r := &c.live[i]
		if slotOf(r.Key) != item.Key {
			continue
		}
		a, why := c.judge(r, item)
		nearer := best == nil || rank(a) < rank(action) || rank(a) == rank(action) && r.CreatedAt.After(best.CreatedAt)
		if nearer {
			best, action, reasons = r, a, why
		}
	}
	return best, action, reasons
}

func rank(a model.Action) int {
	return slices.Index([]model.Action{model.ActionKeep, model.ActionUpdate, model.ActionReplace}, a)
}

// judge is Differ, and knows that a change which was begun may have any effect.
func (c *converging) judge(r *model.Resource, item *model.PlanItem) (model.Action, []string) {
	as := *r
	as.Changing = nil
	action, reasons := c.Differ(&as, item)
	if r.Changing == nil {
		return action, reasons
	}
	as.Params = r.Changing
	begun, more := c.Differ(&as, item)
	if rank(begun) > rank(action) || len(reasons) == 0 {
		reasons = more
	}
	if rank(begun) > rank(action) {
		action = begun
	}
	if action == model.ActionKeep {
		action = model.ActionUpdate
	}
	return action, append(reasons, "An earlier job began to change it, and it is not known how far that came.")
}

// rename gives the item a key that no live resource has.
func (c *converging) rename(item *model.PlanItem) {
	slot := item.Key
	for n := 1; ; n++ {
		key := slot
		if n > 1 {
			key = fmt.Sprintf("%s.%d", slot, n)
		}
		if !slices.ContainsFunc(c.live, func(r model.Resource) bool { return r.Key == key }) {
			c.rekey(item, key)
			return
		}
	}
}

// rekey changes the item's key, and its name where that is made from the key.
func (c *converging) rekey(item *model.PlanItem, key string) {
	if rest, ok := strings.CutSuffix(item.Name, item.Key); ok && rest != "" {
		item.Name = rest + key
	}
	item.Key = key
}

// leaving are the live resources that the chain has no place for. Each leaves
// when all that used it does its work without it, or is gone itself.
func (c *converging) leaving() []model.PlanItem {
	dependents := dependents(c.live)
	var items []model.PlanItem
	for i := range c.live {
		r := &c.live[i]
		if c.taken[r.Key] != "" {
			continue
		}
		item := leave(r, dependents[r.Key])
		if to, ok := c.keys[slotOf(r.Key)]; ok {
			item.Reasons = append(item.Reasons, to+" takes its place.")
		} else {
			item.Reasons = append(item.Reasons, "The chain has no place for it any more.")
		}
		if item.Action == model.ActionUse {
			item.Action = model.ActionLetGo
		}
		items = append(items, item)
	}
	return items
}
