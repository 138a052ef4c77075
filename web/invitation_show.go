package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
)

// invitationView is the page of an opened invitation.
type invitationView struct {
	Action      string
	Token       string
	Team        string
	Email, Role string
	SignedInAs  string // "" for a stranger, who chooses a name and a password
	Provider    string // its name on the button; "" when there is none
	ProviderURL string
	Name        string
	Errors      map[string]string
}

// showInvitation looks at an invitation. Opening alone uses nothing up.
func (w *Web) showInvitation(c echo.Context) error {
	token, err := url.PathUnescape(c.Param("token"))
	if err != nil {
		return model.Errorf(model.CodeNotFound, "This invitation's link is not whole. Copy it again.")
	}
	return w.invitation(c, http.StatusOK, token, "", nil)
}

func (w *Web) invitation(c echo.Context, status int, token, name string, refused *model.Error) error {
	i, team, err := w.auth.Invitation(c.Request().Context(), token)
	if err != nil {
		return err
	}
	v := invitationView{
		Action: pathInvitationAccept, Token: token, Team: team.Name, Email: i.Email, Role: string(i.Role),
		SignedInAs: actorOf(c).Name, Name: name, Errors: map[string]string{},
	}
	if w.provider != nil {
		v.Provider, v.ProviderURL = w.provider.Name(), pathProvider
	}
	if refused != nil {
		for _, f := range refused.Fields {
			v.Errors[f.Path] = f.Message
		}
	}
	return w.pageWith(c, status, w.layoutView(c, "", ""), invitationPage(v))
}

// acceptInvitation uses it up and lets its bearer in.
func (w *Web) acceptInvitation(c echo.Context) error {
	token, name := c.FormValue("token"), c.FormValue("name")
	err := w.auth.AcceptInvitation(c.Request().Context(), token, name, c.FormValue("password"))
	if refused := refusal(err); refused != nil {
		return w.invitation(c, http.StatusUnprocessableEntity, token, name, refused)
	}
	if err != nil {
		return err
	}
	return redirect(c, pathHome)
}

// beginProvider sends the browser to the provider.
func (w *Web) beginProvider(c echo.Context) error {
	if w.provider == nil {
		return model.Errorf(model.CodeNotFound, "There is no provider to sign in with.")
	}
	e := auth.Errand{
		Next: c.FormValue("next"), Invitation: c.FormValue("invitation"),
		Confirm: c.FormValue("confirm") != "" && actorOf(c).Person,
	}
	to, err := w.provider.Begin(c.Request().Context(), e)
	if err != nil {
		return err
	}
	return redirect(c, to)
}

// finishProvider takes the provider's answer.
func (w *Web) finishProvider(c echo.Context) error {
	if w.provider == nil {
		return model.Errorf(model.CodeNotFound, "There is no provider to sign in with.")
	}
	next, err := w.provider.Finish(c.Request().Context(), c.QueryParams())
	if err == nil {
		return redirect(c, localPath(next))
	}
	if model.CodeOf(err) != model.CodeUnauthorized {
		return err
	}
	w.log.InfoContext(c.Request().Context(), "sign-in by provider refused", "error", err)
	v := w.signInView("")
	v.Error = newErrorView(err, "").Message
	return w.pageWith(c, http.StatusUnauthorized, w.layoutView(c, "Sign in", ""), signInPage(v))
}
