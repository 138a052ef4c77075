// Package panel holds the use cases and is the only door to them for web and
// api. Every method takes the actor who asks, denies by default, and gives a
// foreign id the same answer as an absent one.
package panel

import (
	"context"
	"errors"

	"drawbridge/internal/model"
)

// Panel carries out use cases.
type Panel struct{}

var errStub = errors.New("stub")

// BackendSummary is one row of the list of backends.
type BackendSummary struct {
	model.Backend
	EnvironmentName string         `json:"environment_name"`
	LastRun         *model.TestRun `json:"last_test,omitempty"`
	ActiveJob       *model.Job     `json:"active_job,omitempty"`
}

// BackendDetail is all that a backend's page shows.
type BackendDetail struct {
	BackendSummary
	Environment model.Environment `json:"environment"`
	Resources   []model.Resource  `json:"resources"`
	Jobs        []model.Job       `json:"jobs"` // newest first, at most 20
	Runs        []model.TestRun   `json:"runs"` // the newest run of each test of the spec, in the spec's order
}

// JobDetail is all that a job's page shows.
type JobDetail struct {
	model.Job
	Backend model.Backend `json:"backend"`
	Steps   []model.Step  `json:"steps"` // in plan order
	// Typical is how long such a step took before, in seconds, by kind and action ("elbv2.load_balancer create").
	Typical map[string]float64 `json:"typical,omitempty"`
}

// Registration is the input of RegisterBackend.
type Registration struct {
	TeamID        string // "" = the actor's team, or the only one
	EnvironmentID string // "" = the only one
	Name          string
	Spec          model.Spec
}

// BackendFilter narrows Backends.
type BackendFilter struct {
	Destroyed bool // include destroyed ones
}

// Backends lists the backends that the actor sees, newest first. viewer.
func (p *Panel) Backends(ctx context.Context, a model.Actor, f BackendFilter) ([]BackendSummary, error) {
	return nil, errStub
}

// Backend returns one backend with all that its page shows. viewer.
func (p *Panel) Backend(ctx context.Context, a model.Actor, id string) (*BackendDetail, error) {
	return nil, errStub
}

// RegisterBackend validates and saves a backend; nothing is made in AWS.
// The spec gets its defaults (Spec.WithDefaults) but for the port. developer.
func (p *Panel) RegisterBackend(ctx context.Context, a model.Actor, r Registration) (*model.Backend, error) {
	return nil, errStub
}

// Plan shows what op would do, with findings. It changes nothing. viewer.
func (p *Panel) Plan(ctx context.Context, a model.Actor, id string, op model.Operation) (*model.Plan, error) {
	return nil, errStub
}

// Provision queues a job that makes the chain. CodeConflict with Holder when
// another job holds the backend; CodeInvalid when the plan is blocked. developer.
func (p *Panel) Provision(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return nil, errStub
}

// Destroy queues a job that deletes the chain. owner.
func (p *Panel) Destroy(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return nil, errStub
}

// Jobs lists a backend's jobs, newest first. viewer.
func (p *Panel) Jobs(ctx context.Context, a model.Actor, backendID string) ([]model.Job, error) {
	return nil, errStub
}

// Job returns one job with its steps. viewer.
func (p *Panel) Job(ctx context.Context, a model.Actor, id string) (*JobDetail, error) {
	return nil, errStub
}

// CancelJob asks a job to stop before its next change in AWS. An ended job
// gives CodeConflict. developer.
func (p *Panel) CancelJob(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return nil, errStub
}

// RetryJob queues a failed or cancelled job again: it goes on from the failed
// step. developer (owner for destroy).
func (p *Panel) RetryJob(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return nil, errStub
}

// Resources lists what a backend has in AWS, in plan order. viewer.
func (p *Panel) Resources(ctx context.Context, a model.Actor, backendID string) ([]model.Resource, error) {
	return nil, errStub
}

// Events returns a backend's events after the cursor, oldest first, at most limit. viewer.
func (p *Panel) Events(ctx context.Context, a model.Actor, backendID string, after int64, limit int) ([]model.Event, error) {
	return nil, errStub
}

// StreamEvents calls send for each event after the cursor, oldest first, and
// goes on with new ones until ctx ends or send fails. idle, when not nil, is
// called when nothing came for 15 s (a keep-alive). viewer.
func (p *Panel) StreamEvents(ctx context.Context, a model.Actor, backendID string, after int64, send func(model.Event) error, idle func() error) error {
	return errStub
}

// StreamBackends calls changed with the id of each visible backend that has
// new events, until ctx ends or changed fails. viewer.
func (p *Panel) StreamBackends(ctx context.Context, a model.Actor, changed func(backendID string) error, idle func() error) error {
	return errStub
}

// RunTests sends route tests through the invoke URL and records the answers.
// names selects tests of the spec; none means all. developer.
func (p *Panel) RunTests(ctx context.Context, a model.Actor, backendID string, names []string) ([]model.TestRun, error) {
	return nil, errStub
}

// RunAdHocTest sends one request that is not in the spec. developer.
func (p *Panel) RunAdHocTest(ctx context.Context, a model.Actor, backendID string, t model.RouteTest) (*model.TestRun, error) {
	return nil, errStub
}

// TestRuns lists a backend's route test runs, newest first, at most limit. viewer.
func (p *Panel) TestRuns(ctx context.Context, a model.Actor, backendID string, limit int) ([]model.TestRun, error) {
	return nil, errStub
}

// Environments lists the places to provision in. viewer.
func (p *Panel) Environments(ctx context.Context, a model.Actor) ([]model.Environment, error) {
	return nil, errStub
}

// EnvironmentStatus asks AWS whether the environment answers and fits. A
// failure to reach it is in the status, not in the error. viewer.
func (p *Panel) EnvironmentStatus(ctx context.Context, a model.Actor, id string) (*model.EnvironmentStatus, error) {
	return nil, errStub
}

// Instances lists the running instances of an environment's VPC, for the
// form's choice of existing ones. developer.
func (p *Panel) Instances(ctx context.Context, a model.Actor, environmentID string) ([]model.Instance, error) {
	return nil, errStub
}

// Teams lists the teams that the actor sees. viewer.
func (p *Panel) Teams(ctx context.Context, a model.Actor) ([]model.Team, error) {
	return nil, errStub
}
