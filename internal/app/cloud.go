package app

import (
	"context"
	"errors"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/provision/kinds"
)

// cloud answers the panel's questions about environments through awsapi.
type cloud struct{ pool *awsapi.Pool }

func (c cloud) Chain(ctx context.Context, env *model.Environment, b *model.Backend) ([]model.PlanItem, []model.Finding, error) {
	clients, err := c.pool.Clients(ctx, env)
	if err != nil {
		return nil, nil, unavailable(env, err)
	}
	facts, findings, err := kinds.Gather(ctx, clients, b, env)
	if err != nil {
		return nil, nil, unavailable(env, err)
	}
	return kinds.Chain(b, env, facts), findings, nil
}

func (cloud) Nodes(env *model.Environment, b *model.Backend, asleep bool) []model.PlanItem {
	if asleep {
		return kinds.Asleep(b, env)
	}
	return kinds.Chain(b, env, kinds.Facts{})
}

func (cloud) Warnings(plan *model.Plan, have []model.Resource) []model.Finding {
	return kinds.Warnings(plan, have)
}

func (c cloud) Chains(ctx context.Context, env *model.Environment, bs []*model.Backend) ([]panel.Chain, error) {
	clients, err := c.pool.Clients(ctx, env)
	if err != nil {
		return nil, unavailable(env, err)
	}
	facts, findings, err := kinds.GatherAll(ctx, clients, bs, env)
	if err != nil {
		return nil, unavailable(env, err)
	}
	chains := make([]panel.Chain, len(bs))
	for i, b := range bs {
		chains[i] = panel.Chain{Items: kinds.Chain(b, env, facts[i]), Findings: findings[i]}
	}
	return chains, nil
}

func (c cloud) Status(ctx context.Context, env *model.Environment) *model.EnvironmentStatus {
	status := c.pool.Status(ctx, env)
	return &status
}

func (c cloud) Tagged(ctx context.Context, env *model.Environment) ([]panel.Tagged, error) {
	clients, err := c.pool.Clients(ctx, env)
	if err != nil {
		return nil, unavailable(env, err)
	}
	owned, err := clients.Tagged(ctx)
	if err != nil {
		return nil, unavailable(env, err)
	}
	list := make([]panel.Tagged, 0, len(owned))
	for _, o := range owned {
		list = append(list, panel.Tagged{In: o.In, Orphan: model.Orphan{
			Type: o.Type, ID: o.ID, Name: o.Name, InstallID: o.Install, BackendID: o.Backend, Key: o.Key, CreatedAt: o.Created,
			Kind: kinds.OfOrphan(o.Type),
		}})
	}
	return list, nil
}

func (c cloud) Instances(ctx context.Context, env *model.Environment) ([]model.Instance, error) {
	clients, err := c.pool.Clients(ctx, env)
	if err != nil {
		return nil, unavailable(env, err)
	}
	list, err := clients.Instances(ctx, env.VPCID)
	if err != nil {
		return nil, unavailable(env, err)
	}
	return list, nil
}

// unavailable tells an AWS failure to the user in the words of the error table.
func unavailable(env *model.Environment, err error) error {
	var e *model.Error
	if errors.As(err, &e) {
		return err
	}
	p := awsapi.Problem(err)
	return &model.Error{
		Code: model.CodeUnavailable, Problem: p, Err: err,
		Message: "The environment " + env.Name + " does not answer as it should: " + p.Code + ": " + p.Message,
	}
}
