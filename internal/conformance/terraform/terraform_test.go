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
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/conformance/operations"
)

// TestTerraform leads everything that Terraform can make here through its life:
// the article's chain with its network, the same three times over with for_each,
// and the same things written in other ways. It is one configuration, for each
// command costs more than what it does: the provider is a large program.
//
// Things take a twentieth of their time: at its first look the provider finds
// them unready where it looks at once, and its own delays, some of 30 s, are not
// made longer.
func TestTerraform(t *testing.T) {
	t.Parallel()
	tf := newTerraform(t)
	sim, address := startSim(t, "real/20")
	tf.vars = []string{"TF_VAR_endpoint=http://" + address}
	before := sim.Snapshot()
	tf.run("init")
	tf.run("apply", "-auto-approve")
	urls := tf.invokeURLs()
	if len(urls) != chains {
		t.Fatalf("%d invoke URLs, want %d: %v", len(urls), chains, urls)
	}
	wantHello(t, address, urls)
	tf.wantNoChanges()

	tf.vars = append(tf.vars, "TF_VAR_health_path=/service-a", "TF_VAR_team=green", "TF_VAR_instances=2", "TF_VAR_from_vpc=true",
		"TF_VAR_greeting=goodbye", "TF_VAR_open=[8000,8080]")
	tf.run("apply", "-auto-approve")
	wantHello(t, address, urls)
	tf.wantNoChanges()
	if got := sim.Snapshot(); got.Instances != 2*chains+2 || got.Targets != 2*chains {
		t.Errorf("%d instances and %d targets, want %d and %d", got.Instances, got.Targets, 2*chains+2, 2*chains)
	}

	tf.run("destroy", "-auto-approve")
	if after := sim.Snapshot(); after != before {
		t.Errorf("something was left:\n%s\nbefore:\n%s", after.IDs, before.IDs)
	}
	reportCalls(t, sim.Calls())
	operations.Check(t, "Terraform", sim.Calls())
}

// chains is how many the configuration makes: the root module and three more.
const chains = 4

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

// wantHello asks each invoke URL as a browser would if its name led here. The
// targets may need a moment to be found healthy.
func wantHello(t *testing.T, address string, invoke []string) {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, raw := range invoke {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		u.Scheme = "http" // the simulator speaks plain HTTP
		for last := ""; !strings.HasPrefix(last, "200 Hello from the Home page! (EC2 Host: ip-10-"); {
			select {
			case <-ctx.Done():
				t.Fatalf("GET %s: %s", raw, last)
			case <-tick.C:
			}
			last = get(ctx, &http.Client{Transport: tr}, u.String())
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

// invokeURLs reads the outputs of the root module.
func (tf *terraform) invokeURLs() []string {
	tf.t.Helper()
	var out struct {
		InvokeURL  struct{ Value string }   `json:"invoke_url"`
		InvokeURLs struct{ Value []string } `json:"invoke_urls"`
	}
	if err := json.Unmarshal([]byte(tf.run("output", "-json")), &out); err != nil {
		tf.t.Fatal(err)
	}
	return append(out.InvokeURLs.Value, out.InvokeURL.Value)
}
