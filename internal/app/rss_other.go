//go:build !linux

package app

// peakRSSMiB is the most resident memory that this process has had, 0 where
// the system does not tell.
func peakRSSMiB() float64 { return 0 }
