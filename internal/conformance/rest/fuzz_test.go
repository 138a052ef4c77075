package rest

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/model"
)

var (
	requests = flag.Int("requests", 2000, "how many random requests to send")
	seed     = flag.Uint64("seed", 1, "of the random requests")
)

const (
	senders   = 4
	maxFaults = 10 // are printed
)

// TestRandomRequests sends requests made from the document's schemas, about as
// many that they allow as that they do not, to the server at work: none makes
// it fail (5xx), and every answer, of whatever status, is as described.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &fuzz{w: w, doc: readDocument(t, w), pool: &pool{ids: map[string][]string{}},
		statuses: map[int]int{}, operations: map[string]int{}, kinds: map[string]int{}}
	f.populate()
	var wg sync.WaitGroup
	for n := range senders {
		wg.Go(func() {
			g := &generator{rand.New(rand.NewPCG(*seed, uint64(n))), f.doc, f.pool}
			for range *requests / senders {
				f.one(g)
			}
		})
	}
	wg.Wait()
	for _, fault := range f.faults[:min(len(f.faults), maxFaults)] {
		t.Error(fault)
	}
	var carried []string // operations that were carried out at least once
	for _, op := range f.doc.operations {
		if f.operations[op.ID] > 0 {
			carried = append(carried, op.ID)
		}
	}
	t.Logf("%d requests to %d operations: %d answers not as described, by status %v", f.sent, len(f.doc.operations), len(f.faults), f.statuses)
	t.Logf("what was broken on purpose: %v", f.kinds)
	t.Logf("%d operations were carried out at least once; only refused: %v", len(carried), f.never(carried))
}

// fuzz sends requests and counts what came of them.
type fuzz struct {
	w       *world
	doc     *document
	pool    *pool
	bearers []*bearer

	mu         sync.Mutex
	sent       int
	statuses   map[int]int
	operations map[string]int
	kinds      map[string]int
	faults     []string
}

// bearer is somebody with a token, which random requests may revoke.
type bearer struct {
	team  string
	role  model.Role
	mu    sync.Mutex
	token string
}

func (f *fuzz) bearer(team string, role model.Role) *bearer {
	b := &bearer{team: team, role: role, token: f.w.token(team, role)}
	f.bearers = append(f.bearers, b)
	return b
}

// again gets the bearer a new token in place of one that was refused.
func (b *bearer) again(f *fuzz, refused string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.token == refused {
		b.token = f.w.token(b.team, b.role)
	}
}

func (b *bearer) now() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.token
}

// populate makes two teams with backends, and somebody of each role.
func (f *fuzz) populate() {
	f.bearer("", model.RoleAdmin)
	g := &generator{rand.New(rand.NewPCG(*seed, 99)), f.doc, f.pool}
	for _, name := range []string{"fuzz-one", "fuzz-two"} {
		var team model.Team
		f.w.ask(request{"POST", "/teams", f.w.admin, `{"name":"` + name + `"}`, nil}).into(f.w.t, &team)
		owner := f.bearer(team.ID, model.RoleOwner)
		f.bearer(team.ID, model.RoleDeveloper)
		f.bearer(team.ID, model.RoleViewer)
		for i := range 3 {
			r := f.w.ask(request{"POST", "/backends", owner.now(), fmt.Sprintf(`{"name":"app-%d","spec":{}}`, i), nil})
			f.pool.learn(g.Rand, r.body)
		}
		f.pool.learn(g.Rand, f.w.ask(request{"GET", "/environments", f.w.admin, "", nil}).body)
	}
}

func (f *fuzz) one(g *generator) {
	op := pick(g, f.doc.operations)
	r, breaks := g.request(op)
	who := pick(g, f.bearers)
	if g.odds(4) {
		who = f.bearers[0] // the admin, who may do everything
	}
	r.token = who.now()
	judge := func(got response) string { return f.doc.judge(op, got) }
	switch g.IntN(40) {
	case 0:
		r.token, breaks = pick(g, []string{"", "x", "dbr_" + g.word()}), "token"
	case 1:
		if m := pick(g, []string{"PUT", "PATCH", "DELETE", "POST"}); !f.answers(m, op.Path) {
			r.method, breaks = m, "method"
			judge = func(got response) string {
				return f.doc.judgeProblem(got, http.StatusMethodNotAllowed, http.StatusNotFound)
			}
		}
	case 2:
		r.path, breaks = "/"+g.word()+r.path, "path"
		judge = func(got response) string {
			return f.doc.judgeProblem(got, http.StatusMethodNotAllowed, http.StatusNotFound)
		}
	}
	got, err := f.w.try(r)
	why := ""
	if err != nil {
		why = "no answer: " + err.Error()
	} else if why = judge(got); why == "" {
		f.pool.learn(g.Rand, got.body)
	}
	if got.status == http.StatusUnauthorized && breaks != "token" {
		who.again(f, r.token)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent++
	f.statuses[got.status]++
	f.kinds[breaks]++
	if got.status/100 == 2 {
		f.operations[op.ID]++
	}
	if why != "" {
		f.faults = append(f.faults, fmt.Sprintf("%s %.300s (%s, %s broken)\nsent %.500s %v\n%d %.600s\n%s", r.method, r.path, op.ID, breaks, r.body, r.header, got.status, got.body, why))
	}
}

// answers tells whether some operation has the method and path.
func (f *fuzz) answers(method, path string) bool {
	return slices.ContainsFunc(f.doc.operations, func(op *operation) bool { return op.Method == method && op.Path == path })
}

func (f *fuzz) never(carried []string) string {
	all := map[string]bool{}
	for _, op := range f.doc.operations {
		all[op.ID] = !slices.Contains(carried, op.ID)
	}
	var out []string
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if all[id] {
			out = append(out, id)
		}
	}
	return strings.Join(out, ", ")
}
