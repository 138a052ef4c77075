package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/internal/model"
)

// claimable is the condition under which a job may be taken at $1. A waiting
// one's lease_expires is when it began to wait: where that is still to come, the
// process's clock was set back, and nobody knows how much is left of the wait.
const claimable = `(state = 'queued'
	OR state = 'waiting' AND (run_after <= $1 OR lease_expires > $1)
	OR state = 'running' AND lease_expires <= $1)`

// claimTries is how often ClaimJob looks again when another process took the
// job that it had found.
const claimTries = 3

// ClaimJob takes the job that waits longest; see jobs.Store.
func (s *Store) ClaimJob(ctx context.Context, holder string, lease time.Duration) (*model.Job, error) {
	var job *model.Job
	err := s.InTx(ctx, func(q *Queries) error {
		now, err := q.leaseNow(ctx)
		if err != nil {
			return err
		}
		for range claimTries {
			job, err = q.claim(ctx, now, holder, lease)
			if err != nil || job != nil {
				break
			}
		}
		if err != nil || job == nil {
			return err
		}
		b, err := q.BackendForUpdate(ctx, job.BackendID)
		if err != nil {
			return err
		}
		return q.jobEntered(ctx, job, b)
	})
	if err != nil {
		return nil, fmt.Errorf("claim a job: %w", err)
	}
	return job, nil
}

// claim takes one job, or none. On PostgreSQL the inner SELECT locks the job's
// backend, which orders the locks as everywhere, and passes over those that
// are locked; the outer condition looks at the job again under its own lock.
func (q *Queries) claim(ctx context.Context, now time.Time, holder string, lease time.Duration) (*model.Job, error) {
	lock := ""
	if q.store.dialect == PostgreSQL {
		lock = `FOR UPDATE OF backends SKIP LOCKED`
	}
	j, err := scanJob(q.row(ctx, "claim job",
		`UPDATE jobs SET state = 'running', attempt = attempt + 1, run_after = 0,
			why = CASE WHEN state = 'running' AND lease_holder <> ''
				THEN 'Taken over from ' || lease_holder || ', which stopped answering.' ELSE '' END,
			started_at = CASE WHEN started_at = 0 THEN $1 ELSE started_at END,
			lease_holder = $2, lease_term = lease_term + 1, lease_expires = $3
		 WHERE id = (
			SELECT jobs.id FROM jobs JOIN backends ON backends.id = jobs.backend_id
			WHERE `+claimable+`
			ORDER BY CASE state WHEN 'running' THEN lease_expires WHEN 'waiting' THEN run_after
				ELSE jobs.created_at END, jobs.id
			LIMIT 1 `+lock+`
		 ) AND `+claimable+`
		 RETURNING `+jobColumns,
		ms(now), holder, ms(now.Add(lease))))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return j, err
}

// HeartbeatJob extends the lease; see jobs.Store.
func (s *Store) HeartbeatJob(ctx context.Context, l model.Lease, lease time.Duration) (cancel bool, err error) {
	err = s.InTx(ctx, func(q *Queries) error {
		now, err := q.leaseNow(ctx)
		if err != nil {
			return err
		}
		var requested time.Time
		err = q.row(ctx, "extend lease",
			`UPDATE jobs SET lease_expires = $4 WHERE id = $1 AND lease_holder = $2 AND lease_term = $3
			 RETURNING cancel_requested_at`,
			l.JobID, l.Holder, l.Term, ms(now.Add(lease))).Scan(millis{&requested})
		if errors.Is(err, sql.ErrNoRows) {
			return model.ErrLeaseLost
		}
		cancel = !requested.IsZero()
		return err
	})
	return cancel, err
}

// FinishJob ends the holder's run; see jobs.Store. A job that would wait, but
// whose cancel was requested, is cancelled instead.
func (s *Store) FinishJob(ctx context.Context, l model.Lease, o model.Outcome) error {
	if !o.State.Ended() && o.State != model.JobWaiting {
		return fmt.Errorf("finish job %s: %q is no outcome", l.JobID, o.State)
	}
	return s.InTx(ctx, func(q *Queries) error {
		j, b, err := q.fence(ctx, l)
		if err != nil {
			return err
		}
		now, err := q.leaseNow(ctx)
		if err != nil {
			return err
		}
		j.LeaseHolder, j.LeaseExpires = "", time.Time{}
		if o.State == model.JobWaiting && !j.CancelRequestedAt.IsZero() {
			o = model.Outcome{State: model.JobCancelled}
		}
		j.State, j.Why, j.Problem = o.State, o.Why, o.Problem
		if o.State == model.JobWaiting {
			j.RunAfter, j.LeaseExpires = now.Add(o.Delay), now
			if o.Delay == 0 { // its holder stops, and another may take it now
				q.notify(NoticeQueued, "")
			}
			if j.Failures++; !o.Retry {
				j.Failures = 0
			}
		} else {
			j.FinishedAt = now
		}
		if err := q.updateJob(ctx, j); err != nil {
			return err
		}
		return q.jobEntered(ctx, j, b)
	})
}

// ReleaseJobs makes every running job claimable at once; see jobs.Store. It
// takes the leases away, so that a holder that still lives can write nothing.
func (s *Store) ReleaseJobs(ctx context.Context) (int, error) {
	var n int64
	err := s.InTx(ctx, func(q *Queries) error {
		var err error
		n, err = q.exec(ctx, "release jobs",
			`UPDATE jobs SET lease_expires = 0, lease_holder = '' WHERE state = 'running'`)
		return err
	})
	return int(n), err
}

// fence locks the lease's job and its backend, and returns model.ErrLeaseLost
// unless the lease is the one that the row has.
func (q *Queries) fence(ctx context.Context, l model.Lease) (*model.Job, *model.Backend, error) {
	j, b, err := q.lockJob(ctx, l.JobID)
	if model.CodeOf(err) == model.CodeNotFound {
		return nil, nil, model.ErrLeaseLost
	}
	if err != nil {
		return nil, nil, err
	}
	if j.State != model.JobRunning || j.LeaseHolder != l.Holder || j.LeaseTerm != l.Term {
		return nil, nil, model.ErrLeaseLost
	}
	return j, b, nil
}
