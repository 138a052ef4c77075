package main

import (
	"context"
	"fmt"
	"log/slog"

	"drawbridge/internal/app"
)

type migrateCmd struct{ dataFlags }

// Run opens the database, which migrates it, and closes it again.
func (c *migrateCmd) Run(ctx context.Context, logger *slog.Logger) error {
	st, err := app.OpenStore(ctx, app.Config{DataDir: c.DataDir, Database: c.Database}, logger)
	if err != nil {
		return err
	}
	fmt.Println("The database is at this version's schema.")
	return st.Close()
}
