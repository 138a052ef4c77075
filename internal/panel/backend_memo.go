package panel

import (
	"context"
	"slices"
	"sync"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

const (
	// memoSize bounds how many backends are remembered; some kilobytes each.
	memoSize = 16_384
	// memoChunk is how many backends are read at once.
	memoChunk = 512
)

// memo remembers what lists show of backends. Reading and decoding rows is most
// of a list's cost, and hardly any row has changed since the last one. A row
// says so by its version, which each list reads anew: what is remembered is
// never shown for what it was. Whoever gets a backend from it must not change
// what it points to.
type memo struct {
	mu   sync.Mutex
	byID map[string]remembered
}

type remembered struct {
	backend model.Backend
	lastRun *model.TestRun
	sandbox *model.Sandbox // nil for a backend without an end
}

func newMemo() *memo { return &memo{byID: map[string]remembered{}} }

// get returns what is still true of the versions, by id, and the ids of the rest.
func (m *memo) get(versions []store.BackendVersion) (known map[string]remembered, rest []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known = make(map[string]remembered, len(versions))
	for _, v := range versions {
		if r, ok := m.byID[v.ID]; ok && v.Of(&r.backend) {
			known[v.ID] = r
		} else {
			rest = append(rest, v.ID)
		}
	}
	return known, rest
}

func (m *memo) keep(fresh []remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.byID)+len(fresh) > memoSize {
		clear(m.byID)
	}
	for _, r := range fresh {
		m.byID[r.backend.ID] = r
	}
}

// recall returns the backends of the versions with their newest runs, in order.
func (p *Panel) recall(ctx context.Context, versions []store.BackendVersion) ([]remembered, error) {
	known, rest := p.memo.get(versions)
	for ids := range slices.Chunk(rest, memoChunk) {
		rows, err := p.Store.Read().Backends(ctx, store.BackendQuery{IDs: ids, IncludeDestroyed: true})
		if err != nil {
			return nil, err
		}
		fresh, err := p.around(ctx, rows)
		if err != nil {
			return nil, err
		}
		p.memo.keep(fresh)
		for _, r := range fresh {
			known[r.backend.ID] = r
		}
	}
	list := make([]remembered, 0, len(versions))
	for _, v := range versions {
		if r, ok := known[v.ID]; ok {
			list = append(list, r)
		}
	}
	return list, nil
}

// around adds what hangs on rows that were read before: what is newer than its
// backend's version is shown a moment early, and nothing is missed.
func (p *Panel) around(ctx context.Context, rows []model.Backend) ([]remembered, error) {
	list, ids := make([]remembered, len(rows)), make([]string, len(rows))
	for i, b := range rows {
		list[i], ids[i] = remembered{backend: b}, b.ID
	}
	runs, err := p.Store.Read().NewestTestRuns(ctx, ids)
	if err != nil {
		return nil, err
	}
	sandboxes, err := p.Store.Read().SandboxesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if run, ok := runs[id]; ok {
			list[i].lastRun = &run
		}
		if x, ok := sandboxes[id]; ok {
			list[i].sandbox = &x
		}
	}
	return list, nil
}
