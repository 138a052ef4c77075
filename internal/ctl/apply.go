package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// files are what a command reads backends from.
type files struct {
	File []string `short:"f" required:"" help:"File with backends, each as backend.yaml; - is standard input. May be given several times." placeholder:"FILE"`
}

type applyCmd struct {
	files
	inTeam
	DryRun bool `help:"Only print what would be done; the exit code is 2 when there is something."`
	waiting
}

// Run brings backends to what files say. All of them are looked at before
// anything is done, so that a fault in one keeps the others from being changed.
func (a *applyCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	wanted, err := s.read(ctx, a.files, a.Team)
	if err != nil {
		return err
	}
	if err := s.foresee(ctx, wanted); err != nil {
		return err
	}
	if a.DryRun {
		return s.showPlans(wanted, printPlan)
	}
	return s.carryOut(ctx, wanted, a.waiting)
}

type diffCmd struct {
	files
	inTeam
}

// Run tells in what files and backends differ, and nothing of AWS.
func (d *diffCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	wanted, err := s.read(ctx, d.files, d.Team)
	if err != nil {
		return err
	}
	if err := s.foresee(ctx, wanted); err != nil {
		return err
	}
	return s.showPlans(wanted, printDiff)
}

type planCmd struct {
	Backend   string   `arg:"" optional:"" help:"Name or id: what provisioning it would do."`
	File      []string `short:"f" help:"Instead of a backend, files: what applying them would do." placeholder:"FILE"`
	Operation string   `help:"Of a backend: provision, update, sleep, wake or destroy." enum:"provision,update,sleep,wake,destroy" default:"provision"`
	inTeam
}

// Validate wants the one or the other.
func (p *planCmd) Validate() error {
	if (p.Backend == "") == (len(p.File) == 0) {
		return errors.New("name a backend, or files with -f")
	}
	return nil
}

// Run prints what would be done; the exit code is 2 when there is something.
func (p *planCmd) Run(ctx context.Context, c *Cmd) error {
	if len(p.File) > 0 {
		a := applyCmd{files: files{p.File}, inTeam: p.inTeam, DryRun: true}
		return a.Run(ctx, c)
	}
	s, err := c.session()
	if err != nil {
		return err
	}
	b, err := s.backend(ctx, p.Backend)
	if err != nil {
		return err
	}
	var answer rawObject[plan]
	if err := s.call(ctx, "GET", "/backends/"+b.ID+"/plan?operation="+p.Operation, nil, &answer); err != nil {
		return err
	}
	err = s.show(answer.raw, func(out io.Writer) error {
		printFindings(out, "", &answer.value)
		printItems(out, answer.value.Items)
		_, err := fmt.Fprintln(out, answer.value.summary())
		return err
	})
	switch {
	case err != nil:
		return err
	case answer.value.Blocked:
		return &Ended{ExitRefused, "The plan cannot be carried out."}
	case answer.value.changes() > 0:
		return &Ended{Code: ExitChanges}
	}
	return nil
}

// wanted is a backend of a file, what the panel says of it and what it is now.
type wanted struct {
	*document
	path string // its address
	body map[string]any
	now  json.RawMessage // its spec; nil when it is new
	raw  json.RawMessage // the panel's answer
	applied
}

// applied is what the client reads of the answer to a backend that was put.
type applied struct {
	Backend struct {
		ID   string          `json:"id"`
		Name string          `json:"name"`
		Spec json.RawMessage `json:"spec"`
	} `json:"backend"`
	Created bool `json:"created"`
	Changed bool `json:"changed"`
	InSync  bool `json:"in_sync"`
	Plan    plan `json:"plan"`
	Job     *Job `json:"job"`
}

// read reads the files and checks them by the panel's own schema.
func (s *session) read(ctx context.Context, f files, team string) ([]*wanted, error) {
	documents, err := readFiles(f.File)
	if err != nil {
		return nil, err
	}
	var form schema
	if err := s.call(ctx, "GET", "/schemas/backend.json", nil, &form); err != nil {
		return nil, err
	}
	var out []*wanted
	var found remarks
	seen := map[string]string{}
	for _, d := range documents {
		if r, ok := errors.AsType[remarks](d.check(&form)); ok {
			found = append(found, r...)
			continue
		}
		w := &wanted{document: d, body: map[string]any{"spec": d.value["spec"]}}
		if env := d.text("environment"); env != "" {
			w.body["environment"] = env
		}
		owner := firstText(d.text("team"), team)
		if owner == "" {
			t, err := s.team(ctx, "")
			if err != nil {
				return nil, fmt.Errorf("%w (write it into the file as team: NAME, or say --team)", err)
			}
			owner = t.ID
		}
		w.path = "/teams/" + url.PathEscape(owner) + "/backends/" + url.PathEscape(d.text("name"))
		if where, twice := seen[w.path]; twice {
			found = append(found, remark{d.file, d.placed("name"), "name", "This backend stands in " + where + " already."})
		}
		seen[w.path] = fmt.Sprintf("%s:%d", d.file, d.placed("name").line)
		out = append(out, w)
	}
	return out, found.err()
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// put sends one backend.
func (s *session) put(ctx context.Context, w *wanted, query string) error {
	if err := s.call(ctx, "PUT", w.path+query, w.body, &w.raw); err != nil {
		return w.located(err)
	}
	w.applied = applied{}
	if err := json.Unmarshal(w.raw, &w.applied); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// foresee asks what would be done with each, and refuses when one cannot be.
func (s *session) foresee(ctx context.Context, list []*wanted) error {
	var refusals []error
	for _, w := range list {
		err := s.put(ctx, w, "?dry_run=true")
		if err == nil {
			err = w.blocked()
		}
		if err == nil && !w.Created {
			var b struct{ Spec json.RawMessage }
			err = s.call(ctx, "GET", w.path, nil, &b)
			w.now = b.Spec
		}
		if err != nil {
			refusals = append(refusals, fmt.Errorf("%s: %w", w.text("name"), err))
		}
	}
	return errors.Join(refusals...)
}

// blocked tells what in the plan forbids it, by the lines of the file.
func (w *wanted) blocked() error {
	var found remarks
	for _, f := range w.Plan.Findings {
		if f.Severity == "error" {
			found = append(found, remark{w.file, w.placed(f.Field), f.Field, strings.TrimSpace(f.Message + " " + f.Advice)})
		}
	}
	return found.err()
}

// carryOut puts all of them, then waits for one after the other: their jobs
// run side by side. Its exit code is that of the first job that did not succeed.
func (s *session) carryOut(ctx context.Context, list []*wanted, wait waiting) error {
	raws := []json.RawMessage{}
	for _, w := range list {
		if err := s.put(ctx, w, ""); err != nil {
			return fmt.Errorf("%s: %w", w.text("name"), err)
		}
		raws = append(raws, w.raw)
		if !s.json {
			fmt.Fprintf(s.out, "%s: %s\n", w.Backend.Name, w.did())
		}
	}
	if s.json && !wait.Wait {
		return s.show(struct {
			Items []json.RawMessage `json:"items"`
		}{raws}, nil)
	}
	ctx, stop := wait.limit(ctx)
	defer stop()
	var first error
	for _, w := range list {
		if !wait.Wait || w.Job == nil {
			continue
		}
		err := s.follow(ctx, w.Job.ID)
		if ctx.Err() != nil {
			return err
		}
		if err != nil && first != nil {
			aside("%v", err)
		} else if err != nil {
			first = err
		}
	}
	return first
}

// did says what became of it.
func (w *wanted) did() string {
	what := "changed"
	switch {
	case w.Created:
		what = "registered"
	case !w.Changed && w.Job == nil:
		return "nothing to do"
	case !w.Changed:
		what = "being brought in line"
	}
	if w.Job != nil {
		what += ", job " + w.Job.ID
	}
	return what
}

// showPlans prints what would be done; there is something when one of them is
// not as it is wanted.
func (s *session) showPlans(list []*wanted, words func(io.Writer, *wanted) error) error {
	raws, changes := []json.RawMessage{}, 0
	for _, w := range list {
		raws = append(raws, w.raw)
		if !w.InSync {
			changes++
		}
	}
	err := s.show(struct {
		Items []json.RawMessage `json:"items"`
	}{raws}, func(out io.Writer) error {
		for _, w := range list {
			if err := words(out, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && changes > 0 {
		err = &Ended{Code: ExitChanges}
	}
	return err
}
