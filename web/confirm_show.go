package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// confirmView asks a person once more who they are, or, when they have no way
// in yet, for their first password.
type confirmView struct {
	Action      string
	Name        string // whose password it is, for password managers
	Next        string
	First       bool // give them a way in; there is none to ask for
	Error       string
	Provider    string // that can be asked instead of a password; "" when there is none
	ProviderURL string
	Password    bool // there is one to ask for, or to choose
}

func (w *Web) showConfirm(c echo.Context) error {
	return w.confirm(c, http.StatusOK, c.QueryParam("next"), "")
}

func (w *Web) createConfirm(c echo.Context) error {
	ctx, password, next := c.Request().Context(), c.FormValue("password"), c.FormValue("next")
	account, err := w.panel.Account(ctx, actorOf(c))
	if err != nil {
		return err
	}
	if account.User.HasCredentials() {
		err = w.auth.Confirm(ctx, password)
	} else {
		err = w.auth.SetPassword(ctx, password)
	}
	if problem := fieldMessage(err); problem != "" {
		return w.confirm(c, http.StatusUnprocessableEntity, next, problem)
	}
	switch {
	case err == nil:
		return redirect(c, localPath(next))
	case model.CodeOf(err) == model.CodeTooMany:
		retryAfter(c, err)
		return w.confirm(c, http.StatusTooManyRequests, next, newErrorView(err, "").Message)
	}
	return err
}

func (w *Web) confirm(c echo.Context, status int, next, problem string) error {
	account, err := w.panel.Account(c.Request().Context(), actorOf(c))
	if err != nil {
		return err
	}
	v := confirmView{Action: pathConfirm, Name: account.User.Name, Next: next, First: !account.User.HasCredentials(), Error: problem}
	v.Password = w.passwords && (account.User.HasPassword || v.First)
	if w.provider != nil && (v.First || len(account.Identities) > 0) {
		v.Provider, v.ProviderURL = w.provider.Name(), pathProvider
	}
	return w.pageWith(c, status, w.layoutView(c, "", ""), confirmAgainPage(v))
}
