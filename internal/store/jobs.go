package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"drawbridge/internal/model"
)

const jobColumns = `id, backend_id, team_id, operation, state, why, plan, problem, actor, undoes, roll_back_by, attempt, failures,
	cancel_requested_at, run_after, created_at, started_at, finished_at, lease_holder, lease_term, lease_expires`

func scanJob(s scanner) (*model.Job, error) {
	var j model.Job
	err := s.Scan(&j.ID, &j.BackendID, &j.TeamID, &j.Operation, &j.State, &j.Why, jsonColumn{&j.Plan},
		jsonColumn{&j.Problem}, &j.Actor, &j.Undoes, &j.RollBackBy, &j.Attempt, &j.Failures, millis{&j.CancelRequestedAt}, millis{&j.RunAfter},
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
		 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		j.ID, j.BackendID, j.TeamID, j.Operation, j.State, j.Why, texts[0], texts[1], j.Actor, j.Undoes, j.RollBackBy, j.Attempt, j.Failures,
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
			started_at = $8, finished_at = $9, lease_holder = $10, lease_expires = $11, roll_back_by = $12
		 WHERE id = $1`,
		j.ID, j.State, j.Why, problem, j.Failures, ms(j.CancelRequestedAt), ms(j.RunAfter),
		ms(j.StartedAt), ms(j.FinishedAt), j.LeaseHolder, ms(j.LeaseExpires), j.RollBackBy)
	return taken(err, "Another job holds this backend. Wait until it has ended, or cancel it.")
}

// JobByID returns one job.
func (q *Queries) JobByID(ctx context.Context, id string) (*model.Job, error) {
	j, err := scanJob(q.row(ctx, "read job", `SELECT `+jobColumns+` FROM jobs WHERE id = $1`, id))
	return found(j, err, "job", id)
}

// JobsByID returns the jobs with the ids, by id.
func (q *Queries) JobsByID(ctx context.Context, ids []string) (map[string]model.Job, error) {
	c := &condition{}
	c.in(`id`, ids)
	return pairs(q.rows(ctx, "list jobs by id", `SELECT `+jobColumns+` FROM jobs WHERE `+c.where(), c.args...),
		func(s scanner, k *string, v *model.Job) error {
			j, err := scanJob(s)
			*k, *v = j.ID, *j
			return err
		})
}

// JobsByBackend lists a backend's jobs, newest first, at most limit.
func (q *Queries) JobsByBackend(ctx context.Context, backendID string, limit int) ([]model.Job, error) {
	return collect(q.rows(ctx, "list jobs",
		`SELECT `+jobColumns+` FROM jobs WHERE backend_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`,
		backendID, limit), scanJob)
}

// JobsOf lists those of a backend's jobs that are selected, newest first unless it says otherwise.
func (q *Queries) JobsOf(ctx context.Context, backendID string, s model.Selection) ([]model.Job, error) {
	if err := q.goesOn(ctx, `jobs`, backendID, s.After); err != nil {
		return nil, err
	}
	c := &condition{}
	c.add(`backend_id = ?`, backendID)
	if s.State != "" {
		c.add(`state = ?`, s.State)
	}
	if s.What != "" {
		c.add(`operation = ?`, s.What)
	}
	if s.After != "" {
		c.add(`(created_at, id) `+beyond(!s.OldestFirst)+` (SELECT created_at, id FROM jobs WHERE id = ?)`, s.After)
	}
	return collect(q.rows(ctx, "list jobs", `SELECT `+jobColumns+` FROM jobs WHERE `+c.where()+
		orderBy(`created_at`, `id`, !s.OldestFirst)+` LIMIT `+strconv.Itoa(s.Limit), c.args...), scanJob)
}

// CleanUps lists an environment's newest clean-ups, newest first, at most limit.
func (q *Queries) CleanUps(ctx context.Context, environmentID string, limit int) ([]model.Job, error) {
	return collect(q.rows(ctx, "list clean-ups",
		`SELECT `+jobColumns+` FROM jobs WHERE operation = 'clean_up' AND backend_id IN (SELECT id FROM backends WHERE environment_id = $1)
		 ORDER BY created_at DESC, id DESC LIMIT $2`, environmentID, limit), scanJob)
}

// ActiveJobs counts the jobs that have not ended.
func (q *Queries) ActiveJobs(ctx context.Context) ([]model.JobCount, error) {
	return collect(q.rows(ctx, "count jobs",
		`SELECT operation, state, COUNT(*) FROM jobs WHERE state IN ('queued', 'running', 'waiting')
		 GROUP BY operation, state ORDER BY operation, state`),
		func(s scanner) (*model.JobCount, error) {
			var c model.JobCount
			return &c, s.Scan(&c.Operation, &c.State, &c.Jobs)
		})
}

// QueuePositions tells each queued job's place in the queue, from 1.
func (q *Queries) QueuePositions(ctx context.Context) (map[string]int, error) {
	return pairs(q.rows(ctx, "list the queue",
		`SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, id) FROM jobs WHERE state = 'queued'`),
		func(s scanner, k *string, v *int) error { return s.Scan(k, v) })
}

// lockJob locks a job's backend and then the job, and returns both.
func (q *Queries) lockJob(ctx context.Context, id string) (*model.Job, *model.Backend, error) {
	var backendID string // never changes
	_, err := found(&backendID, q.row(ctx, "read job", `SELECT backend_id FROM jobs WHERE id = $1`, id).Scan(&backendID), "job", id)
	if err != nil {
		return nil, nil, err
	}
	b, err := q.BackendForUpdate(ctx, backendID)
	if err != nil {
		return nil, nil, err
	}
	j, err := scanJob(q.row(ctx, "lock job", `SELECT `+jobColumns+` FROM jobs WHERE id = $1`+q.forUpdate(), id))
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
		Plan: j.Plan, Actor: j.Actor, Undoes: j.Undoes, Attempt: j.Attempt, CreatedAt: j.CreatedAt, LeaseTerm: j.LeaseTerm,
	}
	q.notify(NoticeQueued, "")
	return j, q.updateJob(ctx, j)
}

// RequestCancel asks a job to stop before its next change in AWS. One that
// nobody works on is cancelled at once. An ended job is a conflict; asking
// twice is not.
func (q *Queries) RequestCancel(ctx context.Context, id string) error {
	return q.stop(ctx, id, "")
}

// RequestRollBack is RequestCancel, and has the job rolled back as soon as it
// has ended, however it ends: that was asked for while it was under way.
func (q *Queries) RequestRollBack(ctx context.Context, id, by string) error {
	return q.stop(ctx, id, by)
}

func (q *Queries) stop(ctx context.Context, id, rollBackBy string) error {
	j, b, err := q.lockJob(ctx, id)
	if err != nil {
		return err
	}
	if j.State.Ended() {
		return model.Errorf(model.CodeConflict, "The job has ended already (%s), so there is nothing to cancel.", j.State)
	}
	if !j.CancelRequestedAt.IsZero() && (rollBackBy == "" || j.RollBackBy != "") {
		return nil
	}
	if j.CancelRequestedAt.IsZero() {
		j.CancelRequestedAt = q.now()
	}
	j.RollBackBy = cmp.Or(j.RollBackBy, rollBackBy)
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
	have, err := q.holdings(ctx, j)
	if err != nil {
		return err
	}
	before := *b
	b.Phase = b.Phase.Next(j.Operation, j.State, have)
	b.ActiveJobID = j.ID
	if j.State.Ended() {
		b.ActiveJobID = ""
	}
	if j.State.Ended() && j.RollBackBy != "" {
		if err := q.rollBackNext(ctx, j, b); err != nil {
			return err
		}
	}
	if b.Phase == model.PhaseDestroyed {
		b.InvokeURL = ""
	}
	if j.State.Ended() {
		if err := q.notifyEnded(ctx, j, b, before.Phase); err != nil {
			return err
		}
	}
	if b.Phase != before.Phase || b.ActiveJobID != before.ActiveJobID || b.InvokeURL != before.InvokeURL {
		if err := q.saveBackend(ctx, b); err != nil {
			return err
		}
	}
	return q.sandboxFollows(ctx, j, b)
}

// rollBackNext queues the roll back of a job that has just ended and gives it
// the backend. It is planned when it is taken up; see PlanJob.
func (q *Queries) rollBackNext(ctx context.Context, ended *model.Job, b *model.Backend) error {
	next := &model.Job{BackendID: b.ID, TeamID: b.TeamID, Operation: model.OpRollBack, Actor: ended.RollBackBy,
		Undoes: ended.ID, CreatedAt: later(q.now(), ended.CreatedAt)}
	if err := q.InsertJob(ctx, next); err != nil {
		return err
	}
	b.ActiveJobID, b.Phase = next.ID, model.PhaseAfter(next.Operation, next.State, model.Holdings{})
	return q.AppendJob(ctx, next)
}

// later is now, or just after then: jobs are ordered by when they were made.
func later(now, then time.Time) time.Time {
	if now.After(then) {
		return now
	}
	return then.Add(time.Millisecond)
}

// chainOperations are those that leave a chain as it is wanted when they succeed.
const chainOperations = `'provision', 'update', 'sleep', 'wake'`

// holdings is what the job's backend has, as far as the job's state asks for it.
func (q *Queries) holdings(ctx context.Context, j *model.Job) (model.Holdings, error) {
	var have model.Holdings
	if j.State != model.JobCancelled && j.Operation != model.OpRollBack || !j.State.Ended() {
		return have, nil
	}
	resources, err := q.Resources(ctx, j.BackendID)
	if err != nil {
		return have, err
	}
	ready := map[string]bool{}
	for _, r := range resources {
		if r.Ownership == model.OwnershipManaged && r.State != model.ResourceGone {
			have.Managed++
		}
		ready[r.Key] = r.State == model.ResourceReady
	}
	have.Whole, have.Asleep, err = q.whole(ctx, j.BackendID, ready)
	return have, err
}

// whole tells whether all that the newest successful job wanted of the chain is
// ready, and whether that job put it to sleep.
func (q *Queries) whole(ctx context.Context, backendID string, ready map[string]bool) (whole, asleep bool, err error) {
	last, err := scanJob(q.row(ctx, "read the last successful job of a chain",
		`SELECT `+jobColumns+` FROM jobs WHERE backend_id = $1 AND operation IN (`+chainOperations+`) AND state = 'succeeded'
		 ORDER BY created_at DESC, id DESC LIMIT 1`, backendID))
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	if err != nil || last.Plan == nil {
		return false, false, err
	}
	for _, item := range last.Plan.Items {
		if item.Action != model.ActionDelete && item.Action != model.ActionLetGo && !ready[item.Key] {
			return false, false, nil
		}
	}
	return true, last.Operation == model.OpSleep, nil
}

// saveBackend saves a changed backend and its event.
func (q *Queries) saveBackend(ctx context.Context, b *model.Backend) error {
	if err := q.UpdateBackend(ctx, b); err != nil {
		return err
	}
	return q.AppendBackend(ctx, b)
}
