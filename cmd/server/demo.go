package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"drawbridge/internal/app"
)

type demoCmd struct {
	Keep    bool   `help:"Leave panel and chain running and print the links."`
	JSON    bool   `help:"Print one JSON object: steps, seconds, invoke URL, answers."`
	Profile string `help:"How long the simulated AWS takes." default:"demo" enum:"instant,demo,real"`
}

// Run makes, calls and destroys the article's chain in a fresh panel.
func (c *demoCmd) Run(ctx context.Context, logger *slog.Logger) error {
	dir, err := os.MkdirTemp("", "drawbridge-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary data directory: %w", err)
	}
	defer os.RemoveAll(dir)
	var out io.Writer = os.Stdout
	if c.JSON {
		out = io.Discard
	}
	return app.Demo(ctx, app.DemoOptions{
		DataDir: dir, Profile: c.Profile, Keep: c.Keep, Version: buildVersion(), Out: out, Logger: logger,
		OnReport: func(r *app.DemoReport) error {
			if !c.JSON {
				return nil
			}
			enc := json.NewEncoder(os.Stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(r)
		},
	})
}
