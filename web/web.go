// Package web serves the pages. Handlers ask package panel, map what they get
// to views and render templ components; they hold no rules of their own.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/auth"
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
	// Invitation returns what an open invitation lets into.
	Invitation(ctx context.Context, token string) (*model.Invitation, *model.Team, error)
	// AcceptInvitation lets the signed-in user, or a new one, in by it.
	AcceptInvitation(ctx context.Context, token, name, password string) error
	// UserActor tells who is signed in.
	UserActor(ctx context.Context) (model.Actor, bool)
}

// Provider signs people in at another place. It finds the browser's session
// in ctx, too.
type Provider interface {
	Name() string
	// Begin returns where to send the browser.
	Begin(ctx context.Context, e auth.Errand) (string, error)
	// Finish takes the answer that the browser brings back, and returns where
	// to go on.
	Finish(ctx context.Context, answer url.Values) (string, error)
}

// Deps are what the pages are made of.
type Deps struct {
	Panel *panel.Panel
	Auth  Auth
	// Provider is nil when there is none.
	Provider Provider
	// NoPasswords leaves the provider as the only way in.
	NoPasswords bool
	// URL is the panel's own address without a slash at its end, for links that people send on.
	URL     string
	Logger  *slog.Logger
	Version string
	// Errors is what the page of errors shows.
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
	panel     *panel.Panel
	auth      Auth
	provider  Provider
	passwords bool
	url       string
	log       *slog.Logger
	version   string
	errors    []model.ErrorChapter
	now       func() time.Time
	assets    *static.Assets
	cross     *http.CrossOriginProtection
	streams   *model.Seats
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
		panel: d.Panel, auth: d.Auth, provider: d.Provider, passwords: !d.NoPasswords, url: strings.TrimSuffix(d.URL, "/"), log: d.Logger, version: d.Version, errors: d.Errors, now: d.Now,
		assets: static.New(staticPrefix), cross: http.NewCrossOriginProtection(), streams: model.NewSeats(d.Streams),
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
