package metrics_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/metrics"
	"drawbridge/internal/model"
)

// scrape is what Prometheus reads.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func oneQueued(context.Context) ([]model.JobCount, error) {
	return []model.JobCount{{Operation: model.OpProvision, State: model.JobQueued, Jobs: 1}}, nil
}

func inTokyo(context.Context) (map[string]model.USD, error) {
	return map[string]model.USD{"ap-northeast-1": 28_435_000}, nil
}

// noted is metrics in which each thing has happened.
func noted() *metrics.Metrics {
	m := metrics.New("v1", oneQueued, inTokyo)
	m.Sandboxes(func(context.Context) (model.SandboxCounts, error) {
		return model.SandboxCounts{Living: 3, Ending: 2, Stuck: 1}, nil
	})
	start := time.Unix(1000, 0)
	taken := &model.Job{Operation: model.OpDestroy, State: model.JobRunning, Attempt: 2, Why: "Taken over from x, which stopped answering."}
	m.Claimed(&model.Job{Operation: model.OpProvision, Attempt: 1, CreatedAt: start, StartedAt: start.Add(2 * time.Second)})
	m.Claimed(taken)
	m.LeaseLost(taken)
	m.Ran(taken, model.JobFailed)
	m.Step(&model.Step{Kind: "k", Action: model.ActionCreate, State: model.StepDone, StartedAt: start, FinishedAt: start.Add(3 * time.Second)})
	m.AWSCall(metrics.AWSCall{Service: "EC2", Operation: "RunInstances", Outcome: "ok", Duration: time.Second, Queued: 1500 * time.Millisecond})
	m.AWSCall(metrics.AWSCall{Service: "EC2", Operation: "RunInstances", Outcome: "throttled", Duration: time.Second, Queued: time.Microsecond})
	m.RouteTest(true)
	m.Request(metrics.Request{Method: "GET", Route: "/a/:id", Status: 200, Duration: time.Second})
	m.Request(metrics.Request{Method: "BREW", Status: 404, Duration: time.Second, Stream: true})
	m.StreamOpened()
	m.StreamOpened()()
	m.DatabaseError("save")
	claim := &model.DeliveryClaim{Webhook: model.Webhook{Format: model.WebhookSlack}}
	m.Attempt(&model.DeliveryOutcome{Claim: claim, State: model.DeliveryDelivered, Attempt: &model.Attempt{Millis: 1500}})
	m.Attempt(&model.DeliveryOutcome{Claim: claim, State: model.DeliveryPending, Attempt: &model.Attempt{Error: "no"}})
	m.Attempt(&model.DeliveryOutcome{Claim: claim, State: model.DeliveryFailed, Attempt: &model.Attempt{Error: "no"}})
	m.WatchBacklog(func(context.Context) (model.DeliveryBacklog, error) {
		return model.DeliveryBacklog{Due: 7, Oldest: start}, nil
	},
		func() time.Time { return start.Add(90 * time.Second) })
	return m
}

func TestScrape(t *testing.T) {
	t.Parallel()
	got := scrape(t, noted())
	for _, line := range []string{
		`drawbridge_jobs{operation="provision",state="queued"} 1`,
		`drawbridge_sandboxes{state="lives"} 3`,
		`drawbridge_sandboxes{state="ending"} 2`,
		`drawbridge_sandboxes{state="stuck"} 1`,
		`drawbridge_monthly_cost_usd{region="ap-northeast-1"} 28.435`,
		`drawbridge_job_queue_wait_seconds_sum{operation="provision"} 2`,
		`drawbridge_job_runs_total{operation="destroy",state="failed"} 1`,
		`drawbridge_lease_takeovers_total{operation="destroy"} 1`,
		`drawbridge_leases_lost_total{operation="destroy"} 1`,
		`drawbridge_step_seconds_sum{action="create",kind="k",state="done"} 3`,
		`drawbridge_aws_calls_total{operation="RunInstances",outcome="throttled",service="EC2"} 1`,
		`drawbridge_throttle_waits_total{operation="RunInstances",service="EC2"} 1`, // the other did not wait noticeably
		`drawbridge_throttle_wait_seconds_total{operation="RunInstances",service="EC2"} 1.5`,
		`drawbridge_route_tests_total{result="passed"} 1`,
		`drawbridge_http_requests_total{method="GET",route="/a/:id",status="200"} 1`,
		`drawbridge_http_requests_total{method="other",route="none",status="404"} 1`,
		`drawbridge_event_streams 1`,
		`drawbridge_webhook_attempts_total{format="slack",outcome="delivered"} 1`,
		`drawbridge_webhook_attempts_total{format="slack",outcome="retried"} 1`,
		`drawbridge_webhook_attempts_total{format="slack",outcome="given_up"} 1`,
		`drawbridge_webhook_attempt_seconds_sum{outcome="delivered"} 1.5`,
		`drawbridge_webhook_queue 7`,
		`drawbridge_webhook_queue_age_seconds 90`,
		`drawbridge_database_errors_total{op="save"} 1`,
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, series := range []string{`lease_takeovers_total{operation="provision"}`, `http_request_seconds_count{method="other"`} {
		if strings.Contains(got, series) {
			t.Errorf("there is a %s", series)
		}
	}
}

// TestScrapeWithoutDatabase: the other metrics are there.
func TestScrapeWithoutDatabase(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1", func(context.Context) ([]model.JobCount, error) { return nil, errors.New("away") },
		func(context.Context) (map[string]model.USD, error) { return nil, errors.New("away") })
	m.DatabaseError("save")
	if got := scrape(t, m); !strings.Contains(got, "drawbridge_database_errors_total") || strings.Contains(got, "drawbridge_jobs{") || strings.Contains(got, "drawbridge_monthly_cost_usd{") {
		t.Errorf("the scrape is %s", got)
	}
}

// TestAlerts: each metric that an alert asks for is there, with its labels.
func TestAlerts(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(document), "```promql\n")
	alerts, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/observability.md has no alerts")
	}
	got, asked := scrape(t, noted()), regexp.MustCompile(`(drawbridge_[a-z_]+)(?:\{([a-z]+)=)?`).FindAllStringSubmatch(alerts, -1)
	for _, a := range asked {
		labels := `\{[^}]*` + a[2]
		if a[2] == "" {
			labels = `[{ ]`
		}
		if series := regexp.MustCompile(`(?m)^` + a[1] + labels); !series.MatchString(got) {
			t.Errorf("an alert asks for %s, by %q, which is not there", a[1], a[2])
		}
	}
	if len(asked) < 7 {
		t.Errorf("the alerts ask for %v", asked)
	}
}
