package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// SpecChange is what a backend's spec is to become.
type SpecChange struct {
	Spec model.Spec
	// IfVersion refuses the change unless it is the spec's version now; 0 = whatever it is.
	IfVersion int
	DryRun    bool // only say what would be done
}

// Applied tells what a spec that was put did, or would do.
type Applied struct {
	Backend model.Backend // as it is now, or would be
	Created bool          // it was registered with this
	Changed bool          // its spec was
	Plan    *model.Plan   // what it takes; Idle when nothing
	Job     *model.Job    // that carries the plan out; nil when there is nothing to do, and for a dry run
}

// UpdateSpec changes a backend's spec and queues the job that brings its chain
// in line, in one transaction. Of a backend of which nothing was made only the
// spec is saved. CodePrecondition when the spec has another version by now;
// CodeInvalid when the plan is blocked. developer.
func (p *Panel) UpdateSpec(ctx context.Context, a model.Actor, id string, c SpecChange) (*Applied, error) {
	b, err := p.backend(ctx, a, ProvisionBackends, id)
	if err != nil {
		return nil, err
	}
	return p.put(ctx, a, b, c, b.Phase != model.PhaseRegistered)
}

// BackendToEdit is Backend for who may change it. developer.
func (p *Panel) BackendToEdit(ctx context.Context, a model.Actor, id string) (*BackendDetail, error) {
	if _, err := p.backend(ctx, a, ProvisionBackends, id); err != nil {
		return nil, err
	}
	return p.Backend(ctx, a, id)
}

// Application is the input of Apply: a backend as it is to be, wherever it
// stands now.
type Application struct {
	Team          string // id or name
	Name          string
	EnvironmentID string // id or name; "" = where it is, or the only one
	SpecChange
	IfAbsent bool // refuse it when there is such a backend
}

// Apply registers the backend, or changes it, and queues the job that makes
// its chain or brings it in line. Applied again, it does nothing, queues no job
// and wakes nobody. developer.
func (p *Panel) Apply(ctx context.Context, a model.Actor, in Application) (*Applied, error) {
	team, b, err := p.named(ctx, a, RegisterBackends, in.Team, in.Name)
	if err != nil {
		return nil, err
	}
	if err := allow(a, ProvisionBackends, team.ID, "team", in.Team); err != nil {
		return nil, err
	}
	if b == nil {
		return p.applyNew(ctx, a, team, in)
	}
	if in.IfAbsent {
		return nil, model.Errorf(model.CodePrecondition, "The team %s has a backend named %s already, at version %d of its spec.", team.Name, b.Name, b.SpecVersion)
	}
	if in.EnvironmentID != "" {
		env, err := p.environmentFor(ctx, in.EnvironmentID)
		if err != nil {
			return nil, ofEnvironment(err)
		}
		if env.ID != b.EnvironmentID {
			return nil, invalid("environment", "%s is in another environment, and a backend cannot move. Leave this out, choose another name, or destroy it there first.", b.Name)
		}
	}
	return p.put(ctx, a, b, in.SpecChange, true)
}

// ofEnvironment names the field as Application does.
func ofEnvironment(err error) error {
	var e *model.Error
	if errors.As(err, &e) && len(e.Fields) == 1 && e.Fields[0].Path == "environment_id" {
		return invalid("environment", "%s", e.Fields[0].Message)
	}
	return err
}

// BackendNamed returns the team's backend of that name. viewer.
func (p *Panel) BackendNamed(ctx context.Context, a model.Actor, team, name string) (*BackendDetail, error) {
	_, b, err := p.named(ctx, a, SeeBackends, team, name)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, model.NotFound("backend", name)
	}
	return p.Backend(ctx, a, b.ID)
}

// named finds a team by id or name, and its backend of that name; nil for none.
func (p *Panel) named(ctx context.Context, a model.Actor, need Permission, teamID, name string) (*model.Team, *model.Backend, error) {
	q := p.Store.Read()
	team, err := q.TeamByID(ctx, teamID)
	if model.CodeOf(err) == model.CodeNotFound {
		team, err = q.TeamByName(ctx, teamID)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := allow(a, need, team.ID, "team", teamID); err != nil {
		return nil, nil, err
	}
	list, err := q.Backends(ctx, store.BackendQuery{TeamIDs: []string{team.ID}, Names: []string{name}})
	if err != nil || len(list) == 0 {
		return team, nil, err
	}
	return team, &list[0], nil
}

// applyNew registers and provisions in one transaction.
func (p *Panel) applyNew(ctx context.Context, a model.Actor, team *model.Team, in Application) (*Applied, error) {
	if in.IfVersion != 0 {
		return nil, model.Errorf(model.CodePrecondition, "The team %s has no backend named %s, so its spec has no version %d.", team.Name, in.Name, in.IfVersion)
	}
	b := newBackend(team.ID, in.Name, in.Spec, p.Store.Now())
	env, err := p.environmentFor(ctx, in.EnvironmentID)
	if err != nil {
		return nil, ofEnvironment(err)
	}
	if err := validate(b); err != nil {
		return nil, err
	}
	b.EnvironmentID = env.ID
	plan, err := p.plan(ctx, b, model.OpProvision, nil)
	if err != nil {
		return nil, err
	}
	out := &Applied{Backend: *b, Created: true, Changed: true, Plan: plan}
	if in.DryRun {
		return out, nil
	}
	if err := refuse(plan.Findings); err != nil {
		return nil, err
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) (err error) {
		more := takes(b, model.OpProvision, plan.Cost)
		more.Backends = 1
		if err := p.room(ctx, q, team.ID, more); err != nil {
			return err
		}
		if err := insert(ctx, q, a, b); err != nil {
			return err
		}
		out.Job, err = queue(ctx, q, a, b, plan)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.Worker.Wake()
	return p.asItIs(ctx, out)
}

// put brings a backend in line with a spec, which may be the one that it has.
func (p *Panel) put(ctx context.Context, a model.Actor, b *model.Backend, c SpecChange, start bool) (*Applied, error) {
	next, changed, err := p.changed(ctx, b, c)
	if err != nil {
		return nil, err
	}
	out := &Applied{Backend: *next, Changed: changed}
	if out.Plan, err = p.putPlan(ctx, b, next, changed); err != nil || c.DryRun {
		return out, err
	}
	if err := refuse(out.Plan.Findings); err != nil {
		return nil, err
	}
	start = start && (!out.Plan.Idle() || b.Phase == model.PhaseFailed)
	if !start && !changed {
		return out, nil
	}
	more, err := p.adds(ctx, b, next, out.Plan.Operation)
	if err != nil {
		return nil, err
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) (err error) {
		if err := p.room(ctx, q, b.TeamID, more); err != nil {
			return err
		}
		if changed {
			if err := saveSpec(ctx, q, b, next); err != nil {
				return err
			}
		}
		if start {
			out.Job = newJob(a, next, out.Plan)
			if err := enqueue(ctx, q, out.Job); err != nil {
				return err
			}
		}
		return auditPut(ctx, q, a, b, out)
	})
	if err != nil {
		return nil, err
	}
	if out.Job != nil {
		p.Worker.Wake()
	}
	return p.asItIs(ctx, out)
}

// changed is the backend with the new spec, if nothing forbids that, and
// whether that is another one.
func (p *Panel) changed(ctx context.Context, b *model.Backend, c SpecChange) (*model.Backend, bool, error) {
	if c.IfVersion != 0 && c.IfVersion != b.SpecVersion {
		return nil, false, overtaken(b, c.IfVersion)
	}
	if err := free(b, model.OpProvision); err != nil {
		return nil, false, err
	}
	if err := p.notEnding(ctx, b, model.OpUpdate); err != nil {
		return nil, false, err
	}
	next := *b
	next.Spec = c.Spec.WithDefaults()
	if err := next.Spec.Validate(); err != nil {
		return nil, false, err
	}
	same, err := sameSpec(b.Spec, next.Spec)
	if err != nil {
		return nil, false, err
	}
	if !same {
		next.SpecVersion++
	}
	return &next, !same, nil
}

func overtaken(b *model.Backend, version int) error {
	return model.Errorf(model.CodePrecondition, "The spec of %s has version %d by now, not %d: somebody changed it meanwhile. Read it again, and apply your change to that.", b.Name, b.SpecVersion, version)
}

func sameSpec(a, b model.Spec) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("marshal a spec: %w", err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		return false, fmt.Errorf("marshal a spec: %w", err)
	}
	return bytes.Equal(x, y), nil
}

// putPlan is what a put does. What sleeps is woken only when something has to
// change in AWS.
func (p *Panel) putPlan(ctx context.Context, b, next *model.Backend, changed bool) (*model.Plan, error) {
	if b.Phase == model.PhaseAsleep {
		rest, err := p.plan(ctx, next, model.OpSleep, nil)
		if err != nil || rest.Idle() && !rest.Blocked() {
			return rest, err
		}
	}
	switch {
	case b.Phase == model.PhaseRegistered || !changed:
		return p.plan(ctx, next, model.OpProvision, b)
	default:
		return p.plan(ctx, next, model.OpUpdate, b)
	}
}

// adds is what the change adds to what the team has.
func (p *Panel) adds(ctx context.Context, b, next *model.Backend, op model.Operation) (model.Quota, error) {
	env, err := p.Store.Read().EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return model.Quota{}, err
	}
	have, err := p.Store.Read().Resources(ctx, b.ID)
	return p.takes(&change{backend: next, was: b, op: op, have: have}, env), err
}

// auditPut records what was put, and what carries it out.
func auditPut(ctx context.Context, q *store.Queries, a model.Actor, b *model.Backend, out *Applied) error {
	action := jobActions[out.Plan.Operation]
	before, after := map[string]any{"phase": b.Phase}, map[string]any{}
	if out.Changed {
		action = model.AuditBackendUpdate
		maps.Copy(before, auditedBackend(b))
		maps.Copy(after, auditedBackend(&out.Backend))
	}
	c := ofBackend(a, action, b, before, after)
	if out.Job != nil {
		maps.Copy(after, auditedPlan(out.Plan))
		c.JobID = out.Job.ID
	}
	return q.Audit(ctx, c)
}

// saveSpec saves the new spec, if the backend is still free and as it was seen.
func saveSpec(ctx context.Context, q *store.Queries, b, next *model.Backend) error {
	now, err := q.BackendForUpdate(ctx, b.ID)
	if err != nil {
		return err
	}
	if now.SpecVersion != b.SpecVersion {
		return overtaken(now, b.SpecVersion)
	}
	if err := free(now, model.OpProvision); err != nil {
		return err
	}
	now.Spec, now.SpecVersion = next.Spec, next.SpecVersion
	if err := q.UpdateBackend(ctx, now); err != nil {
		return err
	}
	return q.AppendBackend(ctx, now)
}

// asItIs brings the answer up to date with what was written.
func (p *Panel) asItIs(ctx context.Context, out *Applied) (*Applied, error) {
	b, err := p.Store.Read().BackendByID(ctx, out.Backend.ID)
	if err != nil {
		return nil, err
	}
	out.Backend = *b
	return out, nil
}
