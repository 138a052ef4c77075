package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// signInView is what the two sign-in pages show.
type signInView struct {
	Action      string
	Next        string
	Login       string
	Token       string // of the link that was opened
	Error       string
	LinkError   string
	Passwords   bool   // people may sign in by password
	Provider    string // its name on the button; "" when there is none
	ProviderURL string
}

func (w *Web) home(c echo.Context) error { return redirect(c, pathBackends) }

// newSession asks for name and password, or for the one-time link.
func (w *Web) newSession(c echo.Context) error {
	return w.page(c, w.layoutView(c, "", ""), signInPage(w.signInView(c.QueryParam("next"))))
}

func (w *Web) signInView(next string) signInView {
	v := signInView{Action: pathSignIn, Next: next, Passwords: w.passwords}
	if w.provider != nil {
		v.Provider, v.ProviderURL = w.provider.Name(), pathProvider
	}
	return v
}

// confirmSession shows a button for an opened link. Opening alone redeems
// nothing, so that previews of links do not use them up.
func (w *Web) confirmSession(c echo.Context) error {
	token, err := url.PathUnescape(c.Param("token"))
	if err != nil {
		return model.Errorf(model.CodeNotFound, "This sign-in link is not whole. Copy it again from the server's first lines.")
	}
	v := signInView{Action: pathSignIn, Next: c.QueryParam("next"), Token: token}
	return w.page(c, w.layoutView(c, "", ""), confirmPage(v))
}

// createSession signs in by a one-time link or by password.
func (w *Web) createSession(c echo.Context) error {
	ctx, v := c.Request().Context(), w.signInView(c.FormValue("next"))
	v.Login = c.FormValue("login")
	var err error
	token := tokenOf(c.FormValue("token"))
	if token != "" {
		err = w.auth.SignInByLink(ctx, token)
	} else {
		err = w.auth.SignInByPassword(ctx, v.Login, c.FormValue("password"))
	}
	if err == nil {
		return redirect(c, localPath(v.Next))
	}
	status := http.StatusUnprocessableEntity
	switch model.CodeOf(err) {
	case model.CodeUnauthorized:
	case model.CodeTooMany:
		status = http.StatusTooManyRequests
		retryAfter(c, err)
	default:
		return err
	}
	v.Error = newErrorView(err, "").Message
	if token != "" {
		v.Error, v.LinkError = "", v.Error
	}
	return w.pageWith(c, status, w.layoutView(c, "", ""), signInPage(v))
}

// tokenOf takes a token or the whole link that carries it.
func tokenOf(pasted string) string {
	pasted = strings.TrimSpace(pasted)
	if _, after, ok := strings.Cut(pasted, pathSignIn+"/"); ok {
		pasted, _, _ = strings.Cut(after, "?")
	}
	return pasted
}

// deleteSession signs out.
func (w *Web) deleteSession(c echo.Context) error {
	if err := w.auth.SignOut(c.Request().Context()); err != nil {
		return err
	}
	return redirect(c, pathSignIn)
}
