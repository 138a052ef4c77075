package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// statusOf maps the codes of errors to HTTP.
func statusOf(code model.Code) int {
	switch code {
	case model.CodeInvalid:
		return http.StatusUnprocessableEntity
	case model.CodeUnauthorized:
		return http.StatusUnauthorized
	case model.CodeForbidden, model.CodeStale:
		return http.StatusForbidden
	case model.CodeNotFound:
		return http.StatusNotFound
	case model.CodeConflict:
		return http.StatusConflict
	case model.CodePrecondition:
		return http.StatusPreconditionFailed
	case model.CodeTooMany:
		return http.StatusTooManyRequests
	case model.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// errorView is what the page of an error shows.
type errorView struct {
	Status    int
	Title     string
	Message   string
	Fields    []string
	HolderURL string // of the job that holds the backend
	BackURL   string
	RequestID string
	Problem   *ui.Problem // what AWS said
}

func newErrorView(err error, requestID string) errorView {
	v := errorView{Status: http.StatusInternalServerError, RequestID: requestID, BackURL: pathHome}
	var known *model.Error
	if errors.As(err, &known) && known.Code != model.CodeInternal {
		v.Status = statusOf(known.Code)
		v.Message = known.Message
		if known.Problem != nil {
			v.Problem = newProblem("The environment does not answer as it should", known.Problem)
			v.Message = known.Full()
		}
		for _, f := range known.Fields {
			v.Fields = append(v.Fields, f.Message)
		}
		if known.Holder != "" {
			v.HolderURL = pathJob(known.Holder)
		}
	}
	v.Title = errorTitle(v.Status)
	if v.Message == "" {
		v.Message = "Drawbridge failed to answer. Nothing was changed by this page. Try again; if it stays, look for the request id in the server's log."
	}
	return v
}

// refusal is the error if it refuses an input; nil for any other.
func refusal(err error) *model.Error {
	var known *model.Error
	if errors.As(err, &known) && known.Code == model.CodeInvalid {
		return known
	}
	return nil
}

// fieldMessage is the first refusal of an invalid input, or "".
func fieldMessage(err error) string {
	refused := refusal(err)
	switch {
	case refused == nil:
		return ""
	case len(refused.Fields) > 0:
		return refused.Fields[0].Message
	}
	return refused.Message
}

func errorTitle(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Not signed in"
	case http.StatusForbidden:
		return "Not allowed"
	case http.StatusNotFound:
		return "Not found"
	case http.StatusConflict:
		return "Not now"
	case http.StatusUnprocessableEntity:
		return "Something needs another value"
	case http.StatusServiceUnavailable:
		return "Not available now"
	}
	return "Something went wrong here"
}

// fail answers with the page, the fragment or the redirect for err.
func (w *Web) fail(c echo.Context, err error) error {
	ctx := c.Request().Context()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil || c.Response().Committed {
		return nil // nobody listens any more
	}
	v := newErrorView(err, c.Response().Header().Get(echo.HeaderXRequestID))
	if v.Status >= http.StatusInternalServerError {
		w.log.ErrorContext(ctx, "page failed", "request_id", v.RequestID, "path", c.Path(), "error", err, "problem", model.ProblemOf(err))
	}
	retryAfter(c, err)
	if model.CodeOf(err) == model.CodeStale {
		return w.sendToConfirm(c)
	}
	if v.Status == http.StatusUnauthorized {
		return w.sendToSignIn(c)
	}
	if isFragment(c) {
		h := c.Response().Header()
		h.Set("HX-Retarget", "#flash")
		h.Set("HX-Reswap", "innerHTML")
		return w.fragment(c, v.Status, errorCard(v))
	}
	return w.pageWith(c, v.Status, w.layoutView(c, v.Title, ""), errorPage(v))
}

// retryAfter tells programs when to try again, if the error does.
func retryAfter(c echo.Context, err error) {
	var known *model.Error
	if errors.As(err, &known) && known.RetryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(known.RetryAfter.Seconds()))))
	}
}

// sendToSignIn brings a stranger to the sign-in page and, after it, back.
func (w *Web) sendToSignIn(c echo.Context) error {
	if isFragment(c) {
		c.Response().Header().Set("HX-Redirect", pathSignIn)
		return c.NoContent(http.StatusUnauthorized)
	}
	return redirect(c, pathSignInNext(cameFrom(c)))
}

// sendToConfirm asks a person who they are and brings them back to the page
// from which they came; what they pressed there is not carried out by itself.
func (w *Web) sendToConfirm(c echo.Context) error {
	next := cameFrom(c)
	if isFragment(c) {
		c.Response().Header().Set("HX-Redirect", pathConfirmNext(next))
		return c.NoContent(http.StatusForbidden)
	}
	return redirect(c, pathConfirmNext(next))
}

// cameFrom is the page to go back to: the one that was asked for, or on which
// something was pressed.
func cameFrom(c echo.Context) string {
	if c.Request().Method == http.MethodGet {
		return c.Request().URL.RequestURI()
	}
	if from, err := url.Parse(c.Request().Referer()); err == nil && from.Host == c.Request().Host {
		return localPath(from.RequestURI())
	}
	return pathHome
}

// HandleError answers err with a page. It is echo's handler for errors that
// arise outside the pages' own handlers: unknown addresses, other methods.
func (w *Web) HandleError(err error, c echo.Context) {
	var he *echo.HTTPError
	if errors.As(err, &he) {
		err = fromHTTP(he, c.Request().URL.Path)
	}
	page := route{Name: "error", Title: "Error", Needs: panel.Anybody, handle: func(*Web, echo.Context) error { return err }}
	if err := w.serve(page)(c); err != nil {
		w.log.ErrorContext(c.Request().Context(), "error page failed", "error", err)
	}
}

// SessionError answers a request whose session could not be read or written:
// the database does not answer. It is for the session manager, which stands
// before echo.
func (w *Web) SessionError(e *echo.Echo) func(http.ResponseWriter, *http.Request, error) {
	return func(rw http.ResponseWriter, r *http.Request, err error) {
		c := e.NewContext(r, rw)
		begin(c, route{Name: "error", Title: "Error"})
		if err := w.fail(c, &model.Error{Code: model.CodeUnavailable, Err: err,
			Message: "Drawbridge's database does not answer. Running jobs go on by themselves when it does. Try again in a moment."}); err != nil {
			w.log.ErrorContext(r.Context(), "error page failed", "error", err)
		}
	}
}

func fromHTTP(he *echo.HTTPError, path string) error {
	switch he.Code {
	case http.StatusNotFound:
		return model.Errorf(model.CodeNotFound, "There is no page at %s.", path)
	case http.StatusMethodNotAllowed:
		return model.Errorf(model.CodeNotFound, "The page at %s does not take such a request.", path)
	}
	return he
}
