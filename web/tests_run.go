package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// runTests sends the route tests; name, repeated, chooses some of them.
func (w *Web) runTests(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	form, err := c.FormParams()
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The form could not be read: %w", err)
	}
	if _, err := w.panel.RunTests(ctx, actor, id, form["name"]); err != nil {
		return err
	}
	if !isFragment(c) {
		return redirect(c, pathBackend(id)+"#tests")
	}
	d, err := w.panel.Backend(ctx, actor, id)
	if err != nil {
		return err
	}
	return w.fragment(c, http.StatusOK, testsSection(newTestsView(d, actor, w.now())))
}

// sendRequest sends one request that is not in the spec and shows its answer
// in place; without scripts the whole page is its frame.
func (w *Web) sendRequest(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	test := model.RouteTest{Method: c.FormValue("method"), Path: strings.TrimSpace(c.FormValue("path"))}
	run, err := w.panel.RunAdHocTest(ctx, actor, id, test)
	refused := fieldMessage(err)
	if err != nil && refused == "" {
		return err
	}
	d, err := w.panel.Backend(ctx, actor, id)
	if err != nil {
		return err
	}
	v, status := newRequestView(d, actor), http.StatusOK
	v.Method, v.Path = test.Method, test.Path
	if refused != "" {
		v.Error, status = refused, http.StatusUnprocessableEntity
	} else {
		v.Answer = newRunView(run, w.now())
		if run.Status != 0 {
			v.Answer.Reason = "" // any answer is what was asked for
		}
	}
	if isFragment(c) {
		return w.fragment(c, status, requestSection(v))
	}
	whole := newBackendView(d, actor, w.now())
	whole.Request = v
	return w.backendPage(c, status, whole)
}
