package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// layoutView is the frame of the page of the request. title "" takes the route's.
func (w *Web) layoutView(c echo.Context, title, nav string) ui.Page {
	if title == "" {
		r, _ := c.Get(routeKey).(route)
		title = r.Title
	}
	actor, audit, users := actorOf(c), "", ""
	if panel.MayAnywhere(actor, panel.ReadAudit) {
		audit = pathAudit
	}
	if panel.MayAnywhere(actor, panel.SeeUsers) {
		users = pathUsers
	}
	noWayIn := ""
	if r, _ := c.Get(routeKey).(route); actor.NoWayIn && r.Path != pathConfirm && r.Path != pathAccount && c.Request().Method == http.MethodGet {
		noWayIn = pathConfirmNext(c.Request().URL.RequestURI())
	}
	return ui.Page{
		Title: title, Nav: nav, User: actor.Name, Version: w.version, NoWayIn: noWayIn,
		Links: ui.Links{
			Home: pathHome, Backends: pathBackends, Sandboxes: pathSandboxes, Environments: pathEnvironments, Teams: pathTeams, Notices: pathNotices, Users: users, Audit: audit, Account: pathAccount,
			API: pathAPIDocs, SignOut: pathSignOut,
		},
		Assets: ui.Assets{
			Styles:  []string{w.assets.URL("vendor/basecoat/basecoat.min.css"), w.assets.URL("app.css"), w.assets.URL("pages.css")},
			Theme:   w.assets.URL("theme.js"),
			Scripts: []string{w.assets.URL("vendor/htmx/htmx.min.js"), w.assets.URL("vendor/htmx/hx-sse.min.js"), w.assets.URL("app.js")},
		},
	}
}

// page renders content within the layout.
func (w *Web) page(c echo.Context, p ui.Page, content templ.Component) error {
	return w.pageWith(c, http.StatusOK, p, content)
}

func (w *Web) pageWith(c echo.Context, status int, p ui.Page, content templ.Component) error {
	ctx := templ.WithChildren(c.Request().Context(), content)
	return send(c, ctx, status, ui.Layout(p))
}

// fragment renders a part of a page for htmx.
func (w *Web) fragment(c echo.Context, status int, part templ.Component) error {
	return send(c, c.Request().Context(), status, part)
}

// send renders into a buffer first: a broken component gives an error page and
// not half of a page.
func send(c echo.Context, ctx context.Context, status int, part templ.Component) error {
	var b bytes.Buffer
	if err := part.Render(ctx, &b); err != nil {
		return fmt.Errorf("render %s: %w", c.Path(), err)
	}
	return c.HTMLBlob(status, b.Bytes())
}
