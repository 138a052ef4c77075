package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

func TestModelErrorsBecomeProblems(t *testing.T) {
	t.Parallel()
	cause := errors.New("dial tcp 10.0.0.7:5432: password authentication failed for user drawbridge")
	var invalid model.Invalid
	invalid.Add("spec.port", "0 is not a port.")
	invalid.Add("name", "Give the backend a name.")
	rows := []struct {
		err    error
		status int
		code   string
		detail string
	}{
		{invalid.Err(), 422, "invalid", "Some fields need another value."},
		{model.Errorf(model.CodeUnauthorized, "This token has expired."), 401, "unauthorized", "This token has expired."},
		{model.Errorf(model.CodeForbidden, "Only owners destroy."), 403, "forbidden", "Only owners destroy."},
		{model.NotFound("backend", "be_x"), 404, "not_found", `There is no backend "be_x", or it is not your team's.`},
		{fmt.Errorf("provision: %w", &model.Error{Code: model.CodeConflict, Message: "A job holds it.", Holder: "job_1"}), 409, "conflict", "A job holds it."},
		{model.Errorf(model.CodeUnavailable, "The database does not answer: %w", cause), 503, "unavailable", "The database does not answer"},
		{model.Errorf(model.CodeInternal, "a secret of ours: %w", cause), 500, "internal", internalDetail},
		{model.Errorf("a new code", "text"), 500, "internal", internalDetail},
		{cause, 500, "internal", internalDetail},
	}
	for _, row := range rows {
		a, _, log := newAPI(t, tokens{})
		p := a.problem(t.Context(), row.err)
		if p.Status != row.status || p.Code != row.code || p.Detail != row.detail {
			t.Errorf("%v: %+v, want %d %s %q", row.err, p, row.status, row.code, row.detail)
		}
		if strings.Contains(fmt.Sprintf("%+v", p), "password") {
			t.Errorf("%v: the problem tells the cause: %+v", row.err, p)
		}
		if logged := log.Len() > 0; logged != (row.status >= 500) {
			t.Errorf("%v: logged %v", row.err, logged)
		}
	}
	a, _, log := newAPI(t, tokens{})
	p := a.problem(t.Context(), rows[0].err)
	if len(p.Errors) != 2 || p.Errors[0] != (FieldError{"body.spec.port", "0 is not a port."}) || p.Errors[1].Location != "body.name" {
		t.Errorf("errors = %+v", p.Errors)
	}
	p = a.problem(t.Context(), rows[4].err)
	if p.Holder != "job_1" || p.HolderURL != "/api/v1/jobs/job_1" {
		t.Errorf("holder = %q %q", p.Holder, p.HolderURL)
	}
	if p = a.problem(t.Context(), rows[5].err); p.GetHeaders().Get("Retry-After") == "" || !strings.Contains(log.String(), "password") {
		t.Errorf("headers %v, log %s", p.GetHeaders(), log)
	}
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	codes := []model.Code{model.CodeInvalid, model.CodeUnauthorized, model.CodeForbidden, model.CodeNotFound,
		model.CodeStale, model.CodeTooMany, model.CodeConflict, model.CodePrecondition, model.CodeUnavailable, model.CodeInternal}
	for _, code := range codes {
		if statuses[code] == 0 {
			t.Errorf("%s has no status", code)
		}
	}
	if len(statuses) != len(codes) {
		t.Errorf("the table has %d rows, the model %d codes", len(statuses), len(codes))
	}
}

const spec = `"spec":{"source":"launch"}`

// TestRefusedBeforeThePanel sends what HTTP, echo or the schema refuses.
func TestRefusedBeforeThePanel(t *testing.T) {
	t.Parallel()
	const register = "/api/v1/backends"
	huge := `{"name":"` + strings.Repeat("x", 1<<20) + `",` + spec + `}`
	rows := []call{
		{name: "unknown path", method: "GET", path: "/api/v1/nothing", status: 404, code: "not_found", contains: "/api/docs"},
		{name: "unknown version", method: "GET", path: "/api/v2/backends", status: 404, code: "not_found"},
		{name: "the API's root", method: "GET", path: "/api", status: 404, code: "not_found"},
		{name: "wrong method", method: "PUT", path: register, status: 405, code: "method_not_allowed", contains: "PUT"},
		{name: "wrong method below an id", method: "GET", path: "/api/v1/jobs/job_1/cancel", status: 405, code: "method_not_allowed"},
		{name: "control character in the path", method: "GET", path: "/api/v1/backends/be_%00", status: 404, code: "not_found"},
		{name: "no UTF-8 in the path", method: "GET", path: "/api/v1/backends/be_%ff", status: 404, code: "not_found"},

		{name: "no body", method: "POST", path: register, status: 400, code: "malformed"},
		{name: "not JSON", method: "POST", path: register, body: `{"name":`, status: 400, code: "malformed", location: "body", contains: "could not be read"},
		{name: "two values", method: "POST", path: register, body: `{} {}`, status: 400, code: "malformed", location: "body"},
		{name: "an array", method: "POST", path: register, body: `[]`, status: 422, code: "invalid", location: "body", contains: "Expected object."},
		{name: "null", method: "POST", path: register, body: `null`, status: 422, code: "invalid", location: "body"},
		{name: "a form", method: "POST", path: register, body: "name=a", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415, code: "unsupported_media_type", location: "body", contains: "application/json"},
		{name: "text", method: "POST", path: register, body: `{}`, header: map[string]string{"Content-Type": "text/plain"}, status: 415, code: "unsupported_media_type", location: "body"},
		{name: "over 1 MiB", method: "POST", path: register, body: huge, status: 413, code: "too_large", contains: "1 MiB"},

		{name: "no name", method: "POST", path: register, body: `{` + spec + `}`, status: 422, code: "invalid", location: "body.name", contains: "This field is required."},
		{name: "no spec", method: "POST", path: register, body: `{"name":"a"}`, status: 422, code: "invalid", location: "body.spec"},
		{name: "unknown field", method: "POST", path: register, body: `{"name":"a",` + spec + `,"colour":"red"}`, status: 422, code: "invalid", location: "body.colour", contains: "not known here"},
		{name: "unknown field below", method: "POST", path: register, body: `{"name":"a","spec":{"prot":8000}}`, status: 422, code: "invalid", location: "body.spec.prot"},
		{name: "unknown field of a test", method: "POST", path: register, body: `{"name":"a","spec":{"tests":[{"path":"/"},{"path":"/","x":1}]}}`, status: 422, code: "invalid", location: "body.spec.tests[1].x"},
		{name: "port as text", method: "POST", path: register, body: `{"name":"a","spec":{"port":"8000"}}`, status: 422, code: "invalid", location: "body.spec.port", contains: "Expected integer."},
		{name: "port as fraction", method: "POST", path: register, body: `{"name":"a","spec":{"port":80.5}}`, status: 422, code: "invalid", location: "body.spec.port"},
		{name: "port beyond integers", method: "POST", path: register, body: `{"name":"a","spec":{"port":1e300}}`, status: 422, code: "invalid", location: "body"},
		{name: "unknown source", method: "POST", path: register, body: `{"name":"a","spec":{"source":"lambda"}}`, status: 422, code: "invalid", location: "body.spec.source", contains: "launch"},
		{name: "name as number", method: "POST", path: register, body: `{"name":7,` + spec + `}`, status: 422, code: "invalid", location: "body.name"},
		{name: "null among ids", method: "POST", path: register, body: `{"name":"a","spec":{"instances":{"ids":[null]}}}`, status: 422, code: "invalid", location: "body.spec.instances.ids[0]"},

		{name: "unknown parameter", method: "GET", path: register + "?limt=3", status: 422, code: "invalid", location: "query.limt"},
		{name: "not a boolean", method: "GET", path: register + "?destroyed=perhaps", status: 422, code: "invalid", location: "query.destroyed"},
		{name: "unknown operation", method: "GET", path: register + "/be_1/plan?operation=explode", status: 422, code: "invalid", location: "query.operation"},
		{name: "negative cursor", method: "GET", path: register + "/be_1/events?after=-1", status: 422, code: "invalid", location: "query.after"},
		{name: "cursor as text", method: "GET", path: register + "/be_1/events", header: map[string]string{"Last-Event-ID": "x"}, status: 422, code: "invalid", location: "header.Last-Event-ID"},
		{name: "too many events", method: "GET", path: register + "/be_1/events/list?limit=1001", status: 422, code: "invalid", location: "query.limit"},
		{name: "names and a request", method: "POST", path: register + "/be_1/tests/run", body: `{"names":["a"],"request":{"path":"/"}}`, status: 422, code: "invalid", location: "body.request"},
		{name: "a request without path", method: "POST", path: register + "/be_1/tests/run", body: `{"request":{}}`, status: 422, code: "invalid", location: "body.request.path"},
	}
	_, e, _ := newAPI(t, tokens{})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			resp, body := row.do(t, e)
			row.checkProblem(t, resp, body)
			if strings.Contains(body, "xxxxxxxx") {
				t.Error("the answer echoes the refused input")
			}
		})
	}
}

func TestMethodsThatWouldDoAreNamed(t *testing.T) {
	t.Parallel()
	_, e, _ := newAPI(t, tokens{})
	resp, _ := call{method: "PATCH", path: "/api/v1/backends/be_1"}.do(t, e)
	if allow := resp.Header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "DELETE") {
		t.Errorf("Allow: %q", allow)
	}
}

func TestPanicsBecomeProblems(t *testing.T) {
	t.Parallel()
	_, e, log := newAPI(t, tokens{})
	e.GET("/api/v1/boom", func(echo.Context) error { panic("the secret of the house") })
	e.GET("/api/v1/fault", func(echo.Context) error { return errors.New("the secret of the house") })
	for _, path := range []string{"/api/v1/boom", "/api/v1/fault"} {
		row := call{method: "GET", path: path, status: 500, code: "internal"}
		resp, body := row.do(t, e)
		p := row.checkProblem(t, resp, body)
		if strings.Contains(body, "secret") || !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), p.RequestID) {
			t.Errorf("%s: body %s, log %s", path, body, log)
		}
	}
}

func TestOtherPathsAreNotTouched(t *testing.T) {
	t.Parallel()
	_, e, _ := newAPI(t, tokens{})
	e.GET("/page", func(c echo.Context) error {
		return c.String(http.StatusOK, c.Request().Header.Get("Cookie")+c.Request().Header.Get("Accept"))
	})
	resp, body := call{method: "GET", path: "/page", header: map[string]string{"Cookie": "a=b", "Accept": "text/html"}}.do(t, e)
	if body != "a=btext/html" || resp.Header.Get("Cache-Control") != "" {
		t.Errorf("body %q, headers %v", body, resp.Header)
	}
	resp, _ = call{method: "GET", path: "/apiary"}.do(t, e)
	if resp.Header.Get("Content-Type") == problemType {
		t.Error("a path beside /api was answered as the API's")
	}
}
