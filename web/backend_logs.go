package web

import (
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/web/ui"
)

// logRow is one request as a hop logged it.
type logRow struct {
	At       ui.Time
	Hop      string
	Request  string
	State    ui.State
	Upstream string
	Took     string
	Line     string
}

// listAccessLogs shows the requests through a backend's HTTP API and load balancer.
func (w *Web) listAccessLogs(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	b, err := w.panel.Backend(ctx, actor, id)
	if err != nil {
		return err
	}
	logs, err := w.panel.AccessLogs(ctx, actor, id, logRows)
	if err != nil {
		return err
	}
	rows := make([]logRow, 0, len(logs))
	for _, l := range logs {
		rows = append(rows, newLogRow(l, w.now()))
	}
	crumbs := []ui.Crumb{{Label: "Backends", URL: pathBackends}, {Label: b.Name, URL: pathBackend(id)}}
	return w.page(c, w.layoutView(c, "Access logs of "+b.Name, "backends"), backendLogsPage(crumbs, rows))
}

func newLogRow(l model.AccessLog, now time.Time) logRow {
	r := logRow{
		At: clock(l.At, now), Hop: "HTTP API", Request: l.Method + " " + l.Path, State: ui.StatusState(l.Status, ""),
		Upstream: "none", Took: millis(l.Millis), Line: l.Line,
	}
	if l.Source == model.AccessLogALB {
		r.Hop = "Load balancer"
	}
	if l.Upstream != 0 {
		r.Upstream = strconv.Itoa(l.Upstream)
	}
	return r
}
