package provision

import (
	"math/rand/v2"
	"testing"
	"time"

	"drawbridge/internal/model"
)

// looksAt walks a forecast's looks until one finds that a wait of that length
// is over, and returns how late and how many.
func looksAt(f forecast, length time.Duration) (late time.Duration, looks int) {
	at := time.Duration(0)
	for at < length {
		at = f.next(at)
		looks++
	}
	return at - length, looks
}

// TestForecast_bounds: whatever was learned and however long a wait takes, its
// looks are few and the last one is not much too late.
func TestForecast_bounds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		late := time.Duration(random.ExpFloat64()*float64(time.Minute)) + 100*time.Millisecond
		f := forecast{early: scale(late, random.Float64()), late: late, cells: 1 + random.IntN(wideCells), sooner: random.IntN(2) == 0, floor: 1}
		length := scale(f.late, 3*random.Float64())
		if length <= f.early {
			length += f.early
		}
		lateness, looks := looksAt(f, length)
		if most := max(f.step(), length/latePart); lateness > most+time.Microsecond {
			t.Fatalf("%+v: %s is seen %s late, more than %s", f, length, lateness, most)
		}
		most := f.cells + margin + 3
		if length > f.late {
			most += 50 // 1.025^50 > 3
		}
		if looks > most {
			t.Fatalf("%+v: %d looks at %s, more than %d", f, looks, length, most)
		}
	}
}

// TestForecast_unknown: also where nothing is known, the distance of looks grows.
func TestForecast_unknown(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		f      forecast
		length time.Duration
		late   float64 // part of the length
		looks  int
	}{
		{forecast{}, 10 * time.Second, 1.0 / blindPart, 35},
		{forecast{}, 50 * time.Millisecond, 1, 1},
		{forecast{early: 148 * time.Second, late: 150 * time.Second}, 150 * time.Second, 0, 6},               // five probes, one look
		{forecast{early: 24 * time.Second, late: 25 * time.Second}, 2500 * time.Millisecond, 0.25, 3},        // a tenth
		{forecast{early: 24 * time.Second, late: 25 * time.Second}, 20 * time.Millisecond, 10, 1},            // at once
		{forecast{early: 24 * time.Second, late: 25 * time.Second, floor: 0.06}, 25 * time.Second, 0, 5},     // another has looked meanwhile
		{forecast{early: 24 * time.Second, late: 25 * time.Second, floor: 1}, 250 * time.Second, 0.025, 100}, // ten times as slow
	} {
		late, looks := looksAt(row.f, row.length)
		if late > scale(row.length, row.late) || looks > row.looks {
			t.Errorf("%+v: %s was seen %s late after %d looks", row.f, row.length, late, looks)
		}
	}
}

var (
	slowKind  = waitKey{"toy.slow", model.ActionCreate}
	quickKind = waitKey{"toy.quick", model.ActionCreate}
	drainKind = waitKey{"toy.drain", model.ActionUpdate}
)

func toySeeds(k waitKey) time.Duration {
	return map[waitKey]time.Duration{slowKind: 150 * time.Second, quickKind: 25 * time.Second, drainKind: 330 * time.Second}[k]
}

// play lets one wait of the length happen and learns from it.
func play(p *pace, k waitKey, length time.Duration) (late time.Duration, looks int) {
	over, at := time.Duration(0), time.Duration(0)
	for {
		at = p.forecast(k).next(at)
		looks++
		if at >= length {
			p.learn(k, took{over: over, under: at})
			return at - length, looks
		}
		over = at
		p.goesOn(k, at)
	}
}

// TestPace_learns: a wait that takes about as long each time is soon met by two
// looks, whether the environment keeps AWS's pace or not.
func TestPace_learns(t *testing.T) {
	t.Parallel()
	for _, factor := range []float64{0.0001, 0.01, 0.1, 0.37, 1, 1.2, 3} {
		p := newPace(toySeeds)
		length := scale(150*time.Second, factor)
		for n := range 12 {
			late, looks := play(p, slowKind, length)
			if n < 6 {
				continue
			}
			if late > max(length/50, 2*minStep) || looks > 3 {
				t.Errorf("factor %v, wait %d: seen %s late after %d looks", factor, n+1, late, looks)
			}
		}
	}
}

// TestPace_varies: waits between 135 and 187 s, as AWS's load balancers take,
// are seen a few seconds late, and seldom more.
func TestPace_varies(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	p := newPace(toySeeds)
	var sum time.Duration
	const waits = 200
	for range waits {
		late, looks := play(p, slowKind, time.Duration(135+random.IntN(53))*time.Second)
		sum += late
		if late > 30*time.Second || looks > wideCells+margin+6 {
			t.Errorf("seen %s late after %d looks", late, looks)
		}
	}
	if mean := sum / waits; mean > 4*time.Second {
		t.Errorf("seen %s late on average", mean)
	}
}

// TestPace_oneKindTellsOfOthers: what one wait taught of an environment's pace
// spares the probes of all others.
func TestPace_oneKindTellsOfOthers(t *testing.T) {
	t.Parallel()
	p := newPace(toySeeds)
	play(p, quickKind, 2500*time.Millisecond)
	late, looks := play(p, slowKind, 15*time.Second)
	if late > 3*time.Second || looks > 4 {
		t.Errorf("the slow one was seen %s late after %d looks", late, looks)
	}
	p = newPace(toySeeds)
	play(p, quickKind, 25*time.Second)
	if late, looks = play(p, slowKind, 150*time.Second); late != 0 || looks != 1 {
		t.Errorf("at AWS's pace the slow one was seen %s late after %d looks", late, looks)
	}
}

// TestPace_changes: how long a change takes may be a setting, as that for which
// targets drain, so that what other waits took tells nothing of it.
func TestPace_changes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ quick, drain, late time.Duration }{
		"AWS, drained at once": {25 * time.Second, 2 * time.Second, time.Second},
		"AWS, drained quickly": {25 * time.Second, 15 * time.Second, 6 * time.Second},
		"AWS as it is":         {25 * time.Second, 330 * time.Second, 0},
		"a demonstration":      {3 * time.Second, 1200 * time.Millisecond, 2 * time.Second},
	} {
		p := newPace(toySeeds)
		play(p, quickKind, row.quick)
		if late, looks := play(p, drainKind, row.drain); late > row.late || looks > 7 {
			t.Errorf("%s: it was seen %s late after %d looks", name, late, looks)
		}
	}
}

// TestPace_noticesThatItBecameQuicker within a few waits, and slower at once.
func TestPace_noticesThatItBecameQuicker(t *testing.T) {
	t.Parallel()
	p := newPace(toySeeds)
	for range 8 {
		play(p, slowKind, 150*time.Second)
	}
	if late, _ := play(p, slowKind, 170*time.Second); late > 6*time.Second {
		t.Errorf("a slower one is seen %s late", late)
	}
	for range 30 {
		play(p, slowKind, 100*time.Second)
	}
	if late, looks := play(p, slowKind, 100*time.Second); late > 5*time.Second || looks > 6 {
		t.Errorf("after it became quicker it is seen %s late after %d looks", late, looks)
	}
}
