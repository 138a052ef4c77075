package panel_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/internal/events"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestCosts follows the smallest chain in Tokyo, which is $28.44 a month, from
// the plan to what ending it saved.
func TestCosts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	cost := func() *panel.TeamCost {
		t.Helper()
		c, err := b.panel.TeamCost(ctx, viewer, "team_own")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	back := b.register("orders")
	plan, err := b.panel.Plan(ctx, viewer, back.ID, model.OpProvision)
	if err != nil || plan.Cost == nil || plan.Cost.Monthly.String() != "$28.44" || plan.Cost.Region != "ap-northeast-1" || len(plan.Findings) != 0 {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	if c := cost(); c.Monthly != 0 || c.Backends != 0 {
		t.Errorf("registered only: %+v", c)
	}
	job, err := b.panel.Provision(ctx, developer, back.ID)
	if err != nil || job.Plan.Cost == nil {
		t.Fatalf("%+v, %v", job, err)
	}
	if c := cost(); c.Monthly != plan.Cost.Monthly || c.Backends != 1 {
		t.Errorf("queued: %+v", c)
	}
	if c, err := b.panel.TeamCost(ctx, foreigner, "team_foreign"); err != nil || c.Monthly != 0 {
		t.Errorf("another team: %+v, %v", c, err)
	}
	envs, err := b.panel.EnvironmentCosts(ctx, admin)
	if err != nil || len(envs) != 1 || envs[0].Monthly != plan.Cost.Monthly {
		t.Errorf("environments %+v, %v", envs, err)
	}
	if _, err := b.panel.EnvironmentCosts(ctx, owner); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("an owner asks for all teams' costs: %v", err)
	}
	b.end(model.JobSucceeded)
	if _, err := b.panel.Destroy(ctx, owner, back.ID); err != nil {
		t.Fatal(err)
	}
	b.end(model.JobSucceeded)
	if c := cost(); c.Monthly != 0 || c.Savings.Ended != 1 || c.Savings.EndedMonthly != plan.Cost.Monthly || c.Savings.EndedSaved != 0 {
		t.Errorf("destroyed: %+v", c)
	}
}

// TestCosts_doorkeeping: a foreign team's costs are as absent as an absent one's.
func TestCosts_doorkeeping(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, id := range []string{"team_own", "team_absent"} {
		if _, err := b.panel.TeamCost(t.Context(), foreigner, id); model.CodeOf(err) != model.CodeNotFound {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := b.panel.SpecCost(t.Context(), nobody, "env_1", model.Spec{}); model.CodeOf(err) != model.CodeUnauthorized {
		t.Errorf("nobody: %v", err)
	}
	if _, err := b.panel.SpecCost(t.Context(), viewer, "env_absent", model.Spec{}); model.CodeOf(err) != model.CodeNotFound {
		t.Errorf("absent environment: %v", err)
	}
	if _, err := b.panel.PricesIn(nobody, "us-east-1"); model.CodeOf(err) != model.CodeUnauthorized {
		t.Errorf("nobody: %v", err)
	}
}

func TestCosts_ofAnUnknownTypeAreSaidToBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := launch("odd")
	r.Spec.Launch = &model.Launch{InstanceType: "z9.huge", Count: 2}
	back, err := b.panel.RegisterBackend(t.Context(), developer, r)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := b.panel.Plan(t.Context(), viewer, back.ID, model.OpProvision)
	if err != nil || len(plan.Findings) != 1 || plan.Findings[0].Severity != model.SeverityInfo || !strings.Contains(plan.Findings[0].Message, "instance/z9.huge in ap-northeast-1") {
		t.Fatalf("%+v, %v", plan, err)
	}
	if _, err := b.panel.Provision(t.Context(), developer, back.ID); err != nil {
		t.Errorf("a remark stands in the way: %v", err)
	}
	c, err := b.panel.TeamCost(t.Context(), viewer, "team_own")
	if err != nil || c.Incomplete != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	b := limited(t, model.Quota{MonthlyUSD: 50 * model.Dollar})
	ctx := t.Context()
	first, second := b.register("one"), b.register("two")
	if _, err := b.panel.Provision(ctx, developer, first.ID); err != nil {
		t.Fatal(err)
	}
	plan, err := b.panel.Plan(ctx, developer, second.ID, model.OpProvision)
	if err != nil || len(plan.Findings) != 1 || plan.Findings[0].Severity != model.SeverityError || plan.Findings[0].Field != "spec.launch.instance_type" {
		t.Fatalf("plan %+v, %v", plan, err)
	}
	if _, err := b.panel.Provision(ctx, developer, second.ID); !refusedFor(err, "spec.launch.instance_type", "has spent $28.44 of its budget of $50.00 a month", "this costs $28.44 more", "ask an admin") {
		t.Errorf("over the budget: %v", err)
	}
	batch := batchOf("three")
	batch.Provision = true
	if _, err := b.panel.RegisterBatch(ctx, developer, batch); !refusedFor(err, "spec.launch.instance_type", "budget") {
		t.Errorf("a batch over the budget: %v", err)
	}
	more := 100 * model.Dollar
	q, err := b.panel.SetQuota(ctx, admin, "team_own", model.QuotaLimits{MonthlyUSD: &more})
	if err != nil || q.Allowed.MonthlyUSD != more || *q.Own.MonthlyUSD != more || q.Used.MonthlyUSD.String() != "$28.44" {
		t.Fatalf("%+v, %v", q, err)
	}
	if _, err := b.panel.Provision(ctx, developer, second.ID); err != nil {
		t.Errorf("within the team's own budget: %v", err)
	}
	for _, bad := range []model.USD{-1, (model.MaxQuota + 1) * model.Dollar} {
		if _, err := b.panel.SetQuota(ctx, admin, "team_own", model.QuotaLimits{MonthlyUSD: &bad}); !refusedFor(err, "monthly_usd", "Give a number of dollars") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// clocked is a bench within a bubble of synctest: its clock is the test's, from
// 2000-01-01, a Saturday. The caller closes its store.
func clocked(t *testing.T, dsn string) *bench {
	t.Helper()
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	err = st.InTx(ctx, func(q *store.Queries) error {
		return errors.Join(q.InsertTeam(ctx, &model.Team{ID: "team_own", Name: "own", CreatedAt: time.Now()}),
			q.UpsertEnvironment(ctx, &model.Environment{ID: "env_1", Name: "test", Region: "ap-northeast-1"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{}
	return &bench{t, panel.New(panel.Deps{Store: st, Cloud: c, Worker: idle{}, Hub: events.NewHub(), Probe: probe.New(probe.Options{}),
		Logger: slog.New(slog.DiscardHandler)}), st, c}
}

// TestSavings_growWithTheTime: three days after its end a chain of $28.435 a
// month has saved 72 of 730 hours of it; after 30 days it is not counted.
func TestSavings_growWithTheTime(t *testing.T) {
	dsn := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := clocked(t, dsn)
		defer b.store.Close()
		back := b.register("orders")
		for _, start := range []func() (*model.Job, error){
			func() (*model.Job, error) { return b.panel.Provision(ctx, developer, back.ID) },
			func() (*model.Job, error) { return b.panel.Destroy(ctx, owner, back.ID) },
		} {
			if _, err := start(); err != nil {
				t.Fatal(err)
			}
			b.end(model.JobSucceeded)
		}
		time.Sleep(72 * time.Hour)
		c, err := b.panel.TeamCost(ctx, viewer, "team_own")
		if err != nil || c.Savings.EndedSaved.String() != "$2.80" || c.Savings.Ended != 1 {
			t.Errorf("after three days %+v, %v", c, err)
		}
		time.Sleep(28 * 24 * time.Hour)
		if c, err = b.panel.TeamCost(ctx, viewer, "team_own"); err != nil || c.Savings.Ended != 0 || c.Savings.EndedSaved != 0 {
			t.Errorf("after a month %+v, %v", c, err)
		}
	})
}
