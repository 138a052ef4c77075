package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

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
		j, b, err := q.fence(ctx, l)
		if err != nil {
			return err
		}
		if !j.CancelRequestedAt.IsZero() {
			return model.ErrCancelled
		}
		return q.record(ctx, b, step, r)
	})
}

// Save records what became of a step; see provision.Journal.
func (s *Store) Save(ctx context.Context, l model.Lease, step *model.Step, r *model.Resource) error {
	return s.InTx(ctx, func(q *Queries) error {
		_, b, err := q.fence(ctx, l)
		if err != nil {
			return err
		}
		return q.record(ctx, b, step, r)
	})
}

// record writes a step and its resource with their events, and the backend
// when its invoke URL comes or goes with them.
func (q *Queries) record(ctx context.Context, b *model.Backend, step *model.Step, r *model.Resource) error {
	if err := q.UpsertStep(ctx, step); err != nil {
		return err
	}
	e := &model.Event{BackendID: b.ID, Type: model.EventStep, JobID: step.JobID, Key: step.Key}
	if err := q.append(ctx, e, step); err != nil {
		return err
	}
	if r == nil {
		return nil
	}
	if err := q.recordResource(ctx, step.JobID, r); err != nil {
		return err
	}
	url, ok := r.Outputs[invokeURL]
	if !ok {
		return nil
	}
	if r.State == model.ResourceGone {
		url = ""
	}
	if url == b.InvokeURL {
		return nil
	}
	b.InvokeURL = url
	return q.saveBackend(ctx, b)
}

// recordResource writes a resource and its event, if anything about it is new.
func (q *Queries) recordResource(ctx context.Context, jobID string, r *model.Resource) error {
	known, err := q.resource(ctx, r.BackendID, r.Key)
	if err != nil && model.CodeOf(err) != model.CodeNotFound {
		return err
	}
	if err == nil && sameResource(known, r) {
		return nil
	}
	if err := q.UpsertResource(ctx, r); err != nil {
		return err
	}
	e := &model.Event{BackendID: r.BackendID, Type: model.EventResource, JobID: jobID, Key: r.Key}
	return q.append(ctx, e, r)
}

// sameResource tells whether two resources differ in nothing but when they were written.
func sameResource(a, b *model.Resource) bool {
	x, y := *a, *b
	x.UpdatedAt, y.UpdatedAt = time.Time{}, time.Time{}
	x.CreatedAt, y.CreatedAt = x.CreatedAt.Truncate(time.Millisecond), y.CreatedAt.Truncate(time.Millisecond)
	xs, errX := json.Marshal(x)
	ys, errY := json.Marshal(y)
	return errX == nil && errY == nil && bytes.Equal(xs, ys)
}
