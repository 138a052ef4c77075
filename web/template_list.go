package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// templateListView is the page of what a team makes sandboxes from.
type templateListView struct {
	Team, TeamURL string
	Rows          []templateRow
	NewURL        string // "" for whom it is not
	SandboxesURL  string
}

// templateRow is one template.
type templateRow struct {
	Name, About string
	Facts       []fact
	MakeURL     string // "" for whom it is not
	EditURL     string
	DeleteURL   string
}

// listTemplates shows a team's templates, and those of every team.
func (w *Web) listTemplates(c echo.Context) error {
	ctx, actor, teamID := c.Request().Context(), actorOf(c), c.Param("id")
	list, err := w.panel.SandboxTemplates(ctx, actor, teamID)
	if err != nil {
		return err
	}
	team, err := w.panel.Team(ctx, actor, teamID)
	if err != nil {
		return err
	}
	environments, err := w.panel.Environments(ctx, actor)
	if err != nil {
		return err
	}
	v := templateListView{Team: team.Name, TeamURL: pathTeam(teamID), SandboxesURL: pathSandboxes}
	if panel.May(actor, panel.ManageTemplates, teamID) {
		v.NewURL = pathTemplateNew(teamID)
	}
	for i := range list {
		v.Rows = append(v.Rows, newTemplateRow(&list[i], teamID, environments, actor))
	}
	return w.pageWith(c, http.StatusOK, w.layoutView(c, "Sandbox templates of "+team.Name, "sandboxes"), templateListPage(v))
}

func newTemplateRow(t *model.SandboxTemplate, teamID string, environments []model.Environment, actor model.Actor) templateRow {
	row := templateRow{Name: t.Name, About: t.Description}
	for _, e := range environments {
		if e.ID == t.EnvironmentID {
			row.Facts = append(row.Facts, fact{"Environment", e.Name})
		}
	}
	row.Facts = append(row.Facts, fact{"Runs", sourceWords(t.Spec)})
	if t.TTL > 0 {
		row.Facts = append(row.Facts, fact{"Lives for", timeWords(t.TTL)})
	}
	for _, p := range t.Parameters {
		row.Facts = append(row.Facts, fact{"Parameter", p.Name})
	}
	manage := panel.ManageTemplates
	if t.TeamID == "" {
		row.Facts = append(row.Facts, fact{"For", "every team"})
		manage = panel.ManageTeams
	}
	if panel.May(actor, panel.MakeSandboxes, teamID) {
		row.MakeURL = pathSandboxNew(teamID + "/" + t.ID)
	}
	if panel.May(actor, manage, teamID) {
		row.EditURL, row.DeleteURL = pathTemplate(teamID, t.ID), pathTemplateDelete(teamID, t.ID)
	}
	return row
}

// deleteTemplate forgets a template.
func (w *Web) deleteTemplate(c echo.Context) error {
	if err := w.panel.DeleteSandboxTemplate(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("template")); err != nil {
		return err
	}
	return redirect(c, pathTemplates(c.Param("id")))
}
