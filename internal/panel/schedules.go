package panel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

const (
	// maxScheduled bounds what one look does.
	maxScheduled = 100
	// heldFor is how long a backend is left alone that a job holds.
	heldFor = 10 * time.Second
)

// FollowSchedules has backends wake and sleep whose time has come, as the
// server itself. Each is looked at under its backend's lock by the clock that
// all replicas share; its job and its next transition are saved in one
// transaction. So any number of replicas may do this at once, a crash does
// neither lose a transition nor repeat one, and of several that were missed
// the newest is done. It returns how many jobs it queued.
func (p *Panel) FollowSchedules(ctx context.Context) (int, error) {
	q := p.Store.Read()
	ids, err := q.NewSchedules(ctx, maxScheduled)
	if err != nil {
		return 0, fmt.Errorf("look for new schedules: %w", err)
	}
	now, err := q.Clock(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	due, err := q.DueSchedules(ctx, now, maxScheduled)
	if err != nil {
		return 0, fmt.Errorf("look for due schedules: %w", err)
	}
	n := 0
	var errs []error
	for _, id := range append(ids, due...) {
		queued, err := p.follow(ctx, id)
		if err != nil {
			errs = append(errs, fmt.Errorf("backend %s: %w", id, err)) // the others go on all the same
		}
		if queued {
			n++
		}
	}
	if n > 0 {
		p.Worker.Wake()
	}
	return n, errors.Join(errs...)
}

// follow does what the schedule of one backend asks for now.
func (p *Panel) follow(ctx context.Context, id string) (queued bool, err error) {
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		queued = false
		b, err := q.BackendForUpdate(ctx, id)
		if err != nil {
			return err
		}
		now, err := q.Clock(ctx)
		if err != nil {
			return err
		}
		planned, err := q.ScheduleOf(ctx, id)
		if err != nil {
			return err
		}
		s := b.Spec.Schedule
		switch {
		case s == nil || b.Phase == model.PhaseDestroyed:
			return q.DropSchedule(ctx, id)
		case planned == nil || planned.SpecVersion != b.SpecVersion:
			return q.SaveSchedule(ctx, s.Plan(b, since(b))) // one that has come since then is due at the next look
		case now.Before(planned.LookAt):
			return nil // another replica was faster
		case b.ActiveJobID != "":
			planned.LookAt = now.Add(heldFor)
			return q.SaveSchedule(ctx, planned)
		}
		if queued, err = p.bring(ctx, q, b, s.Last(now).Operation()); err != nil {
			return err
		}
		return q.SaveSchedule(ctx, s.Plan(b, now))
	})
	return queued && err == nil, err
}

// since is from when on the backend's spec has been as it is: a schedule begins
// with its first transition after that. Where the spec has changed it may be
// later, when something else about the backend changed since.
func since(b *model.Backend) time.Time {
	if b.SpecVersion == 1 {
		return b.CreatedAt
	}
	return b.UpdatedAt
}

// bring queues the job that has the backend wake or sleep, unless it is so
// already or never was up. The backend is locked and free.
func (p *Panel) bring(ctx context.Context, q *store.Queries, b *model.Backend, op model.Operation) (bool, error) {
	if wants, err := wants(ctx, q, b, op); err != nil || !wants {
		return false, err
	}
	if err := p.notEnding(ctx, b, op); err != nil {
		return false, nil //nolint:nilerr // its end is under way
	}
	env, err := q.EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return false, err
	}
	have, err := q.Resources(ctx, b.ID)
	if err != nil {
		return false, err
	}
	plan, err := p.restPlan(env, b, op, have)
	if err != nil {
		return false, err
	}
	p.price(plan, b, env, have)
	if err := refuse(plan.Findings); err != nil {
		p.Logger.WarnContext(ctx, "a schedule cannot be followed", "backend", b.ID, "operation", op, "error", err)
		return false, nil
	}
	job, err := queue(ctx, q, model.System(), b, plan)
	if err == nil {
		p.Logger.InfoContext(ctx, "a backend follows its schedule", "backend", b.ID, "operation", op, "job", job.ID)
	}
	return err == nil, err
}

// wants tells whether the operation changes something about a backend that has
// been up: one that is up and shall sleep, sleeps and shall wake, or failed to.
func wants(ctx context.Context, q *store.Queries, b *model.Backend, op model.Operation) (bool, error) {
	switch b.Phase {
	case model.PhaseReady, model.PhaseDegraded:
		return op == model.OpSleep, nil
	case model.PhaseAsleep:
		return op == model.OpWake, nil
	case model.PhaseFailed:
		jobs, err := q.JobsByBackend(ctx, b.ID, 1)
		if err != nil || len(jobs) == 0 {
			return false, err
		}
		return jobs[0].Operation == model.OpSleep || jobs[0].Operation == model.OpWake, nil
	}
	return false, nil
}
