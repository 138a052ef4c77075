package e2e

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/model"
)

// applied is what a PUT answers.
type applied struct {
	Backend model.Backend `json:"backend"`
	Changed bool          `json:"changed"`
	InSync  bool          `json:"in_sync"`
	Plan    model.Plan    `json:"plan"`
	Job     *model.Job    `json:"job"`
}

func putPath(b model.Backend) string { return "/api/v1/teams/" + b.TeamID + "/backends/" + b.Name }

// put puts a spec and waits until it is in force.
func (s *server) put(b model.Backend, spec map[string]any) applied {
	s.t.Helper()
	var did applied
	a := s.call("PUT", putPath(b), map[string]any{"spec": spec})
	if a.status != http.StatusAccepted {
		s.t.Fatalf("put %v: %d %s", spec, a.status, a.body)
	}
	a.into(s.t, &did)
	s.succeeded(*did.Job)
	return did
}

// applied puts and returns the answer.
func (s *server) applied(status int, path string, body any) (did applied) {
	s.t.Helper()
	s.want(status, "PUT", path, body).into(s.t, &did)
	return did
}

// actions are what the plan does to what it changes, as "key action".
func actions(p model.Plan) []string {
	var all []string
	for _, i := range p.Items {
		if i.Action.Changes() {
			all = append(all, i.Key+" "+string(i.Action))
		}
	}
	return all
}

// caller calls a URL without a pause until it is stopped, and counts what was
// not answered with 200.
type caller struct {
	calls, failed int
	first         string // the first failure
	stop          func()
}

func callAllTheWhile(t *testing.T, url string) *caller {
	ctx, cancel := context.WithCancel(t.Context())
	c := &caller{}
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, url, nil)
			if err != nil {
				t.Error(err)
				return
			}
			a, err := send(local, req)
			c.calls++
			if err != nil || a.status != http.StatusOK {
				c.failed++
				c.first = cmp.Or(c.first, fmt.Sprintf("call %d: %d %v %s", c.calls, a.status, err, a.body))
			}
		}
	})
	c.stop = sync.OnceFunc(func() { cancel(); done.Wait() })
	t.Cleanup(c.stop)
	return c
}

// TestUpdateEachField changes one field after the other while a client calls
// the invoke URL: the plan says what happens, no request fails, the URL stays,
// and in the end there is what a fresh chain of the last spec would have.
func TestUpdateEachField(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	empty := s.counts()
	spec := map[string]any{"source": "launch", "port": 8000, "health_path": "/health", "tags": map[string]string{"stage": "test"},
		"launch": map[string]any{"count": 1}}
	b := s.register(map[string]any{"name": "orders", "spec": spec})
	s.succeeded(s.provision(b))
	one, url := s.counts(), s.backend(b.ID).InvokeURL
	client := callAllTheWhile(t, url)

	launch := func(change map[string]any) map[string]any {
		l := map[string]any{"count": 1}
		for k, v := range change {
			l[k] = v
		}
		return l
	}
	for _, row := range []struct {
		name   string
		change func()
		want   []string // of the plan
		why    string   // one of its reasons
	}{
		{"health path", func() { spec["health_path"] = "/" }, []string{"target-group update"}, "The health check's path changes from /health to /."},
		{"count up", func() { spec["launch"] = launch(map[string]any{"count": 2}) },
			[]string{"instance-2 create", "targets update"}, "instance-2 joins."},
		{"count down", func() { spec["launch"] = launch(nil) },
			[]string{"targets update", "instance-2 delete"}, "instance-2 leaves when the others are healthy."},
		{"instance type", func() { spec["launch"] = launch(map[string]any{"instance_type": "t3.small"}) },
			[]string{"instance-1.2 replace", "targets update", "instance-1 delete"}, "The instance type changes from t3.micro to t3.small."},
		{"tags", func() { spec["tags"] = map[string]string{"team": "shop"} }, []string{
			"vpclink-sg update", "alb-sg update", "ec2-sg update", "alb-ingress update", "app-ingress update", "instance-1.2 update",
			"target-group update", "alb update", "listener update", "vpc-link update", "api update", "stage update",
		}, "It loses the tag stage."},
		{"port", func() { spec["port"] = 9000 },
			[]string{"app-ingress.2 replace", "instance-1 replace", "targets update", "app-ingress delete", "instance-1.2 delete"}, "The port changes from 8000 to 9000."},
		{"several at once", func() {
			spec["port"], spec["tags"] = 8000, map[string]string{}
			spec["launch"] = launch(map[string]any{"count": 2, "instance_type": "t3.micro"})
		}, nil, "The instance type changes from t3.small to t3.micro."},
	} {
		row.change()
		did := s.put(b, spec)
		if got := actions(did.Plan); row.want != nil && !slices.Equal(sorted(got), sorted(row.want)) {
			t.Errorf("%s: the plan is\n%v, want\n%v", row.name, got, row.want)
		}
		var reasons []string
		for _, i := range did.Plan.Items {
			reasons = append(reasons, i.Reasons...)
		}
		if !slices.Contains(reasons, row.why) {
			t.Errorf("%s: no reason %q in %v", row.name, row.why, reasons)
		}
		if d := s.backend(b.ID); d.Phase != model.PhaseReady || d.InvokeURL != url {
			t.Errorf("%s: phase %s, invoke URL %s, was %s", row.name, d.Phase, d.InvokeURL, url)
		}
	}
	client.stop()
	if client.failed > 0 || client.calls < 10 {
		t.Errorf("%d of %d calls failed: %s", client.failed, client.calls, client.first)
	}
	two := one
	two.Instances, two.NetworkInterfaces, two.Targets = one.Instances+1, one.NetworkInterfaces+1, one.Targets+1
	if got := s.counts(); got != two {
		t.Errorf("after all there are\n%+v, want\n%+v", got, two)
	}
	s.succeeded(s.destroy(b))
	if got := s.counts(); got != empty {
		t.Errorf("after destroy there are\n%+v, want\n%+v", got, empty)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestPut: what is put twice is done once; versions and dry runs are respected.
func TestPut(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	var teams struct{ Items []model.Team }
	s.want(http.StatusOK, "GET", "/api/v1/teams", nil).into(t, &teams)
	b := model.Backend{TeamID: teams.Items[0].ID, Name: "orders"}
	path, body := putPath(b), map[string]any{"environment": "simulated", "spec": map[string]any{"port": 8000}}

	did := s.applied(http.StatusOK, path+"?dry_run=true", body)
	if did.InSync || did.Job != nil || len(did.Plan.Items) == 0 {
		t.Errorf("dry run of a new one: %+v", did)
	}
	s.want(http.StatusNotFound, "GET", path, nil)
	made := s.want(http.StatusCreated, "PUT", path+"?wait=2m", body)
	did = applied{}
	made.into(t, &did)
	if did.Job.State != model.JobSucceeded || made.header.Get("ETag") != `"spec-1"` {
		t.Errorf("put: job %s, ETag %s", did.Job.State, made.header.Get("ETag"))
	}
	b = did.Backend
	did = s.applied(http.StatusOK, path, body)
	if !did.InSync || did.Job != nil {
		t.Errorf("put again: %+v", did)
	}
	tests := map[string]any{"port": 8000, "tests": []map[string]any{{"path": "/service-b"}}}
	did = s.applied(http.StatusOK, path, map[string]any{"spec": tests})
	if did.InSync || !did.Changed || did.Job != nil || did.Backend.SpecVersion != 2 {
		t.Errorf("put other tests: %+v", did)
	}
	for header, want := range map[string]int{`If-Match: "spec-1"`: 412, `If-Match: nonsense`: 412, `If-None-Match: *`: 412, `If-Match: "spec-2"`: 200, `If-Match: *`: 200} {
		if a := s.withHeader("PUT", path, header, map[string]any{"spec": tests}); a.status != want {
			t.Errorf("%s: %d, want %d: %s", header, a.status, want, a.body)
		}
	}
	s.refused(http.StatusUnprocessableEntity, "PUT", path, map[string]any{"environment": "elsewhere", "spec": tests}, "body.environment")
	s.refused(http.StatusUnprocessableEntity, "PUT", path, map[string]any{"spec": map[string]any{"port": 0}}, "body.spec.port")

	// A health check that asks the old instances for what only the new ones have is warned of.
	both := map[string]any{"port": 8000, "health_path": "/ready", "launch": map[string]any{"instance_type": "t3.small"}}
	did = s.applied(http.StatusOK, path+"?dry_run=true", map[string]any{"spec": both})
	if f := did.Plan.Findings; len(f) != 1 || f[0].Severity != model.SeverityWarning || f[0].Field != "spec.health_path" {
		t.Errorf("health path and instances at once: findings %+v", f)
	}

	// What sleeps is not woken by what changes nothing in AWS.
	s.succeeded(s.operate(b, "sleep"))
	did = s.applied(http.StatusOK, path, map[string]any{"spec": tests})
	if did.Job != nil || s.backend(b.ID).Phase != model.PhaseAsleep {
		t.Errorf("put asleep: %+v", did.Job)
	}
	did = s.put(b, map[string]any{"port": 8000, "launch": map[string]any{"instance_type": "t3.small"}})
	if d := s.backend(b.ID); d.Phase != model.PhaseReady || get(t, d.InvokeURL).status != http.StatusOK {
		t.Errorf("updated asleep: phase %s", d.Phase)
	}
}

// withHeader sends a request with one header more.
func (s *server) withHeader(method, path, header string, body any) answer {
	s.t.Helper()
	name, value, _ := strings.Cut(header, ": ")
	req := s.request(method, path, body)
	req.Header.Set(name, value)
	return do(s.t, http.DefaultClient, req)
}
