package provision

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"drawbridge/internal/model"
)

// Timeouts. A call that changes something is never torn by a cancel or a stop
// once it was sent; how long its answer is waited for is the kinds' to say.
const (
	lookTimeout = 30 * time.Second
	saveTimeout = 15 * time.Second
)

// Options of an Executor. All fields are needed.
type Options struct {
	Kinds   []Kind
	Journal Journal
	// Explain tells a failure to a person, and whether the same call may help later.
	Explain func(error) (p *model.Problem, retry bool)
	// Trace returns a context under which AWS request ids are collected, and
	// the function that returns them, oldest first.
	Trace func(ctx context.Context) (context.Context, func() []string)
	// Queue returns a context under which calls wait for their turn on the
	// caller's behalf.
	Queue func(ctx context.Context, c Caller) context.Context
	// CancelRequested is closed when the job's cancel was requested.
	CancelRequested func(ctx context.Context) <-chan struct{}
	// StepContext adds to a step's ctx what its log lines and calls are to
	// carry, and is told how the step's part in this run ended; nil adds nothing.
	StepContext func(ctx context.Context, step *model.Step) (context.Context, func(error))
	// Now is the clock of all that is written: the database's, for replicas.
	Now    func() time.Time
	Logger *slog.Logger
}

// Caller is on whose behalf a call waits for its turn, where AWS limits how
// often it may be made.
type Caller struct {
	Team string // teams take turns
	// Until ends the wait, and not a call that was sent; the call's error is
	// then this context's cause.
	Until context.Context
	// Tell is called in the caller's goroutine when there is something new to
	// tell about the wait; nil = nobody is told.
	Tell func(why string, wait time.Duration)
}

// Executor carries out plans.
type Executor struct {
	Options
	kinds map[model.ResourceKind]Kind
	watch *watch
	paces paces
}

// NewExecutor makes an executor of the given kinds.
func NewExecutor(o Options) *Executor {
	e := &Executor{Options: o, kinds: map[model.ResourceKind]Kind{}, watch: newWatch(o.Queue)}
	for _, k := range o.Kinds {
		e.kinds[k.Name()] = k
	}
	return e
}

// seed is AWS's typical duration of such waits.
func (e *Executor) seed(k waitKey) time.Duration {
	kind := e.kinds[k.kind]
	switch {
	case kind == nil:
		return 0
	case k.action == model.ActionDelete:
		return kind.Timing().Unmake
	case k.action == model.ActionUpdate:
		return kind.Timing().Change
	}
	return kind.Timing().Make
}

// Diff is a Differ: a kind that is no Changer keeps what exists.
func (e *Executor) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	if c, ok := e.kinds[want.Kind].(Changer); ok {
		return c.Diff(have, want)
	}
	return NeverDiffers(have, want)
}

// errInterrupted is the cause with which a walk ends its nodes' waits; why it
// did so is the walk's to say.
var errInterrupted = errors.New("the run was interrupted")

// StepFailed is Run's error when a step failed for good: the job fails with
// its problem, and a retry goes on from that step.
type StepFailed struct {
	Key     string
	Problem *model.Problem
}

func (e *StepFailed) Error() string { return "step " + e.Key + ": " + e.Problem.Error() }

// Run carries out the job's plan from wherever it stands. It returns nil when
// every step has ended well, *StepFailed, model.ErrCancelled,
// model.ErrLeaseLost, the cause of a ctx that ended, or an error of the journal.
func (e *Executor) Run(ctx context.Context, job *model.Job) error {
	rec, err := e.Journal.Load(ctx, job.Lease())
	if err != nil {
		return err
	}
	r := newRun(e, rec)
	r.pace = e.paceOf(ctx, rec.Environment.ID)
	return r.walk(ctx)
}

// level is how far a node has come.
type level int

const (
	levelNone  level = iota
	levelMade        // it exists; what needs only that may start
	levelReady       // it does its work (or, on destroy, is gone)
)

// node is one plan item under way.
type node struct {
	item  model.PlanItem
	gone  bool // it is to be gone, instead of made or changed
	step  *model.Step
	level level
	busy  bool
	ready chan struct{} // closed at levelReady
}

// reach takes in how far the node has come.
func (n *node) reach(l level) {
	if l == levelReady && n.level != levelReady {
		close(n.ready)
	}
	n.level = max(n.level, l)
}

// progress is what a node's goroutine reports to the walk.
type progress struct {
	node  *node
	level level
	ended bool  // the goroutine returns
	err   error // why it could not go on; nil when all is well
}

// walk starts each node whose needs are met and returns when none runs and
// none can start. After the first error it starts nothing more, interrupts
// the waits, and lets calls that change something end.
func (r *run) walk(ctx context.Context) error {
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	var first error
	stop := func(err error) {
		if first == nil {
			first = err
			interrupt(errInterrupted)
		}
	}
	cancelled := r.exec.CancelRequested(ctx)
	done := ctx.Done()
	busy := 0
	for {
		if first == nil {
			busy += r.startReady(ctx)
		}
		if busy == 0 {
			return r.ending(first)
		}
		select {
		case p := <-r.progress:
			p.node.reach(p.level)
			if p.ended {
				p.node.busy = false
				busy--
			}
			if p.err != nil {
				stop(p.err)
			}
		case <-cancelled:
			cancelled = nil
			stop(model.ErrCancelled)
		case <-done:
			done = nil
			stop(context.Cause(ctx))
		}
	}
}

// ending says how a walk ended in which nothing runs any more.
func (r *run) ending(first error) error {
	if failed := (*StepFailed)(nil); errors.As(first, &failed) {
		failed.Problem.Exists = r.existing() // what ran beside the failed step has ended now
	}
	if first != nil {
		return first
	}
	for _, n := range r.nodes {
		if n.level != levelReady {
			// checkGraph makes this impossible; a plan from a newer version might not.
			return &StepFailed{Key: n.item.Key, Problem: &model.Problem{
				Code: "PlanIncomplete", Message: "The step never became possible: what it needs is not in the plan.",
			}}
		}
	}
	return nil
}

// startReady starts the nodes whose needs are met and returns how many.
func (r *run) startReady(ctx context.Context) int {
	started := 0
	for _, n := range r.nodes {
		if n.busy || n.level == levelReady || !r.met(n) {
			continue
		}
		n.busy = true
		started++
		in := r.inputs(n)
		go func() {
			err := r.perform(ctx, n, in)
			lvl := levelReady
			if err != nil {
				lvl = levelNone
			}
			r.progress <- progress{node: n, level: lvl, ended: true, err: err}
		}()
	}
	return started
}

func (r *run) met(n *node) bool {
	for _, need := range n.item.Needs {
		want := levelMade
		switch {
		case need.Looks && !n.gone:
			continue
		case need.Ready:
			want = levelReady
		}
		if needed := r.byKey[need.Key]; needed == nil || needed.level < want {
			return false
		}
	}
	return true
}

// perform carries out one node to its end.
func (r *run) perform(ctx context.Context, n *node, in Inputs) (err error) {
	kind := r.exec.kinds[n.item.Kind]
	if kind == nil {
		return r.fail(ctx, n, nil, &model.Problem{Code: "UnknownKind", Message: "This version of Drawbridge does not know the kind " + string(n.item.Kind) + "."})
	}
	if r.exec.StepContext != nil {
		var ended func(error)
		ctx, ended = r.exec.StepContext(ctx, n.step)
		defer func() { ended(err) }()
	}
	t := &task{run: r, node: n, kind: kind, in: in, timing: kind.Timing(), ctx: ctx}
	switch {
	case n.gone:
		err = t.unmake()
	default:
		err = t.make()
	}
	var failed *StepFailed
	if err == nil || errors.Is(err, model.ErrLeaseLost) || errors.As(err, &failed) {
		return err
	}
	return t.interrupted(err)
}
