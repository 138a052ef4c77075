package app

import "syscall"

// peakRSSMiB is the most resident memory that this process has had, 0 where
// the system does not tell.
func peakRSSMiB() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Maxrss) / 1024 // Linux counts KiB
}
