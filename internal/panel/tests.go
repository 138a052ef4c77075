package panel

import (
	"context"
	"slices"
	"sync"

	"drawbridge/internal/model"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
)

// testsAtOnce bounds the requests that one click sends side by side.
const testsAtOnce = 4

// RunTests sends route tests through the invoke URL and records the answers.
// names selects tests of the spec; none means all. developer.
func (p *Panel) RunTests(ctx context.Context, a model.Actor, backendID string, names []string) ([]model.TestRun, error) {
	b, err := p.backend(ctx, a, TestRoutes, backendID)
	if err != nil {
		return nil, err
	}
	tests := b.Spec.Tests
	if len(names) > 0 {
		tests = nil
		for _, name := range names {
			i := slices.IndexFunc(b.Spec.Tests, func(t model.RouteTest) bool { return t.Name == name })
			if i < 0 {
				return nil, invalid("names", "%s has no route test named %q. Name those of its spec, or none to run all.", b.Name, name)
			}
			tests = append(tests, b.Spec.Tests[i])
		}
	}
	return p.run(ctx, a, b, tests)
}

// RunAdHocTest sends one request that is not in the spec. developer.
func (p *Panel) RunAdHocTest(ctx context.Context, a model.Actor, backendID string, t model.RouteTest) (*model.TestRun, error) {
	b, err := p.backend(ctx, a, TestRoutes, backendID)
	if err != nil {
		return nil, err
	}
	t, err = t.Checked("request")
	if err != nil {
		return nil, err
	}
	runs, err := p.run(ctx, a, b, []model.RouteTest{t})
	if err != nil {
		return nil, err
	}
	return &runs[0], nil
}

func (p *Panel) run(ctx context.Context, a model.Actor, b *model.Backend, tests []model.RouteTest) ([]model.TestRun, error) {
	if b.InvokeURL == "" {
		return nil, model.Errorf(model.CodeConflict, "%s has no invoke URL yet. Provision it first.", b.Name)
	}
	env, err := p.Store.Read().EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return nil, err
	}
	runs := make([]model.TestRun, len(tests))
	var wg sync.WaitGroup
	slots := make(chan struct{}, testsAtOnce)
	for i, t := range tests {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			at := p.Store.Now()
			r := p.Probe.Run(ctx, probe.Request{Test: t, BaseURL: b.InvokeURL, AllowHosts: probe.LocalHosts(env)})
			r.ID, r.BackendID, r.Actor, r.At = model.NewID(model.PrefixTestRun), b.ID, a.Name, at
			runs[i] = r
		})
	}
	wg.Wait()
	return runs, p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.Audit(ctx, ofBackend(a, model.AuditBackendTest, b, nil, auditedRuns(runs))); err != nil {
			return err
		}
		for i := range runs {
			if err := q.InsertTestRun(ctx, &runs[i]); err != nil {
				return err
			}
			if err := q.AppendTestRun(ctx, &runs[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestRuns lists those of a backend's route test runs that are selected. viewer.
func (p *Panel) TestRuns(ctx context.Context, a model.Actor, backendID string, s model.Selection) ([]model.TestRun, error) {
	if _, err := p.backend(ctx, a, SeeBackends, backendID); err != nil {
		return nil, err
	}
	return p.Store.Read().TestRuns(ctx, backendID, s)
}
