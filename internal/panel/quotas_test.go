package panel_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"drawbridge/internal/events"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// limited is a bench whose teams may have that much.
func limited(t *testing.T, q model.Quota) *bench {
	t.Helper()
	b := newBench(t)
	b.panel.Limits = q
	return b
}

// refusedFor tells whether the error is about that field and says all of the texts.
func refusedFor(err error, field string, texts ...string) bool {
	var e *model.Error
	if !errors.As(err, &e) || e.Code != model.CodeInvalid || len(e.Fields) != 1 || e.Fields[0].Path != field {
		return false
	}
	for _, text := range texts {
		if !strings.Contains(e.Fields[0].Message, text) {
			return false
		}
	}
	return true
}

func TestQuota_ofBackends(t *testing.T) {
	t.Parallel()
	b := limited(t, model.Quota{Backends: 2})
	first := b.register("one")
	b.register("two")
	_, err := b.panel.RegisterBackend(t.Context(), developer, launch("three"))
	if !refusedFor(err, "team_id", "The team own has 2 of the 2 backends that it may have", "until it is destroyed", "ask an admin") {
		t.Fatalf("a third: %v", err)
	}
	if _, err := b.panel.RegisterBackend(t.Context(), foreigner, launch("theirs")); err != nil {
		t.Errorf("another team: %v", err)
	}
	if _, err := b.panel.RegisterBatch(t.Context(), developer, batchOf("three", "four")); !refusedFor(err, "team_id", "this needs 2 more") {
		t.Errorf("a batch: %v", err)
	}
	if _, err := b.panel.Destroy(t.Context(), owner, first.ID); err != nil {
		t.Fatal(err)
	}
	b.end(model.JobSucceeded)
	b.register("three") // the destroyed one does not count
}

func TestQuota_ofInstances(t *testing.T) {
	t.Parallel()
	b := limited(t, model.Quota{Instances: 3})
	two := launch("two")
	two.Spec.Launch = &model.Launch{Count: 2}
	first, err := b.panel.RegisterBackend(t.Context(), developer, two)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.panel.Provision(t.Context(), developer, first.ID); err != nil {
		t.Fatal(err)
	}
	two.Name = "more"
	second, err := b.panel.RegisterBackend(t.Context(), developer, two) // it launches nothing yet
	if err != nil {
		t.Fatal(err)
	}
	plan, err := b.panel.Plan(t.Context(), developer, second.ID, model.OpProvision)
	if err != nil || len(plan.Findings) != 1 || plan.Findings[0].Severity != model.SeverityError || plan.Findings[0].Field != "spec.launch.count" {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	if _, err := b.panel.Provision(t.Context(), developer, second.ID); !refusedFor(err, "spec.launch.count", "The team own has 2 of the 3 instances", "this needs 2 more") {
		t.Errorf("provision: %v", err)
	}
	b.end(model.JobFailed)
	failed, err := b.panel.Backend(t.Context(), viewer, first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.panel.RetryJob(t.Context(), developer, failed.Jobs[0].ID); err != nil {
		t.Errorf("what counts already may go on: %v", err)
	}
	existing := panel.Registration{Name: "old", Spec: model.Spec{Source: model.SourceInstances, Port: 80, Instances: &model.Instances{IDs: []string{"i-0a1b2c3d4e5f67890"}}}}
	referring, err := b.panel.RegisterBackend(t.Context(), developer, existing)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.panel.Provision(t.Context(), developer, referring.ID); err != nil {
		t.Errorf("existing instances count: %v", err)
	}
}

func TestSetQuota(t *testing.T) {
	t.Parallel()
	b := limited(t, model.Quota{Backends: 1, Instances: 5})
	b.register("one")
	n, zero, bad := 7, 0, -1
	q, err := b.panel.Quota(t.Context(), viewer, "team_own")
	if err != nil || q.Used != (model.Quota{Backends: 1}) || q.Allowed != (model.Quota{Backends: 1, Instances: 5}) || q.Own.Backends != nil {
		t.Fatalf("%+v, %v", q, err)
	}
	if q, err = b.panel.SetQuota(t.Context(), admin, "team_own", model.QuotaLimits{Backends: &n}); err != nil || q.Allowed != (model.Quota{Backends: 7, Instances: 5}) || *q.Own.Backends != 7 {
		t.Fatalf("%+v, %v", q, err)
	}
	b.register("two")
	if q, err = b.panel.SetQuota(t.Context(), admin, "team_own", model.QuotaLimits{Instances: &zero}); err != nil || q.Allowed != (model.Quota{Backends: 1}) {
		t.Fatalf("%+v, %v", q, err)
	}
	if _, err := b.panel.SetQuota(t.Context(), admin, "team_own", model.QuotaLimits{Backends: &bad}); !refusedFor(err, "backends", "0 (no limit)") {
		t.Errorf("-1: %v", err)
	}
	for who, c := range map[string]struct {
		actor model.Actor
		team  string
		code  model.Code
	}{
		"owner":                  {owner, "team_own", model.CodeForbidden},
		"foreigner":              {foreigner, "team_own", model.CodeNotFound},
		"nobody":                 {nobody, "team_own", model.CodeNotFound},
		"admin, of no such team": {admin, "team_x", model.CodeNotFound},
	} {
		if _, err := b.panel.SetQuota(t.Context(), c.actor, c.team, model.QuotaLimits{}); model.CodeOf(err) != c.code {
			t.Errorf("%s: %v", who, err)
		}
	}
	for who, a := range map[string]model.Actor{"foreigner": foreigner, "nobody": nobody} {
		if _, err := b.panel.Quota(t.Context(), a, "team_own"); model.CodeOf(err) != model.CodeNotFound {
			t.Errorf("%s reads: %v", who, err)
		}
	}
}

// TestQuota_twoAtOnce: what is left is given away once, by one process and by
// two replicas.
func TestQuota_twoAtOnce(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func() string{
		"sqlite":   func() string { return storetest.SQLite(t) },
		"postgres": func() string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			panels := replicas(t, dsn())
			var made, refused atomic.Int64
			race := func(n int, field string, call func(p *panel.Panel, i int) error) {
				made.Store(0)
				refused.Store(0)
				var wg sync.WaitGroup
				for i := range n {
					wg.Go(func() {
						switch err := call(panels[i%2], i); {
						case err == nil:
							made.Add(1)
						case refusedFor(err, field):
							refused.Add(1)
						default:
							t.Error(err)
						}
					})
				}
				wg.Wait()
			}
			ids := make([]string, 8)
			race(8, "team_id", func(p *panel.Panel, i int) error {
				b, err := p.RegisterBackend(t.Context(), developer, launch(fmt.Sprintf("app-%d", i)))
				if err == nil {
					ids[i] = b.ID
				}
				return err
			})
			if made.Load() != 5 || refused.Load() != 3 {
				t.Errorf("%d were registered and %d refused, want 5 and 3", made.Load(), refused.Load())
			}
			var registered []string
			for _, id := range ids {
				if id != "" {
					registered = append(registered, id)
				}
			}
			race(len(registered), "spec.launch.count", func(p *panel.Panel, i int) error {
				_, err := p.Provision(t.Context(), developer, registered[i])
				return err
			})
			if made.Load() != 2 || refused.Load() != 3 {
				t.Errorf("%d were provisioned and %d refused, want 2 and 3", made.Load(), refused.Load())
			}
		})
	}
}

// replicas are two panels on one database: two processes on PostgreSQL, two
// requests of one on SQLite. A team may have 5 backends and 2 instances.
func replicas(t *testing.T, dsn string) []*panel.Panel {
	t.Helper()
	ctx := t.Context()
	var panels []*panel.Panel
	for i := range 2 {
		if i == 1 && strings.HasPrefix(dsn, "sqlite:") {
			return append(panels, panels[0])
		}
		st, err := store.Open(ctx, store.Options{DSN: dsn, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		if i == 0 {
			err := st.InTx(ctx, func(q *store.Queries) error {
				return errors.Join(q.InsertTeam(ctx, &model.Team{ID: "team_own", Name: "own"}),
					q.UpsertEnvironment(ctx, &model.Environment{ID: "env_1", Name: "test", Region: "ap-northeast-1"}))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		panels = append(panels, panel.New(panel.Deps{
			Store: st, Cloud: &cloud{}, Worker: idle{}, Hub: events.NewHub(), Probe: probe.New(probe.Options{}),
			Logger: slog.New(slog.DiscardHandler), Limits: model.Quota{Backends: 5, Instances: 2},
		}))
	}
	return panels
}

// TestQuota_near: the team hears of a limit that is nearly used up once each
// time it comes there, and of nothing that was refused.
func TestQuota_near(t *testing.T) {
	t.Parallel()
	b := limited(t, model.Quota{Backends: 2, Sandboxes: 1})
	told := func() (titles []string) {
		t.Helper()
		list, err := b.panel.Notices(t.Context(), viewer, panel.NoticeFilter{Type: "quota", OldestFirst: true, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			titles = append(titles, n.Title)
		}
		return titles
	}
	b.register("one")
	if got := told(); len(got) != 0 {
		t.Errorf("half of it: %q", got)
	}
	second := b.register("two")
	if _, err := b.panel.RegisterBackend(t.Context(), developer, launch("three")); err == nil {
		t.Error("a third was registered")
	}
	if got := told(); !slices.Equal(got, []string{"The team own has 2 of 2 backends"}) {
		t.Errorf("all of it: %q", got)
	}
	if _, err := b.panel.Destroy(t.Context(), owner, second.ID); err != nil {
		t.Fatal(err)
	}
	b.end(model.JobSucceeded)
	b.sandbox(panel.SandboxRequest{Key: "pr-1"})
	if got := told(); len(got) != 2 || got[1] != "The team own has 2 of 2 backends, 1 of 1 sandboxes" {
		t.Errorf("once more: %q", got)
	}
}
