package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// accountView is a person's own page.
type accountView struct {
	Name, Email  string
	Admin        bool
	Teams        []accountTeam
	HasPassword  bool
	Passwords    bool // people may sign in by password
	PasswordURL  string
	Error        string // about the new password
	Saved        bool
	Identities   []accountIdentity
	Provider     string // that the account can be linked to; "" when there is none
	ProviderURL  string
	UnlinkURL    string
	Sessions     []accountSession
	EndOthersURL string
}

type accountTeam struct{ Name, URL, Role string }

type accountIdentity struct {
	Issuer, Subject string
	Since           ui.Time
}

type accountSession struct {
	Address, Agent string
	Since, Seen    ui.Time
	This           bool
	EndURL         string
}

func (w *Web) showAccount(c echo.Context) error { return w.account(c, http.StatusOK, "") }

func (w *Web) account(c echo.Context, status int, problem string) error {
	a, err := w.panel.Account(c.Request().Context(), actorOf(c))
	if err != nil {
		return err
	}
	v := newAccountView(a, actorOf(c), w.now())
	v.Passwords, v.UnlinkURL = w.passwords, pathAccountUnlink
	if w.provider != nil {
		v.Provider, v.ProviderURL = w.provider.Name(), pathProvider
	}
	v.Error, v.Saved = problem, c.QueryParam("saved") != "" && problem == ""
	return w.pageWith(c, status, w.layoutView(c, "", "account"), accountPage(v))
}

func newAccountView(a *panel.Account, actor model.Actor, now time.Time) accountView {
	v := accountView{
		Name: a.User.Name, Email: a.User.Email, Admin: a.User.Admin, HasPassword: a.User.HasPassword,
		PasswordURL: pathAccountPassword, EndOthersURL: pathAccountSessionsEnd,
	}
	for _, t := range a.Teams {
		v.Teams = append(v.Teams, accountTeam{t.Name, pathTeam(t.ID), string(t.Role)})
	}
	for _, i := range a.Identities {
		v.Identities = append(v.Identities, accountIdentity{i.Issuer, i.Subject, ago(i.CreatedAt, now)})
	}
	for _, s := range a.Sessions {
		v.Sessions = append(v.Sessions, accountSession{
			Address: s.Address, Agent: s.Agent, Since: ago(s.CreatedAt, now), Seen: ago(s.SeenAt, now),
			This: s.ID == actor.Session, EndURL: pathAccountSessionEnd(s.ID),
		})
	}
	return v
}

// savePassword sets a new password.
func (w *Web) savePassword(c echo.Context) error {
	err := w.auth.SetPassword(c.Request().Context(), c.FormValue("password"))
	if problem := fieldMessage(err); problem != "" {
		return w.account(c, http.StatusUnprocessableEntity, problem)
	}
	if err != nil {
		return err
	}
	return redirect(c, pathAccount+"?saved=1")
}

// unlinkIdentity takes a way in by a provider away.
func (w *Web) unlinkIdentity(c echo.Context) error {
	if err := w.panel.Unlink(c.Request().Context(), actorOf(c), c.FormValue("issuer"), c.FormValue("subject")); err != nil {
		return err
	}
	return redirect(c, pathAccount)
}

func (w *Web) endSession(c echo.Context) error {
	if err := w.panel.EndSession(c.Request().Context(), actorOf(c), c.Param("id")); err != nil {
		return err
	}
	return redirect(c, pathAccount)
}

func (w *Web) endOtherSessions(c echo.Context) error {
	if err := w.panel.EndOtherSessions(c.Request().Context(), actorOf(c)); err != nil {
		return err
	}
	return redirect(c, pathAccount)
}
