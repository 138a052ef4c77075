package e2e

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes traces over OTLP/HTTP.
type collector struct {
	url string

	mu    sync.Mutex
	raw   bytes.Buffer // everything as it came
	spans []*tracepb.Span
	wrong []string // what came that should not
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var export collectorpb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" {
		c.wrong = append(c.wrong, r.Method+" "+r.URL.Path)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.raw.Write(body)
	for _, of := range export.GetResourceSpans() {
		for _, in := range of.GetScopeSpans() {
			c.spans = append(c.spans, in.GetSpans()...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// attribute is a span's, as text; "" for none.
func attribute(s *tracepb.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// named are the spans of a name.
func (c *collector) named(name string) []*tracepb.Span {
	var list []*tracepb.Span
	for _, s := range c.spans {
		if s.GetName() == name {
			list = append(list, s)
		}
	}
	return list
}

// TestTraces reads what a collector is sent of a real chain.
func TestTraces(t *testing.T) {
	t.Parallel()
	c, cloud := newCollector(t), newCloud(t)
	s := startServer(t, "instant", append(cloud.flags(), "--otlp-endpoint", c.url)...)
	secret := s.link[strings.LastIndexByte(s.link, '/')+1:]
	get(t, s.link)
	b := s.register(launch("traced", nil))
	j := s.provision(b)
	s.succeeded(j)
	const traceID, spanID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.listen+"/api/v1/backends/"+b.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Traceparent", "00-"+traceID+"-"+spanID+"-01")
	do(t, local, req)
	if err := s.terminate(); err != nil { // which sends the rest
		t.Fatal(err)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) > 0 {
		t.Fatalf("the collector was sent %v", c.wrong)
	}
	asked := c.named("GET /api/v1/backends/:id")
	if len(asked) != 1 || hex.EncodeToString(asked[0].GetTraceId()) != traceID || hex.EncodeToString(asked[0].GetParentSpanId()) != spanID {
		t.Errorf("the request of another's trace is %v", asked)
	}
	c.wantTree(t, j.ID)
	c.wantCalls(t, cloud)
	for name, value := range map[string]string{"API token": s.token, "sign-in token": secret} {
		if bytes.Contains(c.raw.Bytes(), []byte(value)) {
			t.Errorf("the %s is in the traces", name)
		}
	}
}

// wantTree: one span of the job, below it one of each step, below these the
// calls that change something.
func (c *collector) wantTree(t *testing.T, jobID string) {
	t.Helper()
	jobs := c.named("job provision")
	if len(jobs) != 1 || attribute(jobs[0], "drawbridge.job") != jobID || attribute(jobs[0], "drawbridge.outcome") != "ok" || len(jobs[0].GetParentSpanId()) != 0 {
		t.Fatalf("the job is %v", jobs)
	}
	job := jobs[0]
	steps, keys := map[string]bool{}, map[string]bool{} // by span id, by key
	for _, s := range c.spans {
		key := attribute(s, "drawbridge.step")
		if key == "" {
			continue
		}
		if keys[key] || !bytes.Equal(s.GetParentSpanId(), job.GetSpanId()) || !bytes.Equal(s.GetTraceId(), job.GetTraceId()) {
			t.Errorf("the step %s is there twice or not below its job", key)
		}
		if s.GetStartTimeUnixNano() < job.GetStartTimeUnixNano() || s.GetEndTimeUnixNano() > job.GetEndTimeUnixNano() {
			t.Errorf("the step %s is not within its job", key)
		}
		steps[string(s.GetSpanId())], keys[key] = true, true
	}
	for _, key := range []string{"alb-sg", "alb", "vpc-link", "instance-1", "listener", "api", "integration", "route", "stage", "answer"} {
		if !keys[key] {
			t.Errorf("no step %s in %v", key, keys)
		}
	}
	below := 0
	for _, s := range c.spans {
		method := attribute(s, "rpc.method")
		if method == "" || strings.HasPrefix(method, "Describe") || strings.HasPrefix(method, "Get") {
			continue
		}
		below++
		if !steps[string(s.GetParentSpanId())] || attribute(s, "aws.request_id") == "" {
			t.Errorf("the call %s is not below a step or has no request id", method)
		}
	}
	if below < 14 { // a chain has more changes than that
		t.Errorf("%d calls below steps", below)
	}
}

// wantCalls: each call that AWS saw has a span.
func (c *collector) wantCalls(t *testing.T, cloud *cloud) {
	t.Helper()
	seen, told := map[string]int{}, map[string]int{}
	for _, call := range cloud.sim.Calls() {
		seen[call.Operation]++
	}
	for _, s := range c.spans {
		if method := attribute(s, "rpc.method"); method != "" {
			told[method]++
		}
	}
	for op, n := range seen {
		if told[op] != n {
			t.Errorf("the traces tell of %d calls of %s, AWS saw %d", told[op], op, n)
		}
	}
}

// TestCollectorAway: nothing waits for a collector that does not answer.
func TestCollectorAway(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant", "--otlp-endpoint", "http://"+freePort(t))
	s.succeeded(s.provision(s.register(launch("untraced", nil))))
	if err := s.terminate(); err != nil {
		t.Fatalf("%v\n%s", err, s.logs)
	}
	if !strings.Contains(s.logs.String(), "traces") {
		t.Error("the log does not say that the traces are lost")
	}
}
