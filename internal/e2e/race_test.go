//go:build race

package e2e

// buildFlags: a suite under the race detector tests a binary under it, too.
var buildFlags = []string{"-race"}
