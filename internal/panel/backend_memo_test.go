package panel_test

import (
	"encoding/json"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
)

// TestBackends_showNothingOld: a panel that has listed before shows after each
// change what one that never did shows.
func TestBackends_showNothingOld(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	list := func(p *panel.Panel) string {
		t.Helper()
		all, err := p.Backends(ctx, viewer, panel.BackendFilter{Destroyed: true})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	last := list(b.panel)
	var payments, tested *model.Backend
	var sandbox string
	for _, row := range []struct {
		what   string
		change func() error
	}{
		{"registered", func() error { payments = b.register("payments"); return nil }},
		{"another", func() error { tested = b.reachable(); return nil }},
		{"queued", func() error { _, err := b.panel.Provision(ctx, developer, payments.ID); return err }},
		{"failed", func() error { b.end(model.JobFailed); return nil }},
		{"tested", func() error { _, err := b.panel.RunTests(ctx, developer, tested.ID, nil); return err }},
		{"tested again", func() error { _, err := b.panel.RunTests(ctx, developer, tested.ID, nil); return err }},
		{"changed without an event", func() error {
			return b.store.InTx(ctx, func(q *store.Queries) error {
				x, err := q.BackendForUpdate(ctx, payments.ID)
				if err != nil {
					return err
				}
				x.InvokeURL = "http://x/"
				return q.UpdateBackend(ctx, x)
			})
		}},
		{"destroyed", func() error { _, err := b.panel.Destroy(ctx, owner, payments.ID); return err }},
		{"a sandbox", func() error { sandbox = b.sandbox(panel.SandboxRequest{}).ID; return nil }},
		{"extended", func() error { _, err := b.panel.ExtendSandbox(ctx, developer, sandbox, "2d"); return err }},
		{"ended", func() error { _, err := b.panel.EndSandbox(ctx, developer, sandbox); return err }},
	} {
		if err := row.change(); err != nil {
			t.Fatalf("%s: %v", row.what, err)
		}
		got, want := list(b.panel), list(panel.New(b.panel.Deps))
		if got != want {
			t.Errorf("%s: shows\n%s, but it is\n%s", row.what, got, want)
		}
		if got == last {
			t.Errorf("%s: nothing has changed", row.what)
		}
		last = got
	}
}
