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
	// soonerPart is the part of a wait by which a next one may be quicker
	// that was over at its first look.
	soonerPart = 10
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
		k := waitKey{w.Kind, waitAction(w.Action)}
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
		return p.learned(list)
	}
	seed := p.seed(k)
	if seed <= 0 {
		return forecast{}
	}
	known := 1.0
	if k.action == model.ActionUpdate {
		known = 0 // how long targets drain is the load balancer's setting, of which no other wait tells
	}
	slow, fast := p.factors()
	if fast == 0 {
		return forecast{early: seed - seed/stepPart, late: seed, floor: p.floor}
	}
	if slow >= 1.0/samePace && fast <= samePace {
		return forecast{early: seed - seed/stepPart, late: seed, floor: known}
	}
	return forecast{early: scale(seed, max(slow, min(p.floor, fast))), late: scale(seed, fast), cells: sureCells, floor: known}
}

// learned is the forecast from waits that have ended.
func (p *pace) learned(list []took) forecast {
	over, under, agree := common(list)
	newest := list[len(list)-1]
	f := forecast{early: over, late: under, cells: wideCells, sooner: newest.over < over, floor: 1}
	if agree {
		f.cells = sureCells
	}
	if over == 0 { // no look has ever found one to go on
		f.early, f.sooner, f.floor = less(under), true, p.floor
	}
	return f
}

// less is what a wait may have taken that was over at its first look.
func less(d time.Duration) time.Duration { return d - d/soonerPart }

// common is the span in which all of the waits ended, when they agree on one
// (each was seen to go on until over and to be over at under), else the span
// from the shortest to the longest.
func common(list []took) (over, under time.Duration, agree bool) {
	for i, t := range list {
		over = max(over, t.over)
		if i == 0 || t.under < under {
			under = t.under
		}
	}
	if over < under {
		return over, under, true
	}
	for i, t := range list {
		low := t.over
		if low == 0 {
			low = less(t.under)
		}
		if i == 0 || low < over {
			over = low
		}
		under = max(under, t.under)
	}
	return over, under, false
}

// factors are how this environment's durations compare with AWS's typical
// ones, from the least to the most; 0 when nothing is known.
func (p *pace) factors() (least, most float64) {
	var all []took
	for k, list := range p.waits {
		seed := p.seed(k)
		if seed <= 0 {
			continue
		}
		newest := list[len(list)-1]
		all = append(all, took{over: part(newest.over, seed), under: part(newest.under, seed)})
	}
	over, under, _ := common(all)
	return float64(over) / float64(whole), float64(under) / float64(whole)
}

// part is a factor as a duration: common takes both.
func part(d, of time.Duration) time.Duration { return scale(whole, float64(d)/float64(of)) }

const whole = time.Hour

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
