package ctl

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestTerminal: names and messages that others chose do nothing to a terminal.
func TestTerminal(t *testing.T) {
	t.Parallel()
	const evil = "x\x1b[2Jy\rz\u009b31m\u202ew\x07"
	out := &strings.Builder{}
	j := &Job{Operation: "provision", BackendName: evil, State: "failed", Why: evil,
		Steps: []step{{Key: "alb", Title: evil, State: "waiting", Why: evil}, {Key: "api", Title: evil, State: "failed", Problem: &fault{Message: evil}}}}
	newLines(plain{out}, j).moved(j, nil)
	for _, row := range treeRows(j, evil, time.Now()) {
		out.WriteString(row + "\n")
	}
	p := &problem{Detail: evil, Errors: []fieldProblem{{evil, evil}}, Holder: evil, Status: 500, RequestID: evil}
	out.WriteString(p.Error() + "\n" + oneLine(evil) + "\n")
	s := &session{out: out}
	if err := errors.Join(s.show(nil, func(w io.Writer) error { return printJobs(w, []Job{*j}) }), s.done(nil, "made %s", evil)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\x1b", "\r", "\u009b", "\u202e", "\x07"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q is in %q", bad, out)
		}
	}
	if !strings.Contains(out.String(), "\n") || !strings.Contains(out.String(), "[2Jy") {
		t.Errorf("%q", out)
	}
}
