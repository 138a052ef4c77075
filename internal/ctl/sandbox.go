package ctl

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
)

type sandboxCmd struct {
	Create    sandboxCreateCmd    `cmd:"" help:"Make a sandbox, or find the one of that key."`
	List      sandboxListCmd      `cmd:"" help:"List a team's sandboxes."`
	Get       sandboxGetCmd       `cmd:"" help:"Show a sandbox."`
	Extend    sandboxExtendCmd    `cmd:"" help:"Let a sandbox end later."`
	End       sandboxEndCmd       `cmd:"" help:"End a sandbox now."`
	Templates sandboxTemplatesCmd `cmd:"" help:"List what sandboxes are made from."`
}

// Sandbox is what the client reads of one; Raw keeps all of it for --json.
type Sandbox struct {
	ID        string `json:"backend_id"`
	Key       string `json:"key"`
	Name      string `json:"name"`
	State     string `json:"state"`
	Phase     string `json:"phase"`
	InvokeURL string `json:"invoke_url"`
	ActiveJob string `json:"active_job_id"`
	Job       *Job   `json:"job"`
}

// fromCI are where systems name the branch or pull request that they work on,
// the first that is set counts. What is in them is somebody's text: it is sent
// as it is, and the panel makes a safe name of it.
var fromCI = []string{
	"GITHUB_HEAD_REF", "GITHUB_REF_NAME", // GitHub, Gitea, Forgejo: of a pull request, of a push
	"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME", // GitLab
	"BITBUCKET_BRANCH", "CIRCLE_BRANCH", "BUILDKITE_BRANCH", "DRONE_SOURCE_BRANCH", "CHANGE_BRANCH", "BRANCH_NAME", // others, Jenkins
}

// branchFromCI is the branch that a CI system names, or "".
func branchFromCI() string {
	for _, name := range fromCI {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

type sandboxCreateCmd struct {
	inTeam
	Key       string            `help:"Your name for it: while a sandbox of the team has it, that one is the answer. The branch when left out."`
	Branch    string            `help:"The branch or pull request; what the CI system says when left out." placeholder:"BRANCH"`
	Template  string            `help:"What it is made from, by name or id; the team's first template when left out."`
	TTL       string            `name:"ttl" help:"How long it lives, as in 90m, 8h or 2d12h." placeholder:"DURATION"`
	Parameter map[string]string `short:"p" help:"Value of a parameter of the template; may be given several times." placeholder:"NAME=VALUE"`
	waiting
}

// Run makes it. On standard output is its invoke URL alone, once there is one,
// so that a script can take it; all else goes to standard error.
func (s *sandboxCreateCmd) Run(ctx context.Context, c *Cmd) error {
	in, path, err := s.open(ctx, c)
	if err != nil {
		return err
	}
	s.Branch = cmp.Or(s.Branch, branchFromCI())
	body := map[string]any{"key": cmp.Or(s.Key, s.Branch), "branch": s.Branch, "template": s.Template, "ttl": s.TTL}
	if len(s.Parameter) > 0 {
		body["parameters"] = s.Parameter
	}
	for name, v := range body {
		if v == "" {
			delete(body, name)
		}
	}
	var box rawObject[Sandbox]
	if err := in.call(ctx, "POST", path+"/sandboxes", body, &box); err != nil {
		return err
	}
	if s.Wait && box.value.Job != nil && (box.value.Phase != "ready" || !box.value.Job.ended()) {
		beside := *in
		beside.out, beside.json, beside.screen = os.Stderr, false, screenOn(os.Stderr)
		ctx, stop := s.limit(ctx)
		defer stop()
		if err := beside.follow(ctx, box.value.Job.ID); err != nil {
			return err
		}
		if err := in.call(ctx, "GET", "/sandboxes/"+box.value.ID, nil, &box); err != nil {
			return err
		}
	}
	return in.show(box.raw, func(out io.Writer) error {
		if box.value.InvokeURL == "" {
			fmt.Fprintf(os.Stderr, "%s is being made. Its URL comes with --wait, or with: ctl sandbox get %s\n", box.value.Name, box.value.ID)
			return nil
		}
		_, err := fmt.Fprintln(out, box.value.InvokeURL)
		return err
	})
}

type sandboxListCmd struct {
	inTeam
	Gone bool `help:"Those of which nothing is left, instead of the others."`
}

// Run prints the sandboxes.
func (l *sandboxListCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := l.open(ctx, c)
	if err != nil {
		return err
	}
	query := url.Values{}
	if l.Gone {
		query.Set("gone", "true")
	}
	return s.showList(ctx, path+"/sandboxes", query, column{"KEY", "key"}, column{"NAME", "name"}, column{"STATE", "state"}, column{"PHASE", "phase"}, column{"ENDS", "ends_at"}, column{"INVOKE URL", "invoke_url"}, column{"ID", "backend_id"})
}

// sandboxRef names a sandbox: by its key, or by its id.
type sandboxRef struct {
	inTeam
	Sandbox string `arg:"" optional:"" help:"Key or id; the branch that the CI system names when left out."`
}

// find opens the sandbox that lives, or is ending.
func (r *sandboxRef) find(ctx context.Context, c *Cmd) (*session, *rawObject[Sandbox], error) {
	ref := cmp.Or(r.Sandbox, branchFromCI())
	if ref == "" {
		return nil, nil, errors.New("name the sandbox, by its key or id")
	}
	if strings.HasPrefix(ref, "be_") {
		s, err := c.session()
		if err != nil {
			return nil, nil, err
		}
		var box rawObject[Sandbox]
		return s, &box, s.call(ctx, "GET", "/sandboxes/"+url.PathEscape(ref), nil, &box)
	}
	s, path, err := r.open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	items, err := s.pages(ctx, path+"/sandboxes", url.Values{"key": {ref}})
	if err != nil {
		return nil, nil, err
	}
	if len(items) == 0 {
		return nil, nil, &Ended{ExitRefused, fmt.Sprintf("There is no sandbox of the key %q, or it is gone already.", ref)}
	}
	var box rawObject[Sandbox]
	return s, &box, json.Unmarshal(items[0], &box)
}

type sandboxGetCmd struct{ sandboxRef }

// Run prints the sandbox.
func (g *sandboxGetCmd) Run(ctx context.Context, c *Cmd) error {
	s, box, err := g.find(ctx, c)
	if err != nil {
		return err
	}
	return s.showSandbox(box)
}

func (s *session) showSandbox(box *rawObject[Sandbox]) error {
	return s.show(box.raw, func(out io.Writer) error {
		var fields map[string]any
		if err := json.Unmarshal(box.raw, &fields); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		w := table(out)
		for _, row := range []column{{"Key", "key"}, {"Name", "name"}, {"State", "state"}, {"Phase", "phase"}, {"Branch", "branch"}, {"Made by", "made_by_name"},
			{"Ends", "ends_at"}, {"At most until", "max_ends_at"}, {"Invoke URL", "invoke_url"}, {"Job", "active_job_id"}, {"Id", "backend_id"}, {"Problem", "problem.message"}} {
			fmt.Fprintf(w, "%s\t%s\n", row.title, cell(fields, row.field))
		}
		return w.Flush()
	})
}

type sandboxExtendCmd struct {
	sandboxRef
	TTL string `name:"ttl" help:"How long from now, as in 8h; the environment's default when left out." placeholder:"DURATION"`
}

// Run extends it.
func (e *sandboxExtendCmd) Run(ctx context.Context, c *Cmd) error {
	s, box, err := e.find(ctx, c)
	if err != nil {
		return err
	}
	in := map[string]any{}
	if e.TTL != "" {
		in["ttl"] = e.TTL
	}
	id := box.value.ID
	if err := s.call(ctx, "POST", "/sandboxes/"+id+"/extend", in, box); err != nil {
		return err
	}
	return s.showSandbox(box)
}

type sandboxEndCmd struct {
	sandboxRef
	waiting
}

// Run ends it. One that is gone already is as good: CI may ask twice.
func (e *sandboxEndCmd) Run(ctx context.Context, c *Cmd) error {
	s, box, err := e.find(ctx, c)
	if end, ok := errors.AsType[*Ended](err); ok && end.Code == ExitRefused {
		fmt.Fprintln(os.Stderr, end.Message)
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.call(ctx, "POST", "/sandboxes/"+box.value.ID+"/end", nil, box); err != nil {
		return err
	}
	if !e.Wait {
		return s.done(box.raw, "%s is being destroyed.", box.value.Name)
	}
	ctx, stop := e.limit(ctx)
	defer stop()
	return s.untilGone(ctx, box)
}

// untilGone follows job after job: what provisions it is cancelled first, and
// what fails to destroy it is tried again by the panel.
func (s *session) untilGone(ctx context.Context, box *rawObject[Sandbox]) error {
	id, name := box.value.ID, box.value.Name
	gone := func() (bool, error) {
		err := s.call(ctx, "GET", "/sandboxes/"+id, nil, box)
		return box.value.State == "gone", err
	}
	done, err := gone()
	if err == nil && !done {
		err = s.stream(ctx, "/backends/"+id+"/events", after(id, 0), func(e event) (bool, error) {
			if e.Type != "job" && e.Type != "backend" {
				return true, nil
			}
			done, err := gone()
			return !done && err == nil, err
		}, func(error) {})
	}
	if ctx.Err() != nil {
		return &Ended{stopped(ctx), fmt.Sprintf("%s goes on being destroyed. Look with: ctl sandbox get %s", name, id)}
	}
	if err != nil {
		return err
	}
	return s.done(box.raw, "%s is gone.", name)
}

type sandboxTemplatesCmd struct{ inTeam }

// Run prints the templates.
func (t *sandboxTemplatesCmd) Run(ctx context.Context, c *Cmd) error {
	s, path, err := t.open(ctx, c)
	if err != nil {
		return err
	}
	return s.showList(ctx, path+"/sandbox-templates", nil, column{"NAME", "name"}, column{"LIVES", "ttl"}, column{"DESCRIPTION", "description"}, column{"ID", "id"})
}
