package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"drawbridge/internal/app"
	"drawbridge/internal/model"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an API token and print it. It is shown this once."`
}

type tokenCreateCmd struct {
	Name string        `help:"What the token is for; shown in jobs." default:"cli"`
	Team string        `help:"Team by name." default:"default"`
	Role model.Role    `help:"viewer, developer, owner or admin." default:"owner" enum:"viewer,developer,owner,admin"`
	TTL  time.Duration `help:"How long it is valid." default:"720h"`
	JSON bool          `help:"Print a JSON object instead of the bare token."`
	dataFlags
}

// Run works beside a running server on the same data.
func (c *tokenCreateCmd) Run(ctx context.Context, logger *slog.Logger) error {
	secret, token, err := app.CreateToken(ctx, app.Config{DataDir: c.DataDir, Database: c.Database}, logger,
		app.TokenRequest{Team: c.Team, Name: c.Name, Role: c.Role, TTL: c.TTL})
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(struct {
			Secret string       `json:"secret"`
			Token  *model.Token `json:"token"`
		}{secret, token})
	}
	fmt.Println(secret)
	return nil
}
