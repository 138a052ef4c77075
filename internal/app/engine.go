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

// provision walks the plan of a provision.
func (e *engine) provision(ctx context.Context, job *model.Job) error {
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
	if err := e.provision(ctx, job); err != nil {
		return err
	}
	left, err := e.leftAfterAWhile(ctx, job.BackendID)
	if err != nil {
		return fmt.Errorf("look for what is left of %s: %w", job.BackendID, err)
	}
	if len(left) == 0 {
		return nil
	}
	return jobs.Fatal(&model.Problem{
		Code:    "LeftBehind",
		Message: "Every step was carried out, but AWS still shows resources with this backend's tags: " + strings.Join(left, ", ") + ".",
		Meaning: "Somebody copied the tags, or a create took effect long after its answer was lost.",
		Advice:  "Look at them in AWS's console and delete what is yours. Retry looks again.",
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
	var left []string
	for _, o := range owned {
		left = append(left, o.Type+" "+o.ID)
	}
	return left, nil
}
