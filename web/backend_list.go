package web

import (
	"fmt"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// backendListView is the page of all backends.
type backendListView struct {
	Rows       []backendRow
	NewURL     string
	ImportURL  string
	SandboxURL string
	CanAdd     bool
	StreamURL  string
	Filter     backendFilterView
	Summary    string // "130 backends: 100 ready, 30 provisioning"
	Batch      *batchView
	Pages      pagesView
	Exports    []ui.Crumb
}

// backendRow is one line of it.
type backendRow struct {
	ID          string
	Name        string
	URL         string
	Phase       ui.State
	InvokeURL   string
	Environment string
	Team        string // "" where the actor has one team only
	Test        ui.State
	TestNote    string // what was sent and when; "" before the first test
	JobURL      string // of the job that holds it
	JobWords    string
	Progress    string // "7 of 18 steps", or its place in the queue
	Created     ui.Time
	Sandbox     *sandboxView // nil for a backend without an end
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
	ctx, actor := c.Request().Context(), actorOf(c)
	f := filterOf(c.QueryParams())
	all, err := w.panel.Backends(ctx, actor, f.panel(pageSize))
	if err != nil {
		return backendListView{}, err
	}
	counts, err := w.panel.CountBackends(ctx, actor, f.panel(0))
	if err != nil {
		return backendListView{}, err
	}
	environments, err := w.panel.Environments(ctx, actor)
	if err != nil {
		return backendListView{}, err
	}
	teams, err := w.panel.Teams(ctx, actor)
	if err != nil {
		return backendListView{}, err
	}
	v := newBackendListView(all, f, counts, w.now())
	v.nameTeams(all, teams)
	v.CanAdd = panel.MayAnywhere(actor, panel.RegisterBackends)
	v.Filter = newBackendFilterView(f, environments, teams)
	return v, nil
}

func newBackendListView(all []panel.BackendSummary, f backendFilter, counts map[model.Phase]int, now time.Time) backendListView {
	v := backendListView{
		NewURL: pathBackendNew(), ImportURL: pathBackendImport(), SandboxURL: pathSandboxNew(""), StreamURL: pathBackendsStream() + f.query(f.Page),
		Summary: countWords(counts), Pages: newPagesView(f, sum(counts)),
		Exports: []ui.Crumb{{Label: "Export as CSV", URL: pathBackendExport("csv") + f.query(1)}, {Label: "Export as JSON", URL: pathBackendExport("json") + f.query(1)}},
	}
	if f.BatchID != "" {
		v.Batch = newBatchView(counts)
	}
	for i := range all {
		v.Rows = append(v.Rows, newBackendRow(&all[i], now))
	}
	return v
}

// nameTeams says whose each backend is, to whom has several teams.
func (v *backendListView) nameTeams(all []panel.BackendSummary, teams []model.Team) {
	if len(teams) < 2 {
		return
	}
	names := map[string]string{}
	for _, t := range teams {
		names[t.ID] = t.Name
	}
	for i := range v.Rows {
		v.Rows[i].Team = names[all[i].TeamID]
	}
}

func newBackendRow(b *panel.BackendSummary, now time.Time) backendRow {
	row := backendRow{
		ID: b.ID, Name: b.Name, URL: pathBackend(b.ID), Phase: ui.PhaseState(b.Phase),
		InvokeURL: b.InvokeURL, Environment: b.EnvironmentName, Created: ago(b.CreatedAt, now),
		Sandbox: newSandboxView(b.Sandbox, model.Actor{}, now), // its buttons are on its own page
	}
	if r := b.LastRun; r != nil {
		row.Test = ui.Verdict(r.Passed)
		row.TestNote = r.Name + ", " + agoWords(now.Sub(r.At))
	}
	if b.ActiveJobID != "" {
		row.JobURL, row.JobWords, row.Progress = pathJob(b.ActiveJobID), "Watch the job", jobProgress(b)
	}
	return row
}

// jobProgress says how far the job is that holds the backend.
func jobProgress(b *panel.BackendSummary) string {
	switch {
	case b.QueuePosition > 0:
		return fmt.Sprintf("number %d in the queue", b.QueuePosition)
	case b.StepsAll > 0:
		return fmt.Sprintf("%d of %d steps", b.StepsDone, b.StepsAll)
	}
	return ""
}
