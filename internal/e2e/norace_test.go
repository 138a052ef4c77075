//go:build !race

package e2e

// buildFlags of the binary under test.
var buildFlags []string
