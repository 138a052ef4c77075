package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// invitationView is the page of an opened invitation.
type invitationView struct {
	Action      string
	Token       string
	Team        string
	Email, Role string
	SignedInAs  string // "" for a stranger, who chooses a name and a password
	Passwords   bool
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
		SignedInAs: actorOf(c).Name, Name: name, Passwords: w.passwords, Errors: map[string]string{},
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
