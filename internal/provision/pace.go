package provision

import (
	"context"
	"slices"
	"sync"
	"time"

	"drawbridge/internal/model"
)

const (
	// keptWaits is how many of the newest waits of a kind make a forecast.
	keptWaits = 10
	// samePace bounds what counts as AWS's own pace: within a factor of two of
	// it, kinds differ more from each other than environments do.
	samePace = 2
)

// waitKey is what waits have in common that take about as long.
type waitKey struct {
	kind   model.ResourceKind
	action model.Action
}

// took is one wait that has ended: longer than over, not longer than under.
type took struct{ over, under time.Duration }

// pace is what is known of how long things take in one environment.
type pace struct {
	mu    sync.Mutex
	waits map[waitKey][]took
	floor float64 // see forecast; raised by waits that go on
	// seed is AWS's typical duration of such waits; 0 = unknown.
	seed func(waitKey) time.Duration
}

func newPace(seed func(waitKey) time.Duration) *pace {
	return &pace{waits: map[waitKey][]took{}, seed: seed}
}

// load takes in what the journal knows, in place of what was known.
func (p *pace) load(waits []model.Wait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.waits)
	for _, w := range waits {
		k := waitKey{w.Kind, w.Action}
		p.waits[k] = append(p.waits[k], took{over: w.Took - w.Took/stepPart, under: w.Took})
	}
}

// learn takes in a wait that has ended, and tells whether it was the first of
// its kind, which changes what is expected of others.
func (p *pace) learn(k waitKey, t took) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := append(p.waits[k], t)
	p.waits[k] = list[max(0, len(list)-keptWaits):]
	return len(list) == 1
}

// goesOn takes in that a wait has not ended after so long.
func (p *pace) goesOn(k waitKey, elapsed time.Duration) {
	seed := p.seed(k)
	if seed <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.floor = max(p.floor, float64(elapsed)/float64(seed))
}

// forecast says when a wait is likely to end. What the same wait took in this
// environment comes first; else AWS's typical duration at the pace that other
// waits had here.
func (p *pace) forecast(k waitKey) forecast {
	p.mu.Lock()
	defer p.mu.Unlock()
	if list := p.waits[k]; len(list) > 0 {
		f := forecast{early: list[0].under, late: list[0].under, floor: 1}
		for _, t := range list {
			f.early, f.late = min(f.early, t.under), max(f.late, t.under)
		}
		return f
	}
	seed := p.seed(k)
	if seed <= 0 {
		return forecast{}
	}
	slow, fast := p.factors()
	if fast == 0 {
		return forecast{early: seed, late: seed, floor: p.floor}
	}
	if slow >= 1.0/samePace && fast <= samePace {
		slow, fast = 1, 1
	}
	return forecast{early: scale(seed, slow), late: scale(seed, fast), floor: 1}
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// factors are how this environment's durations compare with AWS's typical
// ones, from the least to the most; 0 when nothing is known.
func (p *pace) factors() (least, most float64) {
	for k, list := range p.waits {
		seed := p.seed(k)
		if seed <= 0 {
			continue
		}
		newest := list[len(list)-1]
		over, under := float64(newest.over)/float64(seed), float64(newest.under)/float64(seed)
		if most == 0 || over < least {
			least = over
		}
		most = max(most, under)
	}
	return least, most
}

// typical is how long such a wait mostly takes here, 0 when unknown.
func (p *pace) typical(k waitKey) time.Duration {
	f := p.forecast(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.waits[k]
	if len(list) == 0 {
		return f.late
	}
	all := make([]time.Duration, len(list))
	for i, t := range list {
		all[i] = t.under
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// freshPace is for how long what the journal said of an environment is good:
// other replicas learn, too.
const freshPace = 5 * time.Minute

// paces are the paces of environments. The zero value is ready for use.
type paces struct {
	mu     sync.Mutex
	by     map[string]*pace
	loaded map[string]time.Time
}

// paceOf returns what is known of an environment. When the journal does not
// answer, what is known already does.
func (e *Executor) paceOf(ctx context.Context, environmentID string) *pace {
	e.paces.mu.Lock()
	defer e.paces.mu.Unlock()
	if e.paces.by == nil {
		e.paces.by, e.paces.loaded = map[string]*pace{}, map[string]time.Time{}
	}
	p := e.paces.by[environmentID]
	if p == nil {
		p = newPace(e.seed)
		e.paces.by[environmentID] = p
	}
	if at := e.paces.loaded[environmentID]; !at.IsZero() && time.Since(at) < freshPace {
		return p
	}
	waits, err := e.Journal.Waits(ctx, environmentID, keptWaits)
	if err != nil {
		e.Logger.WarnContext(ctx, "what earlier waits took is not known", "environment_id", environmentID, "error", err)
		return p
	}
	p.load(waits)
	e.paces.loaded[environmentID] = time.Now()
	return p
}
