// Command server is Drawbridge: panel, API, worker and simulated AWS in one
// binary. Each subcommand has a file of its own.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // schedules mean the same where the machine has no zones

	"github.com/alecthomas/kong"

	"drawbridge/internal/app"
	"drawbridge/internal/ctl"
)

// version is set by the release build (-ldflags "-X main.version=…").
var version = ""

type cli struct {
	Config    kong.ConfigFlag `help:"JSON file with any of the flags below, as {\"listen\": \"…\"}." placeholder:"FILE"`
	LogLevel  slog.Level      `help:"debug, info, warn or error." default:"info"`
	LogFormat string          `help:"Form of the log: text, or json with an object a line." default:"text" enum:"text,json"`

	Serve       serveCmd       `cmd:"" default:"withargs" help:"Run the panel, the API, the worker and the simulated AWS (the default)."`
	Demo        demoCmd        `cmd:"" help:"Make the article's chain in a simulated AWS, call it, destroy it, and exit."`
	Sim         simCmd         `cmd:"" help:"Run the simulated AWS alone, for the aws CLI, SDKs and Terraform."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database to this version's schema and exit."`
	Token       tokenCmd       `cmd:"" help:"Manage API tokens."`
	SignInLink  signInLinkCmd  `cmd:"" help:"Print a one-time link for somebody who lost every other way in."`
	Audit       auditCmd       `cmd:"" help:"Check the audit."`
	Ctl         ctlCmd         `cmd:"" help:"Ask a panel over REST: backends, jobs, route tests."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running panel whether it is alive; for containers."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

func main() {
	os.Exit(run())
}

func run() int {
	var c cli
	parser := kong.Must(&c,
		kong.Name("drawbridge"),
		kong.Description("A control panel for HTTP APIs in front of apps on EC2 in private subnets."),
		kong.DefaultEnvars("DRAWBRIDGE"),
		kong.Configuration(kong.JSON),
		kong.ShortUsageOnError(),
	)
	cmd, err := parser.Parse(os.Args[1:])
	if err != nil {
		parser.FatalIfErrorf(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := newLogger(c.LogFormat, logLevel(c.LogLevel, cmd.Command()))
	cmd.BindTo(ctx, (*context.Context)(nil))
	if err := cmd.Run(logger); err != nil {
		if text := err.Error(); text != "" {
			fmt.Fprintln(os.Stderr, "drawbridge: "+text)
		}
		return ctl.ExitCode(err)
	}
	return 0
}

func newLogger(format string, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(app.LogHandler(slog.NewJSONHandler(os.Stderr, o)))
	}
	return slog.New(app.LogHandler(slog.NewTextHandler(os.Stderr, o)))
}

// logLevel keeps what a demo prints free of what is logged in the normal
// course of things, unless more was asked for.
func logLevel(asked slog.Level, command string) slog.Level {
	if command == "demo" && asked == slog.LevelInfo {
		return slog.LevelWarn
	}
	return asked
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("drawbridge " + buildVersion())
	return nil
}

// buildVersion is the release's version, else the commit that was built.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return "dev-" + s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "dev"
}
