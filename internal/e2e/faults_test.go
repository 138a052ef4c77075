package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// mutation tells the operations that change something.
var mutation = regexp.MustCompile(`^(Create|Delete|Run|Terminate|Register|Deregister|Authorize|Revoke|Modify|Start|Stop|Add|Remove|Tag|Untag)`)

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

// pastDeadline is longer than the server waits for an answer of AWS.
const pastDeadline = 21 * time.Second

// fault is one way for a call to go wrong; nil is a way that its service does not know.
type fault struct {
	name string
	of   func(c call) *awssim.Fault
}

func sweptFaults() []fault {
	do := func(when awssim.When, do awssim.Action) func(call) *awssim.Fault {
		return func(call) *awssim.Fault { return &awssim.Fault{When: when, Do: do} }
	}
	broken := awssim.Error(500, "InternalError", "An internal error has occurred")
	return []fault{
		{"answer delayed past the deadline", do(awssim.After, awssim.Delay(pastDeadline))},
		{"500 before its effect", do(awssim.Before, broken)},
		{"500 after its effect", do(awssim.After, broken)},
		{"connection dropped after its effect", do(awssim.After, awssim.Drop())},
		{"throttled", throttled},
		{"concurrent modification", concurrent},
		{"not found, because not yet visible", notYetVisible},
	}
}

// concurrent is what API Gateway says to the second of two writes to an API
// (docs/aws-facts.md, section A1); the other services have no such answer.
func concurrent(c call) *awssim.Fault {
	if c.service != "apigatewayv2" {
		return nil
	}
	return &awssim.Fault{Do: awssim.Error(http.StatusConflict, "ConflictException",
		"Unable to complete operation due to concurrent modification. Please try again later.")}
}

// throttled is each service's own answer (docs/aws-facts.md, sections A1, A3, A4).
func throttled(c call) *awssim.Fault {
	switch c.service {
	case "ec2":
		return &awssim.Fault{Do: awssim.Error(503, "RequestLimitExceeded", "Request limit exceeded.")}
	case "elbv2":
		return &awssim.Fault{Do: awssim.Error(400, "Throttling", "Rate exceeded")}
	}
	return &awssim.Fault{Do: awssim.Error(429, "TooManyRequestsException", "Too Many Requests")}
}

// invisible is each service's answer about a thing that was just made and is
// not to be seen yet (docs/aws-facts.md, section C4): what a call needs, or what it deletes.
var invisible = map[string]string{
	"AuthorizeSecurityGroupIngress": "InvalidGroup.NotFound",
	"RunInstances":                  "InvalidGroup.NotFound",
	"RegisterTargets":               "TargetGroupNotFound",
	"CreateListener":                "LoadBalancerNotFound",
	"CreateIntegration":             "NotFoundException",
	"CreateRoute":                   "NotFoundException",
	"CreateStage":                   "NotFoundException",

	"RevokeSecurityGroupIngress": "InvalidPermission.NotFound",
	"DeleteSecurityGroup":        "InvalidGroup.NotFound",
	"TerminateInstances":         "InvalidInstanceID.NotFound",
	"DeregisterTargets":          "TargetGroupNotFound",
	"DeleteListener":             "ListenerNotFound",
	"DeleteTargetGroup":          "TargetGroupNotFound",
	"DeleteLoadBalancer":         "LoadBalancerNotFound",
	"DeleteApi":                  "NotFoundException",
	"DeleteVpcLink":              "NotFoundException",
	"DeleteIntegration":          "NotFoundException",
	"DeleteRoute":                "NotFoundException",
	"DeleteStage":                "NotFoundException",
}

func notYetVisible(c call) *awssim.Fault {
	code, ok := invisible[c.operation]
	if !ok {
		return nil
	}
	status := 400
	if c.service == "apigatewayv2" {
		status = 404
	}
	return &awssim.Fault{Do: awssim.Error(status, code, "It does not exist")}
}

// faultCase is a fault that strikes one call of an operation.
type faultCase struct {
	op    operation
	want  end
	call  call
	fault fault
}

func (c faultCase) String() string {
	return fmt.Sprintf("%s, %s %d, %s", c.op.name, c.call.operation, c.call.nth, c.fault.name)
}

// TestFaultSweep makes each call that changes something go wrong once, in
// every way: the run converges by itself, or stops with a step that says what
// exists, and then a retry ends it; there are never two of a thing.
func TestFaultSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	t.Parallel()
	const converged, retried, wrong = "converged by itself", "stopped, and took a retry", "wrong"
	table := newTally(converged, retried, wrong)
	each(t, faultCases(t), faultCase.String, func(t *testing.T, c faultCase) {
		outcome := wrong
		defer func() { table.add(c.op.name+", "+c.fault.name, outcome) }()
		st := c.op.from.open(t)
		armed := c.fault.of(c.call)
		armed.Op, armed.Nth = c.call.service+":"+c.call.operation, c.call.nth
		if err := st.cloud.sim.AddFault(*armed); err != nil {
			t.Fatal(err)
		}
		b := st.begin202(c.op)
		if b.err != nil {
			t.Fatal(b.err)
		}
		alone := st.converges(b.job)
		got := st.end(b.job)
		if got.sizes != c.want.sizes {
			t.Errorf("there are\n%+v, want\n%+v", got.sizes, c.want.sizes)
		}
		if got.ledger != c.want.ledger {
			t.Errorf("the panel says\n%s, want\n%s", got.ledger, c.want.ledger)
		}
		if !st.struckAll() {
			t.Error("the fault did not strike")
		}
		switch {
		case t.Failed():
		case alone:
			outcome = converged
		default:
			outcome = retried
		}
	})
	t.Log(table)
}

// struckAll tells that no fault waits any more.
func (st *stage) struckAll() bool { return len(st.cloud.sim.Faults()) == 0 }

// faultCases lists every fault of every call that changes something. Those
// that take long come first.
func faultCases(t *testing.T) []faultCase {
	t.Helper()
	var cases []faultCase
	type run struct {
		op    operation
		want  end
		calls []call
	}
	var runs []run
	for _, op := range operations(t, onSQLite) {
		if (op.name == "update" || op.name == "clean_up") && !*allPoints {
			continue
		}
		st := op.from.open(t)
		b := st.begin202(op)
		if b.err != nil {
			t.Fatal(b.err)
		}
		st.succeeded(b.job)
		runs = append(runs, run{op, st.end(b.job), mutations(st.cloud.sim.Calls())})
	}
	for _, f := range sweptFaults() {
		for _, r := range runs {
			for _, c := range r.calls {
				if f.of(c) != nil {
					cases = append(cases, faultCase{r.op, r.want, c, f})
				}
			}
		}
	}
	return cases
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
