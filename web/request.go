package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/sheet"
)

// maxForm is many times what the largest form holds.
const maxForm = 1 << 20

// maxImport is enough for a list that comes as a file and as text at once.
const maxImport = 2*sheet.MaxBytes + maxForm

// maxBody limits a request's body.
func (r route) maxBody() int64 {
	if r.Path == pathBackendImport() {
		return maxImport
	}
	return maxForm
}

// Keys of echo's context.
const (
	actorKey = "web.actor"
	routeKey = "web.route"
)

// securityHeaders of every page. Nothing inline, nothing foreign.
var securityHeaders = [][2]string{
	{"Content-Security-Policy", "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "same-origin"},
	{"Cache-Control", "no-store"},
}

// serve wraps a route's handler: headers, cross-origin check, who asks, and
// the page for an error.
func (w *Web) serve(r route) echo.HandlerFunc {
	return func(c echo.Context) error {
		begin(c, r)
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, r.maxBody())
		if err := w.admit(r, c); err != nil {
			return w.fail(c, err)
		}
		if err := r.handle(w, c); err != nil {
			return w.fail(c, err)
		}
		return nil
	}
}

// begin sets what every answer carries.
func begin(c echo.Context, r route) {
	h := c.Response().Header()
	for _, kv := range securityHeaders {
		h.Set(kv[0], kv[1])
	}
	if h.Get(echo.HeaderXRequestID) == "" {
		h.Set(echo.HeaderXRequestID, model.NewID("req_"))
	}
	c.Set(routeKey, r)
}

// admit refuses requests from other sites, strangers and roles too low.
func (w *Web) admit(r route, c echo.Context) error {
	if err := w.cross.Check(c.Request()); err != nil {
		return model.Errorf(model.CodeForbidden, "This request came from another site and was not carried out: %w", err)
	}
	actor, signedIn := w.auth.UserActor(c.Request().Context())
	if signedIn {
		c.Set(actorKey, actor)
	}
	switch {
	case r.Needs == panel.Anybody:
		return nil
	case !signedIn:
		return model.Errorf(model.CodeUnauthorized, "Sign in first.")
	case !panel.MayAnywhere(actor, r.Needs):
		return tooLow(actor, r.Needs)
	}
	return nil
}

// tooLow says which role is missing.
func tooLow(actor model.Actor, need panel.Permission) error {
	if actor.Best() == "" {
		return model.Errorf(model.CodeForbidden, "You are in no team yet. Ask an owner of a team to invite you.")
	}
	return model.Errorf(model.CodeForbidden, "This needs the role %s; yours is %s. Ask an owner of your team.", need.Role(), actor.Best())
}

// actorOf is who asks; the zero Actor, which may do nothing, on public pages.
func actorOf(c echo.Context) model.Actor {
	a, _ := c.Get(actorKey).(model.Actor)
	return a
}

// isFragment tells whether htmx asks for a part of a page.
func isFragment(c echo.Context) bool {
	return c.Request().Header.Get("HX-Request") == "true"
}

// redirect sends the browser on after a POST.
func redirect(c echo.Context, to string) error {
	return c.Redirect(http.StatusSeeOther, to)
}
