package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/model"
)

func TestWaterfallPlacesStepsOnTheJobsSpan(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, row := range map[string]struct {
		start, end, all time.Duration
		want            bar
	}{
		"whole":              {0, 10 * s, 10 * s, bar{0, 1000}},
		"second half":        {5 * s, 10 * s, 10 * s, bar{500, 500}},
		"no time":            {5 * s, 5 * s, 10 * s, bar{500, minBar}},
		"no time, at end":    {10 * s, 10 * s, 10 * s, bar{1000 - minBar, minBar}},
		"job without a span": {0, 0, 0, bar{0, minBar}},
		"before the job":     {-2 * s, 5 * s, 10 * s, bar{0, 500}},
	} {
		if got := newBar(row.start, row.end, row.all); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

func TestRunningJobTicks(t *testing.T) {
	t.Parallel()
	v := newJobView(sampleJob(model.JobRunning), developer, sampleNow)
	if !v.Head.Live || v.Head.NowMS != 41000 || v.Head.Cancel.URL == "" || v.Head.Retry.Shown() || v.Head.Progress != "7 of 15 steps done" {
		t.Errorf("head %+v", v.Head)
	}
	alb := v.Steps[7]
	if alb.StartMS != 3000 || alb.EndMS != -1 || alb.Elapsed != "38 s" || alb.Typical != "typically 2 min 31 s" || alb.Why == "" {
		t.Errorf("alb %+v", alb)
	}
	if done := v.Steps[0]; done.EndMS != 2000 || len(done.RequestIDs) != 2 {
		t.Errorf("first %+v", done)
	}
	if pending := v.Steps[14]; pending.StartMS != -1 || pending.Elapsed != "" {
		t.Errorf("last %+v", pending)
	}
}

// A wait says how long it has been and how long it is likely to be still, and
// so does the job, whose last step needs the load balancer and more.
func TestRunningJobSaysWhenItWillBeDone(t *testing.T) {
	t.Parallel()
	v := newJobView(sampleJob(model.JobRunning), developer, sampleNow)
	if alb := v.Steps[7]; alb.Left != "About 1 min 53 s left." || alb.UntilMS != 154000 || alb.Elapsed != "38 s" {
		t.Errorf("alb %+v", alb)
	}
	if v.Head.Left == "" || v.Head.UntilMS < 154000 {
		t.Errorf("head %+v", v.Head)
	}
	if page := rendered(t, jobPage(v)); strings.Count(page, "data-until=") != 3 || !strings.Contains(page, `data-until="154000">About 1 min 53 s left.<`) {
		t.Error("the page does not say so")
	}
	if ended := newJobView(sampleJob(model.JobFailed), developer, sampleNow); ended.Head.Left != "" || ended.Steps[7].Left != "" {
		t.Errorf("an ended job will be done %q, %q", ended.Head.Left, ended.Steps[7].Left)
	}
	for d, want := range map[time.Duration]string{
		-time.Minute: "Any moment now.", 40 * time.Second: "About 40 s left.", 125 * time.Second: "About 2 min 05 s left.", 25 * time.Minute: "About 25 min left.",
	} {
		if got := leftWords(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestFailedJobTellsOnceAndInFull(t *testing.T) {
	t.Parallel()
	page := rendered(t, jobPage(newJobView(sampleJob(model.JobFailed), developer, sampleNow)))
	for _, part := range []string{
		"The job stopped at this step: Create the VPC link", "BadRequestException", "where service is not available",
		"VPC links cannot use this Availability Zone.", "Seven resources exist", "c0ffee00-1111-4222-8333-444455556666",
		`data-testid="retry"`, `action="/jobs/job_abcdefghij234567/retry"`, `data-step="vpc-link" data-state="failed"`, "try 2",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("lacks %q", part)
		}
	}
	if n := strings.Count(page, `data-testid="problem"`); n != 1 {
		t.Errorf("%d problem cards", n)
	}
	if strings.Contains(page, `data-testid="cancel"`) || strings.Contains(page, "data-live") {
		t.Error("an ended job ticks or can be cancelled")
	}
}

func TestSucceededJobLeadsToTheBackend(t *testing.T) {
	t.Parallel()
	page := rendered(t, jobPage(newJobView(sampleJob(model.JobSucceeded), viewer, sampleNow)))
	for _, part := range []string{"15 of 15 steps done", `data-testid="to-backend"`, "http://a1b2c3d4e5.execute-api"} {
		if !strings.Contains(page, part) {
			t.Errorf("lacks %q", part)
		}
	}
}

func TestQueuedJobShowsItsPlan(t *testing.T) {
	t.Parallel()
	d := sampleJob(model.JobQueued)
	d.Steps, d.StartedAt = nil, time.Time{}
	v := newJobView(d, developer, sampleNow)
	if len(v.Steps) != 15 || v.Steps[7].State.Value != "pending" || v.Head.Live || len(d.Steps) != 0 {
		t.Errorf("%d steps, live %v", len(v.Steps), v.Head.Live)
	}
}

func TestEnvironmentsSayWhetherTheyAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(viewer, http.MethodGet, pathEnvironments, nil), http.StatusOK,
		"Simulated AWS", "ap-northeast-1", "vpc-0a1b2c3d4e5f67890", `hx-get="/environments/env_local/status"`, `href="/environments/env_local/status"`)
	want(t, s.as(viewer, http.MethodGet, pathEnvironmentStatus("env_local"), nil, "HX-Request", "true"), http.StatusOK,
		`data-testid="environment-state"`, "Answers", "test-private2", "000000000000", "!<html")
	s.cloud.status = sampleStatus(false)
	want(t, s.as(viewer, http.MethodGet, pathEnvironmentStatus("env_local"), nil), http.StatusOK,
		"<html", "Does not answer", "ExpiredToken", "Renew the credentials", "Simulated AWS")
	want(t, s.as(viewer, http.MethodGet, pathEnvironmentStatus("env_none"), nil), http.StatusNotFound, "env_none")
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 420 * time.Millisecond: "0.4 s", 12*time.Second + 900*time.Millisecond: "12 s", 125 * time.Second: "2 min 05 s",
	} {
		if got := seconds(d); got != want {
			t.Errorf("seconds(%s) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 30 * time.Second: "30 s ago", 90 * time.Second: "1 min ago", 3 * time.Hour: "3 h ago", 72 * time.Hour: "3 days ago",
	} {
		if got := ago(sampleNow.Add(-d), sampleNow).Words; got != want {
			t.Errorf("ago(%s) = %q, want %q", d, got, want)
		}
	}
	if got := curlOf("HEAD", "http://x/it's"); got != `curl -I 'http://x/it'\''s'` {
		t.Errorf("curl %s", got)
	}
	if got := curlOf("PUT", "http://x/"); got != "curl -i -X PUT 'http://x/'" {
		t.Errorf("curl %s", got)
	}
	if got := shortID("arn:aws:elasticloadbalancing:r:0:loadbalancer/app/x/1"); got != "loadbalancer/app/x/1" {
		t.Errorf("short %s", got)
	}
}
