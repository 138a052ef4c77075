package panel

import (
	"log/slog"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestFollow_aReplicaThatComesLate, with a list from before another one acted,
// does nothing: what a person has said meanwhile holds.
func TestFollow_aReplicaThatComesLate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	st, err := store.Open(ctx, store.Options{DSN: storetest.SQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	b := newBackend("team_1", "orders", model.Spec{Port: 8000, Schedule: &model.Schedule{TimeZone: "UTC", Days: model.Weekdays, Wake: "00:00", Sleep: "00:01"}}, time.Now())
	b.EnvironmentID, b.Phase = "env_1", model.PhaseReady // woken by a person: by its schedule it would sleep
	p := New(Deps{Store: st, Logger: slog.New(slog.DiscardHandler)})
	err = st.InTx(ctx, func(q *store.Queries) error {
		for _, insert := range []error{
			q.InsertTeam(ctx, &model.Team{ID: "team_1", Name: "one"}), q.UpsertEnvironment(ctx, &model.Environment{ID: "env_1", Name: "test", Region: "us-east-1"}),
			q.InsertBackend(ctx, b), q.SaveSchedule(ctx, b.Spec.Schedule.Plan(b, st.Now())),
		} {
			if insert != nil {
				return insert
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	queued, err := p.follow(ctx, b.ID)
	if queued || err != nil {
		t.Errorf("queued %t, %v", queued, err)
	}
	if jobs, err := st.Read().JobsByBackend(ctx, b.ID, 1); len(jobs) != 0 || err != nil {
		t.Errorf("jobs %+v, %v", jobs, err)
	}
}
