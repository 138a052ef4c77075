package store

import (
	"context"

	"drawbridge/internal/model"
)

const jobColumns = `id, backend_id, team_id, operation, state, why, plan, problem, actor, attempt, failures,
	cancel_requested_at, run_after, created_at, started_at, finished_at, lease_holder, lease_term, lease_expires`

func scanJob(s scanner) (*model.Job, error) {
	var j model.Job
	err := s.Scan(&j.ID, &j.BackendID, &j.TeamID, &j.Operation, &j.State, &j.Why, jsonColumn{&j.Plan},
		jsonColumn{&j.Problem}, &j.Actor, &j.Attempt, &j.Failures, millis{&j.CancelRequestedAt}, millis{&j.RunAfter},
		millis{&j.CreatedAt}, millis{&j.StartedAt}, millis{&j.FinishedAt}, &j.LeaseHolder, &j.LeaseTerm,
		millis{&j.LeaseExpires})
	return &j, err
}

// InsertJob saves a new job; that the backend is held by it, and the events,
// are the caller's to write. An empty id, state or time is filled in. A
// backend that has a job under way is a conflict.
func (q *Queries) InsertJob(ctx context.Context, j *model.Job) error {
	texts, err := jsonArgs(j.Plan, j.Problem)
	if err != nil {
		return err
	}
	q.fresh(&j.ID, model.PrefixJob, &j.CreatedAt)
	if j.State == "" {
		j.State = model.JobQueued
	}
	_, err = q.exec(ctx, "insert job",
		`INSERT INTO jobs (`+jobColumns+`)
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		j.ID, j.BackendID, j.TeamID, j.Operation, j.State, j.Why, texts[0], texts[1], j.Actor, j.Attempt, j.Failures,
		ms(j.CancelRequestedAt), ms(j.RunAfter), ms(j.CreatedAt), ms(j.StartedAt), ms(j.FinishedAt),
		j.LeaseHolder, j.LeaseTerm, ms(j.LeaseExpires))
	q.notify(NoticeQueued, "")
	return taken(err, "Another job holds this backend. Wait until it has ended, or cancel it.")
}

// updateJob saves what changes in a job's life. Its lease term only ClaimJob changes.
func (q *Queries) updateJob(ctx context.Context, j *model.Job) error {
	problem, err := jsonText(j.Problem)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "update job",
		`UPDATE jobs SET state = $2, why = $3, problem = $4, failures = $5, cancel_requested_at = $6, run_after = $7,
			started_at = $8, finished_at = $9, lease_holder = $10, lease_expires = $11
		 WHERE id = $1`,
		j.ID, j.State, j.Why, problem, j.Failures, ms(j.CancelRequestedAt), ms(j.RunAfter),
		ms(j.StartedAt), ms(j.FinishedAt), j.LeaseHolder, ms(j.LeaseExpires))
	return taken(err, "Another job holds this backend. Wait until it has ended, or cancel it.")
}

// JobByID returns one job.
func (q *Queries) JobByID(ctx context.Context, id string) (*model.Job, error) {
	j, err := scanJob(q.row(ctx, "read job", `SELECT `+jobColumns+` FROM jobs WHERE id = $1`, id))
	return found(j, err, "job", id)
}

// JobsByBackend lists a backend's jobs, newest first, at most limit.
func (q *Queries) JobsByBackend(ctx context.Context, backendID string, limit int) ([]model.Job, error) {
	return collect(q.rows(ctx, "list jobs",
		`SELECT `+jobColumns+` FROM jobs WHERE backend_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
		backendID, limit), scanJob)
}

// lockJob locks a job's backend and then the job, and returns both.
func (q *Queries) lockJob(ctx context.Context, id string) (*model.Job, *model.Backend, error) {
	j, err := q.JobByID(ctx, id) // a job's backend never changes
	if err != nil {
		return nil, nil, err
	}
	b, err := q.BackendForUpdate(ctx, j.BackendID)
	if err != nil {
		return nil, nil, err
	}
	j, err = scanJob(q.row(ctx, "lock job", `SELECT `+jobColumns+` FROM jobs WHERE id = $1`+q.forUpdate(), id))
	j, err = found(j, err, "job", id)
	return j, b, err
}

// RequeueJob queues a failed or cancelled job again: it goes on from the
// failed step. What belongs to it is the caller's to write, as with InsertJob.
// Any other job, and one whose backend has a job under way, is a conflict.
func (q *Queries) RequeueJob(ctx context.Context, id string) (*model.Job, error) {
	j, _, err := q.lockJob(ctx, id)
	if err != nil {
		return nil, err
	}
	if j.State != model.JobFailed && j.State != model.JobCancelled {
		return nil, model.Errorf(model.CodeConflict, "Only a failed or cancelled job can be retried; this one is %s.", j.State)
	}
	j = &model.Job{
		ID: j.ID, BackendID: j.BackendID, TeamID: j.TeamID, Operation: j.Operation, State: model.JobQueued,
		Plan: j.Plan, Actor: j.Actor, Attempt: j.Attempt, CreatedAt: j.CreatedAt, LeaseTerm: j.LeaseTerm,
	}
	q.notify(NoticeQueued, "")
	return j, q.updateJob(ctx, j)
}

// RequestCancel asks a job to stop before its next change in AWS. One that
// nobody works on is cancelled at once. An ended job is a conflict; asking
// twice is not.
func (q *Queries) RequestCancel(ctx context.Context, id string) error {
	j, b, err := q.lockJob(ctx, id)
	if err != nil {
		return err
	}
	if j.State.Ended() {
		return model.Errorf(model.CodeConflict, "The job has ended already (%s), so there is nothing to cancel.", j.State)
	}
	if !j.CancelRequestedAt.IsZero() {
		return nil
	}
	j.CancelRequestedAt = q.now()
	if j.State != model.JobRunning {
		j.State, j.Why, j.FinishedAt = model.JobCancelled, "", j.CancelRequestedAt
	} else {
		q.notify(NoticeCancel, id)
	}
	if err := q.updateJob(ctx, j); err != nil {
		return err
	}
	return q.jobEntered(ctx, j, b)
}

// jobEntered writes what follows from the state that a job has entered: the
// job's event, and the backend's phase, holder and event when they change.
func (q *Queries) jobEntered(ctx context.Context, j *model.Job, b *model.Backend) error {
	if err := q.AppendJob(ctx, j); err != nil {
		return err
	}
	managed, err := q.managedResources(ctx, b.ID)
	if err != nil {
		return err
	}
	before := *b
	b.Phase = model.PhaseAfter(j.Operation, j.State, managed)
	b.ActiveJobID = j.ID
	if j.State.Ended() {
		b.ActiveJobID = ""
	}
	if b.Phase == model.PhaseDestroyed {
		b.InvokeURL = ""
	}
	if b.Phase == before.Phase && b.ActiveJobID == before.ActiveJobID && b.InvokeURL == before.InvokeURL {
		return nil
	}
	return q.saveBackend(ctx, b)
}

// saveBackend saves a changed backend and its event.
func (q *Queries) saveBackend(ctx context.Context, b *model.Backend) error {
	if err := q.UpdateBackend(ctx, b); err != nil {
		return err
	}
	return q.AppendBackend(ctx, b)
}
