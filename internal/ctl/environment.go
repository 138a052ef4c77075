package ctl

import (
	"context"
	"fmt"
	"io"
	"net/url"
)

type environmentsCmd struct {
	List      environmentsListCmd      `cmd:"" help:"List the places to provision in."`
	Status    environmentsStatusCmd    `cmd:"" help:"Ask whether an environment answers and fits; the exit code tells."`
	Instances environmentsInstancesCmd `cmd:"" help:"List the instances that a backend may use."`
}

type environmentsListCmd struct{}

// Run prints the environments.
func (environmentsListCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	return s.showList(ctx, "/environments", nil, column{"NAME", "name"}, column{"REGION", "region"}, column{"VPC", "vpc_id"}, column{"ORPHANS", "orphans"}, column{"ID", "id"})
}

// environmentRef names an environment; the only one may be left out.
type environmentRef struct {
	Environment string `arg:"" optional:"" help:"Name or id; may be left out while there is only one."`
}

func (r environmentRef) open(ctx context.Context, c *Cmd) (*session, string, error) {
	s, err := c.session()
	if err != nil {
		return nil, "", err
	}
	e, err := s.environment(ctx, r.Environment)
	if err != nil {
		return nil, "", err
	}
	return s, "/environments/" + url.PathEscape(e.ID), nil
}

type environmentsStatusCmd struct{ environmentRef }

// Run prints what is known; an environment that does not fit is a refusal.
func (e *environmentsStatusCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := e.open(ctx, c)
	if err != nil {
		return err
	}
	var answer map[string]any
	if err := s.call(ctx, "GET", path+"/status", nil, &answer); err != nil {
		return err
	}
	err = s.show(answer, func(out io.Writer) error {
		w := table(out)
		for _, row := range []column{{"Answers", "answers"}, {"Account", "account"}, {"VPC", "vpc_name"}, {"Problem", "problem.message"}, {"Advice", "problem.advice"}} {
			fmt.Fprintf(w, "%s\t%s\n", row.title, cell(answer, row.field))
		}
		return w.Flush()
	})
	if err == nil && answer["answers"] != true {
		err = &Ended{Code: ExitRefused}
	}
	return err
}

type environmentsInstancesCmd struct{ environmentRef }

// Run prints the instances.
func (e *environmentsInstancesCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := e.open(ctx, c)
	if err != nil {
		return err
	}
	return s.showList(ctx, path+"/instances", nil, column{"ID", "id"}, column{"NAME", "name"}, column{"STATE", "state"}, column{"TYPE", "type"}, column{"ADDRESS", "private_ip"}, column{"ZONE", "availability_zone"})
}

type orphansCmd struct {
	List   orphansListCmd   `cmd:"" help:"List what carries owner tags in AWS and has nothing here that accounts for it."`
	Delete orphansDeleteCmd `cmd:"" help:"Delete orphans."`
	Adopt  orphansAdoptCmd  `cmd:"" help:"Give an orphan back to the backend in its tags."`
}

// inEnvironment is for commands whose argument is another thing.
type inEnvironment struct {
	Environment string `help:"The environment, by name or id; may be left out while there is only one." placeholder:"ENVIRONMENT"`
}

func (e inEnvironment) open(ctx context.Context, c *Cmd) (*session, string, error) {
	return environmentRef(e).open(ctx, c)
}

type orphansListCmd struct{ inEnvironment }

// Run prints the orphans.
func (o *orphansListCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := o.open(ctx, c)
	if err != nil {
		return err
	}
	return s.showList(ctx, path+"/orphans", nil, column{"TYPE", "type"}, column{"ID", "id"}, column{"BACKEND", "backend_id"}, column{"ADOPTABLE", "adoptable"}, column{"FOREIGN", "foreign"}, column{"WHY", "why"})
}

type orphansDeleteCmd struct {
	inEnvironment
	IDs []string `arg:"" optional:"" name:"id" help:"Their ids or ARNs."`
	All bool     `help:"All of this installation's, instead of ids."`
}

// Run queues the jobs that delete them.
func (o *orphansDeleteCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := o.open(ctx, c)
	if err != nil {
		return err
	}
	var answer rawObject[struct {
		Jobs []Job               `json:"jobs"`
		Left []map[string]string `json:"left"`
	}]
	in := map[string]any{"all": o.All}
	if len(o.IDs) > 0 {
		in["ids"] = o.IDs
	}
	if err := s.call(ctx, "POST", path+"/orphans:delete", in, &answer); err != nil {
		return err
	}
	return s.show(answer.raw, func(out io.Writer) error {
		for _, left := range answer.value.Left {
			fmt.Fprintf(out, "%s stays: %s\n", left["id"], oneLine(left["why"]))
		}
		return printJobs(out, answer.value.Jobs)
	})
}

type orphansAdoptCmd struct {
	inEnvironment
	ID string `arg:"" help:"Its id or ARN."`
}

// Run adopts it.
func (o *orphansAdoptCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := o.open(ctx, c)
	if err != nil {
		return err
	}
	var answer map[string]any
	if err := s.call(ctx, "POST", path+"/orphans:adopt", map[string]any{"id": o.ID}, &answer); err != nil {
		return err
	}
	return s.done(answer, "%s is the %s of %s again.", o.ID, cell(answer, "key"), cell(answer, "backend_id"))
}
