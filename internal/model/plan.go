package model

import "time"

// Plan is what a job will do, shown before anything is made and saved with
// the job: what was shown is what is applied.
type Plan struct {
	BackendID   string     `json:"backend_id"`
	SpecVersion int        `json:"spec_version"`
	Operation   Operation  `json:"operation"`
	Items       []PlanItem `json:"items"` // in an order that respects Needs
	Findings    []Finding  `json:"findings,omitempty"`
	// Cost is what the chain costs a month, or for a destroy what ends with it.
	Cost *Cost `json:"cost,omitempty"`
	// Basis tells the resources that it was made for from others; "" when they are
	// locked until it is saved.
	Basis string `json:"-"`
	// Expected is how long it is likely to take; 0 when nobody can say.
	Expected time.Duration `json:"-"`
}

// Blocked tells whether a finding forbids applying the plan.
func (p *Plan) Blocked() bool {
	for _, f := range p.Findings {
		if f.Severity == SeverityError {
			return true
		}
	}
	return false
}

// Idle tells whether the plan changes nothing: it only looks.
func (p *Plan) Idle() bool {
	for _, item := range p.Items {
		if item.Action.Changes() {
			return false
		}
	}
	return true
}

// Changes tells whether the action makes, changes or deletes something, or
// lets go of it.
func (a Action) Changes() bool {
	return a != ActionKeep && a != ActionUse && a != ActionCheck
}

// PlanItem is one resource of the chain and what will happen to it.
type PlanItem struct {
	Key       string            `json:"key"`
	Kind      ResourceKind      `json:"kind"`
	Name      string            `json:"name"`  // AWS name
	Title     string            `json:"title"` // plain words
	Action    Action            `json:"action"`
	Ownership Ownership         `json:"ownership"`
	Reasons   []string          `json:"reasons,omitempty"`
	Needs     []Need            `json:"needs,omitempty"`
	Params    map[string]string `json:"params,omitempty"`
	AWSID     string            `json:"aws_id,omitempty"` // when it exists already
}

// Need is an edge of the chain's graph.
type Need struct {
	Key string `json:"key"`
	// Ready: the needed resource must be ready. Otherwise it is enough that it exists.
	Ready bool `json:"ready,omitempty"`
	// Looks: the node may start without it, but there is nothing to see of its
	// progress until the needed one is ready. Deletion does not know such a need.
	Looks bool `json:"looks,omitempty"`
}

// Severity of a Finding.
type Severity string

const (
	SeverityError   Severity = "error"   // the plan cannot be applied
	SeverityWarning Severity = "warning" // it can; read this first
	SeverityInfo    Severity = "info"
)

// Finding is something that was seen before anything was made.
type Finding struct {
	Severity Severity `json:"severity"`
	Key      string   `json:"key,omitempty"`   // the resource it is about
	Field    string   `json:"field,omitempty"` // the spec's field that mends it: "spec.instances.ids"
	Message  string   `json:"message"`
	Advice   string   `json:"advice,omitempty"`
}
