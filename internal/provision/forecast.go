package provision

import "time"

// How looks are spaced. All of it is relative to what the wait is expected to
// take, so that it is as right for minutes as for milliseconds.
const (
	stepPart   = 100                    // between looks around the expected end: a hundredth of it at least
	sureCells  = 4                      // looks in a window that is wide only because nobody looked closer yet
	wideCells  = 10                     // looks in a window in which such waits really end
	latePart   = 40                     // between looks that come later: at most this part of what has passed
	margin     = 3                      // steps behind the late end in which looks stay close
	minStep    = 5 * time.Millisecond   // between looks, however short the wait
	blindFirst = 100 * time.Millisecond // first look of a wait of which nothing is known
	blindPart  = 7                      // and its spacing: a seventh of what has passed
	blindMost  = 5 * time.Second        // but no more than this
)

// probes are the parts of the expected duration at which a wait is looked at
// while it is not known whether the environment keeps AWS's pace at all. They
// find that out within a factor of two.
var probes = []float64{1.0 / 128, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2}

// forecast says when a wait is likely to end, counted from its beginning:
// after early, and no later than late.
type forecast struct {
	early, late time.Duration // late 0: nothing is known
	cells       int           // of the window between them, one look each
	sooner      bool          // it may have become quicker: look at early, too
	// floor is how slow the environment is known to be at least, as a part of
	// AWS's pace. Below 1/2 its pace is not known, and probes are made.
	floor float64
}

// next returns when to look, later than after, both counted from the wait's
// beginning: close together in the window and a little beyond, then with
// growing distance.
func (f forecast) next(after time.Duration) time.Duration {
	if f.late <= 0 {
		return after + min(max(blindFirst, after/blindPart), blindMost)
	}
	for _, part := range probes {
		if at := scale(f.late, part); part > f.floor && at > after {
			return at
		}
	}
	step := f.step()
	last := f.late + margin*step
	switch {
	case after < f.early && f.sooner:
		return f.early
	case after < f.late:
		n := max(0, after-f.early)/step + 1
		if at := f.early + n*step; at < f.late {
			return at
		}
		return f.late
	case after < last:
		return f.late + ((after-f.late)/step+1)*step
	}
	return after + max(step, min(step+(after-last)/4, after/latePart))
}

// step is the distance between looks around the expected end; nobody learns of
// an end in that window later than this.
func (f forecast) step() time.Duration {
	return max(minStep, f.late/stepPart, (f.late-f.early)/time.Duration(max(1, f.cells)))
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
