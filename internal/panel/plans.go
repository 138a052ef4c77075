package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// Plan shows what op would do, with findings. It changes nothing. viewer.
func (p *Panel) Plan(ctx context.Context, a model.Actor, id string, op model.Operation) (*model.Plan, error) {
	b, err := p.backend(ctx, a, SeeBackends, id)
	if err != nil {
		return nil, err
	}
	return p.plan(ctx, b, op)
}

func (p *Panel) plan(ctx context.Context, b *model.Backend, op model.Operation) (*model.Plan, error) {
	have, err := p.Store.Read().Resources(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	env, err := p.Store.Read().EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return nil, err
	}
	if op == model.OpDestroy {
		plan := provision.DestroyPlan(b, have)
		if len(have) > 0 {
			p.price(plan, b, env, have)
		}
		return plan, nil
	}
	chain, findings, err := p.Cloud.Chain(ctx, env, b)
	if err != nil {
		return nil, err
	}
	quota, err := p.quotaFindings(ctx, b, takes(b, op, p.costOf(b, env, have)))
	if err != nil {
		return nil, err
	}
	plan, err := provision.ProvisionPlan(b, chain, have, append(findings, quota...))
	if err == nil {
		p.price(plan, b, env, have)
	}
	return plan, err
}
