package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestReplicasMigrateOnce: replicas that start together on an empty database
// all come up, with one installation id.
func TestReplicasMigrateOnce(t *testing.T) {
	t.Parallel()
	dsn := storetest.EmptyPostgres(t)
	var wg sync.WaitGroup
	ids := make([]string, 4)
	start := make(chan struct{})
	for i := range ids {
		wg.Go(func() {
			<-start
			s, err := open(t, store.Options{DSN: dsn})
			if err != nil {
				t.Error(err)
				return
			}
			if ids[i], err = s.InstallID(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("installation ids %v", ids)
		}
	}
}

// TestCommitsOutliveTheDatabase: the cluster of these tests is set up to lose
// its newest commits when it crashes, as some are that people run. A commit of
// ours must not be lost: what it says was sent to AWS right after.
func TestCommitsOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	s := opened(t, store.Options{DSN: storetest.Postgres(t)})
	if got := store.Setting(t, s, "synchronous_commit"); got != "on" {
		t.Errorf("synchronous_commit is %s", got)
	}
}

// TestSharedClock: processes whose clocks differ write, and compare, the same
// times, and time goes on between two looks at the database's clock.
func TestSharedClock(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	var stores []*store.Store
	var passed atomic.Int64
	for _, skew := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
		stores = append(stores, opened(t, store.Options{DSN: dsn, Now: func() time.Time {
			return time.Now().Add(skew + time.Duration(passed.Load()))
		}}))
	}
	for _, ahead := range []time.Duration{0, time.Hour} {
		passed.Store(int64(ahead))
		for i, s := range stores {
			if off := s.Now().Sub(time.Now().Add(ahead)).Abs(); off > 5*time.Second {
				t.Errorf("store %d is off by %s after %s", i, off, ahead)
			}
		}
	}
}

// TestNoticesOfOthers: a process hears of what others committed, not of what
// they rolled back nor of its own, and again after its connection was lost.
func TestNoticesOfOthers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	dsn := storetest.Postgres(t)
	a, b := opened(t, store.Options{DSN: dsn}), opened(t, store.Options{DSN: dsn})
	heard, ended := make(chan store.Notice, 100), make(chan error, 1)
	go func() { ended <- b.Listen(ctx, func(n store.Notice) { heard <- n }) }()
	want := func(all ...store.Notice) {
		t.Helper()
		for range all {
			n := <-heard
			if !slices.Contains(all, n) {
				t.Fatalf("heard %v, want one of %v", n, all)
			}
		}
	}
	want(store.Notice{Kind: store.NoticeMissed})

	backend, job := queueJob(t, a)
	want(store.Notice{Kind: store.NoticeQueued})
	rolledBack := errors.New("no")
	event := func(s *store.Store, result error) {
		t.Helper()
		err := s.InTx(ctx, func(q *store.Queries) error {
			return errors.Join(q.AppendEvent(ctx, &model.Event{BackendID: backend, Type: model.EventBackend, Data: []byte("{}")}), result)
		})
		if !errors.Is(err, result) {
			t.Fatal(err)
		}
	}
	event(a, rolledBack)
	event(b, nil) // its own
	if _, err := b.ClaimJob(ctx, "b", time.Minute); err != nil {
		t.Fatal(err)
	}
	cancelJob := func() {
		t.Helper()
		if err := a.InTx(ctx, func(q *store.Queries) error { return q.RequestCancel(ctx, job) }); err != nil {
			t.Fatal(err)
		}
	}
	cancelJob()
	want(store.Notice{Kind: store.NoticeCancel, ID: job}, store.Notice{Kind: store.NoticeEvents, ID: backend})
	if err := a.InTx(ctx, func(q *store.Queries) error { return q.DeleteUserSessions(ctx, "usr_1", "") }); err != nil {
		t.Fatal(err)
	}
	want(store.Notice{Kind: store.NoticeAccess})

	if err := storetest.Execute(ctx, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN drawbridge' AND datname = current_database()`); err != nil {
		t.Fatal(err)
	}
	want(store.Notice{Kind: store.NoticeMissed})
	event(a, nil)
	want(store.Notice{Kind: store.NoticeEvents, ID: backend})
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// queueJob saves a job of a backend of its own, and returns both ids.
func queueJob(t *testing.T, s *store.Store) (backend, job string) {
	t.Helper()
	ctx := t.Context()
	team, env := &model.Team{Name: "t"}, &model.Environment{Name: "e"}
	b := &model.Backend{Name: "b", Phase: model.PhaseRegistered}
	j := &model.Job{Operation: model.OpProvision}
	err := s.InTx(ctx, func(q *store.Queries) error {
		if err := errors.Join(q.InsertTeam(ctx, team), q.UpsertEnvironment(ctx, env)); err != nil {
			return err
		}
		b.TeamID, b.EnvironmentID = team.ID, env.ID
		if err := q.InsertBackend(ctx, b); err != nil {
			return err
		}
		j.BackendID, j.TeamID = b.ID, team.ID
		return q.InsertJob(ctx, j)
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.ID, j.ID
}

// TestLeaseClock: replicas share the database's clock, so one whose own clock
// is wrong takes nobody's job; a SQLite file has one process and its clock.
func TestLeaseClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dsn    func(t *testing.T) string
		future bool // whether the process's clock ends leases
	}{
		"sqlite":   {func(t *testing.T) string { return storetest.SQLite(t) }, true},
		"postgres": {func(t *testing.T) string { return storetest.Postgres(t) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, ahead := t.Context(), time.Duration(0)
			s := opened(t, store.Options{DSN: c.dsn(t), Now: func() time.Time { return time.Now().Add(ahead) }})
			queueJob(t, s)
			if j, err := s.ClaimJob(ctx, "a", time.Minute); err != nil || j == nil {
				t.Fatalf("claimed %v, %v", j, err)
			}
			ahead = time.Hour
			j, err := s.ClaimJob(ctx, "b", time.Minute)
			if err != nil || (j != nil) != c.future {
				t.Fatalf("an hour ahead it claimed %v, %v", j, err)
			}
			// The claim has read the database's clock, so what is written now
			// carries its time, not the process's.
			if off := time.Until(s.Now()); (off > time.Minute) != c.future {
				t.Fatalf("an hour ahead the store's clock is %s ahead", off)
			}
		})
	}
}
