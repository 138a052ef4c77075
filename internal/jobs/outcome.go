package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"drawbridge/internal/model"
)

// ErrStopping is the cause with which a handler's ctx ends when the worker
// stops. The job stays resumable.
var ErrStopping = errors.New("the worker is stopping")

type fatal struct{ problem *model.Problem }

func (f *fatal) Error() string { return f.problem.Error() }
func (f *fatal) Unwrap() error { return f.problem }

// Fatal is a handler's answer that fails the job with the problem. A person may
// retry it.
func Fatal(p *model.Problem) error { return &fatal{p} }

// Backoff of tries that ended in an error.
const (
	maxTries     = 8
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// backoff is the pause after the n-th failure in a row: doubled each time, and
// between half and all of it, so that jobs that failed together do not come
// back together.
func backoff(n int) time.Duration {
	d := maxBackoff
	if n < 7 { // 2^6 s is above the bound already
		d = min(d, firstBackoff<<(n-1))
	}
	return d/2 + rand.N(d/2+1)
}

// outcome says how a run ended whose handler returned err. failures counts the
// tries in a row before this one that ended in an error.
func outcome(ctx context.Context, err error, failures int) model.Outcome {
	var f *fatal
	switch {
	case err == nil:
		return model.Outcome{State: model.JobSucceeded}
	case errors.As(err, &f):
		return model.Outcome{State: model.JobFailed, Problem: f.problem}
	case errors.Is(err, model.ErrCancelled):
		return model.Outcome{State: model.JobCancelled}
	case errors.Is(context.Cause(ctx), ErrStopping):
		return model.Outcome{State: model.JobWaiting, Why: "Drawbridge was stopped. The job goes on when it has started again."}
	case failures+1 >= maxTries:
		return model.Outcome{State: model.JobFailed, Problem: problemOf(err)}
	}
	return model.Outcome{State: model.JobWaiting, Retry: true, Delay: backoff(failures + 1),
		Why: fmt.Sprintf("Try %d of %d did not work out: %s It is tried again by itself.", failures+1, maxTries, problemOf(err).Message)}
}

// problemOf tells an error to a person. Only texts that are meant for users
// are shown; the rest is in the log.
func problemOf(err error) *model.Problem {
	var p *model.Problem
	if errors.As(err, &p) {
		return p
	}
	var e *model.Error
	if errors.As(err, &e) && e.Code != model.CodeInternal {
		return &model.Problem{Code: string(e.Code), Message: e.Message, Advice: "Retry goes on from where the job stopped."}
	}
	return &model.Problem{
		Code:    string(model.CodeInternal),
		Message: "Drawbridge met an error of its own.",
		Advice:  "Retry goes on from where the job stopped. If it happens again, look for the job's id in the server's log and report what it says.",
	}
}

// panicked is the error of a handler that panicked.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// safely runs the handler. A panic fails the job and leaves the process alive:
// the same panic would come at every try.
func safely(ctx context.Context, h Handler, job *model.Job) (crash *panicked, err error) {
	defer func() {
		if v := recover(); v != nil {
			crash = &panicked{v, debug.Stack()}
			err = Fatal(problemOf(crash))
		}
	}()
	return nil, h(ctx, job)
}
