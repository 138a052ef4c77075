package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"drawbridge/internal/model"
)

// invokeURL is the output of a resource that becomes its backend's invoke URL.
const invokeURL = "invoke_url"

// Load returns all that a run of a job needs to know; see provision.Journal.
func (s *Store) Load(ctx context.Context, l model.Lease) (*model.Record, error) {
	rec := &model.Record{Resources: map[string]*model.Resource{}}
	err := s.InTx(ctx, func(q *Queries) error {
		var err error
		if rec.Job, rec.Backend, err = q.fence(ctx, l); err != nil {
			return err
		}
		if rec.Environment, err = q.EnvironmentByID(ctx, rec.Backend.EnvironmentID); err != nil {
			return err
		}
		steps, err := q.Steps(ctx, l.JobID)
		if err != nil {
			return err
		}
		for i := range steps {
			rec.Steps = append(rec.Steps, &steps[i])
		}
		resources, err := q.Resources(ctx, rec.Backend.ID)
		for i := range resources {
			rec.Resources[resources[i].Key] = &resources[i]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load job %s: %w", l.JobID, err)
	}
	return rec, nil
}

// PlanJob gives a job that was queued without a plan the one that plan makes,
// and its steps, in one transaction. A job that has its plan keeps it.
func (s *Store) PlanJob(ctx context.Context, l model.Lease, plan func(b *model.Backend, have []model.Resource) (*model.Plan, []model.Step)) error {
	return s.InTx(ctx, func(q *Queries) error {
		j, b, err := q.fence(ctx, l)
		if err != nil || j.Plan != nil {
			return err
		}
		have, err := q.Resources(ctx, b.ID)
		if err != nil {
			return err
		}
		var steps []model.Step
		j.Plan, steps = plan(b, have)
		text, err := jsonText(j.Plan)
		if err != nil {
			return err
		}
		if _, err := q.exec(ctx, "plan job", `UPDATE jobs SET plan = $2 WHERE id = $1`, j.ID, text); err != nil {
			return err
		}
		for i := range steps {
			if err := q.UpsertStep(ctx, &steps[i]); err != nil {
				return err
			}
		}
		return q.AppendJob(ctx, j)
	})
}

// Begin records the intent of a step; see provision.Journal.
func (s *Store) Begin(ctx context.Context, l model.Lease, step *model.Step, r *model.Resource) error {
	return s.InTx(ctx, func(q *Queries) error {
		b, cancelled, err := q.stepFence(ctx, l)
		if err != nil {
			return err
		}
		if cancelled {
			return model.ErrCancelled
		}
		return q.record(ctx, b, step, r)
	})
}

// Save records what became of a step; see provision.Journal.
func (s *Store) Save(ctx context.Context, l model.Lease, step *model.Step, r *model.Resource) error {
	return s.InTx(ctx, func(q *Queries) error {
		b, _, err := q.stepFence(ctx, l)
		if err != nil {
			return err
		}
		return q.record(ctx, b, step, r)
	})
}

// stepBackend is what the record of a step must know of its backend.
type stepBackend struct{ id, invokeURL string }

// stepFence is fence for the writes of which a job has dozens: it reads
// neither the plan nor the spec. It tells too whether cancel was requested.
func (q *Queries) stepFence(ctx context.Context, l model.Lease) (b stepBackend, cancelled bool, err error) {
	err = q.row(ctx, "lock backend",
		`SELECT id, invoke_url FROM backends WHERE id = (SELECT backend_id FROM jobs WHERE id = $1)`+q.forUpdate(),
		l.JobID).Scan(&b.id, &b.invokeURL)
	if err == nil {
		err = q.row(ctx, "lock job",
			`SELECT cancel_requested_at > 0 FROM jobs
			 WHERE id = $1 AND state = 'running' AND lease_holder = $2 AND lease_term = $3`+q.forUpdate(),
			l.JobID, l.Holder, l.Term).Scan(&cancelled)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = model.ErrLeaseLost
	}
	return b, cancelled, err
}

// record writes a step and its resource with their events, and the backend
// when its invoke URL comes or goes with them.
func (q *Queries) record(ctx context.Context, b stepBackend, step *model.Step, r *model.Resource) error {
	if err := q.UpsertStep(ctx, step); err != nil {
		return err
	}
	told := []telling{{model.Event{BackendID: b.id, Type: model.EventStep, JobID: step.JobID, Key: step.Key}, step}}
	if r == nil {
		return q.appendAll(ctx, told)
	}
	changed, err := q.writeResource(ctx, r)
	if err != nil {
		return err
	}
	if changed {
		told = append(told, telling{model.Event{BackendID: b.id, Type: model.EventResource, JobID: step.JobID, Key: r.Key}, r})
	}
	if err := q.appendAll(ctx, told); err != nil {
		return err
	}
	return q.saveInvokeURL(ctx, b, r)
}

// saveInvokeURL gives the backend the URL that the resource brings, or takes
// it away with a resource that is gone.
func (q *Queries) saveInvokeURL(ctx context.Context, b stepBackend, r *model.Resource) error {
	url, ok := r.Outputs[invokeURL]
	if !ok {
		return nil
	}
	if r.State == model.ResourceGone {
		url = ""
	}
	if url == b.invokeURL {
		return nil
	}
	backend, err := q.BackendForUpdate(ctx, b.id)
	if err != nil {
		return err
	}
	backend.InvokeURL = url
	return q.saveBackend(ctx, backend)
}
