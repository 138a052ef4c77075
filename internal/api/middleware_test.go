package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

func TestEveryOperationWantsAToken(t *testing.T) {
	t.Parallel()
	_, e, _ := newAPI(t, tokens{})
	open := map[string]bool{"/api/v1/openapi.json": true, SchemaPath: true, "/api/docs": true, "/api/docs/init.js": true}
	seen := 0
	for _, r := range e.Routes() {
		if open[r.Path] || r.Method == echo.RouteNotFound {
			continue
		}
		seen++
		row := call{method: r.Method, path: strings.NewReplacer(`\:`, ":", ":id", "be_1").Replace(r.Path), header: map[string]string{"Authorization": ""}, status: 401, code: "unauthorized"}
		resp, body := row.do(t, e)
		row.checkProblem(t, resp, body)
	}
	if seen != 79 {
		t.Errorf("%d operations want a token, expected 79: is a new one open?", seen)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		header http.Header
		status int
	}{
		{"good", http.Header{"Authorization": {"Bearer " + goodToken}}, 200},
		{"lower-case scheme", http.Header{"Authorization": {"bearer " + goodToken}}, 200},
		{"unknown", http.Header{"Authorization": {"Bearer other"}}, 401},
		{"none", http.Header{}, 401},
		{"empty", http.Header{"Authorization": {"Bearer "}}, 401},
		{"no scheme", http.Header{"Authorization": {goodToken}}, 401},
		{"basic", http.Header{"Authorization": {"Basic " + goodToken}}, 401},
		{"two words", http.Header{"Authorization": {"Bearer a " + goodToken}}, 401},
		{"twice", http.Header{"Authorization": {"Bearer " + goodToken, "Bearer " + goodToken}}, 401},
		{"joined", http.Header{"Authorization": {"Bearer " + goodToken + ",Bearer x"}}, 401},
		{"cookie", http.Header{"Cookie": {"session=" + goodToken}}, 401},
	}
	_, e, _ := newAPI(t, tokens{})
	mountProbe(e, tokens{})
	for _, row := range rows {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/probe", nil)
		r.Header = row.header
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != row.status {
			t.Errorf("%s: %d, want %d", row.name, w.Code, row.status)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); (row.status == 401) != strings.HasPrefix(challenge, "Bearer ") {
			t.Errorf("%s: WWW-Authenticate %q", row.name, challenge)
		}
		if row.status == 200 && (w.Body.String() != "\"ci\"\n" || w.Header().Get("Drawbridge-Version") != "test") {
			t.Errorf("%s: body %q, headers %v", row.name, w.Body, w.Header())
		}
		if row.status == 401 && w.Header().Get("Drawbridge-Version") != "" {
			t.Errorf("%s: a stranger is told the version", row.name)
		}
	}
}

// mountProbe adds an operation behind the API's own middleware that answers
// with the name of who asks.
func mountProbe(e *echo.Echo, auth Authenticator) {
	a := New(Deps{Auth: auth, Version: "test"})
	c := a.config()
	h := humaecho.New(e, c)
	h.UseMiddleware(a.authenticate)
	huma.Get(h, "/api/probe", func(ctx context.Context, _ *noInput) (*output[string], error) {
		return &output[string]{actorFrom(ctx).Name}, nil
	})
}

func TestTokenStoreThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	rows := []struct {
		err    error
		status int
		code   string
	}{
		{model.Errorf(model.CodeUnavailable, "The database does not answer."), 503, "unavailable"},
		{errors.New("sql: secret"), 500, "internal"},
	}
	for _, r := range rows {
		_, e, _ := newAPI(t, tokens{err: r.err})
		row := call{method: "GET", path: "/api/v1/teams", status: r.status, code: r.code}
		resp, body := row.do(t, e)
		row.checkProblem(t, resp, body)
		if strings.Contains(body, "secret") {
			t.Errorf("the answer tells the cause: %s", body)
		}
	}
}

func TestAnActorIsNeededEvenWithoutMiddleware(t *testing.T) {
	t.Parallel()
	if actor := actorFrom(t.Context()); actor.Best() != "" || actor.Sees("team_1") {
		t.Errorf("nobody is %+v", actor)
	}
}

// TestAHandlerOutlivesTheBodysDeadline: reading the body has a deadline, which
// must not cancel the handler that goes on after it, with a body or without,
// nor beside another resolver.
func TestAHandlerOutlivesTheBodysDeadline(t *testing.T) {
	t.Parallel()
	type body struct {
		Name string `json:"name"`
	}
	type plain struct {
		BodyRead
		Body *body
	}
	type patient struct {
		BodyRead
		Waiting
		Body *body
	}
	e := echo.New()
	h := humaecho.New(e, huma.DefaultConfig("test", "1"))
	cancelled := make(chan bool, 1)
	slowly[plain](h, "/plain", cancelled)
	slowly[patient](h, "/patient", cancelled)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	for _, path := range []string{"/plain", "/patient"} {
		for _, body := range []string{"", `{"name":"a"}`} {
			resp, err := http.Post(srv.URL+path, "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if <-cancelled {
				t.Errorf("%s, body %q: the handler was cancelled when the body's deadline passed", path, body)
			}
		}
	}
}

// slowly answers after the deadline of the body, and tells whether it was cancelled.
func slowly[I any](h huma.API, path string, cancelled chan<- bool) {
	const deadline = 20 * time.Millisecond
	huma.Register(h, huma.Operation{Method: "POST", Path: path, BodyReadTimeout: deadline}, func(ctx context.Context, _ *I) (*struct{}, error) {
		select {
		case <-ctx.Done():
			cancelled <- true
		case <-time.After(5 * deadline):
			cancelled <- false
		}
		return nil, nil
	})
}
