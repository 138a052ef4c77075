//go:build !crashpoints

package store

// commits is where every transaction ends; see commit_crashpoints.go.
type commits struct{}

func (*commits) commit(commit func() error) error { return commit() }
