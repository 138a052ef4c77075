package panel

import (
	"context"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// JobDetail is all that a job's page shows.
type JobDetail struct {
	model.Job
	Backend model.Backend  `json:"backend"`
	Sandbox *model.Sandbox `json:"sandbox,omitempty"` // that the backend is; nil for none
	Steps   []model.Step   `json:"steps"`             // in plan order
	Actions JobActions     `json:"actions"`
	// RolledBackBy is the newest job that rolls this one back, or did; "" for none.
	RolledBackBy string `json:"rolled_back_by,omitempty"`
	// Next is the job that came after this one on the backend; nil for none.
	Next *model.Job `json:"-"`
	// Typical is how long such a step took before, in seconds, by kind and action ("elbv2.load_balancer create").
	Typical map[string]float64 `json:"typical,omitempty"`
	// AsOf is when this was told, by the clock of what is written.
	AsOf time.Time `json:"-"`
	// Waits is how long AWS mostly is at work on such steps in the environment.
	Waits map[string]time.Duration `json:"-"`
}

// ExpectedAt is when the job is likely to be done; zero when it has ended or
// nobody can say.
func (d *JobDetail) ExpectedAt(now time.Time) time.Time {
	if d.State.Ended() || d.Waits == nil {
		return time.Time{}
	}
	return provision.ExpectedEnd(d.Plan, d.Steps, d.Waits, now)
}

// Provision queues a job that makes the chain. CodeConflict with Holder when
// another job holds the backend; CodeInvalid when the plan is blocked. developer.
func (p *Panel) Provision(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return p.start(ctx, a, ProvisionBackends, id, model.OpProvision)
}

// Sleep queues a job that takes the targets out and stops the instances, and
// leaves all else, so that the invoke URL stays: it answers 503 meanwhile.
// CodeInvalid for a backend on existing instances. developer.
func (p *Panel) Sleep(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return p.start(ctx, a, ProvisionBackends, id, model.OpSleep)
}

// Wake queues a job that starts the instances, has them join again and waits
// for the first answer. developer.
func (p *Panel) Wake(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return p.start(ctx, a, ProvisionBackends, id, model.OpWake)
}

// Destroy queues a job that deletes the chain. owner.
func (p *Panel) Destroy(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	return p.start(ctx, a, DestroyBackends, id, model.OpDestroy)
}

func (p *Panel) start(ctx context.Context, a model.Actor, need Permission, id string, op model.Operation) (*model.Job, error) {
	b, err := p.backend(ctx, a, need, id)
	if err != nil {
		return nil, err
	}
	if err := free(b, op); err != nil {
		return nil, err // before AWS is asked for the plan
	}
	if err := p.notEnding(ctx, b, op); err != nil {
		return nil, err
	}
	plan, err := p.plan(ctx, b, op, nil)
	if err != nil {
		return nil, err
	}
	if err := refuse(plan.Findings); err != nil {
		return nil, err
	}
	var job *model.Job
	err = p.Store.InTx(ctx, func(q *store.Queries) (err error) {
		if err := p.room(ctx, q, b.TeamID, takes(b, op, plan.Cost)); err != nil {
			return err
		}
		job, err = queue(ctx, q, a, b, plan)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.Worker.Wake()
	return job, nil
}

// queue saves a job that carries out the plan, with its audit row.
func queue(ctx context.Context, q *store.Queries, a model.Actor, b *model.Backend, plan *model.Plan) (*model.Job, error) {
	job := newJob(a, b, plan)
	if err := enqueue(ctx, q, job); err != nil {
		return nil, err
	}
	change := ofBackend(a, jobActions[plan.Operation], b, map[string]any{"phase": b.Phase}, auditedPlan(plan))
	return job, q.Audit(ctx, by(job, change))
}

// newJob is a job that waits for its turn to carry the plan out. Its time is
// that of its insertion.
func newJob(a model.Actor, b *model.Backend, plan *model.Plan) *model.Job {
	return &model.Job{
		ID: model.NewID(model.PrefixJob), BackendID: b.ID, TeamID: b.TeamID, Operation: plan.Operation,
		State: model.JobQueued, Plan: plan, Actor: a.Name,
	}
}

// jobActions name the start of each operation in the audit.
var jobActions = map[model.Operation]model.AuditAction{
	model.OpProvision: model.AuditBackendProvision,
	model.OpUpdate:    model.AuditBackendUpdate,
	model.OpSleep:     model.AuditBackendSleep,
	model.OpWake:      model.AuditBackendWake,
	model.OpDestroy:   model.AuditBackendDestroy,
}

// enqueue saves the job and its steps and gives it the backend, if that is
// still free and still as it was planned for.
func enqueue(ctx context.Context, q *store.Queries, job *model.Job) error {
	b, err := q.BackendForUpdate(ctx, job.BackendID)
	if err != nil {
		return err
	}
	if err := free(b, job.Operation); err != nil {
		return err
	}
	if b.SpecVersion != job.Plan.SpecVersion {
		return model.Errorf(model.CodeConflict, "The spec of %s was changed meanwhile. Look at the new plan, then start again.", b.Name)
	}
	if job.Plan.Basis != "" {
		have, err := q.Resources(ctx, b.ID)
		if err != nil {
			return err
		}
		now, err := basis(have)
		if err != nil {
			return err
		}
		if now != job.Plan.Basis {
			return model.Errorf(model.CodeConflict, "The resources of %s were changed meanwhile. Look at the new plan, then start again.", b.Name)
		}
	}
	return insertJob(ctx, q, b, job)
}

// insertJob saves a planned job with its steps and gives it the backend.
func insertJob(ctx context.Context, q *store.Queries, b *model.Backend, job *model.Job) error {
	if err := q.InsertJob(ctx, job); err != nil {
		return err
	}
	for _, s := range provision.Steps(job.ID, job.Plan) {
		if err := q.UpsertStep(ctx, &s); err != nil {
			return err
		}
	}
	return hold(ctx, q, b, job)
}

// hold makes the job the one that has the backend.
func hold(ctx context.Context, q *store.Queries, b *model.Backend, job *model.Job) error {
	b.ActiveJobID = job.ID
	b.Phase = b.Phase.Next(job.Operation, model.JobQueued, model.Holdings{})
	if err := q.UpdateBackend(ctx, b); err != nil {
		return err
	}
	if err := q.AppendBackend(ctx, b); err != nil {
		return err
	}
	return q.AppendJob(ctx, job)
}

// free tells why op may not start on the backend now.
func free(b *model.Backend, op model.Operation) error {
	if b.ActiveJobID != "" {
		return held(b)
	}
	if !b.Phase.Allows(op) {
		return model.Errorf(model.CodeConflict, "%s is %s, so there is nothing to %s.", b.Name, b.Phase, op)
	}
	return nil
}

// Jobs lists those of a backend's jobs that are selected. viewer.
func (p *Panel) Jobs(ctx context.Context, a model.Actor, backendID string, s model.Selection) ([]model.Job, error) {
	if _, err := p.backend(ctx, a, SeeBackends, backendID); err != nil {
		return nil, err
	}
	return p.Store.Read().JobsOf(ctx, backendID, s)
}

// Job returns one job with its steps. viewer.
func (p *Panel) Job(ctx context.Context, a model.Actor, id string) (*JobDetail, error) {
	j, err := p.job(ctx, a, SeeBackends, id)
	if err != nil {
		return nil, err
	}
	q := p.Store.Read()
	// The backend first: its event number must not be newer than what is shown
	// with it, or a page that goes on from there would miss an event.
	b, err := q.BackendByID(ctx, j.BackendID)
	if err != nil {
		return nil, err
	}
	if j, err = q.JobByID(ctx, id); err != nil {
		return nil, err
	}
	d := &JobDetail{Job: *j, Backend: *b, AsOf: p.Store.Now()}
	if d.Steps, err = q.Steps(ctx, id); err != nil {
		return nil, err
	}
	if d.Sandbox, err = sandboxOf(ctx, q, b.ID); err != nil {
		return nil, err
	}
	f, err := gather(ctx, q, j, b)
	if err != nil {
		return nil, err
	}
	d.Actions, d.RolledBackBy, d.Next = f.actions(a), f.rolledBackBy(), f.next()
	if d.Typical, err = q.StepSeconds(ctx, a.TeamIDs()); err != nil {
		return nil, err
	}
	if p.Typical != nil && !d.State.Ended() {
		d.Waits = p.Typical(ctx, b.EnvironmentID)
	}
	return d, nil
}

// CancelJob asks a job to stop before its next change in AWS. An ended job
// gives CodeConflict. developer.
func (p *Panel) CancelJob(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	j, err := p.job(ctx, a, ProvisionBackends, id)
	if err != nil {
		return nil, err
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		f, err := lockFacts(ctx, q, id)
		if err != nil {
			return err
		}
		if err := f.refuseCancel(); err != nil {
			return err
		}
		if err := q.RequestCancel(ctx, id); err != nil {
			return err
		}
		return auditJob(ctx, q, a, model.AuditJobCancel, j)
	})
	if err != nil {
		return nil, err
	}
	p.Worker.Cancel(id)
	return p.Store.Read().JobByID(ctx, id)
}

// RetryJob queues a failed or cancelled job again: it goes on from the failed
// step. The role is that of the job's operation.
func (p *Panel) RetryJob(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	j, err := p.job(ctx, a, ProvisionBackends, id)
	if err != nil {
		return nil, err
	}
	if err := allow(a, PermissionFor(j.Operation), j.TeamID, "job", id); err != nil {
		return nil, err
	}
	if err := p.notEndingID(ctx, j.BackendID, j.Operation); err != nil {
		return nil, err
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		b, err := q.BackendByID(ctx, j.BackendID)
		if err != nil {
			return err
		}
		if err := p.room(ctx, q, b.TeamID, takes(b, j.Operation, j.Plan.Cost)); err != nil {
			return err
		}
		f, err := lockFacts(ctx, q, id)
		if err != nil {
			return err
		}
		if err := f.refuseRetry(); err != nil {
			return err
		}
		again, err := q.RequeueJob(ctx, id)
		if err != nil {
			return err
		}
		if err := hold(ctx, q, f.backend, again); err != nil {
			return err
		}
		return auditJob(ctx, q, a, model.AuditJobRetry, j)
	})
	if err != nil {
		return nil, err
	}
	p.Worker.Wake()
	return p.Store.Read().JobByID(ctx, id)
}
