package panel

import (
	"context"

	"drawbridge/internal/model"
)

// Environments lists the places to provision in. viewer.
func (p *Panel) Environments(ctx context.Context, a model.Actor) ([]model.Environment, error) {
	if err := member(a, SeeEnvironments); err != nil {
		return nil, err
	}
	return p.Store.Read().Environments(ctx)
}

// EnvironmentStatus asks AWS whether the environment answers and fits. A
// failure to reach it is in the status, not in the error. viewer.
func (p *Panel) EnvironmentStatus(ctx context.Context, a model.Actor, id string) (*model.EnvironmentStatus, error) {
	env, err := p.environment(ctx, a, SeeEnvironments, id)
	if err != nil {
		return nil, err
	}
	return p.Cloud.Status(ctx, env), nil
}

// Instances lists the running instances of an environment's VPC, for the
// form's choice of existing ones. developer.
func (p *Panel) Instances(ctx context.Context, a model.Actor, environmentID string) ([]model.Instance, error) {
	env, err := p.environment(ctx, a, ListInstances, environmentID)
	if err != nil {
		return nil, err
	}
	return p.Cloud.Instances(ctx, env)
}

// environmentOrOnly is environment, and the only one for "".
func (p *Panel) environmentOrOnly(ctx context.Context, a model.Actor, need Permission, id string) (*model.Environment, error) {
	if id != "" {
		return p.environment(ctx, a, need, id)
	}
	if err := member(a, need); err != nil {
		return nil, err
	}
	return p.environmentFor(ctx, "")
}

func (p *Panel) environment(ctx context.Context, a model.Actor, need Permission, id string) (*model.Environment, error) {
	if err := member(a, need); err != nil {
		return nil, err
	}
	return p.Store.Read().EnvironmentByID(ctx, id)
}
