package panel

import (
	"context"

	"drawbridge/internal/model"
)

// Activity is an environment's own record of what it was asked. AWS keeps it
// in CloudTrail, CloudWatch and S3; an environment that hands it out has one.
type Activity interface {
	// Calls lists calls of the control plane, newest first, at most limit.
	Calls(limit int) []model.APICall
	// AccessLogs lists requests through the named HTTP APIs and load
	// balancers (ids and ARNs), newest first, at most limit.
	AccessLogs(resources []string, limit int) []model.AccessLog
}

// activity is the environment's record, or an error that says where it is kept.
func (p *Panel) activity(env *model.Environment) (Activity, error) {
	if p.Activity != nil {
		if a := p.Activity(env); a != nil {
			return a, nil
		}
	}
	return nil, model.Errorf(model.CodeNotFound,
		"The environment %s does not hand out its logs: look in AWS CloudTrail for calls, and in CloudWatch or S3 for access logs.", env.Name)
}

// HasActivity tells whether an environment hands out its logs.
func (p *Panel) HasActivity(env *model.Environment) bool {
	_, err := p.activity(env)
	return err == nil
}

// EnvironmentCalls lists the calls that an environment answered, newest
// first, whoever made them. CodeNotFound when it does not hand them out. admin.
func (p *Panel) EnvironmentCalls(ctx context.Context, a model.Actor, id string, limit int) ([]model.APICall, error) {
	env, err := p.environment(ctx, a, SeeCalls, id)
	if err != nil {
		return nil, err
	}
	record, err := p.activity(env)
	if err != nil {
		return nil, err
	}
	return record.Calls(limit), nil
}

// AccessLogs lists the requests through a backend's HTTP API and load
// balancer, newest first. CodeNotFound when its environment does not hand them
// out. viewer.
func (p *Panel) AccessLogs(ctx context.Context, a model.Actor, backendID string, limit int) ([]model.AccessLog, error) {
	b, err := p.backend(ctx, a, SeeBackends, backendID)
	if err != nil {
		return nil, err
	}
	env, err := p.Store.Read().EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return nil, err
	}
	record, err := p.activity(env)
	if err != nil {
		return nil, err
	}
	have, err := p.Store.Read().Resources(ctx, backendID)
	if err != nil {
		return nil, err
	}
	var hops []string
	for _, r := range have {
		if (r.Key == "api" || r.Key == "alb") && r.AWSID != "" {
			hops = append(hops, r.AWSID)
		}
	}
	return record.AccessLogs(hops, limit), nil
}
