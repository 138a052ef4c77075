package app

import (
	"testing"
	"time"
)

// TestSteadiness: a clock that steps is believed once it has gone on evenly.
func TestSteadiness(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var s steadiness
	for i, row := range []struct {
		own, clock time.Duration // since the start
		steady     bool
		step       time.Duration
	}{
		{0, 0, true, 0},
		{2 * time.Second, 2 * time.Second, true, 0},
		{4 * time.Second, 34 * time.Second, true, 0}, // what a time service mends
		{6 * time.Second, 50 * time.Hour, false, 50*time.Hour - 36*time.Second},
		{8 * time.Second, 50*time.Hour + 2*time.Second, false, 0},
		{10 * time.Second, 40 * time.Second, false, -(50*time.Hour - 36*time.Second)}, // and back: nothing has ended
		{129 * time.Second, 159 * time.Second, false, 0},
		{131 * time.Second, 161 * time.Second, true, 0},
	} {
		step, steady := s.look(start.Add(row.clock), start.Add(row.own))
		if steady != row.steady || step != row.step {
			t.Errorf("look %d: step %s, steady %v; want %s, %v", i, step, steady, row.step, row.steady)
		}
	}
}
