package web

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/web/ui"
)

// logRows is how many lines a page of logs shows.
const logRows = 200

// callRow is one call of the control plane.
type callRow struct {
	At        ui.Time
	Operation string
	Service   string
	State     ui.State
	Took      string
	RequestID string
	IDs       string
}

// listCalls shows what an environment was asked.
func (w *Web) listCalls(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	calls, err := w.panel.EnvironmentCalls(ctx, actor, id, logRows)
	if err != nil {
		return err
	}
	rows := make([]callRow, 0, len(calls))
	for _, call := range calls {
		rows = append(rows, newCallRow(call, w.now()))
	}
	name, err := w.environmentName(c)
	if err != nil {
		return err
	}
	return w.page(c, w.layoutView(c, "API calls of "+name, "environments"), environmentCallsPage(environmentCrumbs(id, name), rows))
}

func newCallRow(call model.APICall, now time.Time) callRow {
	return callRow{
		At: clock(call.At, now), Operation: call.Operation, Service: call.Service, State: ui.StatusState(call.Status, call.Code),
		Took: millis(call.Millis), RequestID: call.RequestID, IDs: strings.Join(call.IDs, " "),
	}
}
