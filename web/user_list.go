package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/web/ui"
)

// userRow is one line of the page of everybody who has an account.
type userRow struct {
	Name, Email, Ways   string
	Admin, Off          bool
	You                 bool // whoever looks, whom another admin must switch off
	Since               ui.Time
	SwitchURL, AdminURL string
}

func (w *Web) listUsers(c echo.Context) error {
	users, err := w.panel.Users(c.Request().Context(), actorOf(c))
	if err != nil {
		return err
	}
	var rows []userRow
	for i := range users {
		row := newUserRow(&users[i], w.now())
		row.You = users[i].ID == actorOf(c).ID
		rows = append(rows, row)
	}
	return w.page(c, w.layoutView(c, "", "users"), userListPage(rows))
}

func newUserRow(u *model.User, now time.Time) userRow {
	row := userRow{
		Name: u.Name, Email: u.Email, Admin: u.Admin, Off: u.Disabled(), Since: ago(u.CreatedAt, now),
		SwitchURL: pathUserSwitch(u.ID), AdminURL: pathUserAdmin(u.ID), Ways: "no way in yet",
	}
	switch {
	case u.HasPassword && u.Identities > 0:
		row.Ways = "password and provider"
	case u.HasPassword:
		row.Ways = "password"
	case u.Identities > 0:
		row.Ways = "provider"
	}
	return row
}

// switchUser switches a user off, or on again.
func (w *Web) switchUser(c echo.Context) error {
	if err := w.panel.SwitchUser(c.Request().Context(), actorOf(c), c.Param("id"), c.FormValue("on") == "yes"); err != nil {
		return err
	}
	return redirect(c, pathUsers)
}

// setAdmin makes a user an admin, or no longer.
func (w *Web) setAdmin(c echo.Context) error {
	if err := w.panel.SetAdmin(c.Request().Context(), actorOf(c), c.Param("id"), c.FormValue("admin") == "yes"); err != nil {
		return err
	}
	return redirect(c, pathUsers)
}
