package app

import (
	"context"
	"errors"

	"drawbridge/internal/awsapi"
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

// explain tells an AWS error to a person, and whether the same call may help later.
func explain(err error) (*model.Problem, bool) {
	return awsapi.Problem(err), awsapi.MayHelpLater(err)
}
