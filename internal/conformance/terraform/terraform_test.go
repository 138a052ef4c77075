package terraform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/conformance/operations"
)

// TestTerraform runs its scenarios at once, however few processors there are:
// most of their time goes into Terraform's own waits.
func TestTerraform(t *testing.T) {
	t.Parallel()
	var calls callLog
	scenarios := map[string]func(*testing.T){
		// The article's chain with its network: applied, used, changed, destroyed.
		// Things take a twentieth of their time: at its first look the provider finds
		// them unready where it looks at once, and its own delays, some of 30 s, are
		// not made longer.
		"chain": func(t *testing.T) { lifecycle(t, scenario{root: ".", chains: 1, profile: "real/20"}, &calls) },
		// The same as a module, three times.
		"for_each":   func(t *testing.T) { lifecycle(t, scenario{root: "three", chains: 3}, &calls) },
		"other ways": func(t *testing.T) { otherWays(t, &calls) },
	}
	var running sync.WaitGroup
	for name, run := range scenarios {
		running.Go(func() { t.Run(name, run) })
	}
	running.Wait()
	if calls.scenarios == len(scenarios) { // else some were skipped, or failed
		operations.Check(t, "Terraform", calls.all)
	}
}

// callLog gathers the calls of all scenarios.
type callLog struct {
	mu        sync.Mutex
	all       []awssim.Call
	scenarios int
}

func (l *callLog) add(calls []awssim.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, calls...)
	l.scenarios++
}

// otherWays writes the same things, and those beside them, in other ways.
func otherWays(t *testing.T, calls *callLog) {
	tf := newTerraform(t, "ways")
	sim, address := startSim(t, awssim.Instant)
	tf.vars = []string{"TF_VAR_endpoint=http://" + address}
	before := sim.Snapshot()
	tf.run("init")
	tf.run("apply", "-auto-approve")
	tf.wantNoChanges()
	tf.vars = append(tf.vars, "TF_VAR_greeting=goodbye", "TF_VAR_open=[8000,8080]")
	tf.run("apply", "-auto-approve")
	tf.wantNoChanges()
	tf.run("destroy", "-auto-approve")
	if after := sim.Snapshot(); after != before {
		t.Errorf("something was left:\n%s\nbefore:\n%s", after.IDs, before.IDs)
	}
	reportCalls(t, sim.Calls())
	calls.add(sim.Calls())
}

// scenario is a configuration in testdata, which makes a number of chains.
type scenario struct {
	root    string // "." = the chain itself is the root module
	chains  int
	profile awssim.Profile
}

func lifecycle(t *testing.T, sc scenario, calls *callLog) {
	tf := newTerraform(t, sc.root)
	sim, address := startSim(t, sc.profile)
	tf.vars = []string{"TF_VAR_endpoint=http://" + address}
	before := sim.Snapshot()
	tf.run("init")
	tf.run("apply", "-auto-approve")
	urls := tf.invokeURLs()
	if len(urls) != sc.chains {
		t.Fatalf("%d invoke URLs, want %d: %v", len(urls), sc.chains, urls)
	}
	for _, u := range urls {
		wantHello(t, address, u)
	}
	tf.wantNoChanges()

	tf.vars = append(tf.vars, "TF_VAR_health_path=/service-a", "TF_VAR_team=green", "TF_VAR_instances=2", "TF_VAR_from_vpc=true")
	tf.run("apply", "-auto-approve")
	for _, u := range urls {
		wantHello(t, address, u)
	}
	tf.wantNoChanges()
	if got := sim.Snapshot(); got.Instances != 2*sc.chains || got.Targets != 2*sc.chains {
		t.Errorf("%d instances and %d targets, want %d of each", got.Instances, got.Targets, 2*sc.chains)
	}

	tf.run("destroy", "-auto-approve")
	if after := sim.Snapshot(); after != before {
		t.Errorf("something was left:\n%s\nbefore:\n%s", after.IDs, before.IDs)
	}
	reportCalls(t, sim.Calls())
	calls.add(sim.Calls())
}

// startSim serves an empty account on a loopback port.
func startSim(t *testing.T, profile awssim.Profile) (*awssim.Sim, string) {
	t.Helper()
	sim, err := awssim.New(awssim.Options{Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := sim.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return sim, l.Addr().String()
}

// wantHello asks an invoke URL as a browser would if its name led here. The
// target may need a moment to be found healthy.
func wantHello(t *testing.T, address, invoke string) {
	t.Helper()
	u, err := url.Parse(invoke)
	if err != nil {
		t.Fatal(err)
	}
	u.Scheme = "http" // the simulator speaks plain HTTP
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last string
	for {
		if last = get(ctx, &http.Client{Transport: tr}, u.String()); strings.HasPrefix(last, "200 Hello from the Home page! (EC2 Host: ip-10-") {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("GET %s: %s", invoke, last)
		case <-tick.C:
		}
	}
}

func get(ctx context.Context, c *http.Client, url string) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	res, err := c.Do(r)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}

// reportCalls logs what Terraform called, how often, and each error by its
// code: a client's errors that it expects are part of the run.
func reportCalls(t *testing.T, calls []awssim.Call) {
	t.Helper()
	count := map[string]int{}
	for _, c := range calls {
		name := c.Service + ":" + c.Operation
		if c.Code != "" {
			name += " " + c.Code
		}
		count[name]++
		if c.Code == "InvalidAction" || c.Status >= http.StatusInternalServerError {
			t.Errorf("%s was answered with %d %s", name, c.Status, c.Code)
		}
	}
	lines := make([]string, 0, len(count))
	for name, n := range count {
		lines = append(lines, fmt.Sprintf("%5d %s", n, name))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[6:], b[6:]) })
	t.Logf("%d calls:\n%s", len(calls), strings.Join(lines, "\n"))
}

// invokeURLs reads the output of either root module.
func (tf *terraform) invokeURLs() []string {
	tf.t.Helper()
	var raw struct {
		InvokeURL struct{ Value json.RawMessage } `json:"invoke_url"`
	}
	var out []string
	if err := json.Unmarshal([]byte(tf.run("output", "-json")), &raw); err != nil {
		tf.t.Fatal(err)
	}
	if json.Unmarshal(raw.InvokeURL.Value, &out) == nil {
		return out
	}
	var single string
	if err := json.Unmarshal(raw.InvokeURL.Value, &single); err != nil {
		tf.t.Fatal(err)
	}
	return []string{single}
}
