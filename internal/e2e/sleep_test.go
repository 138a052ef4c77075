package e2e

import (
	"net/http"
	"strings"
	"testing"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// operate asks for an operation on a backend and returns its job.
func (s *server) operate(b model.Backend, op string) model.Job {
	s.t.Helper()
	var j model.Job
	s.want(http.StatusAccepted, "POST", "/api/v1/backends/"+b.ID+"/"+op, nil).into(s.t, &j)
	return j
}

// TestSleepAndWake: what sleeps keeps its invoke URL, which answers 503, and
// everything but running instances and targets.
func TestSleepAndWake(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	empty := s.counts()
	b := s.register(launch("orders", func(spec map[string]any) { spec["launch"] = map[string]any{"count": 2} }))
	s.succeeded(s.provision(b))
	awake, url := s.counts(), s.backend(b.ID).InvokeURL
	instances := s.instances(b)

	s.succeeded(s.operate(b, "sleep"))
	d := s.backend(b.ID)
	if a := get(t, url); d.Phase != model.PhaseAsleep || d.InvokeURL != url || a.status != http.StatusServiceUnavailable {
		t.Errorf("asleep: phase %s, invoke URL %s (was %s), answer %d", d.Phase, d.InvokeURL, url, a.status)
	}
	want := awake
	want.Targets = 0
	if got := s.counts(); got != want {
		t.Errorf("asleep there are\n%+v, want\n%+v", got, want)
	}
	if a := s.call("POST", "/api/v1/backends/"+b.ID+"/sleep", nil); a.status != http.StatusConflict {
		t.Errorf("put to sleep twice: %d %s", a.status, a.body)
	}

	s.succeeded(s.operate(b, "wake"))
	d = s.backend(b.ID)
	if a := get(t, url); d.Phase != model.PhaseReady || d.InvokeURL != url || a.status != http.StatusOK {
		t.Errorf("awake: phase %s, invoke URL %s (was %s), answer %d", d.Phase, d.InvokeURL, url, a.status)
	}
	if got := s.counts(); got != awake {
		t.Errorf("awake again there are\n%+v, want\n%+v", got, awake)
	}
	if again := s.instances(b); again != instances {
		t.Errorf("the instances are %v, want the same as before: %v", again, instances)
	}

	// A sleeping backend can be provisioned, which wakes it, and destroyed.
	s.succeeded(s.operate(b, "sleep"))
	s.succeeded(s.provision(b))
	if d := s.backend(b.ID); d.Phase != model.PhaseReady || s.counts() != awake {
		t.Errorf("provisioned asleep: phase %s, %+v, want %+v", d.Phase, s.counts(), awake)
	}
	s.succeeded(s.operate(b, "sleep"))
	s.succeeded(s.destroy(b))
	if got := s.counts(); got != empty {
		t.Errorf("destroyed asleep: there are\n%+v, want\n%+v", got, empty)
	}
}

// TestAnIdleVPCLinkComesBack: after 60 days without a request AWS takes a
// link's interfaces away, and only a request has it set up again. So the first
// answer of each operation does, and its step says what it waits for.
func TestAnIdleVPCLinkComesBack(t *testing.T) {
	t.Parallel()
	c := openCloud(t, "", awssim.Demo)
	s := startServer(t, "instant", c.flags()...)
	b := s.register(launch("orders", nil))
	s.succeeded(s.provision(b))
	link := s.resources(b)["vpc-link"].AWSID
	for name, begin := range map[string]func() model.Job{
		"wake":            func() model.Job { s.succeeded(s.operate(b, "sleep")); return s.operate(b, "wake") },
		"provision again": func() model.Job { return s.provision(b) },
	} {
		if err := c.sim.IdleVPCLink(link); err != nil {
			t.Fatal(err)
		}
		j := begin()
		s.stepIs(j, "answer", func(step model.Step) bool {
			return step.State == model.StepWaiting && strings.Contains(step.Why, "The VPC link is ") && strings.Contains(step.Why, "After 60 days without a request")
		})
		s.succeeded(j)
		d := s.backend(b.ID)
		if a := get(t, d.InvokeURL); a.status != http.StatusOK || s.resources(b)["vpc-link"].AWSID != link {
			t.Errorf("%s: the invoke URL answers %d, resources %+v", name, a.status, d.Resources)
		}
	}
	if err := c.sim.IdleVPCLink("none"); err == nil {
		t.Error("a link that is not there is idle")
	}
}

// instances are the ids of the backend's live instances, as they are shown.
func (s *server) instances(b model.Backend) (ids [2]string) {
	s.t.Helper()
	n := 0
	for _, r := range s.backend(b.ID).Resources {
		if r.Kind == "ec2.instance" && r.State != model.ResourceGone {
			ids[n] = r.AWSID
			n++
		}
	}
	return ids
}

// TestSleepLeavesExistingInstancesAlone: they are not Drawbridge's to stop.
func TestSleepLeavesExistingInstancesAlone(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	b := s.register(map[string]any{"name": "article", "spec": map[string]any{
		"source": "instances", "port": 8000, "instances": map[string]any{"ids": []string{s.existingInstance()}, "add_rule": true},
	}})
	s.succeeded(s.provision(b))
	s.refused(http.StatusUnprocessableEntity, "POST", "/api/v1/backends/"+b.ID+"/sleep", nil, "never stops or starts")
}

// refused is want, and fails the test unless the answer says so.
func (s *server) refused(status int, method, path string, body any, says string) {
	s.t.Helper()
	if a := s.want(status, method, path, body); !strings.Contains(string(a.body), says) {
		s.t.Errorf("%s %s: %s does not say %q", method, path, a.body, says)
	}
}

// existingInstance is the id of the simulated VPC's own instance.
func (s *server) existingInstance() string {
	s.t.Helper()
	var environments struct {
		Items []model.Environment `json:"items"`
	}
	s.want(http.StatusOK, "GET", "/api/v1/environments", nil).into(s.t, &environments)
	var list struct {
		Items []model.Instance `json:"items"`
	}
	s.want(http.StatusOK, "GET", "/api/v1/environments/"+environments.Items[0].ID+"/instances", nil).into(s.t, &list)
	return list.Items[0].ID
}
