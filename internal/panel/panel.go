// Package panel holds the use cases and is the only door to them for web and
// api. Every method takes the actor who asks, denies by default, and gives a
// foreign id the same answer as an absent one. policy.go says which role each
// permission takes; the comment of each method ends with it.
package panel

import (
	"context"
	"log/slog"
	"time"

	"drawbridge/internal/events"
	"drawbridge/internal/model"
	"drawbridge/internal/prices"
	"drawbridge/internal/probe"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// Cloud answers questions about an environment. Its errors are *model.Error.
type Cloud interface {
	// Chain lists the nodes of the backend's chain in an order that respects
	// their needs, and what was found when AWS was asked about its inputs.
	Chain(ctx context.Context, env *model.Environment, b *model.Backend) ([]model.PlanItem, []model.Finding, error)
	// Nodes lists the chain of a backend with launched instances without asking
	// AWS: as it is while they run, or asleep.
	Nodes(env *model.Environment, b *model.Backend, asleep bool) []model.PlanItem
	// Chains is Chain for several backends of one environment, in their order;
	// what they have in common is asked once.
	Chains(ctx context.Context, env *model.Environment, bs []*model.Backend) ([]Chain, error)
	// Warnings are what the plan does to requests while it is carried out, given
	// the resources of before.
	Warnings(plan *model.Plan, have []model.Resource) []model.Finding
	Status(ctx context.Context, env *model.Environment) *model.EnvironmentStatus
	Instances(ctx context.Context, env *model.Environment) ([]model.Instance, error)
	// Tagged lists all that carries owner tags.
	Tagged(ctx context.Context, env *model.Environment) ([]Tagged, error)
}

// Tagged is a thing in AWS that carries owner tags.
type Tagged struct {
	model.Orphan
	In func(resources []model.Resource) bool // whether one of them accounts for it
}

// Chain is what Cloud knows of one backend's chain.
type Chain struct {
	Items    []model.PlanItem
	Findings []model.Finding
}

// Worker is told of jobs that were queued or cancelled; it finds out by
// itself a little later, too.
type Worker interface {
	Wake()
	Cancel(jobID string)
}

// Access knows what somebody may do now.
type Access interface {
	// Renew returns the actor as they would be if they asked again;
	// model.CodeUnauthorized when they could not.
	Renew(ctx context.Context, a model.Actor) (model.Actor, error)
}

// Deps are what a Panel works with. All but the last five may not be nil.
type Deps struct {
	Store  *store.Store
	Cloud  Cloud
	Worker Worker
	Hub    *events.Hub
	Probe  *probe.Client
	Logger *slog.Logger
	// Differ says how a resource becomes as wanted; nil keeps whatever exists.
	Differ provision.Differ
	// Limits are what a team may have that has no quota of its own.
	Limits model.Quota
	// SandboxTTL and SandboxMaxTTL are how long sandboxes live where their
	// environment does not say: unless asked otherwise, and at most; 0 = the
	// model's defaults.
	SandboxTTL    time.Duration
	SandboxMaxTTL time.Duration
	InstallID     string // this installation, as it stands in the owner tags
	// Prices are what things cost; nil takes the built-in table.
	Prices *prices.Table
	// Secrets makes tokens and invitations; nil where nobody asks for any.
	Secrets Secrets
	// NoPasswords: a password lets nobody in.
	NoPasswords bool
	// Webhooks seals what webhooks must not tell, and sends; nil where there are none.
	Webhooks Webhooks
	// Access ends answers that take long; nil where nobody's access ends.
	Access Access
	// Activity returns an environment's own record, nil when it hands out none.
	Activity func(*model.Environment) Activity
	// Typical says how long waits in an environment mostly take, by kind and
	// action; nil when nobody knows.
	Typical func(ctx context.Context, environmentID string) map[string]time.Duration
}

// Panel carries out use cases.
type Panel struct {
	Deps
	memo *memo
}

// New makes a panel.
func New(d Deps) *Panel {
	if d.Prices == nil {
		d.Prices = prices.Builtin()
	}
	if d.Differ == nil {
		d.Differ = provision.NeverDiffers
	}
	return &Panel{Deps: d, memo: newMemo()}
}

// backend loads a backend for an actor who has the permission.
func (p *Panel) backend(ctx context.Context, a model.Actor, need Permission, id string) (*model.Backend, error) {
	b, err := p.Store.Read().BackendByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return b, allow(a, need, b.TeamID, "backend", id)
}

// job loads a job for an actor who has the permission.
func (p *Panel) job(ctx context.Context, a model.Actor, need Permission, id string) (*model.Job, error) {
	j, err := p.Store.Read().JobByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return j, allow(a, need, j.TeamID, "job", id)
}

// invalid refuses one input; see model.Invalid.Add.
func invalid(path, format string, args ...any) error {
	var v model.Invalid
	v.Add(path, format, args...)
	return v.Err()
}
