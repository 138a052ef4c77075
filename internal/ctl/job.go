package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"
)

type jobsCmd struct {
	List     jobsListCmd     `cmd:"" help:"List a backend's jobs, newest first."`
	Get      jobsGetCmd      `cmd:"" help:"Show a job with its steps."`
	Cancel   jobsCancelCmd   `cmd:"" help:"Stop a job before its next change in AWS."`
	Retry    jobsRetryCmd    `cmd:"" help:"Let a failed or cancelled job go on from where it stopped."`
	Rollback jobsRollbackCmd `cmd:"" help:"Delete what a job made, and nothing else."`
}

type jobsListCmd struct {
	Backend string `arg:"" help:"Name or id."`
}

// Run prints the jobs.
func (l *jobsListCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	b, err := s.backend(ctx, l.Backend)
	if err != nil {
		return err
	}
	var jobs list[Job]
	if err := s.call(ctx, "GET", "/backends/"+b.ID+"/jobs", nil, &jobs); err != nil {
		return err
	}
	return s.show(jobs, func(out io.Writer) error { return printJobs(out, jobs.Items) })
}

func printJobs(out io.Writer, jobs []Job) error {
	w := table(out)
	fmt.Fprintln(w, "JOB\tOPERATION\tSTATE\tQUEUED")
	for _, j := range jobs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", j.ID, j.Operation, j.State, j.CreatedAt.Local().Format(time.DateTime))
	}
	return w.Flush()
}

type jobRef struct {
	Job string `arg:"" help:"The job's id."`
}

func (r jobRef) path() string { return "/jobs/" + url.PathEscape(r.Job) }

type jobsGetCmd struct{ jobRef }

// Run prints the job as it is now.
func (g *jobsGetCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	var j Job
	if err := s.call(ctx, "GET", g.path(), nil, &j); err != nil {
		return err
	}
	return s.show(j, func(out io.Writer) error {
		for _, row := range treeRows(&j, j.Problem.words(), time.Now()) {
			fmt.Fprintln(out, row)
		}
		return nil
	})
}

type jobsCancelCmd struct {
	jobRef
	waiting
}

// Run asks for the cancel.
func (r *jobsCancelCmd) Run(ctx context.Context, c *Cmd) error {
	return c.onJob(ctx, r.waiting, r.path()+"/cancel")
}

type jobsRetryCmd struct {
	jobRef
	waiting
}

// Run queues the job again.
func (r *jobsRetryCmd) Run(ctx context.Context, c *Cmd) error {
	return c.onJob(ctx, r.waiting, r.path()+"/retry")
}

type jobsRollbackCmd struct {
	jobRef
	waiting
}

// Run asks for the roll back. That of a job at work begins when it has
// stopped, so both are followed, and the roll back's end counts.
func (r *jobsRollbackCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	ctx, stop := r.limit(ctx)
	defer stop()
	err = s.begin(ctx, r.waiting, "POST", r.path()+"/roll-back")
	if end, ended := errors.AsType[*Ended](err); !ended || end.Code != ExitCancelled {
		return err
	}
	var j Job
	if err := s.call(ctx, "GET", r.path(), nil, &j); err != nil {
		return err
	}
	if j.RolledBackBy == "" {
		return err
	}
	return s.follow(ctx, j.RolledBackBy)
}

func (c *Cmd) onJob(ctx context.Context, w waiting, path string) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	return s.begin(ctx, w, "POST", path)
}

type logsCmd struct {
	jobRef
	patience
}

// Run follows the job; one that has ended is shown as it ended.
func (l *logsCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	ctx, stop := l.limit(ctx)
	defer stop()
	return s.follow(ctx, l.Job)
}
