package web

import (
	"net/http"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

func sampleErrors() []model.ErrorChapter {
	return []model.ErrorChapter{{Title: "Quotas", Explanations: []model.Explanation{
		{Codes: []string{"LimitExceeded"}, Text: "vpc link", Meaning: "There are ten.", Advice: "Delete one."},
		{Codes: []string{"LimitExceeded", "TooManyLoadBalancers"}, Meaning: "A quota is used up.", Advice: "Raise it."},
	}}}
}

// Each code has one anchor, at its first row, and the page is for everybody:
// REST clients follow a problem's type to it.
func TestErrorsHaveAnchors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.web.errors = sampleErrors()
	body := want(t, s.as(model.Actor{}, http.MethodGet, pathErrors, nil), http.StatusOK,
		"Quotas", `id="LimitExceeded"`, `id="TooManyLoadBalancers"`, "vpc link", "A quota is used up.", "Raise it.")
	if n := strings.Count(body, `id="LimitExceeded"`); n != 1 {
		t.Errorf("%d anchors of one code", n)
	}
}

// What AWS said keeps its meaning, its advice and its request id on the page of an error.
func TestErrorPageTellsWhatAWSSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.cloud.err = &model.Error{Code: model.CodeUnavailable, Message: "The environment does not answer as it should: ExpiredToken: It has expired.",
		Problem: &model.Problem{Code: "ExpiredToken", Message: "It has expired.", Service: "EC2", Operation: "DescribeSubnets", Status: 400,
			RequestID: "req-1", Meaning: "The credentials have expired.", Advice: "Sign in again.", Help: "/help/errors#ExpiredToken"}}
	b := s.backend(model.PhaseRegistered)
	want(t, s.as(developer, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusServiceUnavailable,
		"The credentials have expired.", "Sign in again.", "req-1", "EC2, DescribeSubnets, HTTP status 400", `href="/help/errors#ExpiredToken"`)
}
