package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"drawbridge/internal/model"
)

// run is one walk over a job's plan. The walk's goroutine owns nodes; the
// nodes' goroutines share resources under mu.
type run struct {
	exec     *Executor
	pace     *pace
	rec      *model.Record
	lease    model.Lease
	orphans  bool // it deletes what has no rows, and gets none
	restful  bool // it looks at nothing that it does not change
	nodes    []*node
	byKey    map[string]*node
	progress chan progress

	mu        sync.Mutex
	resources map[string]*model.Resource // as last saved
	serial    map[string]*sync.Mutex
}

func newRun(e *Executor, rec *model.Record) *run {
	r := &run{
		exec: e, rec: rec, lease: rec.Job.Lease(),
		orphans:   rec.Job.Operation == model.OpCleanUp,
		restful:   restful(rec.Job.Operation),
		byKey:     map[string]*node{},
		progress:  make(chan progress),
		resources: map[string]*model.Resource{},
		serial:    map[string]*sync.Mutex{},
	}
	maps.Copy(r.resources, rec.Resources)
	steps := map[string]*model.Step{}
	for _, s := range rec.Steps {
		steps[s.Key] = s
	}
	for i, item := range rec.Job.Plan.Items {
		s := steps[item.Key]
		if s == nil {
			s = &model.Step{JobID: rec.Job.ID, Key: item.Key, Kind: item.Kind, Action: item.Action,
				Title: stepTitle(item), Position: i, State: model.StepPending}
		}
		n := &node{item: item, gone: toBeGone(rec.Job.Operation, item.Action), step: s, ready: make(chan struct{})}
		if s.State == model.StepDone || s.State == model.StepSkipped {
			n.reach(levelReady)
		}
		r.nodes = append(r.nodes, n)
		r.byKey[item.Key] = n
	}
	return r
}

// toBeGone tells whether the item is carried out backwards.
func toBeGone(op model.Operation, a model.Action) bool {
	switch op {
	case model.OpDestroy, model.OpRollBack, model.OpCleanUp:
		return true
	}
	return a == model.ActionDelete || a == model.ActionLetGo
}

// now is the time as the database keeps it: what is derived from it, such as
// a client token, is the same after a restart and elsewhere.
func (r *run) now() time.Time { return r.exec.Now().UTC().Truncate(time.Millisecond) }

// inputs are what the node's kind may read: the needed resources as last
// saved, and on deletion everything that is known of the backend.
func (r *run) inputs(n *node) Inputs {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := Inputs{Backend: r.rec.Backend, Environment: r.rec.Environment, Now: r.exec.Now, Needs: map[string]*model.Resource{}}
	if n.gone {
		maps.Copy(in.Needs, r.resources)
		return in
	}
	for _, need := range n.item.Needs {
		if res := r.resources[need.Key]; res != nil {
			in.Needs[need.Key] = res
		}
	}
	return in
}

// resource returns a copy of what is known of the node's resource, and
// whether anything is: fresh means that nothing can exist in AWS yet.
func (r *run) resource(n *node) (res *model.Resource, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.orphans {
		return &model.Resource{
			BackendID: r.rec.Backend.ID, Key: n.item.Key, Kind: n.item.Kind, Title: n.item.Title, Name: n.item.Name, AWSID: n.item.AWSID,
			Ownership: n.item.Ownership, State: model.ResourceReady, Params: n.item.Params, CreatedAt: r.rec.Job.CreatedAt,
		}, false
	}
	if known := r.resources[n.item.Key]; known != nil && known.State != model.ResourceGone {
		c := *known
		return &c, false
	}
	return &model.Resource{
		BackendID: r.rec.Backend.ID, Key: n.item.Key, Kind: n.item.Kind,
		Title: n.item.Title, Position: n.step.Position, Name: n.item.Name,
		Ownership: n.item.Ownership, State: model.ResourcePlanned, Params: n.item.Params, Needs: needsOf(&n.item), MadeBy: r.rec.Job.ID,
		CreatedAt: r.now(),
	}, true
}

// needsOf are the keys that the item's resource needs as long as it exists.
func needsOf(item *model.PlanItem) []string {
	needs := make([]string, 0, len(item.Needs))
	for _, need := range item.Needs {
		if !need.Looks {
			needs = append(needs, need.Key)
		}
	}
	return needs
}

// save writes step and resource through the journal and, when that worked,
// makes the resource visible to the nodes that need it. It is not torn by an
// interrupted ctx: what AWS did must be written down.
func (r *run) save(ctx context.Context, s *model.Step, res *model.Resource) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	res = r.row(res)
	if err := r.exec.Journal.Save(ctx, r.lease, s, res); err != nil {
		return err
	}
	r.publish(res)
	return nil
}

// row is what is written of the resource: nothing of an orphan, which stays
// one until it is gone.
func (r *run) row(res *model.Resource) *model.Resource {
	if r.orphans {
		return nil
	}
	return res
}

func (r *run) publish(res *model.Resource) {
	if res == nil {
		return
	}
	c := *res
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resources[res.Key] = &c
}

// serialised runs f while no other node writes to the same AWS object.
func (r *run) serialised(key string, f func()) {
	if key == "" {
		f()
		return
	}
	r.mu.Lock()
	lock := r.serial[key]
	if lock == nil {
		lock = &sync.Mutex{}
		r.serial[key] = lock
	}
	r.mu.Unlock()
	lock.Lock()
	defer lock.Unlock()
	f()
}

// fail records that the step failed for good.
func (r *run) fail(ctx context.Context, n *node, res *model.Resource, p *model.Problem) error {
	p, _ = r.exec.Explain(p) // what our own problems leave unsaid, too
	p.Exists = r.existing()
	n.step.State, n.step.Problem, n.step.Why = model.StepFailed, p, ""
	n.step.FinishedAt = r.now()
	if err := r.save(ctx, n.step, res); err != nil {
		return err
	}
	r.exec.Logger.WarnContext(ctx, "step failed", "kind", n.item.Kind, "problem", p)
	return &StepFailed{Key: n.item.Key, Problem: p}
}

// existing says in words what the backend has in AWS now.
func (r *run) existing() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []string
	for key, res := range r.resources {
		if res.AWSID != "" && res.State != model.ResourceGone && res.Ownership == model.OwnershipManaged {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	switch len(keys) {
	case 0:
		return "Nothing was made."
	case 1:
		return "1 resource exists: " + keys[0] + "."
	}
	return fmt.Sprintf("%d resources exist: %s.", len(keys), strings.Join(keys, ", "))
}
