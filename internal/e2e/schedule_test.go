package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// TestSchedule: a backend sleeps and wakes by its schedule while the server is
// killed before and within each transition and its clock goes on by hours: each
// comes once, and the invoke URL stays.
func TestSchedule(t *testing.T) {
	t.Parallel()
	c := openCloud(t, "", awssim.Instant)
	s := newServer(t, "instant")
	at := func(ahead time.Duration) {
		t.Helper()
		s.env = nil
		s.skewAt(c, skewed{Ahead: ahead})
		s.start()
	}
	at(0)
	plain := *s // whatever runs, the product makes the token
	plain.binary = binary
	s.token = plain.newToken()

	now := time.Now().UTC()
	clock := func(d time.Duration) string { return now.Add(d).Format("15:04") }
	b := s.register(launch("nightly", nil))
	s.succeeded(s.provision(b))
	asked := s.want(http.StatusOK, "PUT", putPath(b), map[string]any{"spec": map[string]any{"schedule": map[string]any{
		"time_zone": "UTC", "days": model.Weekdays, "wake": clock(-time.Hour), "sleep": clock(2 * time.Hour)}}})
	if jobs := s.jobsOf(b.ID); len(jobs) != 1 || s.backend(b.ID).SpecVersion != 2 {
		t.Fatalf("a schedule alone changes nothing in AWS, but there are %d jobs: %s", len(jobs), asked.body)
	}
	url := s.backend(b.ID).InvokeURL
	if a := get(t, url); a.status != http.StatusOK {
		t.Fatalf("made, it answers %d", a.status)
	}

	for _, step := range []struct {
		ahead  time.Duration
		op     model.Operation
		phase  model.Phase
		status int
	}{
		{2*time.Hour + time.Minute, model.OpSleep, model.PhaseAsleep, http.StatusServiceUnavailable},
		{23*time.Hour + time.Minute, model.OpWake, model.PhaseReady, http.StatusOK},
	} {
		s.kill()
		at(step.ahead)
		until(t, "the job is there: "+string(step.op), func() bool {
			return slices.ContainsFunc(s.jobsOf(b.ID), func(j model.Job) bool { return j.Operation == step.op })
		})
		s.kill()
		at(step.ahead)
		slowly(t, "it is "+string(step.phase), func() bool { return s.backend(b.ID).Phase == step.phase })
		if d := s.backend(b.ID); d.InvokeURL != url || get(t, url).status != step.status {
			t.Errorf("after %s: invoke URL %s (was %s), answer %d", step.op, d.InvokeURL, url, get(t, url).status)
		}
	}
	var done []model.Operation
	for _, j := range s.jobsOf(b.ID) {
		done = append(done, j.Operation)
		if j.Operation != model.OpProvision && j.Actor != model.System().Name {
			t.Errorf("%s was asked for by %s", j.Operation, j.Actor)
		}
	}
	slices.Reverse(done)
	if !slices.Equal(done, []model.Operation{model.OpProvision, model.OpSleep, model.OpWake}) {
		t.Errorf("jobs %v", done)
	}
	var cost struct {
		Savings struct {
			SleptHours int     `json:"slept_hours"`
			SleptUSD   float64 `json:"slept_saved_usd"`
		}
	}
	s.want(http.StatusOK, "GET", "/api/v1/teams/"+s.firstTeam()+"/cost", nil).into(t, &cost)
	if cost.Savings.SleptHours < 20 || cost.Savings.SleptHours > 21 || cost.Savings.SleptUSD < 0.27 || cost.Savings.SleptUSD > 0.29 {
		t.Errorf("what sleep saved in 21 hours less a moment: %+v", cost.Savings)
	}
}
