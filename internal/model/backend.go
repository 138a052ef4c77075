package model

import (
	"regexp"
	"strings"
	"time"
)

// Phase is a backend's state. It is derived in PhaseAfter and saved in the
// transaction that caused it.
type Phase string

const (
	PhaseRegistered   Phase = "registered"   // a spec, nothing made yet
	PhaseProvisioning Phase = "provisioning" // a job makes its chain
	PhaseReady        Phase = "ready"        // healthy, and a request through the invoke URL was answered
	PhaseDegraded     Phase = "degraded"     // was ready; a check says otherwise
	PhaseUpdating     Phase = "updating"     // a job changes its chain, puts it to sleep or wakes it
	PhaseAsleep       Phase = "asleep"       // instances stopped, the invoke URL answers 503; everything else stays
	PhaseRollingBack  Phase = "rolling_back" // what one job made is being deleted
	PhaseDestroying   Phase = "destroying"
	PhaseDestroyed    Phase = "destroyed" // nothing of it is left; kept for its history
	PhaseFailed       Phase = "failed"    // the last job stopped; some resources may exist
)

// Backend is a team's HTTP app: spec and state.
type Backend struct {
	ID            string    `json:"id"`
	TeamID        string    `json:"team_id"`
	EnvironmentID string    `json:"environment_id"`
	Name          string    `json:"name"`
	Spec          Spec      `json:"spec"`
	SpecVersion   int       `json:"spec_version"` // 1 at registration
	Phase         Phase     `json:"phase"`
	InvokeURL     string    `json:"invoke_url"`              // "" until the stage exists; ends in "/"
	ActiveJobID   string    `json:"active_job_id,omitempty"` // the job that holds it
	EventSeq      int64     `json:"event_seq"`               // number of its newest event
	BatchID       string    `json:"batch_id,omitempty"`      // the batch that registered or last provisioned it
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// MaxBackendName is AWS's limit of 32 characters for the names of load
// balancers and target groups less "-xxxxxx-alb" (docs/aws-facts.md, section A5).
const MaxBackendName = 20

var backendNameRE = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ValidateBackendName says why AWS would refuse the names made from name.
func ValidateBackendName(name string) string {
	switch {
	case name == "":
		return "Give the backend a name, such as orders-api."
	case len(name) > MaxBackendName:
		return "Use at most 20 characters: AWS allows 32 for a load balancer's name, and Drawbridge appends its own id to yours."
	case strings.HasPrefix(name, "internal-"):
		return "Choose a name that does not begin with internal-: AWS keeps that prefix for itself."
	case !backendNameRE.MatchString(name):
		return "Use lower-case letters, digits and single hyphens, with a letter or digit at both ends: AWS refuses other names for load balancers."
	}
	return ""
}

// AWSName is the name of the backend's resource of that role ("alb", "tg",
// "vpclink-sg"): <name>-<short id>-<role>, 32 characters at most for roles of
// three.
func (b *Backend) AWSName(role string) string {
	return b.Name + "-" + ShortID(b.ID) + "-" + role
}

// Holdings is what a backend has.
type Holdings struct {
	Managed int // resources that we made, or may have made, and that still exist
	// Whole: the chain is there and ready as the newest successful job left it.
	Whole bool
	// Asleep: that job put it to sleep.
	Asleep bool
}

// phase is that of a backend that no job works on, whatever happened before.
func (h Holdings) phase() Phase {
	switch {
	case h.Managed == 0:
		return PhaseRegistered
	case h.Whole && h.Asleep:
		return PhaseAsleep
	case h.Whole:
		return PhaseReady
	}
	return PhaseFailed
}

// PhaseAfter derives the phase of a backend that has have when a job of
// operation op has entered state s. A cancelled job, and one that was rolled
// back, may have left a working chain as it was.
func PhaseAfter(op Operation, s JobState, have Holdings) Phase {
	switch op {
	case OpProvision:
		return phaseIn(s, PhaseProvisioning, PhaseReady, have.phase())
	case OpUpdate, OpWake:
		return phaseIn(s, PhaseUpdating, PhaseReady, have.phase())
	case OpSleep:
		return phaseIn(s, PhaseUpdating, PhaseAsleep, have.phase())
	case OpRollBack:
		return phaseIn(s, PhaseRollingBack, have.phase(), PhaseFailed)
	case OpDestroy:
		cancelled := PhaseFailed
		if have.Managed > 0 && have.Whole {
			cancelled = have.phase()
		}
		return phaseIn(s, PhaseDestroying, PhaseDestroyed, cancelled)
	}
	return PhaseFailed
}

// Next is PhaseAfter for a backend in this phase: a clean-up deletes what is
// not the backend's any more, so it changes nothing about it.
func (p Phase) Next(op Operation, s JobState, have Holdings) Phase {
	if op == OpCleanUp {
		return p
	}
	return PhaseAfter(op, s, have)
}

// phaseIn picks the phase for a job's state; that of a failed one is failed.
func phaseIn(s JobState, underWay, succeeded, cancelled Phase) Phase {
	switch s {
	case JobSucceeded:
		return succeeded
	case JobCancelled:
		return cancelled
	case JobFailed:
		return PhaseFailed
	}
	return underWay
}

// Allows tells whether op may start in this phase. A running job is checked
// apart from it, by ActiveJobID.
func (p Phase) Allows(op Operation) bool {
	switch op {
	case OpProvision:
		return p == PhaseRegistered || p == PhaseFailed || p == PhaseReady || p == PhaseDegraded || p == PhaseAsleep
	case OpUpdate:
		return p == PhaseFailed || p == PhaseReady || p == PhaseDegraded || p == PhaseAsleep
	case OpSleep:
		return p == PhaseFailed || p == PhaseReady || p == PhaseDegraded
	case OpWake:
		return p == PhaseFailed || p == PhaseAsleep
	case OpDestroy:
		return p != PhaseDestroyed
	case OpCleanUp:
		return true
	}
	return false
}
