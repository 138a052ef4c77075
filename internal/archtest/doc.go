// Package archtest holds the architecture to its word: the import table in
// docs/architecture.md is compared with what `go list` says, and sources are
// held to the size budgets of CONTRIBUTING.md, and what they cite of
// docs/aws-facts.md is there. It has tests only.
package archtest
