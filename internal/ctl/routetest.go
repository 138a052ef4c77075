package ctl

import (
	"context"
	"fmt"
	"io"
)

type testsCmd struct {
	Run testsRunCmd `cmd:"" help:"Send a backend's route tests through its invoke URL."`
}

type testsRunCmd struct {
	Backend string   `arg:"" help:"Name or id."`
	Names   []string `arg:"" optional:"" help:"Only the tests of these names."`
}

// Run prints each verdict; one that did not pass makes the exit code.
func (r *testsRunCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	b, err := s.backend(ctx, r.Backend)
	if err != nil {
		return err
	}
	var answer rawList[testRun]
	in := struct {
		Names []string `json:"names,omitempty"`
	}{r.Names}
	if err := s.call(ctx, "POST", "/backends/"+b.ID+"/tests/run", in, &answer); err != nil {
		return err
	}
	failed := 0
	for _, run := range answer.Items {
		if !run.Passed {
			failed++
		}
	}
	if err := s.show(answer.raw, func(out io.Writer) error { return printRuns(out, answer.Items) }); err != nil {
		return err
	}
	if failed > 0 {
		return &Ended{ExitTests, fmt.Sprintf("%d of %d route tests did not pass.", failed, len(answer.Items))}
	}
	return nil
}

func printRuns(out io.Writer, runs []testRun) error {
	w := table(out)
	for _, run := range runs {
		verdict := "passed"
		if !run.Passed {
			verdict = "FAILED"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%.0f ms\t%s\n", verdict, run.Name, run.Status, run.Millis, run.Reason)
	}
	return w.Flush()
}
