package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a real store on a SQLite file, in a bubble whose clock jumps.
type world struct {
	*store.Store
	t    *testing.T
	team *model.Team
	env  *model.Environment
	n    int
}

// inBubble runs a test in which no time is waited for.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), store.Options{
			DSN: storetest.SQLite(t), Logger: slog.New(slog.DiscardHandler),
		})
		must(t, err)
		w := &world{Store: s, t: t, team: &model.Team{Name: "t"}, env: &model.Environment{Name: "e"}}
		must(t, s.InTx(t.Context(), func(q *store.Queries) error {
			must(t, q.InsertTeam(t.Context(), w.team))
			return q.UpsertEnvironment(t.Context(), w.env)
		}))
		test(t, w)
		must(t, s.Close())
	})
}

// queue queues a job of a backend of its own.
func (w *world) queue() string {
	w.t.Helper()
	ctx := w.t.Context()
	w.n++
	b := &model.Backend{TeamID: w.team.ID, EnvironmentID: w.env.ID, Name: fmt.Sprintf("app-%d", w.n), Phase: model.PhaseRegistered}
	j := &model.Job{TeamID: w.team.ID, Operation: model.OpProvision}
	must(w.t, w.InTx(ctx, func(q *store.Queries) error {
		must(w.t, q.InsertBackend(ctx, b))
		j.BackendID = b.ID
		return q.InsertJob(ctx, j)
	}))
	return j.ID
}

func (w *world) job(id string) *model.Job {
	w.t.Helper()
	j, err := w.Read().JobByID(context.Background(), id)
	must(w.t, err)
	return j
}

// wantState waits, on the bubble's clock, until the job is in the state.
func (w *world) wantState(id string, want model.JobState) *model.Job {
	w.t.Helper()
	deadline := time.Now().Add(time.Hour)
	for {
		j := w.job(id)
		if j.State == want {
			return j
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the job is %s after an hour, want %s", j.State, want)
		}
		time.Sleep(time.Second)
	}
}

// running is a worker that runs until it is stopped.
type running struct {
	*jobs.Worker
	stop func() // and waits until Run has returned
}

func (w *world) start(s jobs.Store, o jobs.Options, h jobs.Handler) *running {
	w.t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	if o.Handlers == nil {
		o.Handlers = map[model.Operation]jobs.Handler{model.OpProvision: h}
	}
	worker := jobs.New(s, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- worker.Run(ctx) }()
	stopped := false
	r := &running{Worker: worker, stop: func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		must(w.t, <-done)
	}}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
