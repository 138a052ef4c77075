package main

import (
	"os"
	"runtime/debug"
)

// gcPercent trades memory for even latencies: with Go's 100 a simulator with
// its few megabytes of live data collects some forty times a second under load,
// which shows in the slowest requests. GOGC in the environment wins.
const gcPercent = 400

func relaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
