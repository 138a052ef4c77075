package model

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// RouteTest is an expectation on a route of a backend. Its name is unique in the spec.
type RouteTest struct {
	Name         string `json:"name" doc:"What the test is called on pages and in results; defaults to method and path."`
	Method       string `json:"method" doc:"HTTP method, GET when empty."`
	Path         string `json:"path" doc:"Path below the invoke URL, beginning with /."`
	ExpectStatus int    `json:"expect_status" doc:"Status that passes; 200 when 0."`
	BodyContains string `json:"body_contains,omitempty" doc:"Text that the body must contain; empty = any body."`
}

// Checked returns the test with its defaults filled in, or what is wrong with
// it; field paths begin with at.
func (t RouteTest) Checked(at string) (RouteTest, error) {
	t = t.WithDefaults()
	var v Invalid
	t.validate(at, &v)
	return t, v.Err()
}

// WithDefaults returns the test with empty fields filled in. It does not validate.
func (t RouteTest) WithDefaults() RouteTest {
	if t.Method == "" {
		t.Method = "GET"
	}
	if t.ExpectStatus == 0 {
		t.ExpectStatus = 200
	}
	if t.Name == "" {
		t.Name = t.Method + " " + t.Path
	}
	return t
}

func (t RouteTest) validate(at string, v *Invalid) {
	if !slices.Contains(Methods, t.Method) {
		v.Add(at+".method", "%q is not a method that a route test can send; use one of %s.", t.Method, strings.Join(Methods, ", "))
	}
	if why := pathProblem(t.Path); why != "" {
		v.Add(at+".path", "%s", why)
	}
	if t.ExpectStatus < 100 || t.ExpectStatus > 599 {
		v.Add(at+".expect_status", "%d is not an HTTP status.", t.ExpectStatus)
	}
	if strings.ContainsRune(t.Name+t.BodyContains, 0) || !utf8.ValidString(t.Name+t.BodyContains) {
		v.Add(at+".name", "Use plain UTF-8 text without NUL characters in the name and the expected text.")
	}
	if len(t.Name) > 200 || len(t.BodyContains) > 1000 {
		v.Add(at+".name", "Keep the name under 200 and the expected text under 1,000 characters.")
	}
}

// TestRun is one sent request and its verdict.
type TestRun struct {
	ID        string              `json:"id"`
	BackendID string              `json:"backend_id"`
	Name      string              `json:"name"`
	Method    string              `json:"method"`
	URL       string              `json:"url"`
	Passed    bool                `json:"passed"`
	Reason    string              `json:"reason,omitempty"` // why it did not pass, in words
	Status    int                 `json:"status"`           // 0 when no answer came
	Proto     string              `json:"proto,omitempty"`  // "HTTP/1.1"
	Millis    float64             `json:"millis"`
	Headers   map[string][]string `json:"headers,omitempty"`
	Body      string              `json:"body"`      // at most 64 KiB of it
	Truncated bool                `json:"truncated"` // the body was longer
	Actor     string              `json:"actor"`
	At        time.Time           `json:"at"`
}
