// Package web serves the pages. Handlers ask package panel, map what they get
// to views and render templ components; they hold no rules of their own.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/static"
)

// Auth is what the pages need of the sessions. Its methods find the session in
// ctx, where the middleware that wraps the whole server has put it.
type Auth interface {
	// SignInByLink redeems a one-time token.
	SignInByLink(ctx context.Context, token string) error
	// SignInByPassword takes a user's name or address.
	SignInByPassword(ctx context.Context, login, password string) error
	SignOut(ctx context.Context) error
	// Confirm takes the signed-in user's password again.
	Confirm(ctx context.Context, password string) error
	// SetPassword gives the signed-in user a password, perhaps their first.
	SetPassword(ctx context.Context, password string) error
	// UserActor tells who is signed in.
	UserActor(ctx context.Context) (model.Actor, bool)
}

// Deps are what the pages are made of.
type Deps struct {
	Panel   *panel.Panel
	Auth    Auth
	Logger  *slog.Logger
	Version string
	// Errors is what the page of AWS's errors shows.
	Errors []model.ErrorChapter
	// Streams is how many live connections one user may hold; 0 means 24.
	Streams int
	// Now is the clock of ages and elapsed times; nil means time.Now.
	Now func() time.Time
}

// defaultStreams allows a person a good many tabs.
const defaultStreams = 24

// Web serves the pages.
type Web struct {
	panel   *panel.Panel
	auth    Auth
	log     *slog.Logger
	version string
	errors  []model.ErrorChapter
	now     func() time.Time
	assets  *static.Assets
	cross   *http.CrossOriginProtection
	streams *streams
}

// New prepares the pages.
func New(d Deps) *Web {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Streams == 0 {
		d.Streams = defaultStreams
	}
	return &Web{
		panel: d.Panel, auth: d.Auth, log: d.Logger, version: d.Version, errors: d.Errors, now: d.Now,
		assets: static.New(staticPrefix), cross: http.NewCrossOriginProtection(), streams: newStreams(d.Streams),
	}
}

// Register adds the pages and their assets. Unknown addresses are for
// HandleError, which should be echo's error handler.
func (w *Web) Register(e *echo.Echo) {
	assets := echo.WrapHandler(w.assets)
	e.GET(staticPrefix+"*", assets)
	e.HEAD(staticPrefix+"*", assets)
	for _, r := range routes() {
		e.Add(r.Method, r.Path, w.serve(r))
	}
}
