package web

import (
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
	"time"
)

// backendListView is the page of all backends.
type backendListView struct {
	Rows      []backendRow
	NewURL    string
	CanAdd    bool
	StreamURL string
}

// backendRow is one line of it.
type backendRow struct {
	ID          string
	Name        string
	URL         string
	Phase       ui.State
	InvokeURL   string
	Environment string
	Test        ui.State
	TestNote    string // what was sent and when; "" before the first test
	JobURL      string // of the job that holds it
	JobWords    string
	Created     ui.Time
}

// listBackends shows the backends that the actor sees.
func (w *Web) listBackends(c echo.Context) error {
	v, err := w.backendList(c)
	if err != nil {
		return err
	}
	return w.page(c, w.layoutView(c, "", "backends"), backendListPage(v))
}

func (w *Web) backendList(c echo.Context) (backendListView, error) {
	actor := actorOf(c)
	all, err := w.panel.Backends(c.Request().Context(), actor, panel.BackendFilter{})
	if err != nil {
		return backendListView{}, err
	}
	return newBackendListView(all, actor, w.now()), nil
}

func newBackendListView(all []panel.BackendSummary, actor model.Actor, now time.Time) backendListView {
	v := backendListView{
		NewURL: pathBackendNew(), StreamURL: pathBackendsStream(),
		CanAdd: panel.MayAnywhere(actor, panel.RegisterBackends),
	}
	for i := range all {
		v.Rows = append(v.Rows, newBackendRow(&all[i], now))
	}
	return v
}

func newBackendRow(b *panel.BackendSummary, now time.Time) backendRow {
	row := backendRow{
		ID: b.ID, Name: b.Name, URL: pathBackend(b.ID), Phase: ui.PhaseState(b.Phase),
		InvokeURL: b.InvokeURL, Environment: b.EnvironmentName, Created: ago(b.CreatedAt, now),
	}
	if r := b.LastRun; r != nil {
		row.Test = ui.Verdict(r.Passed)
		row.TestNote = r.Name + ", " + agoWords(now.Sub(r.At))
	}
	if b.ActiveJobID != "" {
		row.JobURL, row.JobWords = pathJob(b.ActiveJobID), "Watch the job"
	}
	return row
}
