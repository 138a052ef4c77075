package panel

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// Plan shows what op would do, with findings. It changes nothing. viewer.
func (p *Panel) Plan(ctx context.Context, a model.Actor, id string, op model.Operation) (*model.Plan, error) {
	b, err := p.backend(ctx, a, SeeBackends, id)
	if err != nil {
		return nil, err
	}
	return p.plan(ctx, b, op, nil)
}

// plan plans an operation. was is the backend as it is saved, where its spec is
// about to change.
func (p *Panel) plan(ctx context.Context, b *model.Backend, op model.Operation, was *model.Backend) (*model.Plan, error) {
	have, err := p.Store.Read().Resources(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	env, err := p.Store.Read().EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return nil, err
	}
	var plan *model.Plan
	switch op {
	case model.OpDestroy:
		plan = provision.DestroyPlan(b, have)
		plan.Basis, err = basis(have)
		if len(have) == 0 {
			return plan, err
		}
	case model.OpSleep, model.OpWake:
		plan, err = p.restPlan(env, b, op, have)
	default:
		plan, err = p.buildPlan(ctx, env, &change{backend: b, was: was, op: op, have: have})
	}
	if err == nil {
		p.price(plan, b, env, have)
		p.foresee(ctx, plan, env.ID)
	}
	return plan, err
}

// foresee says how long the plan is likely to take, where that is known.
func (p *Panel) foresee(ctx context.Context, plan *model.Plan, environmentID string) {
	if p.Typical == nil {
		return
	}
	now := p.Store.Now()
	if end := provision.ExpectedEnd(plan, nil, p.Typical(ctx, environmentID), now); end.After(now) {
		plan.Expected = end.Sub(now)
	}
}

// change is a chain that is to be brought in line with its spec.
type change struct {
	backend *model.Backend
	was     *model.Backend // nil where the spec stays
	op      model.Operation
	have    []model.Resource
}

// takes is what the change adds to what the team has.
func (p *Panel) takes(c *change, env *model.Environment) model.Quota {
	cost := p.costOf(c.backend, env, c.have)
	if c.was == nil || c.was.Phase == model.PhaseRegistered {
		return takes(c.backend, c.op, cost)
	}
	before := p.costOf(c.was, env, c.have)
	return model.Quota{
		Instances:  max(0, launched(c.backend.Spec)-launched(c.was.Spec)),
		MonthlyUSD: max(0, cost.Monthly-before.Monthly),
	}
}

// buildPlan brings a chain in line with its spec, after AWS was asked about it.
func (p *Panel) buildPlan(ctx context.Context, env *model.Environment, c *change) (*model.Plan, error) {
	b := c.backend
	chain, findings, err := p.Cloud.Chain(ctx, env, b)
	if err != nil {
		return nil, err
	}
	quota, err := p.quotaFindings(ctx, b.TeamID, p.takes(c, env))
	if err != nil {
		return nil, err
	}
	findings = append(findings, quota...)
	if b.Phase == model.PhaseAsleep {
		findings = append(findings, model.Finding{Severity: model.SeverityInfo, Message: b.Name + " is asleep: this wakes it, so that what is new is seen to work."})
	}
	return p.converge(b, provision.Wanted{Operation: c.op, Chain: chain, Findings: findings}, c.have)
}

// restPlan puts a backend to sleep or wakes it. AWS is not asked: neither an
// image that is gone nor a full subnet stands in the way of that.
func (p *Panel) restPlan(env *model.Environment, b *model.Backend, op model.Operation, have []model.Resource) (*model.Plan, error) {
	if b.Spec.Source != model.SourceLaunch {
		return &model.Plan{BackendID: b.ID, SpecVersion: b.SpecVersion, Operation: op, Findings: []model.Finding{{
			Severity: model.SeverityError, Field: "spec.source",
			Message: b.Name + " runs on existing instances, which Drawbridge never stops or starts, so it cannot sleep.",
			Advice:  "Stop and start them in the EC2 console, or have the backend launch its instances.",
		}}}, nil
	}
	return p.converge(b, provision.Wanted{Operation: op, Chain: p.Cloud.Nodes(env, b, op == model.OpSleep)}, have)
}

func (p *Panel) converge(b *model.Backend, w provision.Wanted, have []model.Resource) (*model.Plan, error) {
	w.Differ = p.Differ
	plan, err := provision.ConvergePlan(b, w, have)
	if err != nil {
		return nil, err
	}
	plan.Findings = append(plan.Findings, p.Cloud.Warnings(plan, have)...)
	plan.Basis, err = basis(have)
	return plan, err
}

// basis is a plan's Basis. A plan is made before its job is saved, mostly while
// AWS is asked; what another job made in between it would not delete.
func basis(have []model.Resource) (string, error) {
	text, err := json.Marshal(slices.Concat([]model.Resource{}, have)) // none is none, nil or not
	if err != nil {
		return "", fmt.Errorf("marshal resources: %w", err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text)), nil
}
