package storetest

import (
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// office are office hours.
func office() *model.Schedule {
	return &model.Schedule{TimeZone: "UTC", Days: []string{"mon"}, Wake: "09:00", Sleep: "19:00"}
}

// does runs a job of the operation to its end.
func (w *world) does(b *model.Backend, op model.Operation) *model.Job {
	w.t.Helper()
	w.job(b, op)
	j := w.claim("a", time.Minute)
	must(w.t, w.FinishJob(w.t.Context(), j.Lease(), model.Outcome{State: model.JobSucceeded}))
	done, now := w.now(j.ID)
	*b = *now
	return done
}

// changed saves the backend as f changes it.
func (w *world) changed(b *model.Backend, f func(b *model.Backend)) {
	w.t.Helper()
	w.tx(func(q *store.Queries) error {
		now, err := q.BackendForUpdate(w.t.Context(), b.ID)
		if err != nil {
			return err
		}
		f(now)
		*b = *now
		return q.UpdateBackend(w.t.Context(), b)
	})
}

func testSpends(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	for _, name := range []string{"one", "two"} {
		w.changed(w.backend(name), func(b *model.Backend) { b.Phase = model.PhaseReady })
	}
	w.backend("registered")
	w.changed(w.backend("gone"), func(b *model.Backend) { b.Phase = model.PhaseDestroyed })
	w.changed(w.backend("nightly"), func(b *model.Backend) {
		b.Phase, b.Spec.Schedule, b.Spec.Launch.InstanceType, b.Spec.Launch.Count = model.PhaseReady, office(), "m5.large", 3
	})
	w.changed(w.backend("theirs"), func(b *model.Backend) {
		b.Phase = model.PhaseFailed
		b.Spec = model.Spec{Source: model.SourceInstances, Port: 80, Instances: &model.Instances{IDs: []string{"i-0a1b2c3d4e5f67890"}}}
	})
	for name, list := range map[string]func() ([]store.Spend, error){
		"team": func() ([]store.Spend, error) { return w.Read().TeamSpends(ctx, w.team.ID) },
		"all":  func() ([]store.Spend, error) { return w.Read().AllSpends(ctx) },
	} {
		spends, err := list()
		must(t, err)
		by := map[string]store.Spend{}
		for _, s := range spends {
			s.EnvironmentID, s.TeamID = "", ""
			by[string(s.Phase)+" "+s.InstanceType] = s
		}
		same(t, by, map[string]store.Spend{
			"ready t3.micro": {Region: "ap-northeast-1", Phase: model.PhaseReady, Source: model.SourceLaunch, InstanceType: "t3.micro", Instances: 1, Backends: 2},
			"ready m5.large": {Region: "ap-northeast-1", Phase: model.PhaseReady, Source: model.SourceLaunch, InstanceType: "m5.large", Instances: 3, Backends: 1, Schedule: office()},
			"failed ":        {Region: "ap-northeast-1", Phase: model.PhaseFailed, Source: model.SourceInstances, Backends: 1},
		})
		if name == "team" {
			none, err := w.Read().TeamSpends(ctx, "team_x")
			must(t, err)
			same(t, none, []store.Spend{})
		}
	}
}

func testEndings(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("one")
	w.does(b, model.OpProvision)
	since := w.Now().Add(-time.Hour)
	none, err := w.Read().Endings(ctx, w.team.ID, since)
	must(t, err)
	same(t, len(none), 0)
	j := w.does(b, model.OpDestroy)
	w.does(w.backend("never made"), model.OpDestroy)
	list, err := w.Read().Endings(ctx, w.team.ID, since)
	must(t, err)
	same(t, list, []store.Ending{{Region: "ap-northeast-1", Spec: b.Spec, At: j.FinishedAt}})
	later, err := w.Read().Endings(ctx, w.team.ID, j.FinishedAt.Add(time.Millisecond))
	must(t, err)
	same(t, len(later), 0)
}

func testNaps(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("one")
	w.does(b, model.OpProvision)
	since := w.Now().Add(-time.Hour)
	none, err := w.Read().Naps(ctx, w.team.ID, since)
	must(t, err)
	same(t, len(none), 0)
	w.does(b, model.OpSleep)
	w.does(b, model.OpWake)
	list, err := w.Read().Naps(ctx, w.team.ID, since)
	must(t, err)
	var did []model.Operation
	for _, n := range list {
		did = append(did, n.Operation)
		if n.BackendID != b.ID || n.InstanceType != "t3.micro" || n.Instances != 1 || n.Region != "ap-northeast-1" || n.Ended.IsZero() {
			t.Errorf("%+v", n)
		}
	}
	same(t, did, []model.Operation{model.OpProvision, model.OpSleep, model.OpWake})
	w.changed(b, func(b *model.Backend) { b.Phase = model.PhaseAsleep })
	list, err = w.Read().Naps(ctx, w.team.ID, w.Now().Add(time.Hour))
	must(t, err)
	same(t, list, []store.Nap{{BackendID: b.ID, Region: "ap-northeast-1", InstanceType: "t3.micro", Instances: 1, Phase: model.PhaseAsleep}})
}

func testSchedules(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("nightly")
	w.backend("always")
	fresh := func(want ...string) {
		t.Helper()
		ids, err := w.Read().NewSchedules(ctx, 10)
		must(t, err)
		same(t, ids, append([]string{}, want...))
	}
	fresh()
	w.changed(b, func(b *model.Backend) { b.Spec.Schedule = office() })
	fresh(b.ID)
	p := b.Spec.Schedule.Plan(b, at(0))
	w.tx(func(q *store.Queries) error { return q.SaveSchedule(ctx, p) })
	fresh()
	got, err := w.Read().ScheduleOf(ctx, b.ID)
	must(t, err)
	same(t, got, p)
	w.changed(b, func(b *model.Backend) { b.SpecVersion++ })
	fresh(b.ID)
	due := func(now time.Time) int {
		t.Helper()
		ids, err := w.Read().DueSchedules(ctx, now, 10)
		must(t, err)
		return len(ids)
	}
	if due(p.At.Add(-time.Millisecond)) != 0 || due(p.At) != 1 {
		t.Errorf("due before %s or not at it", p.At)
	}
	p.SpecVersion, p.LookAt = 2, p.At.Add(time.Minute)
	w.tx(func(q *store.Queries) error { return q.SaveSchedule(ctx, p) })
	if due(p.At) != 0 || due(p.LookAt) != 1 {
		t.Errorf("it is not left alone until %s", p.LookAt)
	}
	w.changed(b, func(b *model.Backend) { b.Phase, b.SpecVersion = model.PhaseDestroyed, 3 })
	fresh()
	w.tx(func(q *store.Queries) error { return q.DropSchedule(ctx, b.ID) })
	if got, err = w.Read().ScheduleOf(ctx, b.ID); got != nil || err != nil {
		t.Errorf("dropped: %+v, %v", got, err)
	}
}

func testBudgets(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	n, budget := 3, 250*model.Dollar+500_000
	for _, l := range []model.QuotaLimits{{}, {MonthlyUSD: &budget}, {Backends: &n, MonthlyUSD: &budget}, {Backends: &n}} {
		w.tx(func(q *store.Queries) error { return q.SetQuotaLimits(ctx, w.team.ID, l) })
		got, err := w.Read().QuotaLimits(ctx, w.team.ID)
		must(t, err)
		same(t, got, l)
	}
}
