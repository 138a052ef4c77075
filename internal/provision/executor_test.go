package provision_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// world is a tiny cloud of one kind: things by key that become ready when
// they are told to. It lets a test lose replies and hold calls.
type world struct {
	mu      sync.Mutex
	things  map[string]bool // key -> ready
	creates []string        // keys, in the order in which they took effect
	deletes []string
	finds   []string         // keys that were looked for
	broken  map[string]error // Apply and Delete answer this before any effect
	lost    map[string]bool  // Apply takes effect, the reply is lost once
	unseen  map[string]bool  // the next Delete does not see it
	hold    map[string]chan struct{}
	entered chan string // told of each Apply that is held
}

func newWorld() *world {
	return &world{things: map[string]bool{}, broken: map[string]error{}, lost: map[string]bool{}, unseen: map[string]bool{},
		hold: map[string]chan struct{}{}, entered: make(chan string, 8)}
}

const thing = model.ResourceKind("toy.thing")

func (w *world) Name() model.ResourceKind { return thing }
func (w *world) Timing() provision.Timing {
	return provision.Timing{Make: time.Millisecond, Unmake: time.Millisecond, Limit: time.Minute}
}

func (w *world) Find(_ context.Context, _ provision.Inputs, r *model.Resource) (provision.Observed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finds = append(w.finds, r.Key)
	ready, ok := w.things[r.Key]
	if !ok {
		return provision.Observed{}, provision.ErrNotFound
	}
	return provision.Observed{AWSID: "id-" + r.Key, Ready: ready, Why: "growing"}, nil
}

func (w *world) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	w.mu.Lock()
	hold, err := w.hold[r.Key], w.broken[r.Key]
	w.mu.Unlock()
	if hold != nil {
		w.entered <- r.Key
		<-hold
	}
	if err != nil {
		return provision.Observed{}, err
	}
	for _, need := range r.Needs {
		if _, err := in.Need(need); err != nil {
			return provision.Observed{}, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.things[r.Key] = true
	w.creates = append(w.creates, r.Key)
	if w.lost[r.Key] {
		delete(w.lost, r.Key)
		return provision.Observed{}, errLater
	}
	return provision.Observed{AWSID: "id-" + r.Key, Ready: true}, nil
}

func (w *world) Delete(_ context.Context, _ provision.Inputs, r *model.Resource) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.broken[r.Key]; err != nil {
		return err
	}
	if w.unseen[r.Key] {
		delete(w.unseen, r.Key)
		return provision.ErrNotFound
	}
	delete(w.things, r.Key)
	w.deletes = append(w.deletes, r.Key)
	return nil
}

var (
	errLater = errors.New("no reply")
	errNever = errors.New("refused")
)

func explain(err error) (*model.Problem, bool) {
	return &model.Problem{Code: "Toy", Message: err.Error()}, errors.Is(err, errLater)
}

// bench is one backend on a real SQLite database with a queued job.
type bench struct {
	t      *testing.T
	st     *store.Store
	world  *world
	back   *model.Backend
	cancel chan struct{} // closed = cancel requested
	undo   string        // the job that a roll back undoes
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{DSN: storetest.SQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	team := model.Team{ID: "team_1", Name: "one", CreatedAt: time.Now()}
	env := model.Environment{ID: "env_1", Name: "toy", Region: "xx-toy-1"}
	b := &model.Backend{ID: "be_1", TeamID: team.ID, EnvironmentID: env.ID, Name: "a", SpecVersion: 1, Phase: model.PhaseRegistered}
	err = st.InTx(ctx, func(q *store.Queries) error {
		return errors.Join(q.InsertTeam(ctx, &team), q.UpsertEnvironment(ctx, &env), q.InsertBackend(ctx, b))
	})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, st: st, world: newWorld(), back: b, cancel: make(chan struct{})}
}

// queue adds a job for the chain (or for its destruction) and claims it.
func (b *bench) queue(op model.Operation, chain ...model.PlanItem) *model.Job {
	b.t.Helper()
	ctx := b.t.Context()
	have, err := b.st.Read().Resources(ctx, b.back.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	plan := provision.DestroyPlan(b.back, have)
	if op == model.OpRollBack {
		plan = provision.RollBackPlan(b.back, b.undo, have)
	}
	if op == model.OpProvision {
		if plan, err = provision.ConvergePlan(b.back, wanted(chain), have); err != nil {
			b.t.Fatal(err)
		}
	}
	job := &model.Job{ID: model.NewID(model.PrefixJob), BackendID: b.back.ID, TeamID: b.back.TeamID,
		Operation: op, State: model.JobQueued, Plan: plan, CreatedAt: time.Now()}
	if err := b.st.InTx(ctx, func(q *store.Queries) error { return q.InsertJob(ctx, job) }); err != nil {
		b.t.Fatal(err)
	}
	return b.claim()
}

func (b *bench) claim() *model.Job {
	b.t.Helper()
	job, err := b.st.ClaimJob(b.t.Context(), "test", time.Minute)
	if err != nil || job == nil {
		b.t.Fatalf("claim: %v, %v", job, err)
	}
	return job
}

func (b *bench) run(ctx context.Context, job *model.Job) error { return b.runWith(ctx, job, b.world) }

func (b *bench) runWith(ctx context.Context, job *model.Job, kind provision.Kind) error {
	e := provision.NewExecutor(provision.Options{
		Kinds: []provision.Kind{kind}, Journal: b.st, Explain: explain, Logger: slog.New(slog.DiscardHandler),
		Queue: func(ctx context.Context, _ provision.Caller) context.Context { return ctx },
		Trace: func(ctx context.Context) (context.Context, func() []string) {
			return ctx, func() []string { return []string{"req-1"} }
		},
		CancelRequested: func(context.Context) <-chan struct{} { return b.cancel },
		Now:             time.Now,
	})
	return e.Run(ctx, job)
}

// states are the steps' states by key.
func (b *bench) states(job *model.Job) map[string]model.StepState {
	b.t.Helper()
	steps, err := b.st.Read().Steps(b.t.Context(), job.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	got := map[string]model.StepState{}
	for _, s := range steps {
		got[s.Key] = s.State
	}
	return got
}

func item(key string, needs ...string) model.PlanItem {
	it := model.PlanItem{Key: key, Kind: thing, Name: key, Action: model.ActionCreate, Ownership: model.OwnershipManaged}
	for _, n := range needs {
		it.Needs = append(it.Needs, model.Need{Key: n, Ready: true})
	}
	return it
}

func TestExecutor_makesInOrderAndDeletesInReverse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.queue(model.OpProvision, item("a"), item("b", "a"), item("c", "b"))
	if err := b.run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(b.world.creates, want) {
		t.Errorf("made %v, want %v", b.world.creates, want)
	}
	if err := b.st.FinishJob(t.Context(), job.Lease(), model.Outcome{State: model.JobSucceeded}); err != nil {
		t.Fatal(err)
	}
	if err := b.run(t.Context(), b.queue(model.OpDestroy)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"c", "b", "a"}; !slices.Equal(b.world.deletes, want) {
		t.Errorf("deleted %v, want %v", b.world.deletes, want)
	}
}

// AWS may say of a thing that was just made that it does not exist
// (docs/aws-facts.md, section C4). That is no reason to leave it behind.
func TestExecutor_deletesWhatOneCallDidNotSee(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.queue(model.OpProvision, item("a"))
	if err := b.run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if err := b.st.FinishJob(t.Context(), job.Lease(), model.Outcome{State: model.JobSucceeded}); err != nil {
		t.Fatal(err)
	}
	b.world.unseen["a"] = true
	if err := b.run(t.Context(), b.queue(model.OpDestroy)); err != nil {
		t.Fatal(err)
	}
	if len(b.world.things) != 0 {
		t.Errorf("left behind: %v", b.world.things)
	}
}

func TestExecutor_runsWhatCanRunSideBySide(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	b.world.hold["a"], b.world.hold["b"] = release, release
	job := b.queue(model.OpProvision, item("a"), item("b"), item("c", "a", "b"))
	done := make(chan error, 1)
	go func() { done <- b.run(t.Context(), job) }()
	both := []string{<-b.world.entered, <-b.world.entered} // both calls are under way at once
	slices.Sort(both)
	if !slices.Equal(both, []string{"a", "b"}) {
		t.Errorf("side by side: %v", both)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestExecutor_writesIntentBeforeTheCall(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	b.world.hold["a"] = release
	job := b.queue(model.OpProvision, item("a"))
	done := make(chan error, 1)
	go func() { done <- b.run(t.Context(), job) }()
	<-b.world.entered
	if got := b.states(job)["a"]; got != model.StepStarted {
		t.Errorf("while the call is under way the step is %q", got)
	}
	have, err := b.st.Read().Resources(t.Context(), b.back.ID)
	if err != nil || len(have) != 1 || have[0].State != model.ResourcePlanned {
		t.Errorf("resources %+v, %v", have, err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestExecutor_findsWhatALostReplyMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.world.lost["a"] = true
	if err := b.run(t.Context(), b.queue(model.OpProvision, item("a"))); err != nil {
		t.Fatal(err)
	}
	if len(b.world.creates) != 1 {
		t.Errorf("made %v", b.world.creates)
	}
}

func TestExecutor_afterACrashFindsBeforeItMakes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// The process died after the create took effect: the journal has the intent only.
	job := b.queue(model.OpProvision, item("a"), item("b", "a"))
	step := provision.Steps(job.ID, job.Plan)[0]
	step.State = model.StepStarted
	err := b.st.Begin(t.Context(), job.Lease(), &step, &model.Resource{
		BackendID: b.back.ID, Key: "a", Kind: thing, Name: "a", Ownership: model.OwnershipManaged, State: model.ResourcePlanned})
	if err != nil {
		t.Fatal(err)
	}
	b.world.things["a"] = true
	if err := b.run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if want := []string{"b"}; !slices.Equal(b.world.creates, want) {
		t.Errorf("made %v, want %v", b.world.creates, want)
	}
}

// TestExecutor_afterACrashMakesNoSecond of a thing whose create was on its way
// when the process died and takes effect after the first look.
func TestExecutor_afterACrashMakesNoSecond(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.queue(model.OpProvision, item("a"))
	step := provision.Steps(job.ID, job.Plan)[0]
	step.State = model.StepStarted
	err := b.st.Begin(t.Context(), job.Lease(), &step, &model.Resource{
		BackendID: b.back.ID, Key: "a", Kind: thing, Name: "a", Ownership: model.OwnershipManaged, State: model.ResourcePlanned})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.runWith(t.Context(), job, &lateKind{world: b.world}); err != nil {
		t.Fatal(err)
	}
	if len(b.world.creates) != 0 || len(b.world.finds) != 3 {
		t.Errorf("made %v after the looks %v", b.world.creates, b.world.finds)
	}
}

// lateKind is there from the third look on.
type lateKind struct{ *world }

func (k *lateKind) Timing() provision.Timing {
	return provision.Timing{Limit: time.Minute, Unseen: 4 * time.Millisecond}
}

func (k *lateKind) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	if len(k.finds) == 2 {
		k.things[r.Key] = true
	}
	return k.world.Find(ctx, in, r)
}

// What ran beside the failed step comes to its end first, and is told of.
func TestExecutor_tellsOfAllThatExists(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release, fail := make(chan struct{}), make(chan struct{})
	b.world.hold["a"], b.world.hold["b"], b.world.broken["b"] = release, fail, errNever
	job := b.queue(model.OpProvision, item("a"), item("b"))
	ended := make(chan error, 1)
	go func() { ended <- b.run(t.Context(), job) }()
	<-b.world.entered
	<-b.world.entered // both are under way: a failure keeps what was not begun from beginning
	close(fail)
	for b.states(job)["b"] != model.StepFailed {
		runtime.Gosched()
	}
	close(release)
	var failed *provision.StepFailed
	if err := <-ended; !errors.As(err, &failed) || failed.Problem.Exists != "1 resource exists: a." {
		t.Errorf("ended with %v, exists %+v", err, failed)
	}
}

func TestExecutor_failsAndGoesOnFromTheFailedStep(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.world.broken["b"] = errNever
	job := b.queue(model.OpProvision, item("a"), item("b", "a"), item("c", "b"))
	var failed *provision.StepFailed
	if err := b.run(t.Context(), job); !errors.As(err, &failed) || failed.Key != "b" {
		t.Fatalf("ended with %v", err)
	}
	if failed.Problem.Exists != "1 resource exists: a." {
		t.Errorf("exists: %q", failed.Problem.Exists)
	}
	want := map[string]model.StepState{"a": model.StepDone, "b": model.StepFailed}
	if got := b.states(job); got["a"] != want["a"] || got["b"] != want["b"] || got["c"] == model.StepDone {
		t.Errorf("steps %v", got)
	}
	have, err := b.st.Read().Resources(t.Context(), b.back.ID)
	if err != nil || len(have) != 2 || have[1].State != model.ResourceFailed || have[1].Detail == "" {
		t.Errorf("resources %+v, %v", have, err)
	}
	delete(b.world.broken, "b")
	if err := b.run(t.Context(), job); err != nil { // the retry
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(b.world.creates, want) {
		t.Errorf("made %v, want %v", b.world.creates, want)
	}
}

func TestExecutor_cancelStopsBeforeTheNextChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	b.world.hold["a"] = release
	job := b.queue(model.OpProvision, item("a"), item("b", "a"))
	done := make(chan error, 1)
	go func() { done <- b.run(t.Context(), job) }()
	<-b.world.entered
	close(b.cancel)
	close(release) // the call that is in flight ends and is recorded
	if err := <-done; !errors.Is(err, model.ErrCancelled) {
		t.Fatalf("ended with %v", err)
	}
	if want := []string{"a"}; !slices.Equal(b.world.creates, want) {
		t.Errorf("made %v, want %v", b.world.creates, want)
	}
	have, err := b.st.Read().Resources(t.Context(), b.back.ID)
	if err != nil || len(have) != 1 || have[0].AWSID != "id-a" {
		t.Errorf("what exists is not recorded: %+v, %v", have, err)
	}
}

func TestExecutor_aStopLeavesTheJobResumable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	b.world.hold["a"] = release
	job := b.queue(model.OpProvision, item("a"), item("b", "a"))
	stopping := errors.New("the server stops")
	ctx, stop := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.run(ctx, job) }()
	<-b.world.entered
	stop(stopping)
	close(release)
	if err := <-done; !errors.Is(err, stopping) {
		t.Fatalf("ended with %v", err)
	}
	if err := b.run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b"}; !slices.Equal(b.world.creates, want) {
		t.Errorf("made %v, want %v", b.world.creates, want)
	}
}

func TestExecutor_withoutItsLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.queue(model.OpProvision, item("a"))
	if _, err := b.st.ReleaseJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := b.claim()
	if err := b.run(t.Context(), job); !errors.Is(err, model.ErrLeaseLost) {
		t.Fatalf("the old holder ended with %v", err)
	}
	if len(b.world.creates) != 0 {
		t.Errorf("the old holder made %v", b.world.creates)
	}
	if err := b.run(t.Context(), again); err != nil {
		t.Fatal(err)
	}
}

func TestExecutor_serialisesWritesToOneAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.queue(model.OpProvision, item("a"), item("b"))
	kind := &serialKind{world: b.world, bothBegan: func() bool {
		got := b.states(job)
		return got["a"] != model.StepPending && got["b"] != model.StepPending
	}}
	if err := b.runWith(t.Context(), job, kind); err != nil {
		t.Fatal(err)
	}
	if kind.overlapped.Load() {
		t.Error("two writes were under way at once")
	}
}

// serialKind's first write stays under way until the other node has begun, and
// then gives it every chance to come in.
type serialKind struct {
	*world
	bothBegan  func() bool
	inside     atomic.Int32
	overlapped atomic.Bool
}

func (k *serialKind) Timing() provision.Timing {
	t := k.world.Timing()
	t.Serial = "api"
	return t
}

func (k *serialKind) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	k.inside.Add(1)
	defer k.inside.Add(-1)
	for !k.bothBegan() {
		runtime.Gosched()
	}
	for range 10_000 {
		if k.inside.Load() > 1 {
			k.overlapped.Store(true)
			break
		}
		runtime.Gosched()
	}
	return k.world.Apply(ctx, in, r)
}

// TestExecutor_findsBeforeItMakesAgain: a step that was never begun is made
// without a look, because its intent was written only now; one that was begun
// before is looked for first, whether its create took effect or not.
func TestExecutor_findsBeforeItMakesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.world.broken["b"] = errNever
	job := b.queue(model.OpProvision, item("a"), item("b", "a"), item("c", "b"))
	var failed *provision.StepFailed
	if err := b.run(t.Context(), job); !errors.As(err, &failed) || failed.Key != "b" {
		t.Fatalf("run: %v", err)
	}
	if len(b.world.finds) != 0 {
		t.Errorf("the first run looked for %v", b.world.finds)
	}
	b.world.broken = nil
	if err := b.st.FinishJob(t.Context(), job.Lease(), model.Outcome{State: model.JobFailed, Problem: failed.Problem}); err != nil {
		t.Fatal(err)
	}
	if err := b.st.InTx(t.Context(), func(q *store.Queries) error {
		_, err := q.RequeueJob(t.Context(), job.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.run(t.Context(), b.claim()); err != nil {
		t.Fatal(err)
	}
	if got := b.world.finds; !slices.Equal(got, []string{"b"}) {
		t.Errorf("the retry looked for %v, want b alone", got)
	}
}

// TestExecutor_setback: what waits for something that such waits mostly do not
// may take longer than its kind's limit, and teaches nothing.
func TestExecutor_setback(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		setback time.Duration
		fails   bool
	}{"as always": {0, true}, "set back": {time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			err := b.runWith(t.Context(), b.queue(model.OpProvision, item("a")), &slowKind{world: b.world, setback: row.setback})
			var failed *provision.StepFailed
			if errors.As(err, &failed) != row.fails || row.fails && !strings.Contains(failed.Problem.Message, "not done after") {
				t.Errorf("run: %v", err)
			}
			if learned, err := b.st.Waits(t.Context(), "env_1", 9); err != nil || len(learned) > 0 {
				t.Errorf("learned %v, %v", learned, err)
			}
		})
	}
}

// slowKind takes longer than its limit.
type slowKind struct {
	*world
	setback time.Duration
	looks   int
}

func (k *slowKind) Timing() provision.Timing { return provision.Timing{Limit: time.Nanosecond} }

func (k *slowKind) Find(context.Context, provision.Inputs, *model.Resource) (provision.Observed, error) {
	k.looks++
	return provision.Observed{AWSID: "id", Ready: k.looks > 2, Why: "growing", Setback: k.setback}, nil
}

func (k *slowKind) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.Find(ctx, in, r)
}
