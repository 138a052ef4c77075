package main

import (
	"os"
	"runtime/debug"
)

// How far the heap may outgrow what lives in it, in percent, unless GOGC says
// so. What the two programs want differs: see docs/performance.md.
const (
	// panelGC keeps memory small. The panel's live heap is small beside its
	// binary, and it mostly waits for AWS.
	panelGC = 60
	// simGC keeps answers quick. The simulator's live heap is some 15 MB for
	// 1,000 chains, and each request of the data plane makes garbage.
	simGC = 400
)

func collectGarbageAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
