package e2e

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// side of a call's effect, or of a commit, on which the server is killed.
type side string

const (
	before side = "before"
	after  side = "after"
)

// what a server is killed at.
type what string

const (
	atCall   what = "call"   // before it is sent; after it took effect and before its answer is read
	atCommit what = "commit" // after AWS's answer and before the commit; after the commit
)

// operation is a job that is swept.
type operation struct {
	name         string // as its jobs are called
	method, path string // of the request that begins it
	from         *template
	body         any
	// every is an odd number: of so many points one is tried, unless all are asked
	// for. With an even one all would be on the same side of their calls.
	every int
}

// updated is a spec that changes in place, replaces and adds.
var updated = map[string]any{"port": 8000, "health_path": "/", "tags": map[string]string{"stage": "test"},
	"launch": map[string]any{"instance_type": "t3.small", "count": 2}}

// operations makes the states that the swept operations start from.
func operations(t *testing.T, kind database) []operation {
	t.Helper()
	fresh := registered(t, kind)
	backend := "/api/v1/backends/" + fresh.backend.ID
	made := fresh.open(t)
	made.succeeded(made.provision(made.backend))
	half := fresh.open(t)
	refusal := awssim.Fault{Op: "apigatewayv2:CreateRoute", Do: awssim.Error(400, "BadRequestException", "No.")}
	if err := half.cloud.sim.AddFault(refusal); err != nil {
		t.Fatal(err)
	}
	failed := half.ended(half.provision(half.backend))
	if failed.State != model.JobFailed {
		t.Fatalf("the job to roll back is %s", failed.State)
	}
	whole := made.save(fresh)
	asleep := whole.open(t)
	asleep.succeeded(asleep.operate(asleep.backend, "sleep"))
	orphans := "/api/v1/environments/" + fresh.backend.EnvironmentID + "/orphans:delete"
	return []operation{
		{name: "provision", method: "POST", path: backend + "/provision", from: fresh, every: 1},
		{name: "destroy", method: "DELETE", path: backend, from: whole, every: 1},
		{name: "roll_back", method: "POST", path: "/api/v1/jobs/" + failed.ID + "/roll-back", from: half.save(fresh), every: 1},
		{name: "update", method: "PUT", path: putPath(fresh.backend), from: whole, body: map[string]any{"spec": updated}, every: 11},
		{name: "sleep", method: "POST", path: backend + "/sleep", from: whole, every: 5},
		{name: "wake", method: "POST", path: backend + "/wake", from: asleep.save(whole), every: 3},
		{name: "clean_up", method: "POST", path: orphans, from: fresh.restored(t, whole), body: map[string]any{"all": true}, every: 11},
	}
}

// some are the points that are tried.
func (op operation) some(points []point) []point {
	if *allPoints {
		return points
	}
	var few []point
	for i := 0; i < len(points); i += op.every {
		few = append(few, points[i])
	}
	return few
}

// end is what an operation leaves: the sizes of what exists in AWS, and what
// the panel says of its resources and of the job's steps.
type end struct {
	sizes  awssim.Snapshot
	ledger string
}

func (st *stage) end(j model.Job) end {
	st.t.Helper()
	var b struct {
		Resources []struct{ Key, Ownership, State string }
	}
	st.want(http.StatusOK, "GET", "/api/v1/backends/"+st.backend.ID, nil).into(st.t, &b)
	var job struct {
		Steps []struct{ Key, State string }
	}
	st.want(http.StatusOK, "GET", "/api/v1/jobs/"+j.ID, nil).into(st.t, &job)
	var lines []string
	for _, r := range b.Resources {
		lines = append(lines, fmt.Sprintf("resource %s %s %s\n", r.Key, r.Ownership, r.State))
	}
	for _, s := range job.Steps {
		if j.Operation == model.OpCleanUp && s.State == string(model.StepSkipped) {
			s.State = string(model.StepDone) // begun before the crash, it cannot know whether that deleted it
		}
		lines = append(lines, fmt.Sprintf("step %s %s\n", s.Key, s.State))
	}
	slices.Sort(lines)
	return end{st.cloud.sizes(), strings.Join(lines, "")}
}

// cleanRun carries the operation out undisturbed: its end, and how many calls
// and commits it takes.
func (op operation) cleanRun(t *testing.T) (want end, points map[what]int) {
	t.Helper()
	st := op.from.open(t)
	st.cloud.hold(0, before)
	st.dieAt(0, before)
	b := st.begin202(op)
	if b.err != nil {
		t.Fatal(b.err)
	}
	st.succeeded(b.job)
	points = map[what]int{atCall: st.cloud.count(), atCommit: st.commits()}
	return st.end(b.job), points
}

// point is a place in an operation at which the server is killed.
type point struct {
	at   what
	n    int
	side side
}

func (p point) String() string { return fmt.Sprintf("%s %d, %s", p.at, p.n, p.side) }

// arm has the server killed at the point. The channel is closed when a call
// is held, whose server is to be killed; at a commit it kills itself.
func (st *stage) arm(p point) (held <-chan struct{}) {
	st.t.Helper()
	if p.at == atCall {
		return st.cloud.hold(p.n, p.side)
	}
	st.dieAt(p.n, p.side)
	return nil
}

func (st *stage) disarm() {
	st.t.Helper()
	st.cloud.hold(0, before)
	if err := os.Remove(st.crashFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		st.t.Fatal(err)
	}
}

func (st *stage) crashFile() string { return filepath.Join(st.dir, "crash") }

// dieAt tells the server at which commit from now on to die; 0 = at none.
func (st *stage) dieAt(n int, where side) {
	st.t.Helper()
	if err := os.WriteFile(st.crashFile(), fmt.Appendf(nil, "%s %d", where, n), 0o600); err != nil {
		st.t.Fatal(err)
	}
}

// commits is how many the server has counted.
func (st *stage) commits() int {
	st.t.Helper()
	info, err := os.Stat(st.crashFile() + ".commits")
	if err != nil {
		st.t.Fatal(err)
	}
	return int(info.Size())
}

// begun is what became of the request that begins an operation.
type begun struct {
	job model.Job
	err error // no answer
}

// killedAt carries the operation out with a server that is killed at the
// point and started again. It tells whether it came to the point: how often a
// wait looks is not the same in each run.
func (st *stage) killedAt(op operation, p point) (model.Job, bool) {
	st.t.Helper()
	held := st.arm(p)
	answered := make(chan begun, 1)
	go func() { answered <- st.begin202(op) }()
	var b begun
	struck := true
	select {
	case b = <-answered:
		struck = b.err != nil || st.struck(b.job, held)
	case <-held: // while it plans
		st.kill()
		b = <-answered
	}
	st.kill() // at the latest now, when the job has ended
	st.disarm()
	st.start()
	if b.err != nil {
		b = st.beginAgain(op)
	}
	if b.err != nil {
		st.t.Fatal(b.err)
	}
	return b.job, struck
}

// struck waits until a call is held or the server is dead; false: the job
// ended before.
func (st *stage) struck(j model.Job, held <-chan struct{}) bool {
	st.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-held:
			return true
		case <-st.done:
			return true
		case <-tick.C:
		}
		var now model.Job
		if a, err := st.try("GET", "/api/v1/jobs/"+j.ID, nil); err == nil && a.decode(&now) == nil && now.State.Ended() {
			return false
		}
	}
}

// begin202 begins the operation.
func (st *stage) begin202(op operation) (b begun) {
	a, err := st.try(op.method, op.path, op.body)
	if err != nil {
		return begun{err: err}
	}
	if a.status != http.StatusAccepted {
		st.t.Errorf("%s %s: %d %s", op.method, op.path, a.status, a.body)
		return begun{err: fmt.Errorf("%s was refused", op.name)}
	}
	switch op.name {
	case "update":
		b.err = a.decode(&applied{Job: &b.job})
	case "clean_up":
		var did cleanedUp
		switch err := a.decode(&did); {
		case err != nil:
			b.err = err
		case len(did.Jobs) != 1:
			b.err = fmt.Errorf("%d jobs clean up", len(did.Jobs))
		default:
			b.job = did.Jobs[0]
		}
	default:
		b.err = a.decode(&b.job)
	}
	return b
}

// beginAgain does what a client does that got no answer: look for the job, and
// ask again when there is none.
func (st *stage) beginAgain(op operation) begun {
	st.t.Helper()
	var jobs struct{ Items []model.Job }
	st.want(http.StatusOK, "GET", "/api/v1/backends/"+st.backend.ID+"/jobs", nil).into(st.t, &jobs)
	for _, j := range jobs.Items {
		if string(j.Operation) == op.name {
			return begun{job: j}
		}
	}
	return st.begin202(op)
}

// workers is how many points of a sweep are tried at once. Mostly they wait.
const workers = 10

// each runs a subtest for every item, so many at once; -parallel does not count.
func each[T any](t *testing.T, items []T, name func(T) string, f func(t *testing.T, item T)) {
	next := make(chan T)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for item := range next {
				t.Run(name(item), func(t *testing.T) { f(t, item) })
			}
		})
	}
	for _, item := range items {
		next <- item
	}
	close(next)
	all.Wait()
}

// tally counts what became of the items of a sweep, by a row and an outcome.
type tally struct {
	mu       sync.Mutex
	rows     []string
	outcomes []string // the columns
	counts   map[[2]string]int
}

func newTally(outcomes ...string) *tally {
	return &tally{outcomes: outcomes, counts: map[[2]string]int{}}
}

func (c *tally) add(row, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.rows, row) {
		c.rows = append(c.rows, row)
	}
	c.counts[[2]string{row, outcome}]++
}

func (c *tally) String() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\n\t"+strings.Join(c.outcomes, "\t"))
	slices.Sort(c.rows)
	for _, row := range c.rows {
		fmt.Fprint(w, row)
		for _, outcome := range c.outcomes {
			fmt.Fprintf(w, "\t%d", c.counts[[2]string{row, outcome}])
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return out.String()
}

// TestCrashSweep kills the server at every AWS call and at every commit of an
// operation, on both sides, starts it again and demands the end of a clean
// run: the same things in AWS, the same rows in the panel, nobody needed.
func TestCrashSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	t.Parallel()
	sweepCrashes(t, onSQLite, atCall, atCommit)
}

// TestCrashSweep_onPostgreSQL: there a job goes on when its lease has run out.
func TestCrashSweep_onPostgreSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	t.Parallel()
	if *allPoints {
		sweepCrashes(t, onPostgres, atCall, atCommit)
		return
	}
	sweepCrashes(t, onPostgres, atCall)
}

// allPoints costs some minutes more.
var allPoints = flag.Bool("all-points", false, "kill the server at every commit on PostgreSQL, too, and not at every call alone; at every point of those operations of which only some are tried; and let every call of an update and a clean-up go wrong")

func sweepCrashes(t *testing.T, kind database, kinds ...what) {
	const survived, missed, lost = "survived", "not reached", "lost"
	table := newTally(survived, missed, lost)
	for _, op := range operations(t, kind) {
		want, counts := op.cleanRun(t)
		var points []point
		for _, at := range kinds {
			for n := 1; n <= counts[at]; n++ {
				points = append(points, point{at, n, before}, point{at, n, after})
			}
		}
		points = op.some(points)
		name := func(p point) string { return op.name + ", " + p.String() }
		each(t, points, name, func(t *testing.T, p point) {
			row, outcome := fmt.Sprintf("%s, %s, %s a %s", kind, op.name, p.side, p.at), lost
			defer func() { table.add(row, outcome) }()
			st := op.from.open(t)
			j, struck := st.killedAt(op, p)
			st.succeeded(j)
			got := st.end(j)
			if got.sizes != want.sizes {
				t.Errorf("there are\n%+v, want\n%+v", got.sizes, want.sizes)
			}
			if got.ledger != want.ledger {
				t.Errorf("the panel says\n%s, want\n%s", got.ledger, want.ledger)
			}
			switch {
			case t.Failed():
			case struck:
				outcome = survived
			default:
				outcome = missed
			}
		})
	}
	t.Log(table)
}
