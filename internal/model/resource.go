package model

import "time"

// ResourceKind is "<service>.<noun>" in AWS's words, as "elbv2.load_balancer".
type ResourceKind string

// Ownership says what Drawbridge may do to a resource.
type Ownership string

const (
	OwnershipManaged    Ownership = "managed"    // we made it, we delete it
	OwnershipShared     Ownership = "shared"     // an environment's; used, never deleted
	OwnershipReferenced Ownership = "referenced" // theirs; never touched
)

// ResourceState is what the newest look at AWS said.
type ResourceState string

const (
	ResourcePlanned  ResourceState = "planned" // row written, create may have been sent
	ResourcePending  ResourceState = "pending" // exists, not ready
	ResourceReady    ResourceState = "ready"   // exists and does its work
	ResourceFailed   ResourceState = "failed"
	ResourceDeleting ResourceState = "deleting"
	ResourceGone     ResourceState = "gone"
)

// Resource is one AWS thing of a backend. (BackendID, Key) is its identity.
type Resource struct {
	BackendID string            `json:"backend_id"`
	Key       string            `json:"key"` // place in the chain: "alb", "instance-1"
	Kind      ResourceKind      `json:"kind"`
	Title     string            `json:"title"`    // plain words, as in the plan
	Position  int               `json:"position"` // in the chain, from 0
	Name      string            `json:"name"`     // the AWS name, or what a person would call it
	AWSID     string            `json:"aws_id"`   // id or ARN; "" while unknown
	Outputs   map[string]string `json:"outputs,omitempty"`
	Ownership Ownership         `json:"ownership"`
	State     ResourceState     `json:"state"`
	Detail    string            `json:"detail,omitempty"` // why it is not ready, in words
	// MadeBy is the job that set out to make it, known before the call; "" for
	// what was found or adopted. Rolling that job back deletes it.
	MadeBy string `json:"made_by,omitempty"`
	// Params are what the node was built with, so that deletion never needs the spec.
	Params map[string]string `json:"params,omitempty"`
	// Changing are the params that a job set out to give it; AWS may have these,
	// Params or some of each. nil when no change was begun, or the last one ended.
	Changing  map[string]string `json:"changing,omitempty"`
	Needs     []string          `json:"needs,omitempty"` // keys that it needs; deletion is the reverse
	CreatedAt time.Time         `json:"created_at"`
	UpdatedAt time.Time         `json:"updated_at"`
}

// ParamPower of what sleeps is PowerOff; absent means that it is awake.
const (
	ParamPower = "power"
	PowerOff   = "off"
)

// Asleep tells whether it was put to sleep: an instance stopped, targets
// deregistered.
func (r *Resource) Asleep() bool { return r.Params[ParamPower] == PowerOff }

// Wanted are the params that it is to have: those that it has, or is being given.
func (r *Resource) Wanted() map[string]string {
	if r.Changing != nil {
		return r.Changing
	}
	return r.Params
}
