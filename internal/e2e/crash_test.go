package e2e

import (
	"encoding/json"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// stepReaches follows the job until the step is in the state.
func (s *server) stepReaches(j model.Job, key string, state model.StepState) {
	s.t.Helper()
	s.stepIs(j, key, func(step model.Step) bool { return step.State == state })
}

// stepIs follows the job until the step is so.
func (s *server) stepIs(j model.Job, key string, so func(model.Step) bool) {
	s.t.Helper()
	s.follow(j.BackendID, 0, func(e model.Event) bool {
		if e.Type != model.EventStep || e.JobID != j.ID || e.Key != key {
			return true
		}
		var step model.Step
		if err := json.Unmarshal(e.Data, &step); err != nil {
			s.t.Fatal(err)
		}
		return !so(step)
	})
}

// checkOneOfEach fails the test unless the chain was made once.
func (s *server) checkOneOfEach(before simCounts) {
	s.t.Helper()
	if got, want := s.counts(), before.plus(); got != want {
		s.t.Errorf("after the restart there are\n%+v, want\n%+v", got, want)
	}
}

func TestKilledAfterCreateVpcLinkTookEffect(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	before := s.counts()
	s.hold("apigatewayv2:CreateVpcLink")
	b := s.register(launch("crash", nil))
	job := s.provision(b)
	until(t, "the link exists", func() bool { return len(s.overview().Links) == 1 })
	s.kill()
	s.start()
	s.succeeded(job)
	s.checkOneOfEach(before)
	s.succeeded(s.destroy(b))
	if got := s.counts(); got != before {
		t.Errorf("after destroy there are\n%+v, want\n%+v", got, before)
	}
}

// TestKilledWhileWaiting_onPostgreSQL: there the lease has to run out, for
// another replica might hold the job.
func TestKilledWhileWaiting_onPostgreSQL(t *testing.T) {
	t.Parallel()
	killWhileWaiting(t, "--database", storetest.Postgres(t), "--lease", "2s")
}

func TestKilledWhileWaiting(t *testing.T) {
	t.Parallel()
	killWhileWaiting(t)
}

func killWhileWaiting(t *testing.T, flags ...string) {
	s := startServer(t, "demo", flags...)
	before := s.counts()
	job := s.provision(s.register(launch("crash", nil)))
	s.stepReaches(job, "alb", model.StepWaiting)
	s.kill()
	s.start()
	s.succeeded(job)
	s.checkOneOfEach(before)
}

func TestKilledDuringDestroy(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	before := s.counts()
	b := s.register(launch("crash", nil))
	s.succeeded(s.provision(b))
	s.hold("elbv2:DeleteLoadBalancer")
	job := s.destroy(b)
	until(t, "the load balancer is deleted", func() bool { return s.counts().LoadBalancers == before.LoadBalancers })
	s.kill()
	s.start()
	s.succeeded(job)
	if got := s.counts(); got != before {
		t.Errorf("after destroy there are\n%+v, want\n%+v", got, before)
	}
}

func TestStoppedByTERMGoesOnAtTheNextStart(t *testing.T) {
	t.Parallel()
	s := startServer(t, "demo")
	before := s.counts()
	job := s.provision(s.register(launch("stop", nil)))
	s.stepReaches(job, "alb", model.StepWaiting)
	if err := s.terminate(); err != nil {
		t.Fatalf("%v\n%s", err, s.logs)
	}
	s.start()
	s.succeeded(job)
	s.checkOneOfEach(before)
}
