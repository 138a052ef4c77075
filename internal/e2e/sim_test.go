package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// simCounts is what exists in the simulated AWS.
type simCounts struct {
	SecurityGroups, Rules, Instances, NetworkInterfaces int
	TargetGroups, Targets, LoadBalancers, Listeners     int
	VPCLinks, APIs, Integrations, Routes, Stages        int
}

// plus is what a backend with one launched instance adds: one of each.
func (c simCounts) plus() simCounts {
	c.SecurityGroups += 3
	c.Rules += 2 + 3 // ours, and each new group's default egress
	c.Instances++
	c.NetworkInterfaces += 2 + 2 + 1 // of the load balancer and of the link in two subnets, of the instance
	c.TargetGroups++
	c.Targets++
	c.LoadBalancers++
	c.Listeners++
	c.VPCLinks++
	c.APIs++
	c.Integrations++
	c.Routes++
	c.Stages++
	return c
}

type simOverview struct {
	Counts json.RawMessage `json:"counts"`
	Links  []struct {
		Status string `json:"vpcLinkStatus"`
	} `json:"vpc_links"`
}

func (s *server) overview() simOverview {
	s.t.Helper()
	var o simOverview
	get(s.t, "http://"+s.sim+"/_awssim/state").into(s.t, &o)
	return o
}

// simState is everything that exists, with ids and tags, as text.
func (s *server) simState() string {
	s.t.Helper()
	return string(s.overview().Counts)
}

func (s *server) counts() simCounts {
	s.t.Helper()
	var c simCounts
	if err := json.Unmarshal(s.overview().Counts, &c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// fault arms a fault in the simulated AWS.
func (s *server) fault(f map[string]any) {
	s.t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", "http://"+s.sim+"/_awssim/faults", bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	if a := do(s.t, local, req); a.status != http.StatusNoContent {
		s.t.Fatalf("arm fault: %d %s", a.status, a.body)
	}
}

// never is longer than any test: a call that is delayed by it is killed first.
const never = time.Hour

// hold makes the next such call take effect and keeps its answer back.
func (s *server) hold(op string) {
	s.t.Helper()
	s.fault(map[string]any{"op": op, "nth": 1, "when": "after", "do": map[string]any{"kind": "delay", "delay_ns": never.Nanoseconds()}})
}

// until looks every few milliseconds until cond holds.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
