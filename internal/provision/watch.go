package provision

import (
	"context"
	"sync"
	"time"

	"drawbridge/internal/model"
)

// Batcher is a Kind that can look at many resources with few calls.
type Batcher interface {
	Kind
	// FindAll is Find for each of the asks, which are of one environment and
	// whose resources all have an AWSID. The answers stand in their order.
	FindAll(ctx context.Context, asks []Ask) []Answer
}

// Ask is what Find takes.
type Ask struct {
	In       Inputs
	Resource *model.Resource
}

// Answer is what Find returns.
type Answer struct {
	Observed Observed
	Err      error
}

// watch asks AWS on behalf of all waits of the process: those of one kind in
// one environment share their looks.
type watch struct {
	queue  func(ctx context.Context, c Caller) context.Context
	mu     sync.Mutex
	groups map[groupKey]*group
}

// groupKey tells apart what cannot be looked at together. one is a resource of
// a kind that is no Batcher.
type groupKey struct {
	environment string
	kind        model.ResourceKind
	one         string
}

func newWatch(queue func(ctx context.Context, c Caller) context.Context) *watch {
	return &watch{queue: queue, groups: map[groupKey]*group{}}
}

// request is one wait that wants a look.
type request struct {
	ask Ask
	// due says when, counted anew at each call: what other waits teach changes it.
	due func() time.Time
	// slack is how much earlier a look that is made anyway may come.
	slack  time.Duration
	answer chan Answer // takes one value
}

// look answers with a look that is made when it is due, or a little earlier
// together with another, or whenever one finds that the wait is over.
func (w *watch) look(ctx context.Context, kind Kind, r *request) (Observed, error) {
	g := w.join(kind, r)
	select {
	case a := <-r.answer:
		return a.Observed, a.Err
	case <-ctx.Done():
		g.leave(r)
		return Observed{}, context.Cause(ctx)
	}
}

// join puts the request into its group and starts the group if it sleeps.
func (w *watch) join(kind Kind, r *request) *group {
	key := groupKey{environment: r.ask.In.Environment.ID, kind: kind.Name()}
	if _, ok := kind.(Batcher); !ok {
		key.one = r.ask.Resource.BackendID + "/" + r.ask.Resource.Key
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	g := w.groups[key]
	if g == nil {
		g = &group{watch: w, kind: kind, wake: make(chan struct{}, 1), waiting: map[*request]bool{}}
		w.groups[key] = g
		go func() {
			for g.turn() || !w.drop(key, g) {
			}
		}()
	}
	g.add(r)
	return g
}

// drop forgets a group that nobody waits in.
func (w *watch) drop(key groupKey, g *group) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		return false
	}
	delete(w.groups, key)
	return true
}

// poke makes the environment's groups count their next looks anew.
func (w *watch) poke(environmentID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, g := range w.groups {
		if key.environment == environmentID {
			g.poke()
		}
	}
}

// group is the waits of one kind in one environment. Its goroutine lives as
// long as there are any.
type group struct {
	watch *watch
	kind  Kind
	wake  chan struct{} // somebody came or went, or something was learned

	mu      sync.Mutex
	waiting map[*request]bool
}

func (g *group) add(r *request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting[r] = true
	g.poke()
}

func (g *group) leave(r *request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, r)
	g.poke()
}

func (g *group) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// turn waits until a look is due and makes it; false means that nobody waits.
func (g *group) turn() bool {
	next, all := g.next()
	if len(all) == 0 {
		return false
	}
	if wait := time.Until(next); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-g.wake:
			return true // who waits for what may be different now
		}
	}
	g.tell(all, g.find(all))
	return true
}

// next returns when the next look is due, and who waits.
func (g *group) next() (next time.Time, all []*request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for r := range g.waiting {
		if due := r.due(); next.IsZero() || due.Before(next) {
			next = due
		}
		all = append(all, r)
	}
	return next, all
}

// find looks at everything that is waited for. The look belongs to no single
// job: it is not torn when one of them ends.
func (g *group) find(all []*request) []Answer {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	ctx = g.watch.queue(ctx, Caller{Until: ctx}) // of no team: it is all teams' look
	answers := make([]Answer, len(all))
	var asks []Ask
	var places []int
	batcher, ok := g.kind.(Batcher)
	for i, r := range all {
		if ok && len(all) > 1 && r.ask.Resource.AWSID != "" {
			asks, places = append(asks, r.ask), append(places, i)
			continue
		}
		answers[i].Observed, answers[i].Err = g.kind.Find(ctx, r.ask.In, r.ask.Resource)
	}
	if len(asks) > 0 {
		for i, a := range batcher.FindAll(ctx, asks) {
			answers[places[i]] = a
		}
	}
	return answers
}

// tell answers the requests that were due or are over. For the others the look
// came too early to be worth a thought.
func (g *group) tell(all []*request, answers []Answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for i, r := range all {
		a := answers[i]
		over := a.Err == nil && (a.Observed.Ready || a.Observed.Gone || a.Observed.Failed != nil)
		if g.waiting[r] && (over || !r.due().After(now.Add(r.slack))) {
			delete(g.waiting, r)
			r.answer <- a
		}
	}
}
