package app

import (
	"context"
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/traces"
)

// flushTimeout is how long a stop waits for the collector of traces.
const flushTimeout = 3 * time.Second

// sendTraces is a part that sends what is left when all others have stopped.
// A collector that is away keeps nobody from stopping well.
func (a *App) sendTraces(ctx context.Context) error {
	<-ctx.Done()
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := a.traces.Shutdown(flush); err != nil {
		a.logger.WarnContext(ctx, "the last traces are not sent", "error", err)
	}
	return nil
}

// traceRequest gives each request a span, but for event streams, which last as
// long as somebody looks, and for the questions of probes.
func (a *App) traceRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if wantsStream(r) || c.Path() == "/healthz" || c.Path() == "/readyz" {
			return next(c)
		}
		ctx, ended := a.traces.Request(r, c.Path())
		c.SetRequest(r.WithContext(ctx))
		err := next(c)
		ended(c.Response().Status)
		return err
	}
}

// traced gives each run of a job a span.
func (a *App) traced(handlers map[model.Operation]jobs.Handler) map[model.Operation]jobs.Handler {
	for op, h := range handlers {
		handlers[op] = func(ctx context.Context, j *model.Job) error {
			ctx, ended := a.traces.Job(ctx, j)
			err := h(ctx, j)
			ended(endOf(err))
			return err
		}
	}
	return handlers
}

// stepContext puts into a step's log lines which it is, and gives it a span.
func (a *App) stepContext(ctx context.Context, s *model.Step) (context.Context, func(error)) {
	ctx, ended := a.traces.Step(withLog(ctx, stepAttr(s)), s)
	return ctx, func(err error) { ended(endOf(err)) }
}

// endOf says in a word how a run or a step ended. AWS's and our own texts stay
// out of it.
func endOf(err error) traces.End {
	var failed *provision.StepFailed
	var problem *model.Problem
	switch {
	case err == nil:
		return traces.End{Outcome: "ok"}
	case errors.As(err, &failed):
		return traces.End{Outcome: failed.Problem.Code, Failed: true}
	case errors.As(err, &problem):
		return traces.End{Outcome: problem.Code, Failed: true}
	case errors.Is(err, model.ErrCancelled):
		return traces.End{Outcome: "cancelled"}
	case errors.Is(err, model.ErrLeaseLost):
		return traces.End{Outcome: "lease lost"}
	}
	return traces.End{Outcome: "interrupted"}
}
