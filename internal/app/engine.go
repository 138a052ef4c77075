package app

import (
	"context"
	"errors"

	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// runPlan is the handler of both operations: their plans differ, not their walk.
func runPlan(e *provision.Executor) jobs.Handler {
	return func(ctx context.Context, job *model.Job) error {
		err := e.Run(ctx, job)
		var failed *provision.StepFailed
		if errors.As(err, &failed) {
			return jobs.Fatal(failed.Problem)
		}
		return err
	}
}
