// Package provision builds and deletes a graph of resources, step by step,
// crash-safely. It knows the graph, the plan and the executor; it knows no
// AWS: each resource kind comes in through the Kind interface and each write
// goes out through Journal.
package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drawbridge/internal/model"
)

// Kind is one AWS resource kind. Every method may be called again after a crash.
type Kind interface {
	Name() model.ResourceKind
	// Find looks the resource up in AWS: by r.AWSID when it is known, else by
	// owner tags or unique name. It never changes anything. ErrNotFound means
	// that AWS answered and has none; any other error means that we do not know.
	Find(ctx context.Context, in Inputs, r *model.Resource) (Observed, error)
	// Apply makes the resource. The executor calls it only after Find answered
	// ErrNotFound, or when the intent row says that no earlier attempt can have
	// made anything. It must be safe when the thing appeared meanwhile (a reply
	// that was lost): an "exists already" answer of AWS leads to Find, not to a
	// second one and not to a failure.
	Apply(ctx context.Context, in Inputs, r *model.Resource) (Observed, error)
	// Delete asks AWS to delete the resource. It does not wait: where the kind
	// lingers, the executor calls Find until ErrNotFound. ErrNotFound means that
	// AWS has none; the executor believes it when Find says the same. A *NotYet
	// error means that AWS refuses for now (a dependency lingers) and that it
	// will be called again.
	Delete(ctx context.Context, in Inputs, r *model.Resource) error
	// Timing says how long AWS takes for this kind.
	Timing() Timing
}

// Changer is a Kind whose resources can be changed after they were made.
type Changer interface {
	Kind
	// Diff is a Differ for resources of this kind.
	Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string)
	// Change gives the resource what r.Changing says, where r.Params is what it
	// had when the change was begun. It is called until it succeeds, again after
	// a crash, and whenever Find says that the resource Differs; each time it
	// does what is left to do. *NotYet means that something has to pass first.
	Change(ctx context.Context, in Inputs, r *model.Resource) (Observed, error)
}

// Timing is what is known of one kind's waits before any was seen.
type Timing struct {
	// Make and Unmake are AWS's typical durations
	// (docs/aws-facts.md, section B): from Apply's answer until it is ready,
	// and from Delete's first answer until it is gone. 0 = it mostly is so at
	// once. Looks are spaced by what earlier waits in the environment took;
	// these are where that begins.
	Make, Unmake time.Duration
	Change       time.Duration // the same from Change's first answer until it is as wanted
	// Lingers: it is still there for a while after AWS has accepted Delete.
	Lingers bool
	Limit   time.Duration // a wait that takes longer fails the step
	// Unseen is for how long a create that was under way when its sender died
	// may still take effect, or not be shown; so long it is looked for before
	// another is sent. 0 where AWS keeps a second one away by itself, by a client
	// token or by a name of which there can be one.
	Unseen time.Duration
	// Serial is the key of the needed resource whose writes AWS wants one at a
	// time (concurrent writes to one HTTP API answer 409), "" for none.
	Serial string
}

// Inputs are what a kind may read beside its resource.
type Inputs struct {
	Backend     *model.Backend
	Environment *model.Environment
	// Needs are the resources that this one needs, by key, as last observed.
	Needs map[string]*model.Resource
	// Now is the clock by which rows are written; it may not be the process's.
	Now func() time.Time
}

// Age is how long ago the resource was begun, wherever that was.
func (in Inputs) Age(r *model.Resource) time.Duration { return in.Now().Sub(r.CreatedAt) }

// Need returns the needed resource, or an error that names it if the graph
// forgot the edge. Kinds must not read Needs without it.
func (in Inputs) Need(key string) (*model.Resource, error) {
	if r := in.Needs[key]; r != nil && r.AWSID != "" {
		return r, nil
	}
	return nil, fmt.Errorf("input %q is not known", key)
}

// Observed is what AWS said of a resource.
type Observed struct {
	AWSID   string            // id or ARN
	Outputs map[string]string // replaces the resource's outputs
	Ready   bool              // it does its work
	Why     string            // why it is not ready, shown while waiting: AWS's own words
	Differs bool              // it is not as r.Wanted says, and Change puts that right
	Failed  *model.Problem    // it never will be ready
	// Setback: it waits for what such waits mostly do not, for so long at most
	// instead of Timing's Limit. Nothing is learned from how long that took.
	Setback time.Duration
	// Foreign: it is as wanted but somebody else made it; it becomes
	// referenced and is never deleted by us.
	Foreign bool
	// Found: Apply made nothing, because it was there already.
	Found bool
	// Gone: still visible but as good as deleted (a terminated instance, a draining target).
	Gone bool
}

// ErrNotFound is Find's answer for a resource that does not exist.
var ErrNotFound = errors.New("not found in AWS")

// NotYet is Delete's (and Apply's and Change's) answer when AWS refuses for now: nothing
// was changed, and the same call will be carried out later.
type NotYet struct {
	Why string // in words, with AWS's reason
	Err error
	// Passing: what is in the way passes by itself within seconds (a
	// concurrent change, a throttle), and is not what such waits mostly take.
	Passing bool
}

func (e *NotYet) Error() string { return e.Why }
func (e *NotYet) Unwrap() error { return e.Err }

// Journal is the durable record of a job. Each method is one transaction,
// fenced by the lease: a lost lease gives model.ErrLeaseLost and nothing is written.
type Journal interface {
	// Load returns the job's steps (in plan order) and the backend's resources.
	Load(ctx context.Context, l model.Lease) (*model.Record, error)
	// Begin records, before the call is sent, that the step starts and what
	// resource it is about (state planned, params, needs). It returns
	// model.ErrCancelled, and writes nothing, when the job's cancel was requested.
	Begin(ctx context.Context, l model.Lease, s *model.Step, r *model.Resource) error
	// Save records what became of it: step, resource, their events and what
	// follows for the backend (its invoke URL, when r carries the output
	// "invoke_url"), in one transaction. r may be nil.
	Save(ctx context.Context, l model.Lease, s *model.Step, r *model.Resource) error
	// Waits returns what the newest uninterrupted waits in the environment
	// took, oldest first, at most limit for each kind and action.
	Waits(ctx context.Context, environmentID string, limit int) ([]model.Wait, error)
}
