package store_test

import (
	"sync"
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
	dsn := storetest.Postgres(t)
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

// TestLeaseClock: replicas share the database's clock, so one whose own clock
// is wrong takes nobody's job; a SQLite file has one process and its clock.
func TestLeaseClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dsn    func(t *testing.T) string
		future bool // whether the process's clock ends leases
	}{
		"sqlite":   {func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/drawbridge.db" }, true},
		"postgres": {func(t *testing.T) string { return storetest.Postgres(t) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, ahead := t.Context(), time.Duration(0)
			s := opened(t, store.Options{DSN: c.dsn(t), Now: func() time.Time { return time.Now().Add(ahead) }})
			err := s.InTx(ctx, func(q *store.Queries) error {
				team, env := &model.Team{Name: "t"}, &model.Environment{Name: "e"}
				if err := q.InsertTeam(ctx, team); err != nil {
					return err
				}
				if err := q.UpsertEnvironment(ctx, env); err != nil {
					return err
				}
				b := &model.Backend{TeamID: team.ID, EnvironmentID: env.ID, Name: "b", Phase: model.PhaseRegistered}
				if err := q.InsertBackend(ctx, b); err != nil {
					return err
				}
				return q.InsertJob(ctx, &model.Job{BackendID: b.ID, TeamID: team.ID, Operation: model.OpProvision})
			})
			if err != nil {
				t.Fatal(err)
			}
			if j, err := s.ClaimJob(ctx, "a", time.Minute); err != nil || j == nil {
				t.Fatalf("claimed %v, %v", j, err)
			}
			ahead = time.Hour
			j, err := s.ClaimJob(ctx, "b", time.Minute)
			if err != nil || (j != nil) != c.future {
				t.Fatalf("an hour ahead it claimed %v, %v", j, err)
			}
		})
	}
}
