package web

import (
	"fmt"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// Limits of the page: those that live, and the newest of those that are gone.
const (
	maxSandboxRows = 500
	maxGoneRows    = 50
)

// sandboxListView is the page of all sandboxes.
type sandboxListView struct {
	Rows      []sandboxRow
	Gone      bool // those of which nothing is left
	NewURL    string
	OtherURL  string // the other list
	StreamURL string
	CanMake   bool
	Templates []ui.Crumb // the pages of the teams' templates
	Summary   string
}

// sandboxRow is one line of it.
type sandboxRow struct {
	ID, Name, URL string
	Phase         ui.State
	Team          string // "" where the actor has one team only
	InvokeURL     string
	JobURL        string
	Sandbox       *sandboxView
	Created       ui.Time
}

// listSandboxes shows the sandboxes that the actor sees, the next to end first.
func (w *Web) listSandboxes(c echo.Context) error {
	v, err := w.sandboxList(c)
	if err != nil {
		return err
	}
	return w.page(c, w.layoutView(c, "", "sandboxes"), sandboxListPage(v))
}

func (w *Web) sandboxList(c echo.Context) (sandboxListView, error) {
	ctx, actor, now := c.Request().Context(), actorOf(c), w.now()
	gone := c.QueryParam("gone") != ""
	v := sandboxListView{Gone: gone, NewURL: pathSandboxNew(""), OtherURL: pathSandboxesGone(!gone), StreamURL: pathSandboxesStream(gone),
		CanMake: panel.MayAnywhere(actor, panel.MakeSandboxes)}
	f := panel.SandboxFilter{Sort: "ends_at", Limit: maxSandboxRows}
	if gone {
		f = panel.SandboxFilter{Gone: true, Limit: maxGoneRows}
	}
	list, err := w.panel.Sandboxes(ctx, actor, f)
	if err != nil {
		return v, err
	}
	teams, err := w.panel.Teams(ctx, actor)
	if err != nil {
		return v, err
	}
	names := map[string]string{}
	for _, t := range teams {
		if len(teams) > 1 {
			names[t.ID] = t.Name
		}
		label := "Templates"
		if len(teams) > 1 {
			label += " of " + t.Name
		}
		v.Templates = append(v.Templates, ui.Crumb{Label: label, URL: pathTemplates(t.ID)})
	}
	for i := range list {
		v.Rows = append(v.Rows, newSandboxRow(&list[i], names, actor, now))
	}
	v.Summary = sandboxSummary(list, gone)
	return v, nil
}

func sandboxSummary(list []panel.BackendSummary, gone bool) string {
	if gone {
		return "the newest " + count(len(list), "sandbox") + " that ended"
	}
	return fmt.Sprintf("%s, the next to end first", count(len(list), "sandbox"))
}

func newSandboxRow(b *panel.BackendSummary, teams map[string]string, actor model.Actor, now time.Time) sandboxRow {
	row := sandboxRow{
		ID: b.ID, Name: b.Name, URL: pathBackend(b.ID), Phase: ui.PhaseState(b.Phase), Team: teams[b.TeamID], InvokeURL: b.InvokeURL,
		Sandbox: newSandboxView(b.Sandbox, actor, now), Created: ago(b.CreatedAt, now),
	}
	if b.ActiveJobID != "" {
		row.JobURL = pathJob(b.ActiveJobID)
	}
	return row
}

// streamSandboxes keeps the list true, countdowns and all.
func (w *Web) streamSandboxes(c echo.Context) error {
	return w.streamList(c, func() (templ.Component, error) {
		v, err := w.sandboxList(c)
		return partial("sandboxes", sandboxRows(v)), err
	})
}
