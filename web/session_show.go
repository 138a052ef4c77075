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
	Action string
	Next   string
	Token  string // of the link that was opened; "" asks for one
	Error  string
}

func (w *Web) home(c echo.Context) error { return redirect(c, pathBackends) }

// newSession asks for the one-time link.
func (w *Web) newSession(c echo.Context) error {
	v := signInView{Action: pathSignIn, Next: c.QueryParam("next")}
	return w.page(c, w.layoutView(c, "", ""), signInPage(v))
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

// createSession redeems a token.
func (w *Web) createSession(c echo.Context) error {
	token, next := tokenOf(c.FormValue("token")), c.FormValue("next")
	if _, err := w.auth.SignIn(c.Request().Context(), token); err != nil {
		code := model.CodeOf(err)
		if code != model.CodeUnauthorized && code != model.CodeInvalid && code != model.CodeNotFound {
			return err
		}
		v := signInView{Action: pathSignIn, Next: next, Error: newErrorView(err, "").Message}
		return w.pageWith(c, http.StatusUnprocessableEntity, w.layoutView(c, "", ""), signInPage(v))
	}
	return redirect(c, localPath(next))
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
