package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
)

// providerView leads on to the provider.
type providerView struct{ Name, URL string }

// beginProvider sends the browser to the provider: by a page, not by a redirect.
// Our policy's form-action holds for where a form's answer redirects to as well,
// and which places a provider hands on to nobody can list.
func (w *Web) beginProvider(c echo.Context) error {
	if w.provider == nil {
		return model.Errorf(model.CodeNotFound, "There is no provider to sign in with.")
	}
	e := auth.Errand{
		Next: c.FormValue("next"), Invitation: c.FormValue("invitation"),
		Confirm: c.FormValue("confirm") != "" && actorOf(c).Person,
		Link:    c.FormValue("link") != "" && actorOf(c).Person,
	}
	to, err := w.provider.Begin(c.Request().Context(), e)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Refresh", "0; url="+to)
	return w.page(c, w.layoutView(c, "", ""), providerPage(providerView{w.provider.Name(), to}))
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
