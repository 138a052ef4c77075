package panel

import (
	"context"
	"errors"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// RollBackPlan shows what rolling the job back would delete and what it would
// keep, or, as a finding that blocks it, why it cannot be. It changes nothing. viewer.
func (p *Panel) RollBackPlan(ctx context.Context, a model.Actor, id string) (*model.Plan, error) {
	j, err := p.job(ctx, a, SeeBackends, id)
	if err != nil {
		return nil, err
	}
	f, err := factsOf(ctx, p.Store.Read(), j)
	if err != nil {
		return nil, err
	}
	var refusal *model.Error
	if errors.As(f.refuseRollBack(), &refusal) {
		return &model.Plan{BackendID: f.backend.ID, SpecVersion: f.backend.SpecVersion, Operation: model.OpRollBack,
			Findings: []model.Finding{{Severity: model.SeverityError, Message: refusal.Message}}}, nil
	}
	plan := provision.RollBackPlan(f.backend, j.ID, f.resources)
	if !j.State.Ended() {
		plan.Findings = append(plan.Findings, model.Finding{Severity: model.SeverityWarning,
			Message: "The job is still under way: it is cancelled first.",
			Advice:  "What it makes until it has stopped is deleted, too."})
	}
	return plan, nil
}

// RollBack deletes what the job made and still exists, and nothing else. It
// returns the job that does so; for a job that is at work this moment it
// returns that one, which stops before its next change in AWS and is followed
// by its roll back. Asked again meanwhile, it returns the same. developer.
func (p *Panel) RollBack(ctx context.Context, a model.Actor, id string) (*model.Job, error) {
	j, err := p.job(ctx, a, ProvisionBackends, id)
	if err != nil {
		return nil, err
	}
	next := id
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		f, err := lockFacts(ctx, q, id)
		if err != nil {
			return err
		}
		if by := f.rolledBackBy(); by != "" && by == f.backend.ActiveJobID {
			next = by
			return nil
		}
		if err := f.refuseRollBack(); err != nil {
			return err
		}
		if next, err = f.rollBack(ctx, q, a); err != nil {
			return err
		}
		return auditJob(ctx, q, a, model.AuditRollBack, j)
	})
	if err != nil {
		return nil, err
	}
	p.Worker.Cancel(id)
	p.Worker.Wake()
	return p.Store.Read().JobByID(ctx, next)
}

// rollBack queues the roll back, or asks for it, and returns the id of the job
// to look at.
func (f *jobFacts) rollBack(ctx context.Context, q *store.Queries, a model.Actor) (string, error) {
	if !f.job.State.Ended() {
		if err := q.RequestRollBack(ctx, f.job.ID, a.Name); err != nil {
			return "", err
		}
		b, err := q.BackendByID(ctx, f.backend.ID)
		if err != nil {
			return "", err
		}
		return b.ActiveJobID, nil // already the roll back's when nobody worked on the job
	}
	job := newJob(a, f.backend, provision.RollBackPlan(f.backend, f.job.ID, f.resources))
	job.Undoes = f.job.ID
	return job.ID, insertJob(ctx, q, f.backend, job)
}
