package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

type contextKey int

const (
	actorKey contextKey = iota
	requestIDKey
)

// actorFrom returns who asks; the zero Actor, which may do nothing, when
// nobody was authenticated.
func actorFrom(ctx context.Context) model.Actor {
	actor, _ := ctx.Value(actorKey).(model.Actor)
	return actor
}

func requestIDFrom(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// guard stands around everything under /api: it names the request, sets the
// headers that all answers share, and turns every error and panic, echo's own
// included, into a problem.
func (a *API) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.URL.Path != "/api" && !strings.HasPrefix(r.URL.Path, "/api/") {
			return next(c)
		}
		h := c.Response().Header()
		id := h.Get(echo.HeaderXRequestID)
		if id == "" {
			id = model.NewID("req_")
			h.Set(echo.HeaderXRequestID, id)
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey, id))
		// The API speaks JSON only, so there is nothing to negotiate but an
		// export by lines; and it never looks at cookies, so no page can use a
		// visitor's session here.
		if r.Header.Get("Accept") != ndjsonType {
			r.Header.Del("Accept")
		}
		r.Header.Del("Cookie")
		c.SetRequest(r)
		if !utf8.ValidString(r.URL.Path) || strings.ContainsFunc(r.URL.Path, unicode.IsControl) {
			a.fail(c, echo.ErrNotFound)
			return nil
		}
		defer a.recoverPanic(c)
		if err := next(c); err != nil {
			a.fail(c, err)
		}
		return nil
	}
}

func (a *API) recoverPanic(c echo.Context) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v) // net/http's own way to drop a connection
	}
	a.fail(c, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
}

// fail answers with the problem that err is. Once an answer has begun, only
// the log can tell.
func (a *API) fail(c echo.Context, err error) {
	p := a.echoProblem(c, err)
	if c.Response().Committed {
		return
	}
	for name, values := range p.GetHeaders() {
		c.Response().Header()[name] = values
	}
	body, err := json.Marshal(p)
	if err == nil {
		err = c.Blob(p.Status, problemType, body)
	}
	if err != nil {
		a.log.WarnContext(c.Request().Context(), "write problem", "request_id", p.RequestID, "error", err)
	}
}

const tokenAdvice = "Send an API token as \"Authorization: Bearer <token>\"; \"server token create\" makes one."

// authenticate lets only bearers of a valid token through to an operation.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	c := humaecho.Unwrap(ctx)
	bearer, ok := bearerToken(c.Request().Header.Values(echo.HeaderAuthorization))
	if !ok {
		a.fail(c, model.Errorf(model.CodeUnauthorized, "%s", tokenAdvice))
		return
	}
	actor, err := a.auth.TokenActor(ctx.Context(), bearer)
	if err != nil {
		a.fail(c, err)
		return
	}
	ctx.SetHeader("Drawbridge-Version", a.version)
	next(huma.WithValue(ctx, actorKey, actor))
}

// bearerToken reads the token of a single, well-formed Authorization header.
func bearerToken(headers []string) (string, bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return "", false
	}
	return token, true
}
