package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// startFlask runs the article's app on this machine and returns its address.
func startFlask(t *testing.T) string {
	t.Helper()
	python := needs(t, "python3")
	if out, err := exec.Command(python, "-c", "import flask").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("Flask is missing, and CI must have it: %s", out)
		}
		t.Skip("Flask is not installed")
	}
	address := freePort(t)
	_, port, _ := strings.Cut(address, ":")
	cmd := exec.Command(python, "testdata/app.py", port)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Running on") {
			go func() {
				for lines.Scan() { // its access log
				}
			}()
			return address
		}
	}
	t.Fatalf("Flask did not start: %v", lines.Err())
	return ""
}

func TestAFlaskAppThroughTheWholeChain(t *testing.T) {
	t.Parallel()
	app := startFlask(t)
	s := startServer(t, "instant")
	b := s.register(launch("orders", func(spec map[string]any) {
		spec["tags"] = map[string]string{"awssim:forward": app}
	}))
	s.succeeded(s.provision(b))

	d := s.backend(b.ID)
	if d.Phase != model.PhaseReady || d.InvokeURL == "" {
		t.Fatalf("phase %s, invoke URL %q", d.Phase, d.InvokeURL)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":          "Hello from the Home page! (EC2 Host: " + host + ")\n",
		"service-a": "This is Service A! (EC2 Host: " + host + ", Path: /service-a)\n",
		"service-b": "This is Service B! (EC2 Host: " + host + ", Path: /service-b)\n",
	} {
		a := get(t, d.InvokeURL+path)
		if a.status != http.StatusOK || string(a.body) != want {
			t.Errorf("/%s: %d %q, want %q", path, a.status, a.body, want)
		}
		if a.header.Get("Apigw-Requestid") == "" || !strings.HasPrefix(a.header.Get("Server"), "Werkzeug/") {
			t.Errorf("/%s: headers %v", path, a.header)
		}
	}
	checkHeadersAtTheApp(t, d)
	checkAccessLogs(t, s, b)

	s.succeeded(s.destroy(b))
	if d := s.backend(b.ID); d.Phase != model.PhaseDestroyed {
		t.Errorf("phase %s after destroy", d.Phase)
	}
}

// checkHeadersAtTheApp asks the app what arrived: docs/aws-facts.md, section D2.
func checkHeadersAtTheApp(t *testing.T, d backendDetail) {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal(get(t, d.InvokeURL+"headers").body, &got); err != nil {
		t.Fatal(err)
	}
	invoke, err := url.Parse(d.InvokeURL)
	if err != nil {
		t.Fatal(err)
	}
	apiHost := regexp.QuoteMeta(invoke.Hostname())
	for name, want := range map[string]string{
		"forwarded":         `^(by=[^;]+;)?for=127\.0\.0\.1;host=` + apiHost + `(:\d+)?;proto=https?$`,
		"via":               `^HTTP/1\.1 AmazonAPIGateway$`,
		"x-amzn-trace-id":   `^Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`,
		"x-forwarded-for":   `^10\.0\.\d+\.\d+$`, // the VPC link's network interface
		"x-forwarded-port":  `^80$`,
		"x-forwarded-proto": `^http$`,
		"host":              `^` + apiHost + `(:\d+)?$`,
	} {
		if !regexp.MustCompile(want).MatchString(got[name]) {
			t.Errorf("%s: %q at the app, want %s", name, got[name], want)
		}
	}
}

// checkAccessLogs: each request is a line of the HTTP API and one of the load balancer.
func checkAccessLogs(t *testing.T, s *server, b model.Backend) {
	t.Helper()
	var logs struct{ Items []model.AccessLog }
	s.want(http.StatusOK, "GET", "/api/v1/backends/"+b.ID+"/access-logs", nil).into(t, &logs)
	hops := map[string]int{}
	for _, l := range logs.Items {
		if l.Path == "/service-a" && l.Status == http.StatusOK && l.Upstream == http.StatusOK && l.Line != "" {
			hops[l.Source]++
		}
	}
	if hops[model.AccessLogAPI] != 1 || hops[model.AccessLogALB] != 1 {
		t.Errorf("access logs of /service-a: %v in %+v", hops, logs.Items)
	}
}

func TestExistingInstances(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	var environments struct {
		Items []model.Environment `json:"items"`
	}
	s.want(http.StatusOK, "GET", "/api/v1/environments", nil).into(t, &environments)
	var instances struct {
		Items []model.Instance `json:"items"`
	}
	s.want(http.StatusOK, "GET", "/api/v1/environments/"+environments.Items[0].ID+"/instances", nil).into(t, &instances)
	if len(instances.Items) != 1 {
		t.Fatalf("instances %+v", instances.Items)
	}
	before := s.simState()
	b := s.register(map[string]any{"name": "article", "spec": map[string]any{
		"source": "instances", "port": 8000,
		"instances": map[string]any{"ids": []string{instances.Items[0].ID}, "add_rule": true},
	}})
	s.succeeded(s.provision(b))
	d := s.backend(b.ID)
	a := get(t, d.InvokeURL)
	if want := "Hello from the Home page! (EC2 Host: ip-10-0-10-148.ap-northeast-1.compute.internal)\n"; string(a.body) != want {
		t.Errorf("%q, want %q", a.body, want)
	}
	s.succeeded(s.destroy(b))
	if after := s.simState(); after != before {
		t.Errorf("the instance or its group is not as before:\n%s\n%s", before, after)
	}
}
