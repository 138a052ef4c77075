// Package panel holds the use cases and is the only door to them for web and
// api. Every method takes the actor who asks, denies by default, and gives a
// foreign id the same answer as an absent one. The comment of each method
// ends with the role that it needs.
package panel

import (
	"context"
	"log/slog"

	"drawbridge/internal/events"
	"drawbridge/internal/model"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
)

// Cloud answers questions about an environment. Its errors are *model.Error.
type Cloud interface {
	// Chain lists the nodes of the backend's chain in an order that respects
	// their needs, and what was found when AWS was asked about its inputs.
	Chain(ctx context.Context, env *model.Environment, b *model.Backend) ([]model.PlanItem, []model.Finding, error)
	Status(ctx context.Context, env *model.Environment) *model.EnvironmentStatus
	Instances(ctx context.Context, env *model.Environment) ([]model.Instance, error)
}

// Worker is told of jobs that were queued or cancelled; it finds out by
// itself a little later, too.
type Worker interface {
	Wake()
	Cancel(jobID string)
}

// Deps are what a Panel works with. All but Activity are needed.
type Deps struct {
	Store  *store.Store
	Cloud  Cloud
	Worker Worker
	Hub    *events.Hub
	Probe  *probe.Client
	Logger *slog.Logger
	// Activity returns an environment's own record, nil when it hands out none.
	Activity func(*model.Environment) Activity
}

// Panel carries out use cases.
type Panel struct{ Deps }

// New makes a panel.
func New(d Deps) *Panel { return &Panel{d} }

// allow checks that the actor may act on something of the team: a stranger
// learns nothing (the same answer as for an absent id), a member whose role is
// too low learns which one it takes.
func allow(a model.Actor, need model.Role, teamID, noun, id string) error {
	if !a.Sees(teamID) {
		return model.NotFound(noun, id)
	}
	if !a.Role.AtLeast(need) {
		return model.Errorf(model.CodeForbidden, "This takes the role %s in the team; yours is %s.", need, a.Role)
	}
	return nil
}

// member checks a question that is not about one team's thing.
func member(a model.Actor, need model.Role) error {
	if !a.Role.Valid() {
		return model.Errorf(model.CodeUnauthorized, "Sign in first.")
	}
	if !a.Role.AtLeast(need) {
		return model.Errorf(model.CodeForbidden, "This takes the role %s; yours is %s.", need, a.Role)
	}
	return nil
}

// backend loads a backend for an actor with at least the role.
func (p *Panel) backend(ctx context.Context, a model.Actor, need model.Role, id string) (*model.Backend, error) {
	b, err := p.Store.Read().BackendByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return b, allow(a, need, b.TeamID, "backend", id)
}

// job loads a job for an actor with at least the role.
func (p *Panel) job(ctx context.Context, a model.Actor, need model.Role, id string) (*model.Job, error) {
	j, err := p.Store.Read().JobByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return j, allow(a, need, j.TeamID, "job", id)
}

// teamIDs are the teams that the actor sees, nil for all of them.
func teamIDs(a model.Actor) []string {
	if a.Role == model.RoleAdmin && a.TeamID == "" {
		return nil
	}
	return []string{a.TeamID}
}
