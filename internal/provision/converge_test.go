package provision_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// toyDiffer replaces for another size and updates for another colour.
func toyDiffer(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	switch {
	case have.State == model.ResourceDeleting, have.Params["size"] != want.Params["size"]:
		return model.ActionReplace, []string{"size"}
	case have.Params["colour"] != want.Params["colour"]:
		return model.ActionUpdate, []string{"colour"}
	}
	return model.ActionKeep, nil
}

func slot(key, params string, needs ...string) model.PlanItem {
	item := model.PlanItem{Key: key, Name: "app-" + key, Action: model.ActionCreate, Ownership: model.OwnershipManaged, Params: paramsOf(params)}
	for _, n := range needs {
		item.Needs = append(item.Needs, model.Need{Key: n, Ready: true})
	}
	return item
}

// paramsOf reads "size=1 colour=red".
func paramsOf(text string) map[string]string {
	params := map[string]string{}
	for _, f := range strings.Fields(text) {
		k, v, _ := strings.Cut(f, "=")
		params[k] = v
	}
	return params
}

func row(key, params string, needs ...string) model.Resource {
	return model.Resource{Key: key, AWSID: "id-" + key, State: model.ResourceReady, Ownership: model.OwnershipManaged, Params: paramsOf(params), Needs: needs}
}

// TestConvergePlan is the planner's table: what is wanted of slots a (with a
// size and a colour) and b, which needs a; what there is; and what happens.
func TestConvergePlan(t *testing.T) {
	t.Parallel()
	changing := func(r model.Resource, to string) model.Resource {
		r.Changing, r.State = paramsOf(to), model.ResourcePending
		return r
	}
	in := func(r model.Resource, change func(*model.Resource)) model.Resource { change(&r); return r }
	newer := func(r *model.Resource) { r.CreatedAt = time.Unix(9, 0) }
	want := []model.PlanItem{slot("a", "size=1 colour=red"), slot("b", "", "a")}
	for _, tc := range []struct {
		name string
		op   model.Operation
		have []model.Resource
		plan string // "key action needs..." for each item
	}{
		{"nothing there", model.OpProvision, nil, "a create; b create a"},
		{"all as wanted", model.OpUpdate, []model.Resource{row("a", "size=1 colour=red"), row("b", "", "a")}, "a keep; b keep a"},
		{"gone", model.OpUpdate, []model.Resource{in(row("a", "size=1"), func(r *model.Resource) { r.State = model.ResourceGone }), row("b", "", "a")}, "a create; b keep a"},
		{"lost answer", model.OpProvision, []model.Resource{in(row("a", "size=1 colour=red"), func(r *model.Resource) { r.AWSID = "" })}, "a create; b create a"},
		{"lost answer, other params", model.OpUpdate, []model.Resource{in(row("a", "size=1"), func(r *model.Resource) { r.AWSID = "" })}, "a update; b create a"},
		{"in place", model.OpUpdate, []model.Resource{row("a", "size=1 colour=blue"), row("b", "", "a")}, "a update; b keep a"},
		{"beside", model.OpUpdate, []model.Resource{row("a", "size=2"), row("b", "", "a")}, "a.2 replace; b keep a.2; a delete b"},
		{"beside a later generation", model.OpUpdate, []model.Resource{row("a.2", "size=2"), row("b", "", "a.2")}, "a replace; b keep a; a.2 delete b"},
		{"later generation stays", model.OpUpdate, []model.Resource{row("a.2", "size=1 colour=red"), row("b", "", "a.2")}, "a.2 keep; b keep a.2"},
		{"half-way, goes on", model.OpUpdate, []model.Resource{row("a", "size=2"), in(row("a.2", "size=1 colour=red"), newer), row("b", "", "a")},
			"a.2 keep; b keep a.2; a delete b"},
		{"half-way, goes back", model.OpUpdate, []model.Resource{row("a", "size=1 colour=red"), in(row("a.2", "size=2"), newer), row("b", "", "a", "a.2")},
			"a keep; b keep a; a.2 delete b"},
		{"two alike: the newest", model.OpUpdate, []model.Resource{row("a", "size=2"), in(row("a.2", "size=2"), newer)},
			"a.3 replace; b create a.3; a delete; a.2 delete"},
		{"being deleted", model.OpProvision, []model.Resource{in(row("a", "size=1 colour=red"), func(r *model.Resource) { r.State = model.ResourceDeleting })},
			"a.2 replace; b create a.2; a delete"},
		{"begun change, same wish", model.OpUpdate, []model.Resource{changing(row("a", "size=1 colour=blue"), "size=1 colour=red")}, "a update; b create a"},
		{"begun change, taken back", model.OpUpdate, []model.Resource{changing(row("a", "size=1 colour=red"), "size=1 colour=blue")}, "a update; b create a"},
		{"not wanted any more", model.OpUpdate, []model.Resource{row("a", "size=1 colour=red"), row("b", "", "a"), row("c", "", "b"), row("d", "", "c")},
			"a keep; b keep a; d delete; c delete d"},
		{"not ours", model.OpUpdate, []model.Resource{row("a", "size=1 colour=red"), row("b", "", "a"), in(row("c", ""), func(r *model.Resource) { r.Ownership = model.OwnershipReferenced })},
			"a keep; b keep a; c let_go"},
	} {
		plan, err := provision.ConvergePlan(&model.Backend{}, provision.Wanted{Operation: tc.op, Chain: want, Differ: toyDiffer}, tc.have)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range plan.Items {
			words := []string{i.Key, string(i.Action)}
			for _, n := range i.Needs {
				words = append(words, n.Key)
			}
			if i.Action.Changes() && i.Action != model.ActionCreate && len(i.Reasons) == 0 {
				t.Errorf("%s: %s has no reason", tc.name, i.Key)
			}
			got = append(got, strings.Join(words, " "))
		}
		if s := strings.Join(got, "; "); s != tc.plan {
			t.Errorf("%s: the plan is\n%s, want\n%s", tc.name, s, tc.plan)
		}
		if idle := !slices.ContainsFunc(plan.Items, func(i model.PlanItem) bool { return i.Action != model.ActionKeep }); idle != plan.Idle() {
			t.Errorf("%s: idle %v", tc.name, plan.Idle())
		}
	}
}

func TestConvergePlan_namesFollowKeys(t *testing.T) {
	t.Parallel()
	w := provision.Wanted{Operation: model.OpUpdate, Chain: []model.PlanItem{slot("a", "size=1")}, Differ: toyDiffer}
	plan, err := provision.ConvergePlan(&model.Backend{}, w, []model.Resource{row("a", "size=2")})
	if err != nil || plan.Items[0].Name != "app-a.2" {
		t.Errorf("%v, %+v", err, plan.Items)
	}
}

// TestConvergePlan_sleepsOnlyWhole: nothing is launched to be stopped.
func TestConvergePlan_sleepsOnlyWhole(t *testing.T) {
	t.Parallel()
	for blocked, have := range map[bool][]model.Resource{true: nil, false: {row("a", "size=1")}} {
		plan, err := provision.ConvergePlan(&model.Backend{}, provision.Wanted{Operation: model.OpSleep, Chain: []model.PlanItem{slot("a", "size=1")}, Differ: toyDiffer}, have)
		if err != nil || plan.Blocked() != blocked {
			t.Errorf("%v: %v %+v", err, blocked, plan)
		}
	}
}

// painted is a world whose things have a colour that can be changed.
type painted struct {
	*world
	colours map[string]string
	changes int
	notYet  int // how often it takes its time
}

func (p *painted) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	return toyDiffer(have, want)
}

func (p *painted) Change(_ context.Context, _ provision.Inputs, r *model.Resource) (provision.Observed, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes++
	if err := p.broken[r.Key]; err != nil {
		return provision.Observed{}, err
	}
	p.colours[r.Key] = r.Wanted()["colour"]
	if p.notYet > 0 {
		p.notYet--
		return provision.Observed{}, &provision.NotYet{Why: "drying"}
	}
	return provision.Observed{AWSID: "id-" + r.Key, Ready: true}, nil
}

// TestChange_isNotForgotten: the row says that a change was begun before the
// call, and has the new params only when it is over.
func TestChange_isNotForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := &painted{world: b.world, colours: map[string]string{}}
	red, blue := slot("a", "size=1 colour=red"), slot("a", "size=1 colour=blue")
	red.Kind, blue.Kind = thing, thing
	if err := b.converge(p, model.OpProvision, red); err != nil {
		t.Fatal(err)
	}
	p.broken["a"] = errNever
	if err := b.converge(p, model.OpUpdate, blue); err == nil {
		t.Fatal("a change that AWS refuses succeeded")
	}
	if r := b.row("a"); r.Params["colour"] != "red" || r.Changing["colour"] != "blue" || r.State == model.ResourceReady {
		t.Fatalf("after a failed change: %+v", r)
	}
	delete(p.broken, "a")
	p.notYet = 2
	if err := b.converge(p, model.OpUpdate, red); err != nil { // the earlier spec again: who knows what it has
		t.Fatal(err)
	}
	if r := b.row("a"); r.Params["colour"] != "red" || r.Changing != nil || r.State != model.ResourceReady || p.colours["a"] != "red" {
		t.Fatalf("put back: %+v, it is %s", r, p.colours["a"])
	}
	if p.changes != 4 || fmt.Sprint(b.world.creates) != "[a]" {
		t.Errorf("%d changes, creates %v", p.changes, b.world.creates)
	}
}

// converge carries out a job that brings a chain of the kind in line.
func (b *bench) converge(kind provision.Changer, op model.Operation, chain ...model.PlanItem) error {
	b.t.Helper()
	ctx := b.t.Context()
	have, err := b.st.Read().Resources(ctx, b.back.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	plan, err := provision.ConvergePlan(b.back, provision.Wanted{Operation: op, Chain: chain, Differ: kind.Diff}, have)
	if err != nil {
		b.t.Fatal(err)
	}
	job := &model.Job{BackendID: b.back.ID, TeamID: b.back.TeamID, Operation: op, Plan: plan}
	if err := b.st.InTx(ctx, func(q *store.Queries) error { return q.InsertJob(ctx, job) }); err != nil {
		b.t.Fatal(err)
	}
	claimed := b.claim()
	end := model.JobSucceeded
	runErr := b.runWith(ctx, claimed, kind)
	if runErr != nil {
		end = model.JobFailed
	}
	if err := b.st.FinishJob(ctx, claimed.Lease(), model.Outcome{State: end}); err != nil {
		b.t.Fatal(err)
	}
	return runErr
}

func (b *bench) row(key string) model.Resource {
	b.t.Helper()
	have, err := b.st.Read().Resources(b.t.Context(), b.back.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, r := range have {
		if r.Key == key {
			return r
		}
	}
	return model.Resource{}
}
