package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// maxWait is how long a request may wait for a job: less than most proxies do.
const maxWait = 2 * time.Minute

// retryAfter is how soon it is worth asking for a job again, in seconds.
const retryAfter = "2"

// Waiting is how long the caller waits for a job's end. It is exported for
// Huma's sake.
type Waiting struct {
	Wait string `query:"wait" pattern:"^[0-9]{1,6}(ms|s|m)$" patternDescription:"a duration such as 60s or 2m" doc:"Answer when the job has ended or this has passed, whichever is first; 2m at most, longer is taken for that. Left out: answer at once." example:"60s"`
	time time.Duration
}

// Resolve reads the duration; Huma has checked its form.
func (w *Waiting) Resolve(huma.Context) []error {
	d, err := time.ParseDuration(w.Wait)
	if err == nil {
		w.time = min(d, maxWait)
	}
	return nil
}

// jobOutput is the answer to a request that became work.
type jobOutput struct {
	Location   string `header:"Location" doc:"The job's address."`
	RetryAfter string `header:"Retry-After" doc:"Seconds until it is worth asking for the job; absent once it has ended."`
	Body       Job
}

// accepted answers with the job that a request became, at its end when the
// caller waits for it. Whoever may start a job may see it.
func (a *API) accepted(ctx context.Context, actor model.Actor, w Waiting, job *model.Job, err error) (*jobOutput, error) {
	if err == nil && w.time > 0 {
		job, err = a.panel.WaitJob(ctx, actor, job.ID, w.time)
	}
	if err != nil {
		return nil, err
	}
	out := &jobOutput{Location: jobURL(job.ID), Body: jobOf(job)}
	if !job.State.Ended() {
		out.RetryAfter = retryAfter
	}
	return out, nil
}

// jobDetailOutput is a job, which may still be at work.
type jobDetailOutput struct {
	RetryAfter string `header:"Retry-After" doc:"Seconds until it is worth asking again; absent once it has ended."`
	Body       JobDetail
}

type waitJobInput struct {
	ID string `path:"id" doc:"The job's id." example:"job_4q7hmk2xv6pzd3wa"`
	Waiting
}

func (a *API) getJob(ctx context.Context, actor model.Actor, in *waitJobInput) (*jobDetailOutput, error) {
	if in.time > 0 {
		if _, err := a.panel.WaitJob(ctx, actor, in.ID, in.time); err != nil {
			return nil, err
		}
		ctx = context.WithoutCancel(ctx) // a server that stops ends the wait, and still answers
	}
	d, err := a.panel.Job(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	out := &jobDetailOutput{Body: jobDetailOf(d)}
	if !d.State.Ended() {
		out.RetryAfter = retryAfter
	}
	return out, nil
}
