package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

const problemType = "application/problem+json"

// ProblemDetails is the body of every error (RFC 9457).
type ProblemDetails struct {
	Type      string       `json:"type" doc:"The address, at this server, that explains this kind of problem, or AWS's answer when that is the reason. code tells problems apart." example:"/help/errors#invalid"`
	Title     string       `json:"title" doc:"The status in words." example:"Unprocessable Entity"`
	Status    int          `json:"status" doc:"HTTP status." example:"422"`
	Code      string       `json:"code" doc:"What kind of problem it is, for programs." example:"invalid"`
	Detail    string       `json:"detail" doc:"What happened and how to mend it." example:"Some fields need another value."`
	Errors    []FieldError `json:"errors,omitempty" doc:"The refused inputs."`
	Holder    string       `json:"holder,omitempty" doc:"The job that holds the backend or stands in the way (409)." example:"job_4q7hmk2xv6pzd3wa"`
	HolderURL string       `json:"holder_url,omitempty" doc:"That job's address." example:"/api/v1/jobs/job_4q7hmk2xv6pzd3wa"`
	Problem   *Problem     `json:"problem,omitempty" doc:"What AWS said, when that is the reason."`
	RequestID string       `json:"request_id" doc:"Names this request in the server's log." example:"req_b5jdy3xk7m2q4ncz"`

	retryAfter time.Duration // 0 when nobody knows
}

// FieldError names one refused input.
type FieldError struct {
	Location string `json:"location" doc:"Where the input stands." example:"body.spec.port"`
	Message  string `json:"message" doc:"What is wrong and how to mend it." example:"0 is not a port; use the one that your app listens on, 1 to 65535."`
}

func (p *ProblemDetails) Error() string { return p.Detail }

// GetStatus tells Huma the status.
func (p *ProblemDetails) GetStatus() int { return p.Status }

// ContentType tells Huma the media type.
func (p *ProblemDetails) ContentType(string) string { return problemType }

// GetHeaders are the headers that go with the problem.
func (p *ProblemDetails) GetHeaders() http.Header {
	h := http.Header{}
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="drawbridge"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "10")
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	return h
}

// statuses maps the codes of model errors. It is the only such table here.
var statuses = map[model.Code]int{
	model.CodeInvalid:      http.StatusUnprocessableEntity,
	model.CodeUnauthorized: http.StatusUnauthorized,
	model.CodeForbidden:    http.StatusForbidden,
	model.CodeStale:        http.StatusForbidden,
	model.CodeTooMany:      http.StatusTooManyRequests,
	model.CodeNotFound:     http.StatusNotFound,
	model.CodeConflict:     http.StatusConflict,
	model.CodePrecondition: http.StatusPreconditionFailed,
	model.CodeUnavailable:  http.StatusServiceUnavailable,
	model.CodeInternal:     http.StatusInternalServerError,
}

// transportCodes name what went wrong before the panel was asked.
var transportCodes = map[int]string{
	http.StatusBadRequest:            "malformed",
	http.StatusUnauthorized:          string(model.CodeUnauthorized),
	http.StatusForbidden:             string(model.CodeForbidden),
	http.StatusNotFound:              string(model.CodeNotFound),
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestTimeout:        "timeout",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
	http.StatusUnprocessableEntity:   string(model.CodeInvalid),
	http.StatusTooManyRequests:       string(model.CodeTooMany),
	http.StatusServiceUnavailable:    string(model.CodeUnavailable),
}

const internalDetail = "Something went wrong inside Drawbridge. The server's log has the details under this request id."

func newProblem(ctx context.Context, status int, code, detail string) *ProblemDetails {
	return &ProblemDetails{Type: typeOf(code), Title: http.StatusText(status), Status: status, Code: code, Detail: detail, RequestID: requestIDFrom(ctx)}
}

// problem maps any error of a use case. What is not a model.Error is a fault
// of ours: its text goes to the log and never to the caller.
func (a *API) problem(ctx context.Context, err error) *ProblemDetails {
	code := model.CodeOf(err)
	status, known := statuses[code]
	if !known {
		code, status = model.CodeInternal, http.StatusInternalServerError
	}
	if status >= http.StatusInternalServerError {
		a.log.ErrorContext(ctx, "api request failed", "request_id", requestIDFrom(ctx), "code", string(code), "error", err, "problem", model.ProblemOf(err))
	}
	if code == model.CodeInternal {
		return newProblem(ctx, status, string(code), internalDetail)
	}
	var me *model.Error
	errors.As(err, &me)
	p := newProblem(ctx, status, string(code), me.Full())
	p.retryAfter = me.RetryAfter
	if me.Problem != nil {
		p.Problem = optional(me.Problem, problemOf)
		p.Type = cmp.Or(me.Problem.Help, p.Type)
	}
	for _, f := range me.Fields {
		p.Errors = append(p.Errors, FieldError{Location: "body." + f.Path, Message: f.Message})
	}
	if me.Holder != "" {
		p.Holder, p.HolderURL = me.Holder, jobURL(me.Holder)
	}
	return p
}

// echoProblem maps what echo itself refuses: unknown paths, wrong methods.
func (a *API) echoProblem(c echo.Context, err error) *ProblemDetails {
	ctx := c.Request().Context()
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		return a.problem(ctx, err)
	}
	code, known := transportCodes[he.Code]
	if !known {
		return a.problem(ctx, err)
	}
	return newProblem(ctx, he.Code, code, transportDetail(he.Code, c.Request()))
}

func transportDetail(status int, r *http.Request) string {
	switch status {
	case http.StatusNotFound:
		return fmt.Sprintf("There is nothing at %s. The API is described at /api/docs.", r.URL.Path)
	case http.StatusMethodNotAllowed:
		return fmt.Sprintf("%s does not answer %s. The API is described at /api/docs.", r.URL.Path, r.Method)
	case http.StatusRequestEntityTooLarge:
		return "The request's body is too large. Keep it under 1 MiB."
	}
	return http.StatusText(status) + "."
}

// transform replaces Huma's own error body, which holds the refused values, by ours.
func (a *API) transform(c huma.Context, _ string, v any) (any, error) {
	em, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx := c.Context()
	code, known := transportCodes[em.Status]
	if !known {
		return a.problem(ctx, em), nil
	}
	p := newProblem(ctx, em.Status, code, inputDetail(em.Status, c.Operation()))
	for _, d := range em.Errors {
		p.Errors = append(p.Errors, fieldError(d))
	}
	return p, nil
}

func inputDetail(status int, op *huma.Operation) string {
	switch status {
	case http.StatusBadRequest:
		return "The request's body is not the JSON that is asked for here. Send one JSON object in UTF-8."
	case http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("The request's body is too large. Keep it under %d MiB.", op.MaxBodyBytes>>20)
	case http.StatusRequestTimeout:
		return "The request's body did not arrive in time. Send it again."
	case http.StatusUnsupportedMediaType:
		return "Send the body as Content-Type: application/json."
	}
	return "Some fields need another value."
}

var requiredRE = regexp.MustCompile(`^expected required property (\S+) to be present$`)

// fieldError words one of Huma's findings as a sentence.
func fieldError(d *huma.ErrorDetail) FieldError {
	f := FieldError{Location: d.Location, Message: d.Message}
	if m := requiredRE.FindStringSubmatch(d.Message); m != nil {
		return FieldError{Location: d.Location + "." + m[1], Message: "This field is required."}
	}
	switch {
	case d.Message == "unexpected property":
		f.Message = "This field is not known here. Check its spelling at /api/docs."
	case d.Message == "unknown query parameter":
		f.Message = "This parameter is not known here. Check its spelling at /api/docs."
	case d.Location == "body" && !strings.HasPrefix(d.Message, "expected "):
		f.Message = "The JSON could not be read: " + d.Message + "."
	case d.Message != "":
		f.Message = strings.ToUpper(d.Message[:1]) + d.Message[1:] + "."
	}
	return f
}
