package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// How long a destroyed backend's resources may still be shown.
const (
	leftLooks = 10
	leftEvery = 2 * time.Second
)

// engine carries out claimed jobs.
type engine struct {
	executor *provision.Executor
	store    *store.Store
	pool     *awsapi.Pool
	install  string
}

// queue has calls wait for their turn on a step's behalf.
func queue(ctx context.Context, c provision.Caller) context.Context {
	caller := awsapi.Caller{Team: c.Team, Until: c.Until}
	if c.Tell != nil {
		caller.Tell = func(q awsapi.Queued) { c.Tell(q.String(), q.Wait) }
	}
	return awsapi.WithCaller(ctx, caller)
}

// walk carries out the plan.
func (e *engine) walk(ctx context.Context, job *model.Job) error {
	err := e.executor.Run(ctx, job)
	var failed *provision.StepFailed
	if errors.As(err, &failed) {
		return jobs.Fatal(failed.Problem)
	}
	return err
}

// destroy walks the plan of a destroy, and then asks AWS itself whether
// anything that carries the backend's tags is left.
func (e *engine) destroy(ctx context.Context, job *model.Job) error {
	if err := e.walk(ctx, job); err != nil {
		return err
	}
	return e.checkNothingLeft(ctx, job)
}

// rollBack deletes what one job made. One that was asked for while that job was
// still at work gets its plan here.
func (e *engine) rollBack(ctx context.Context, job *model.Job) error {
	err := e.store.PlanJob(ctx, job.Lease(), func(b *model.Backend, have []model.Resource) (*model.Plan, []model.Step) {
		plan := provision.RollBackPlan(b, job.Undoes, have)
		return plan, provision.Steps(job.ID, plan)
	})
	if err != nil {
		return fmt.Errorf("plan the roll back of %s: %w", job.Undoes, err)
	}
	if err := e.walk(ctx, job); err != nil {
		return err
	}
	return e.checkNothingLeft(ctx, job)
}

// checkNothingLeft fails the job when AWS shows more of the backend than the
// database knows.
func (e *engine) checkNothingLeft(ctx context.Context, job *model.Job) error {
	left, err := e.leftAfterAWhile(queue(ctx, provision.Caller{Team: job.TeamID, Until: ctx}), job.BackendID)
	if err != nil {
		return fmt.Errorf("look for what is left of %s: %w", job.BackendID, err)
	}
	if len(left) == 0 {
		return nil
	}
	return jobs.Fatal(&model.Problem{
		Code:    model.CodeLeftBehind,
		Message: "Every step was carried out, but AWS still shows resources with this backend's tags: " + strings.Join(left, ", ") + ".",
		Meaning: "Somebody copied the tags, or a create took effect long after its answer was lost.",
		Advice:  "An admin sees them, with what is known of each, among the environment's orphans. Delete there what nobody needs. Retry looks again.",
	})
}

// leftAfterAWhile gives AWS time to stop showing what it has deleted: an
// instance's volume goes a moment after the instance.
func (e *engine) leftAfterAWhile(ctx context.Context, backendID string) ([]string, error) {
	tick := time.NewTicker(leftEvery)
	defer tick.Stop()
	for look := 1; ; look++ {
		left, err := e.leftBehind(ctx, backendID)
		if err != nil || len(left) == 0 || look == leftLooks {
			return left, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (e *engine) leftBehind(ctx context.Context, backendID string) ([]string, error) {
	b, err := e.store.Read().BackendByID(ctx, backendID)
	if err != nil {
		return nil, err
	}
	env, err := e.store.Read().EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return nil, err
	}
	clients, err := e.pool.Clients(ctx, env)
	if err != nil {
		return nil, awsapi.Problem(err)
	}
	owned, err := clients.OwnedByTag(ctx, e.install, backendID)
	if err != nil {
		return nil, awsapi.Problem(err)
	}
	have, err := e.store.Read().Resources(ctx, backendID)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, o := range owned {
		if !o.In(have) {
			left = append(left, o.Type+" "+o.ID)
		}
	}
	return left, nil
}
