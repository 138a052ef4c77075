// Package ctl is the command-line client: it asks a panel over REST, follows
// jobs live and speaks plain words on a terminal, plain lines elsewhere, and
// JSON when asked. It knows the wire and nothing of what is behind it.
package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// Cmd is everything below `server ctl`.
type Cmd struct {
	Login     loginCmd     `cmd:"" help:"Remember a panel's URL and a token."`
	Backends  backendsCmd  `cmd:"" help:"List and show backends."`
	Apply     applyCmd     `cmd:"" help:"Bring backends to what files say."`
	Plan      planCmd      `cmd:"" help:"Print what applying files or provisioning a backend would do."`
	Diff      diffCmd      `cmd:"" help:"Print in what files and backends differ."`
	Export    exportCmd    `cmd:"" help:"Write a backend as a file that apply takes."`
	Provision provisionCmd `cmd:"" help:"Make a backend's chain."`
	Destroy   destroyCmd   `cmd:"" help:"Delete what was made for a backend."`
	Sleep     sleepCmd     `cmd:"" help:"Stop a backend's instances; its invoke URL stays."`
	Wake      wakeCmd      `cmd:"" help:"Start them again."`
	Sandbox   sandboxCmd   `cmd:"" help:"Make, list, extend and end sandboxes."`
	Jobs      jobsCmd      `cmd:"" help:"List and show jobs; cancel, retry and roll them back."`
	Logs      logsCmd      `cmd:"" help:"Follow a job until it has ended; its exit code tells how."`
	Tests     testsCmd     `cmd:"" help:"Run route tests."`

	Events       eventsCmd       `cmd:"" help:"Show a backend's history; follow it, several or all."`
	Notices      noticesCmd      `cmd:"" help:"Show what teams were told."`
	Webhooks     webhooksCmd     `cmd:"" help:"List, make, test and delete webhooks; see and repeat deliveries."`
	Environments environmentsCmd `cmd:"" help:"List environments; ask whether one answers."`
	Orphans      orphansCmd      `cmd:"" help:"List, delete and adopt what nothing accounts for."`
	Teams        teamsCmd        `cmd:"" help:"List teams, their members and quotas."`
	Tokens       tokensCmd       `cmd:"" help:"List, make and revoke API tokens."`
	Trusts       trustsCmd       `cmd:"" help:"Trust workloads of other systems, so that they need no token."`
	Audit        auditCmd        `cmd:"" help:"Show who changed what."`
	Completion   completionCmd   `cmd:"" help:"Print a script that completes commands and flags."`

	URL   string `help:"The panel's address; that of the login when left out." env:"DRAWBRIDGE_URL" placeholder:"URL"`
	Token string `help:"An API token; that of the login when left out. Prefer the environment: other users see a process's flags." env:"DRAWBRIDGE_TOKEN" placeholder:"TOKEN"`
	JSON  bool   `help:"Print JSON, as the REST API sends it."`

	CACert string `name:"ca-cert" help:"File in PEM with the authority of the panel's certificate, where the system does not know it; that of the login when left out." env:"DRAWBRIDGE_CA_CERT" placeholder:"FILE"`
}

// waiting is for commands that begin a job.
type waiting struct {
	Wait bool `help:"Follow the job until it has ended; the exit code tells how."`
	patience
}

// Validate refuses a time to wait for where nothing is waited for.
func (w waiting) Validate() error {
	if w.Timeout != 0 && !w.Wait {
		return errors.New("--timeout goes with --wait")
	}
	return w.patience.Validate()
}

// patience is for commands that wait.
type patience struct {
	Timeout time.Duration `help:"Wait no longer than that, as in 10m; the job goes on, and the exit code is 124." placeholder:"DURATION"`
}

// Validate refuses a time that has passed.
func (p patience) Validate() error {
	if p.Timeout < 0 {
		return errors.New("--timeout is how long to wait, as in 10m")
	}
	return nil
}

var errPatience = errors.New("waited as long as --timeout says")

// limit ends a wait when the patience does.
func (p patience) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.Timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, p.Timeout, errPatience)
}

// stopped is the exit code of a wait that ctx ended.
func stopped(ctx context.Context) int {
	if errors.Is(context.Cause(ctx), errPatience) {
		return ExitTimeout
	}
	return ExitInterrupted
}

// session is what a command works with.
type session struct {
	*client
	json bool
	out  io.Writer
	// screen is set when out is a terminal that a tree can be drawn on.
	screen *os.File
}

// session opens the panel that was named, in flags, environment or login.
func (c *Cmd) session() (*session, error) {
	l, err := c.login()
	if err != nil {
		return nil, err
	}
	cl, err := newClient(l)
	if err != nil {
		return nil, err
	}
	s := &session{client: cl, json: c.JSON, out: os.Stdout}
	if !c.JSON {
		s.screen = screenOn(os.Stdout)
	}
	return s, nil
}

// screenOn is f when it is a terminal that a tree can be drawn on.
func screenOn(f *os.File) *os.File {
	if term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		return f
	}
	return nil
}

// aside says something that is not what was asked for.
func aside(format string, args ...any) { fmt.Fprintf(plain{os.Stderr}, format+"\n", args...) }

// show prints v as JSON when that was asked for, else lets words print it.
func (s *session) show(v any, words func(io.Writer) error) error {
	if !s.json {
		return words(plain{s.out})
	}
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// begin asks for a job, and follows it when w says so.
func (s *session) begin(ctx context.Context, w waiting, method, path string) error {
	var j Job
	if err := s.call(ctx, method, path, nil, &j); err != nil {
		return err
	}
	if w.Wait {
		ctx, stop := w.limit(ctx)
		defer stop()
		return s.follow(ctx, j.ID)
	}
	return s.show(j, func(out io.Writer) error { return printJobs(out, []Job{j}) })
}
