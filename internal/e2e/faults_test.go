package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// mutation tells the operations that change something.
var mutation = regexp.MustCompile(`^(Create|Delete|Run|Terminate|Register|Deregister|Authorize|Revoke|Modify)`)

// call is the n-th call of an operation in a clean run.
type call struct {
	service, operation string
	nth                int
}

// mutations lists the calls of the log that changed something, in order.
func mutations(log []awssim.Call) []call {
	var list []call
	seen := map[string]int{}
	for _, c := range log {
		if mutation.MatchString(c.Operation) {
			op := c.Service + ":" + c.Operation
			seen[op]++
			list = append(list, call{c.Service, c.Operation, seen[op]})
		}
	}
	return list
}

// fault is one way for a call to go wrong; nil is a way that its service does not know.
type fault struct {
	name string
	of   func(c call) *awssim.Fault
}

func sweptFaults() []fault {
	answer := func(when awssim.When, status int, code, message string) func(call) *awssim.Fault {
		return func(call) *awssim.Fault {
			return &awssim.Fault{When: when, Do: awssim.Error(status, code, message)}
		}
	}
	return []fault{
		{"500 before its effect", answer(awssim.Before, 500, "InternalError", "An internal error has occurred")},
		{"500 after its effect", answer(awssim.After, 500, "InternalError", "An internal error has occurred")},
		{"connection dropped after its effect", func(call) *awssim.Fault {
			return &awssim.Fault{When: awssim.After, Do: awssim.Drop()}
		}},
		{"throttled", throttled},
		{"concurrent modification", func(c call) *awssim.Fault {
			if c.service != "apigatewayv2" {
				return nil
			}
			return &awssim.Fault{Do: awssim.Error(http.StatusConflict, "ConflictException",
				"Unable to complete operation due to concurrent modification. Please try again later.")}
		}},
		{"not found, because not yet visible", notYetVisible},
	}
}

// throttled is each service's own answer (aws-facts A1, A3, A4).
func throttled(c call) *awssim.Fault {
	switch c.service {
	case "ec2":
		return &awssim.Fault{Do: awssim.Error(503, "RequestLimitExceeded", "Request limit exceeded.")}
	case "elbv2":
		return &awssim.Fault{Do: awssim.Error(400, "Throttling", "Rate exceeded")}
	}
	return &awssim.Fault{Do: awssim.Error(429, "TooManyRequestsException", "Too Many Requests")}
}

// notYetVisible answers creates that need another thing as if that were not
// there yet (aws-facts C4).
func notYetVisible(c call) *awssim.Fault {
	code, ok := map[string]string{
		"AuthorizeSecurityGroupIngress": "InvalidGroup.NotFound",
		"RunInstances":                  "InvalidGroup.NotFound",
		"RegisterTargets":               "TargetGroupNotFound",
		"CreateListener":                "LoadBalancerNotFound",
		"CreateIntegration":             "NotFoundException",
		"CreateRoute":                   "NotFoundException",
		"CreateStage":                   "NotFoundException",
	}[c.operation]
	if !ok {
		return nil
	}
	status := 400
	if c.service == "apigatewayv2" {
		status = 404
	}
	return &awssim.Fault{Do: awssim.Error(status, code, "It does not exist")}
}

// TestFaultSweep makes each call that changes something go wrong once, in
// every way: the run converges by itself, or stops with a step that says what
// exists, and then a retry ends it; there are never two of a thing.
func TestFaultSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	t.Parallel()
	clean := newCloud(t)
	s := serverOn(t, clean)
	empty := clean.sizes()
	b := s.register(launch("sweep", nil))
	s.succeeded(s.provision(b))
	full := clean.sizes()
	s.succeeded(s.destroy(b))
	calls := mutations(clean.sim.Calls())

	var points tally // struck: converged by itself; missed: took a retry
	t.Cleanup(func() {
		t.Logf("%d faults: %d converged by themselves, %d took a retry", points.struck.Load()+points.missed.Load(), points.struck.Load(), points.missed.Load())
	})
	for _, f := range sweptFaults() {
		for _, c := range calls {
			armed := f.of(c)
			if armed == nil {
				continue
			}
			armed.Op, armed.Nth = c.service+":"+c.operation, c.nth
			t.Run(fmt.Sprintf("%s %d, %s", c.operation, c.nth, f.name), func(t *testing.T) {
				t.Parallel()
				c := newCloud(t)
				s := serverOn(t, c)
				if err := c.sim.AddFault(*armed); err != nil {
					t.Fatal(err)
				}
				b := s.register(launch("sweep", nil))
				alone := s.converges(s.provision(b))
				if got := c.sizes(); got != full {
					t.Errorf("provisioned, there are\n%+v, want\n%+v", got, full)
				}
				alone = s.converges(s.destroy(b)) && alone
				if got := c.sizes(); got != empty {
					t.Errorf("destroyed, there are\n%+v, want\n%+v", got, empty)
				}
				points.add(alone)
			})
		}
	}
}

// converges tells whether the job succeeded by itself; if not, it must say
// what happened and what exists, and one retry must end it.
func (s *server) converges(j model.Job) bool {
	s.t.Helper()
	got := s.ended(j)
	if got.State == model.JobSucceeded {
		return true
	}
	if p := got.Problem; p == nil || p.Code == "" || p.Message == "" || p.Exists == "" {
		s.t.Errorf("the failed job says %+v", p)
	}
	if again := s.retried(j); again.State != model.JobSucceeded {
		s.t.Fatalf("after a retry the job is %s: %+v", again.State, again.Problem)
	}
	return false
}
