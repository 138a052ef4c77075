package e2e

import (
	"net/http"
	"testing"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// rollBack asks for the job's roll back and returns the job that does it, once
// there is one.
func (s *server) rollBack(job model.Job) model.Job {
	s.t.Helper()
	var next model.Job
	s.want(http.StatusAccepted, "POST", "/api/v1/jobs/"+job.ID+"/roll-back", nil).into(s.t, &next)
	until(s.t, "the job has ended and its roll back is queued", func() bool {
		var d struct {
			RolledBackBy string `json:"rolled_back_by"`
		}
		s.want(http.StatusOK, "GET", "/api/v1/jobs/"+job.ID, nil).into(s.t, &d)
		if d.RolledBackBy != "" {
			next.ID = d.RolledBackBy
		}
		return d.RolledBackBy != ""
	})
	return next
}

// TestRollBackOfAFailedJob: one call is refused for good; what the job made by
// then is deleted, the backend is as it was registered, and can be provisioned.
func TestRollBackOfAFailedJob(t *testing.T) {
	t.Parallel()
	s := registered(t, onSQLite).open(t)
	b, c := s.backend, s.cloud
	empty := c.sizes()
	if err := c.sim.AddFault(awssim.Fault{Op: "apigatewayv2:CreateIntegration", Nth: 1, Do: awssim.Error(400, "BadRequestException", "No.")}); err != nil {
		t.Fatal(err)
	}
	failed := s.ended(s.provision(b))
	if failed.State != model.JobFailed || c.sizes() == empty {
		t.Fatalf("%s: %+v", failed.State, failed.Problem)
	}
	s.succeeded(s.rollBack(failed))
	if got := c.sizes(); got != empty {
		t.Errorf("left:\n%+v, want\n%+v", got, empty)
	}
	if d := s.server.backend(b.ID); d.Phase != model.PhaseRegistered || d.InvokeURL != "" || d.ActiveJobID != "" {
		t.Errorf("the backend is %s at %q", d.Phase, d.InvokeURL)
	}
	s.succeeded(s.provision(b))
}

// TestRollBackOfAJobAtWork_acrossAKill: the job hangs in a call; the roll back
// is asked for, the server is killed, and the next one stops the job and
// deletes what it made, the call's effect included.
func TestRollBackOfAJobAtWork_acrossAKill(t *testing.T) {
	t.Parallel()
	s := registered(t, onSQLite).open(t)
	b, c := s.backend, s.cloud
	empty := c.sizes()
	const some = 14 // of 19 calls: several creates have taken effect
	held := c.hold(some, after)
	job := s.provision(b)
	<-held
	s.want(http.StatusAccepted, "POST", "/api/v1/jobs/"+job.ID+"/roll-back", nil)
	s.kill()
	c.hold(0, before)
	s.start()
	s.succeeded(s.rollBack(job))
	if got := c.sizes(); got != empty {
		t.Errorf("left:\n%+v, want\n%+v", got, empty)
	}
	if d := s.server.backend(b.ID); d.Phase != model.PhaseRegistered {
		t.Errorf("the backend is %s", d.Phase)
	}
}

// TestRollBackKeepsWhatIsOlder: the chain works; somebody deletes the route, a
// second provision makes it anew and then fails at the stage that is gone, too.
func TestRollBackKeepsWhatIsOlder(t *testing.T) {
	t.Parallel()
	s := registered(t, onSQLite).open(t)
	b, c := s.backend, s.cloud
	s.succeeded(s.provision(b))
	full := c.sizes()
	hand, have := c.hand(t), s.resources(b)
	hand.delete(have["route"], have)
	hand.delete(have["stage"], have)
	broken := c.sizes()
	if err := c.sim.AddFault(awssim.Fault{Op: "apigatewayv2:CreateStage", Nth: 1, Do: awssim.Error(400, "BadRequestException", "No.")}); err != nil {
		t.Fatal(err)
	}
	failed := s.ended(s.provision(b))
	if failed.State != model.JobFailed {
		t.Fatalf("the second provision %s", failed.State)
	}
	s.succeeded(s.rollBack(failed))
	if got := c.sizes(); got != broken {
		t.Errorf("left:\n%+v, want\n%+v", got, broken)
	}
	if d := s.server.backend(b.ID); d.Phase != model.PhaseFailed {
		t.Errorf("without route and stage the backend is %s", d.Phase)
	}
	s.succeeded(s.provision(b))
	if got := c.sizes(); got != full {
		t.Errorf("made again:\n%+v, want\n%+v", got, full)
	}
}
