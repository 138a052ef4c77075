package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"drawbridge/internal/auth"
)

// samples are the values of a scrape by series, as in name{label="value"}.
func (s *server) samples(address string) map[string]float64 {
	s.t.Helper()
	a := get(s.t, "http://"+address+"/metrics")
	if a.status != http.StatusOK {
		s.t.Fatalf("scrape: %d %s", a.status, a.body)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(a.body)) {
		series, text, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		out[series+"}"] = v
	}
	return out
}

// operationRE finds the operation of a series.
var operationRE = regexp.MustCompile(`operation="([^"]+)"`)

// callsOf sums a counter by operation.
func callsOf(samples map[string]float64, name string) map[string]int {
	n := map[string]int{}
	for series, v := range samples {
		if strings.HasPrefix(series, name+"{") {
			n[operationRE.FindStringSubmatch(series)[1]] += int(v)
		}
	}
	return n
}

// TestMetricsAgreeWithAWS compares a scrape after a real chain with what the
// simulated AWS has counted itself.
func TestMetricsAgreeWithAWS(t *testing.T) {
	t.Parallel()
	address := freePort(t)
	s := startServer(t, "instant", "--metrics-address", address)
	b := s.register(launch("metrics", nil))
	s.succeeded(s.provision(b))
	s.want(http.StatusOK, "POST", "/api/v1/backends/"+b.ID+"/tests/run", map[string]any{})
	s.call("GET", "/api/v1/backends/absent", nil)

	ran := `drawbridge_job_runs_total{operation="provision",state="succeeded"}`
	until(t, "the run is counted", func() bool { return s.samples(address)[ran] == 1 }) // right after it is recorded
	got := s.samples(address)
	seen := map[string]int{}
	lines := bufio.NewScanner(strings.NewReader(string(get(t, "http://"+s.sim+"/_awssim/calls").body)))
	for lines.Scan() {
		var c struct{ Operation string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		seen[c.Operation]++
	}
	told := callsOf(got, "drawbridge_aws_calls_total")
	for op, n := range seen {
		if told[op] != n {
			t.Errorf("the metrics tell of %d calls of %s, AWS saw %d", told[op], op, n)
		}
	}
	if len(told) != len(seen) || len(seen) < 15 {
		t.Errorf("the metrics tell of %v, AWS of %v", told, seen)
	}
	for series, want := range map[string]float64{
		ran: 1,
		`drawbridge_job_queue_wait_seconds_count{operation="provision"}`:                                    1,
		`drawbridge_step_seconds_count{action="create",kind="elbv2.load_balancer",state="done"}`:            1,
		`drawbridge_aws_calls_total{operation="CreateVpcLink",outcome="ok",service="ApiGatewayV2"}`:         1,
		`drawbridge_http_requests_total{method="POST",route="/api/v1/backends/:id/provision",status="202"}`: 1,
		`drawbridge_http_requests_total{method="GET",route="/api/v1/backends/:id",status="404"}`:            1,
		`drawbridge_route_tests_total{result="passed"}`:                                                     3,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v", series, got[series], want)
		}
	}
	for series := range got {
		if strings.Contains(series, b.ID) || strings.Contains(series, "job_") && strings.Contains(series, `"job_`) {
			t.Errorf("an id is in %s", series)
		}
	}
	if a := get(t, "http://"+s.listen+"/metrics"); strings.Contains(string(a.body), "drawbridge_") {
		t.Error("the metrics are on the panel's own address, too")
	}
	checkDocumented(t, got)
}

// checkDocumented: each metric of ours stands in docs/observability.md, and
// nothing stands there that is not.
func checkDocumented(t *testing.T, samples map[string]float64) {
	t.Helper()
	document, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	nameRE := regexp.MustCompile(`drawbridge_[a-z_]+`)
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	documented := map[string]bool{}
	for _, name := range nameRE.FindAllString(string(document), -1) {
		documented[suffix.ReplaceAllString(name, "")] = true
	}
	for series := range samples {
		name := suffix.ReplaceAllString(nameRE.FindString(series), "")
		if name != "" && !documented[name] {
			t.Errorf("docs/observability.md does not tell of %s", name)
		}
	}
}

// TestReadiness: ready when all works, not ready while it stops, alive in both.
func TestReadiness(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	var r struct {
		Ready   bool
		Reasons []string
	}
	until(t, "it is ready", func() bool { return get(t, "http://"+s.listen+"/readyz").status == http.StatusOK })
	s.hold("elbv2:CreateLoadBalancer")
	s.provision(s.register(launch("ready", nil)))
	until(t, "the call is held", func() bool { return s.counts().LoadBalancers > 0 })
	s.signal(syscall.SIGTERM)
	until(t, "it says that it stops", func() bool {
		a := get(t, "http://"+s.listen+"/readyz")
		return a.status == http.StatusServiceUnavailable && a.decode(&r) == nil
	})
	if r.Ready || !strings.Contains(strings.Join(r.Reasons, " "), "stopping") {
		t.Errorf("while it stops it says %+v", r)
	}
	if a := get(t, "http://"+s.listen+"/healthz"); a.status != http.StatusOK {
		t.Errorf("while it stops it is not alive: %d", a.status)
	}
}

const password, wrongPassword = "correct horse battery staple", "incorrect horse battery staple"

// signInByPassword sets the admin's password, signs in with it after a try
// with a wrong one, and returns the cookies of both sessions.
func (s *server) signInByPassword(right, wrong string) []*http.Cookie {
	s.t.Helper()
	at := &url.URL{Scheme: "http", Host: s.listen, Path: "/"}
	post := func(c *http.Client, path string, form url.Values, want int) {
		s.t.Helper()
		resp, err := c.PostForm(at.String()+path, form)
		if err != nil {
			s.t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			s.t.Fatalf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	first := s.browse()
	post(first, "account/password", url.Values{"password": {right}}, http.StatusOK)
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	second := &http.Client{Jar: jar}
	post(second, "sign-in", url.Values{"login": {auth.AdminName}, "password": {wrong}}, http.StatusUnprocessableEntity)
	post(second, "sign-in", url.Values{"login": {auth.AdminName}, "password": {right}}, http.StatusOK)
	cookies := append(first.Jar.Cookies(at), jar.Cookies(at)...)
	if len(cookies) < 2 {
		s.t.Fatalf("the cookies are %v", cookies)
	}
	return cookies
}

// TestLogLinesSayWhatTheyAreAbout reads the log of a chain in which AWS
// refuses a call once.
func TestLogLinesSayWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant", "--log-format", "json")
	link := s.link[strings.LastIndexByte(s.link, '/')+1:]
	cookies := s.signInByPassword(password, wrongPassword)
	s.fault(map[string]any{"op": "elbv2:CreateTargetGroup", "nth": 1, "when": "before", "do": map[string]any{"kind": "error", "status": 500, "code": "InternalFailure"}})
	b := s.register(launch("logs", nil))
	j := s.provision(b)
	s.succeeded(j)
	if err := s.terminate(); err != nil {
		t.Fatal(err)
	}
	steps, warned := 0, false
	for line := range strings.Lines(s.logs.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if l["step"] == nil {
			continue
		}
		steps++
		if l["job"] != j.ID || l["backend"] != b.ID || l["environment"] != "simulated" {
			t.Errorf("a step's line lacks what it is about: %s", line)
		}
		if l["msg"] == "aws call" && (l["operation"] == nil || l["ms"] == nil || l["status"] == nil) {
			t.Errorf("a call's line lacks what it was: %s", line)
		}
		warned = warned || l["level"] == "WARN" && l["operation"] == "CreateTargetGroup" && l["aws_request_id"] != ""
	}
	if steps < 12 || !warned { // a chain has more changes than that, each with a line
		t.Errorf("%d lines of steps, of the refused call: %v", steps, warned)
	}
	secrets := map[string]string{"API token": s.token, "sign-in token": link, "password": password, "wrong password": wrongPassword}
	for _, c := range cookies {
		secrets["cookie "+c.Name] = c.Value
	}
	for name, secret := range secrets {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the %s is in the log", name)
		}
	}
}
