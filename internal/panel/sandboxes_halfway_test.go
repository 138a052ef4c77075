package panel_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestReapSandboxes_halfWay breaks the reaper off at every moment in which it
// looks at the clock, which it does throughout: the end has begun with all that
// belongs to it, or not at all, and the next look brings it about once.
func TestReapSandboxes_halfWay(t *testing.T) {
	t.Parallel()
	var left atomic.Int64 // looks at the clock until the end of the context; 0 = none
	var stop atomic.Pointer[context.CancelFunc]
	now := func() time.Time {
		if left.Load() > 0 && left.Add(-1) == 0 {
			(*stop.Load())()
		}
		return time.Now()
	}
	b := newBenchOn(t, store.Options{DSN: storetest.SQLite(t), Now: now})
	tp := b.template().ID
	begun, broken := 0, 0
	for at := int64(1); ; at++ {
		s := b.sandbox(panel.SandboxRequest{Template: tp})
		b.end(model.JobSucceeded)
		b.endsIn(s.ID, -time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		stop.Store(&cancel)
		left.Store(at)
		_, err := b.panel.ReapSandboxes(ctx)
		through := left.Swap(0) > 0
		cancel()
		got := b.look(s.ID)
		switch {
		case got.Sandbox.EndingAt.IsZero():
			broken++
			if err == nil || got.Phase != model.PhaseReady && got.Phase != model.PhaseFailed || got.ActiveJobID != "" || b.notices(model.NoticeSandboxEnded) != begun {
				t.Fatalf("broken off at %d: %v, %s, job %q", at, err, got.Phase, got.ActiveJobID)
			}
			b.reap()
			got = b.look(s.ID)
		}
		begun++
		if got.Phase != model.PhaseDestroying || got.Sandbox.Tries != 1 || b.notices(model.NoticeSandboxEnded) != begun {
			t.Fatalf("broken off at %d: %s %+v, %d notices of %d", at, got.Phase, got.Sandbox, b.notices(model.NoticeSandboxEnded), begun)
		}
		ends := 0
		for _, a := range b.actions(s.ID) {
			if a == "sandbox.end by Drawbridge" {
				ends++
			}
		}
		if ends != 1 {
			t.Fatalf("broken off at %d: %d rows in the audit", at, ends)
		}
		b.end(model.JobSucceeded)
		if through {
			break
		}
	}
	if broken < 3 {
		t.Errorf("it was broken off %d times before it had begun: the test looks at nothing", broken)
	}
	t.Logf("broken off at %d moments, %d of them before the commit", begun, broken)
}

// notices counts the team's notices of that type.
func (b *bench) notices(of model.NoticeType) int {
	b.t.Helper()
	list, err := b.store.Read().Notices(b.t.Context(), store.NoticeQuery{TeamIDs: []string{"team_own"}, Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	n := 0
	for _, x := range list {
		if x.Type == of {
			n++
		}
	}
	return n
}
