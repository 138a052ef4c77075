// Package metrics counts and times what Drawbridge does, for Prometheus. No
// label holds an id, a name that somebody chose, or AWS's free text, so the
// number of series is bounded by the code. docs/observability.md lists them.
package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"drawbridge/internal/model"
)

// Buckets in seconds.
var (
	shortBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	stepBuckets  = []float64{.1, .5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 180, 300, 600, 1200}
)

// Metrics takes note of what happens. Its methods may be called at once from anywhere.
type Metrics struct {
	registry *prometheus.Registry

	queueWait   *prometheus.HistogramVec
	jobsRun     *prometheus.CounterVec
	takeovers   *prometheus.CounterVec
	leasesLost  *prometheus.CounterVec
	stepSeconds *prometheus.HistogramVec
	awsCalls    *prometheus.CounterVec
	awsSeconds  *prometheus.HistogramVec
	throttled   *prometheus.CounterVec
	throttleFor *prometheus.CounterVec
	routeTests  *prometheus.CounterVec
	requests    *prometheus.CounterVec
	reqSeconds  *prometheus.HistogramVec
	streams     prometheus.Gauge
	dbErrors    *prometheus.CounterVec
	deliveries  *prometheus.CounterVec
	deliverFor  *prometheus.HistogramVec
}

// New makes the metrics of one process. active counts the jobs that have not
// ended, monthly reckons what runs; both are asked at each scrape.
func New(version string, active ActiveJobs, monthly MonthlyCosts) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		queueWait:   histogram("job_queue_wait_seconds", "From a job's request to its first claim.", shortBuckets, "operation"),
		jobsRun:     counter("job_runs_total", "Runs of jobs by how they ended; waiting means given back.", "operation", "state"),
		takeovers:   counter("lease_takeovers_total", "Jobs taken over from a replica that stopped answering.", "operation"),
		leasesLost:  counter("leases_lost_total", "Runs that ended because this replica lost the job's lease.", "operation"),
		stepSeconds: histogram("step_seconds", "Steps that ended, from their start.", stepBuckets, "kind", "action", "state"),
		awsCalls:    counter("aws_calls_total", "Attempts of AWS calls by class of the answer.", "service", "operation", "outcome"),
		awsSeconds:  histogram("aws_call_seconds", "Attempts of AWS calls.", shortBuckets, "service", "operation"),
		throttled:   counter("throttle_waits_total", "AWS calls that waited for our own rate limit.", "service", "operation"),
		throttleFor: counter("throttle_wait_seconds_total", "How long AWS calls waited for our own rate limit.", "service", "operation"),
		routeTests:  counter("route_tests_total", "Route tests by result.", "result"),
		requests:    counter("http_requests_total", "HTTP requests by route pattern and status.", "method", "route", "status"),
		reqSeconds:  histogram("http_request_seconds", "HTTP requests but for event streams.", shortBuckets, "method", "route"),
		streams:     prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "event_streams", Help: "Event streams that are open."}),
		dbErrors:    counter("database_errors_total", "Statements that the database did not carry out, by what was tried.", "op"),
		deliveries:  counter("webhook_attempts_total", "Attempts to send a notice to a webhook, by what came of it.", "outcome", "format"),
		deliverFor:  histogram("webhook_attempt_seconds", "Attempts to send a notice to a webhook.", shortBuckets, "outcome"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "1, with the version.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(m.queueWait, m.jobsRun, m.takeovers, m.leasesLost, m.stepSeconds, m.awsCalls, m.awsSeconds,
		m.throttled, m.throttleFor, m.routeTests, m.requests, m.reqSeconds, m.streams, m.dbErrors, m.deliveries, m.deliverFor, build, newJobs(active), newCosts(monthly),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "drawbridge"

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Timeout: 10 * time.Second})
}

// Claimed notes a job that this process has claimed.
func (m *Metrics) Claimed(j *model.Job) {
	if j.Attempt == 1 {
		m.queueWait.WithLabelValues(string(j.Operation)).Observe(j.StartedAt.Sub(j.CreatedAt).Seconds())
	}
	if j.TakenOver() {
		m.takeovers.WithLabelValues(string(j.Operation)).Inc()
	}
}

// Ran notes how a run of a job ended.
func (m *Metrics) Ran(j *model.Job, state model.JobState) {
	m.jobsRun.WithLabelValues(string(j.Operation), string(state)).Inc()
}

// LeaseLost notes a run whose job became another's.
func (m *Metrics) LeaseLost(j *model.Job) { m.leasesLost.WithLabelValues(string(j.Operation)).Inc() }

// Step notes a step that has ended.
func (m *Metrics) Step(s *model.Step) {
	m.stepSeconds.WithLabelValues(string(s.Kind), string(s.Action), string(s.State)).Observe(s.FinishedAt.Sub(s.StartedAt).Seconds())
}

// AWSCall is one attempt of a call as it went.
type AWSCall struct {
	Service, Operation, Outcome string
	Duration                    time.Duration
	Queued                      time.Duration // for our own rate limit
}

// noticeable is the least wait for the rate limit that counts as one.
const noticeable = time.Millisecond

// AWSCall notes an attempt of a call.
func (m *Metrics) AWSCall(c AWSCall) {
	m.awsCalls.WithLabelValues(c.Service, c.Operation, c.Outcome).Inc()
	m.awsSeconds.WithLabelValues(c.Service, c.Operation).Observe(c.Duration.Seconds())
	if c.Queued >= noticeable {
		m.throttled.WithLabelValues(c.Service, c.Operation).Inc()
		m.throttleFor.WithLabelValues(c.Service, c.Operation).Add(c.Queued.Seconds())
	}
}

// RouteTest notes a route test.
func (m *Metrics) RouteTest(passed bool) {
	result := "failed"
	if passed {
		result = "passed"
	}
	m.routeTests.WithLabelValues(result).Inc()
}

// Request is an HTTP request that was answered.
type Request struct {
	Method, Route string // the route's pattern, "" for none
	Status        int
	Duration      time.Duration
	Stream        bool // its duration says how long somebody looked
}

// methods that are told apart; a client may send any word.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}

// Request notes an HTTP request.
func (m *Metrics) Request(r Request) {
	if !methods[r.Method] {
		r.Method = "other"
	}
	if r.Route == "" {
		r.Route = "none"
	}
	m.requests.WithLabelValues(r.Method, r.Route, strconv.Itoa(r.Status)).Inc()
	if !r.Stream {
		m.reqSeconds.WithLabelValues(r.Method, r.Route).Observe(r.Duration.Seconds())
	}
}

// StreamOpened notes an event stream; call what it returns when the stream ends.
func (m *Metrics) StreamOpened() (ended func()) {
	m.streams.Inc()
	return m.streams.Dec
}

// DatabaseError notes a statement that failed; op is a constant of the code.
func (m *Metrics) DatabaseError(op string) { m.dbErrors.WithLabelValues(op).Inc() }
