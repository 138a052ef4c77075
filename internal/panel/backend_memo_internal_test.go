package panel

import (
	"strconv"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TestMemo: it gives what fits the version alone, and stays small.
func TestMemo(t *testing.T) {
	t.Parallel()
	m := newMemo()
	m.keep([]remembered{{backend: model.Backend{ID: "a", EventSeq: 1}}, {backend: model.Backend{ID: "b", EventSeq: 7}}})
	known, rest := m.get([]store.BackendVersion{{ID: "a", EventSeq: 1}, {ID: "b", EventSeq: 8}, {ID: "c"}})
	if len(known) != 1 || known["a"].backend.EventSeq != 1 || len(rest) != 2 {
		t.Errorf("known %v, rest %v", known, rest)
	}
	for i := range memoSize + 10 {
		m.keep([]remembered{{backend: model.Backend{ID: strconv.Itoa(i)}}})
	}
	if len(m.byID) > memoSize {
		t.Errorf("it remembers %d", len(m.byID))
	}
}
