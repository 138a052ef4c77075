package provision

import "time"

// How looks are spaced. All of it is relative to what the wait is expected to
// take, so that it is as right for minutes as for milliseconds.
const (
	stepPart   = 100                    // between looks around the expected end: a hundredth of it
	windowPart = 10                     // but no more than so many looks between the early and the late end
	latePart   = 40                     // between looks that come later: at most this part of what has passed
	margin     = 3                      // steps behind the late end in which looks stay close
	minStep    = 5 * time.Millisecond   // between looks, however short the wait
	blindFirst = 100 * time.Millisecond // first look of a wait of which nothing is known
	blindPart  = 7                      // and its spacing: a seventh of what has passed
	blindMost  = 5 * time.Second        // but no more than this
)

// probes are the parts of the expected duration at which a wait is looked at
// while it is not known whether the environment keeps AWS's pace at all. They
// find out within a factor of two.
var probes = []float64{1.0 / 128, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2}

// forecast says when a wait is likely to end, counted from its beginning.
type forecast struct {
	early, late time.Duration // 0: nothing is known
	// floor is how slow the environment is known to be at least, as a part of
	// AWS's pace. Below 1/2 its pace is not known, and probes are made.
	floor float64
}

// next returns when to look, later than after, both counted from the wait's
// beginning: once just before the early end, then close together until a
// little after the late one, then with growing distance.
func (f forecast) next(after time.Duration) time.Duration {
	if f.late <= 0 {
		return after + min(max(blindFirst, after/blindPart), blindMost)
	}
	for _, part := range probes {
		if at := time.Duration(float64(f.early) * part); part > f.floor && at > after {
			return at
		}
	}
	step := f.step()
	first, last := f.early-step, f.late+margin*step
	switch {
	case after < first:
		return first
	case after < last:
		return first + (after-first)/step*step + step
	}
	return after + max(step, min(step+(after-last)/4, after/latePart))
}

// step is the distance between looks around the expected end; nobody learns of
// an end in that window later than this.
func (f forecast) step() time.Duration {
	return max(minStep, f.early/stepPart, (f.late-f.early)/windowPart)
}
