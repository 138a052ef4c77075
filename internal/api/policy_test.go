package api

import "testing"

// TestEveryOperationHasARule: an operation without a permission is refused to
// everybody, and a rule without an operation is a slip.
func TestEveryOperationHasARule(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for path, methods := range readDocument(t).Paths {
		for method, op := range methods {
			seen[op.OperationID] = true
			if need, ok := needs[op.OperationID]; !ok || !need.Known() {
				t.Errorf("%s %s (%s) has no rule in needs", method, path, op.OperationID)
			}
		}
	}
	for id := range needs {
		if !seen[id] {
			t.Errorf("there is a rule for %s, which is no operation", id)
		}
	}
}
