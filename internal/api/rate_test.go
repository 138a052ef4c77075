package api

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

func TestRates(t *testing.T) {
	t.Parallel()
	r, now := newRates(60), time.Unix(1_790_000_000, 0) // one a second
	for i := range 60 {
		if left, _, wait := r.take("a", now); left != 59-i || wait != 0 {
			t.Fatalf("request %d: %d left, wait %s", i, left, wait)
		}
	}
	left, full, wait := r.take("a", now)
	if left != 0 || full != time.Minute || wait != time.Second {
		t.Errorf("the 61st: %d left, full in %s, wait %s", left, full, wait)
	}
	if left, full, wait = r.take("b", now); left != 59 || full != time.Second || wait != 0 {
		t.Errorf("another caller: %d left, full in %s, wait %s", left, full, wait)
	}
	if _, _, wait = r.take("a", now.Add(time.Second)); wait != 0 {
		t.Errorf("after what it was told to wait: %s", wait)
	}
	for i := range maxBuckets {
		r.take(fmt.Sprint(i), now.Add(2*time.Minute))
	}
	if r.take("last", now.Add(10*time.Minute)); len(r.buckets) > 1 {
		t.Errorf("%d callers are remembered though all are idle", len(r.buckets))
	}
}

func TestRateHeaders(t *testing.T) {
	t.Parallel()
	in := install(t)
	e := echo.New()
	New(Deps{Panel: in.panel, Auth: everybodyIs(model.Member("tok_1", "ci", "team_shop", model.RoleViewer)), Rate: 2, Logger: slog.New(slog.DiscardHandler)}).Register(e)
	c := call{method: "GET", path: "/api/v1/teams", status: 429, code: "too_many"}
	for left := 1; left >= 0; left-- {
		resp, body := c.do(t, e)
		if got := resp.Header.Get("RateLimit"); resp.StatusCode != 200 || got != fmt.Sprintf(`"token";r=%d;t=%d`, left, 60-30*left) {
			t.Errorf("%d %s: RateLimit: %s", resp.StatusCode, body, got)
		}
		if got := resp.Header.Get("RateLimit-Policy"); got != `"token";q=2;w=60` {
			t.Errorf("RateLimit-Policy: %s", got)
		}
	}
	resp, body := c.do(t, e)
	c.checkProblem(t, resp, body)
	if got := resp.Header.Get("Retry-After"); got != "30" {
		t.Errorf("Retry-After: %s", got)
	}
}

// TestOpenRequestsAreLimited: a caller has so many streams and waits at once, and
// all else is answered meanwhile.
func TestOpenRequestsAreLimited(t *testing.T) {
	t.Parallel()
	in := install(t)
	job := in.provision(t, "orders")
	e := echo.New()
	a := New(Deps{Panel: in.panel, Auth: everybodyIs(model.Member("tok_1", "ci", job.TeamID, model.RoleDeveloper)), Keys: in.store, Open: 1, Logger: slog.New(slog.DiscardHandler)})
	a.Register(e)
	leave, ok := a.open.Take("tok_1") // as one that is open
	if !ok {
		t.Fatal("no seat")
	}
	for _, c := range []call{
		{method: "GET", path: jobURL(job.ID) + "?wait=1ms"},
		{method: "POST", path: "/api/v1/backends/" + job.BackendID + "/provision?wait=1ms"},
		{method: "GET", path: "/api/v1/backends/" + job.BackendID + "/events"},
		{method: "GET", path: "/api/v1/events"},
	} {
		c.status, c.code = 429, "too_many"
		resp, body := c.do(t, e)
		c.checkProblem(t, resp, body)
		if resp.Header.Get("Retry-After") != "5" {
			t.Errorf("%s: %v", c.path, resp.Header)
		}
	}
	for _, path := range []string{jobURL(job.ID), jobURL(job.ID) + "?wait=1ms"} {
		if resp, body := (call{method: "GET", path: path}).do(t, e); resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
		leave()
		leave = func() {}
	}
	if a.open.Holders() != 0 {
		t.Error("a wait that ended is still counted")
	}
}
