// Package jobs runs jobs: it claims a queued one under a lease, keeps the
// lease alive, hands the job to the handler of its operation and records how
// it ended. It imports model only; the database is behind Store.
package jobs

import (
	"context"
	"time"

	"drawbridge/internal/model"
)

// Store is the lease table. Every method is one transaction. Methods that take
// a Lease return model.ErrLeaseLost, and write nothing, when the row's holder
// and term are not the lease's. The clock is the database's on PostgreSQL and
// the process's on SQLite.
type Store interface {
	// ClaimJob takes the job that waits longest among those that are queued,
	// or waiting with run_after in the past, or running with an expired
	// lease. It sets the holder, adds one to the term, moves it to running,
	// and writes the job's event and the backend's phase. nil means none.
	ClaimJob(ctx context.Context, holder string, lease time.Duration) (*model.Job, error)
	// HeartbeatJob extends the lease and tells whether cancel was requested.
	HeartbeatJob(ctx context.Context, l model.Lease, lease time.Duration) (cancel bool, err error)
	// FinishJob ends the holder's run: state, problem, event, and the
	// backend's phase (model.PhaseAfter) and active job, in one transaction.
	FinishJob(ctx context.Context, l model.Lease, o model.Outcome) error
	// ReleaseJobs makes every running job claimable at once. It is called at
	// start where one process owns the database (SQLite).
	ReleaseJobs(ctx context.Context) (int, error)
}

// Handler carries out one claimed job. It returns nil (succeeded), an error
// made by Fatal, model.ErrCancelled, model.ErrLeaseLost, or any other error,
// which means "try again with jitter". When ctx ends with
// ErrStopping as its cause, it returns soon and the job stays resumable.
type Handler func(ctx context.Context, job *model.Job) error
