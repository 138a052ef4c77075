package app

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/jobs"
)

// pingTimeout is how long the database may take to show that it answers.
const pingTimeout = 2 * time.Second

// alive answers whether the process should live: it answers at all. What it
// depends on is readiness: killing it would not mend the database.
func alive(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// readiness is what /readyz answers.
type readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"`
}

// ready answers whether requests should come here. The schema is this
// version's or newer since the database was opened.
func (a *App) ready(worker *jobs.Worker) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), pingTimeout)
		defer cancel()
		var r readiness
		if a.stopping.Load() {
			r.Reasons = append(r.Reasons, "The server is stopping.")
		}
		if a.Store.Ping(ctx) != nil {
			r.Reasons = append(r.Reasons, "The database does not answer.")
		}
		if !worker.Running() {
			r.Reasons = append(r.Reasons, "The worker does not run.")
		}
		c.Response().Header().Set("Cache-Control", "no-store")
		if r.Ready = len(r.Reasons) == 0; !r.Ready {
			return c.JSON(http.StatusServiceUnavailable, r)
		}
		return c.JSON(http.StatusOK, r)
	}
}
