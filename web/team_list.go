package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/panel"
)

// teamListView is the page of the actor's teams.
type teamListView struct {
	Rows      []teamRow
	CreateURL string // "" when the actor may make none
	Name      string // as it was typed
	Error     string
}

type teamRow struct{ Name, URL, BackendsURL, Role string }

func (w *Web) listTeams(c echo.Context) error { return w.teamList(c, http.StatusOK, "", "") }

func (w *Web) teamList(c echo.Context, status int, name, problem string) error {
	actor := actorOf(c)
	teams, err := w.panel.Teams(c.Request().Context(), actor)
	if err != nil {
		return err
	}
	v := teamListView{Name: name, Error: problem}
	for _, t := range teams {
		v.Rows = append(v.Rows, teamRow{t.Name, pathTeam(t.ID), pathBackendsOf(t.ID), string(actor.RoleIn(t.ID))})
	}
	if panel.MayAnywhere(actor, panel.ManageTeams) {
		v.CreateURL = pathTeams
	}
	return w.pageWith(c, status, w.layoutView(c, "", "teams"), teamListPage(v))
}

// createTeam makes a team and shows it.
func (w *Web) createTeam(c echo.Context) error {
	name := c.FormValue("name")
	t, err := w.panel.CreateTeam(c.Request().Context(), actorOf(c), name)
	if problem := fieldMessage(err); problem != "" {
		return w.teamList(c, http.StatusUnprocessableEntity, name, problem)
	}
	if err != nil {
		return err
	}
	return redirect(c, pathTeam(t.ID))
}
