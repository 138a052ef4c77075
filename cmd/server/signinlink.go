package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"drawbridge/internal/app"
)

type signInLinkCmd struct {
	User string `required:"" help:"Whom it signs in, by name or address." placeholder:"USER"`
	URL  string `name:"url" help:"The panel's address as browsers see it." default:"http://127.0.0.1:8080" placeholder:"URL"`
	dataFlags
}

// Help is shown by sign-in-link --help.
func (signInLinkCmd) Help() string {
	return strings.TrimSpace(`
For an admin who lost the password, or whose provider is gone. The link works once
and for an hour, for an account that is there and not switched off; it leads to
where a new password can be set. It needs the database alone, whether or not a
server runs on it, and is in the audit, as is its use.`)
}

// Run works beside a running server on the same data.
func (c *signInLinkCmd) Run(ctx context.Context, logger *slog.Logger) error {
	cfg := app.Config{DataDir: c.DataDir, Database: c.Database, Access: app.AccessConfig{URL: c.URL}}
	link, name, err := app.RescueLink(ctx, cfg, logger, c.User)
	if err != nil {
		return err
	}
	fmt.Printf("%s signs in once, within an hour, with %s\n", name, link)
	return nil
}
