package model

import "time"

// RouteTest is an expectation on a route of a backend. Its name is unique in the spec.
type RouteTest struct {
	Name         string `json:"name" doc:"What the test is called on pages and in results; defaults to method and path."`
	Method       string `json:"method" doc:"HTTP method, GET when empty."`
	Path         string `json:"path" doc:"Path below the invoke URL, beginning with /."`
	ExpectStatus int    `json:"expect_status" doc:"Status that passes; 200 when 0."`
	BodyContains string `json:"body_contains,omitempty" doc:"Text that the body must contain; empty = any body."`
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
