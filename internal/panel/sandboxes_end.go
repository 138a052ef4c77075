package panel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

const (
	// maxReaped bounds what one look ends.
	maxReaped = 100
	// lookAgain is how long a sandbox whose end is under way is left alone. The
	// end of each of its jobs has it looked at sooner.
	lookAgain = time.Minute
)

// ReapSandboxes does what is due about sandboxes: it warns, and it ends those
// whose time has come, as the server itself. Each is looked at under its
// backend's lock by the clock that all replicas share, so that any number of
// replicas may do this at once, and each step is one transaction, so that a
// crash leaves none half done. It returns how many it did something about.
func (p *Panel) ReapSandboxes(ctx context.Context) (int, error) {
	ids, err := p.Store.Read().SandboxesToLookAt(ctx, maxReaped)
	if err != nil {
		return 0, fmt.Errorf("look for sandboxes: %w", err)
	}
	n := 0
	var errs []error
	for _, id := range ids {
		did, err := p.reap(ctx, id)
		if err != nil {
			errs = append(errs, fmt.Errorf("sandbox %s: %w", id, err)) // the others end all the same
		}
		if did {
			n++
		}
	}
	return n, errors.Join(errs...)
}

// reap does what is due about one sandbox now.
func (p *Panel) reap(ctx context.Context, id string) (did bool, err error) {
	var stopped string
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		did, stopped = false, ""
		now, err := q.Clock(ctx)
		if err != nil {
			return err
		}
		x, b, err := lockSandbox(ctx, q, id)
		if err != nil || x.State() == model.SandboxGone || !x.ToLookAt(now) {
			return err // another replica was faster
		}
		did = true
		warning, end := x.Due(now)
		switch {
		case end:
			p.logEnd(ctx, x, b)
			stopped, err = endStep(ctx, q, model.System(), x, b, now)
			return err
		case warning > 0:
			x.Warn(warning)
			if err := q.Notify(ctx, model.SandboxNotice(model.NoticeSandboxEnding, x, b)); err != nil {
				return err
			}
			return q.SaveSandbox(ctx, x)
		}
		x.LookAt = x.EndsAt
		return q.UpdateSandbox(ctx, x)
	})
	if err == nil && did {
		p.told(stopped)
	}
	return did && err == nil, err
}

// logEnd says aloud what the log should have: that an end begins, and that it
// did not work.
func (p *Panel) logEnd(ctx context.Context, x *model.Sandbox, b *model.Backend) {
	switch {
	case x.EndingAt.IsZero():
		p.Logger.InfoContext(ctx, "a sandbox ends", "backend", b.ID, "name", b.Name, "team", b.TeamID, "ends_at", x.EndsAt)
	case x.Problem != nil:
		p.Logger.ErrorContext(ctx, "a sandbox that has ended could not be destroyed; it is tried again",
			"backend", b.ID, "name", b.Name, "team", b.TeamID, "tries", x.Tries, "since", x.EndingAt, "problem", x.Problem)
	}
}

// endStep goes one step on the way to a sandbox's end: what works on it is
// cancelled, and once nothing does, it is destroyed. It returns the id of the
// job that it asked to stop. The backend is locked.
func endStep(ctx context.Context, q *store.Queries, a model.Actor, x *model.Sandbox, b *model.Backend, now time.Time) (stopped string, err error) {
	e := &ending{q: q, actor: a, sandbox: x, backend: b}
	begins := x.EndingAt.IsZero()
	if begins {
		x.EndingAt, x.EndedBy = now, a.Name
		if err := q.UpdateSandbox(ctx, x); err != nil { // before the end of a job is judged by it
			return "", err
		}
	}
	if b.ActiveJobID != "" {
		if stopped, err = e.stop(ctx); err != nil {
			return "", err
		}
	}
	job := b.ActiveJobID
	if e.backend.ActiveJobID == "" {
		if job, err = e.destroy(ctx); err != nil {
			return "", err
		}
	}
	x.LookAt = now.Add(lookAgain)
	if err := q.SaveSandbox(ctx, x); err != nil || !begins {
		return stopped, err
	}
	if err := q.Notify(ctx, model.SandboxNotice(model.NoticeSandboxEnded, x, e.backend)); err != nil {
		return stopped, err
	}
	change := ofSandbox(a, model.AuditSandboxEnd, b, map[string]any{"phase": b.Phase},
		map[string]any{"key": x.Key, "ends_at": x.EndsAt, "ending_at": x.EndingAt})
	change.JobID = job
	return stopped, q.Audit(ctx, change)
}

// ending is a sandbox that is being ended, in a transaction that has its
// backend's lock.
type ending struct {
	q       *store.Queries
	actor   model.Actor
	sandbox *model.Sandbox
	backend *model.Backend
}

// stop asks the job that holds the sandbox to stop, unless it deletes by itself
// or was asked before, and returns its id if it did. One that nobody works on
// has ended then.
func (e *ending) stop(ctx context.Context) (string, error) {
	j, err := e.q.JobByID(ctx, e.backend.ActiveJobID)
	if err != nil {
		return "", err
	}
	if j.Operation == model.OpDestroy || j.Operation == model.OpCleanUp || !j.CancelRequestedAt.IsZero() {
		return "", nil
	}
	if err := e.q.RequestCancel(ctx, j.ID); err != nil {
		return "", err
	}
	if e.backend, err = e.q.BackendForUpdate(ctx, e.backend.ID); err != nil {
		return "", err
	}
	return j.ID, auditJob(ctx, e.q, e.actor, model.AuditJobCancel, j)
}

// destroy queues the job that destroys the sandbox.
func (e *ending) destroy(ctx context.Context) (string, error) {
	have, err := e.q.Resources(ctx, e.backend.ID)
	if err != nil {
		return "", err
	}
	job, err := queue(ctx, e.q, e.actor, e.backend, provision.DestroyPlan(e.backend, have))
	if err != nil {
		return "", err
	}
	e.sandbox.Tries++
	return job.ID, nil
}
