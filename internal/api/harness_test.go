package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

const goodToken = "dbt_goodgoodgoodgood"

// tokens is an Authenticator with one good token.
type tokens struct{ err error }

func (k tokens) TokenActor(_ context.Context, bearer string) (model.Actor, error) {
	if k.err != nil {
		return model.Actor{}, k.err
	}
	if bearer != goodToken {
		return model.Actor{}, model.Errorf(model.CodeUnauthorized, "This token is not known.")
	}
	return model.Member("tok_1", "ci", "team_1", model.RoleDeveloper), nil
}

// newAPI serves an API without a panel: for everything that is decided before
// the panel is asked.
func newAPI(t *testing.T, auth Authenticator) (*API, *echo.Echo, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	a := New(Deps{Auth: auth, Version: "test", Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	e := echo.New()
	a.Register(e)
	return a, e, &log
}

// call is one request and what its answer must be.
type call struct {
	name, method, path, body string
	header                   map[string]string

	status   int
	code     string
	location string // of the first field error
	contains string
}

// do sends the call with the good token, unless it names its own.
func (c call) do(t *testing.T, e http.Handler) (*http.Response, string) {
	t.Helper()
	var body io.Reader = http.NoBody
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, body)
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+goodToken)
	for k, v := range c.header {
		if v == "" {
			r.Header.Del(k)
			continue
		}
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

// checkProblem asserts that the answer is the problem that the call expects.
func (c call) checkProblem(t *testing.T, resp *http.Response, body string) ProblemDetails {
	t.Helper()
	var p ProblemDetails
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%s %s: %v in %q", c.method, c.path, err, body)
	}
	if got := resp.Header.Get("Content-Type"); got != problemType {
		t.Errorf("content type %q, want %q", got, problemType)
	}
	if resp.StatusCode != c.status || p.Status != c.status || p.Code != c.code || p.Title != http.StatusText(c.status) || p.Type != "/help/errors#"+c.code {
		t.Errorf("status %d, problem %+v; want %d %s", resp.StatusCode, p, c.status, c.code)
	}
	if p.RequestID == "" || p.RequestID != resp.Header.Get("X-Request-Id") {
		t.Errorf("request id %q, header %q", p.RequestID, resp.Header.Get("X-Request-Id"))
	}
	if !strings.HasSuffix(p.Detail, ".") || !strings.Contains(body, c.contains) {
		t.Errorf("body %s; want %q", body, c.contains)
	}
	if c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location || !strings.HasSuffix(p.Errors[0].Message, ".")) {
		t.Errorf("errors %+v; want one at %s", p.Errors, c.location)
	}
	if c.location == "" && len(p.Errors) > 0 {
		t.Errorf("errors %+v; want none", p.Errors)
	}
	return p
}
