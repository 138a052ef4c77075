package panel

import (
	"context"
	"slices"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// BackendDetail is all that a backend's page shows.
type BackendDetail struct {
	BackendSummary
	Environment model.Environment `json:"environment"`
	Resources   []model.Resource  `json:"resources"`
	Jobs        []model.Job       `json:"jobs"` // newest first, at most 20
	HasLogs     bool              `json:"-"`    // AccessLogs has something to tell
	Runs        []model.TestRun   `json:"runs"` // the newest run of each test of the spec, in the spec's order
	Team        model.Team        `json:"-"`
	Cost        *model.Cost       `json:"cost"` // what its chain costs a month while it is there
}

// Registration is the input of RegisterBackend.
type Registration struct {
	TeamID        string // "" = the actor's team, or the only one
	EnvironmentID string // "" = the only one
	Name          string
	Spec          model.Spec
}

// Backend returns one backend with all that its page shows. viewer.
func (p *Panel) Backend(ctx context.Context, a model.Actor, id string) (*BackendDetail, error) {
	b, err := p.backend(ctx, a, SeeBackends, id)
	if err != nil {
		return nil, err
	}
	envs, err := p.environmentsByID(ctx)
	if err != nil {
		return nil, err
	}
	d := &BackendDetail{Environment: envs[b.EnvironmentID]}
	d.HasLogs = b.InvokeURL != "" && p.HasActivity(&d.Environment)
	rows, err := p.around(ctx, []model.Backend{*b})
	if err != nil {
		return nil, err
	}
	summaries, err := p.summaries(ctx, rows, envs)
	if err != nil {
		return nil, err
	}
	d.BackendSummary = summaries[0]
	q := p.Store.Read()
	team, err := q.TeamByID(ctx, b.TeamID)
	if err != nil {
		return nil, err
	}
	d.Team = *team
	if d.Resources, err = q.Resources(ctx, id); err != nil {
		return nil, err
	}
	d.Cost = p.costOf(b, &d.Environment, d.Resources)
	if d.Jobs, err = q.JobsByBackend(ctx, id, 20); err != nil {
		return nil, err
	}
	latest, err := q.LatestTestRuns(ctx, id)
	if err != nil {
		return nil, err
	}
	d.Runs = inOrderOf(b.Spec.Tests, latest)
	return d, nil
}

func inOrderOf(tests []model.RouteTest, latest []model.TestRun) []model.TestRun {
	byName := make(map[string]model.TestRun, len(latest))
	for _, r := range latest {
		byName[r.Name] = r
	}
	var runs []model.TestRun
	for _, t := range tests {
		if r, ok := byName[t.Name]; ok {
			runs = append(runs, r)
		}
	}
	return runs
}

// RegisterBackend validates and saves a backend; nothing is made in AWS.
// The spec gets its defaults (Spec.WithDefaults) but for the port. What AWS
// must be asked about (instances of another VPC, subnets) is refused here
// too; CodeUnavailable when AWS does not answer. developer.
func (p *Panel) RegisterBackend(ctx context.Context, a model.Actor, r Registration) (*model.Backend, error) {
	if err := member(a, RegisterBackends); err != nil {
		return nil, err
	}
	teamID, err := p.teamFor(ctx, a, r.TeamID)
	if err != nil {
		return nil, err
	}
	env, err := p.environmentFor(ctx, r.EnvironmentID)
	if err != nil {
		return nil, err
	}
	b := newBackend(teamID, r.Name, r.Spec, p.Store.Now())
	b.EnvironmentID = env.ID
	if err := validate(b); err != nil {
		return nil, err
	}
	if err := p.checkFindings(ctx, env, b); err != nil {
		return nil, err
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := p.room(ctx, q, teamID, model.Quota{Backends: 1}); err != nil {
			return err
		}
		return insert(ctx, q, a, b)
	})
	if err != nil && model.CodeOf(err) == model.CodeConflict {
		return nil, invalid("name", "Your team has a backend of this name already; choose another.")
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// newBackend is a backend as it is registered; its environment is the caller's to set.
func newBackend(teamID, name string, spec model.Spec, now time.Time) *model.Backend {
	return &model.Backend{
		ID: model.NewID(model.PrefixBackend), TeamID: teamID, Name: name, Spec: spec.WithDefaults(),
		SpecVersion: 1, Phase: model.PhaseRegistered, CreatedAt: now, UpdatedAt: now,
	}
}

// insert saves a new backend with its event and its audit row.
func insert(ctx context.Context, q *store.Queries, a model.Actor, b *model.Backend) error {
	if err := q.InsertBackend(ctx, b); err != nil {
		return err
	}
	if err := q.AppendBackend(ctx, b); err != nil {
		return err
	}
	return q.Audit(ctx, ofBackend(a, model.AuditBackendRegister, b, nil, auditedBackend(b)))
}

// validate joins what is wrong with the name and with the spec.
func validate(b *model.Backend) error {
	var v model.Invalid
	if why := model.ValidateBackendName(b.Name); why != "" {
		v.Add("name", "%s", why)
	}
	v.Join(b.Spec.Validate())
	return v.Err()
}

// checkFindings refuses a spec that the environment cannot carry out.
func (p *Panel) checkFindings(ctx context.Context, env *model.Environment, b *model.Backend) error {
	_, findings, err := p.Cloud.Chain(ctx, env, b)
	if err != nil {
		return err
	}
	return refuse(findings)
}

// refuse turns findings that forbid the plan into one error that names their fields.
func refuse(findings []model.Finding) error {
	var v model.Invalid
	for _, f := range findings {
		if f.Severity != model.SeverityError {
			continue
		}
		field := f.Field
		if field == "" {
			field = "spec"
		}
		v.Add(field, "%s", joinSentences(f.Message, f.Advice))
	}
	return v.Err()
}

func joinSentences(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}

// teamFor is the team that a new backend belongs to: the one that was named,
// else the only one in which the actor may register.
func (p *Panel) teamFor(ctx context.Context, a model.Actor, id string) (string, error) {
	teams, err := p.Store.Read().Teams(ctx)
	if err != nil {
		return "", err
	}
	if id != "" {
		if !a.Sees(id) || !slices.ContainsFunc(teams, func(t model.Team) bool { return t.ID == id }) {
			return "", invalid("team_id", "There is no team %q, or it is not yours.", id)
		}
		return id, allow(a, RegisterBackends, id, "team", id)
	}
	mine := slices.DeleteFunc(teams, func(t model.Team) bool { return !May(a, RegisterBackends, t.ID) })
	if len(mine) == 1 || a.Admin && len(mine) > 0 {
		return mine[0].ID, nil
	}
	return "", invalid("team_id", "Choose the team that owns the backend; you may register in %d.", len(mine))
}

// environmentFor is the environment that a new backend is made in.
func (p *Panel) environmentFor(ctx context.Context, id string) (*model.Environment, error) {
	envs, err := p.Store.Read().Environments(ctx)
	if err != nil {
		return nil, err
	}
	return chooseEnvironment(envs, id)
}

// chooseEnvironment finds an environment by id or name; "" is the only one.
func chooseEnvironment(envs []model.Environment, id string) (*model.Environment, error) {
	if id == "" && len(envs) == 1 {
		return &envs[0], nil
	}
	for i := range envs {
		if envs[i].ID == id || envs[i].Name == id {
			return &envs[i], nil
		}
	}
	if id == "" {
		return nil, invalid("environment_id", "Choose the environment to provision in; there are %d.", len(envs))
	}
	return nil, invalid("environment_id", "There is no environment %q.", id)
}
