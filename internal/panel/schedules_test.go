package panel_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // the tests mean the same on a machine without zones

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// scheduled is a bench with a backend that is awake from 9 to 19 o'clock in
// Tokyo on working days, made and up. The bubble's time begins on a Saturday
// at 9 o'clock there.
type scheduled struct {
	*bench
	id string
}

func newScheduled(t *testing.T, dsn string) *scheduled {
	t.Helper()
	b := clocked(t, dsn)
	r := launch("orders")
	r.Spec.Schedule = &model.Schedule{TimeZone: "Asia/Tokyo", Wake: "09:00", Sleep: "19:00"}
	back, err := b.panel.RegisterBackend(t.Context(), developer, r)
	if err != nil {
		t.Fatal(err)
	}
	s := &scheduled{b, back.ID}
	s.does("registered", "")
	if _, err := b.panel.Provision(t.Context(), developer, back.ID); err != nil {
		t.Fatal(err)
	}
	s.end(model.JobSucceeded)
	return s
}

// to lets the time pass until then, by the clocks of Tokyo.
func (s *scheduled) to(clock string) {
	s.t.Helper()
	loc, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		s.t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", clock, loc)
	if err != nil || time.Until(at) < 0 {
		s.t.Fatalf("%s is not ahead: %v", clock, err)
	}
	time.Sleep(time.Until(at))
}

// does demands that looking at the schedules queues a job of that operation,
// "" for none, and ends it.
func (s *scheduled) does(what string, op model.Operation) {
	s.t.Helper()
	want := 1
	if op == "" {
		want = 0
	}
	n, err := s.panel.FollowSchedules(s.t.Context())
	if err != nil || n != want {
		s.t.Fatalf("%s, at %s: %d jobs, %v; want %d", what, time.Now().UTC(), n, err, want)
	}
	if op == "" {
		return
	}
	if job := s.end(model.JobSucceeded); job.Operation != op || job.Actor != model.System().Name {
		s.t.Fatalf("%s: %s by %q, want %s", what, job.Operation, job.Actor, op)
	}
}

func (s *scheduled) phase() model.Phase {
	s.t.Helper()
	d, err := s.panel.Backend(s.t.Context(), viewer, s.id)
	if err != nil {
		s.t.Fatal(err)
	}
	return d.Phase
}

// inBubble runs a test on a clock of its own.
func inBubble(t *testing.T, test func(t *testing.T, s *scheduled)) {
	t.Helper()
	dsn := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		s := newScheduled(t, dsn)
		defer s.store.Close()
		test(t, s)
	})
}

func TestSchedule_aWeek(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scheduled) {
		s.does("made on a Saturday", "")
		s.to("2000-01-03 09:00:00")
		s.does("awake already", "")
		s.to("2000-01-03 18:59:59")
		s.does("a second early", "")
		s.to("2000-01-03 19:00:00")
		s.does("Monday evening", model.OpSleep)
		s.does("once", "")
		if s.phase() != model.PhaseAsleep {
			t.Fatalf("phase %s", s.phase())
		}
		s.to("2000-01-04 09:00:03")
		s.does("Tuesday morning", model.OpWake)
		s.to("2000-01-07 19:00:02")
		s.does("Friday evening, after days in which nobody looked", model.OpSleep)
		s.to("2000-01-08 12:00:00")
		s.does("Saturday", "")
		s.to("2000-01-10 09:00:00")
		s.does("Monday again", model.OpWake)

		rows, err := s.store.Read().AuditEntries(t.Context(), store.AuditQuery{Limit: 1})
		if err != nil || len(rows) != 1 || rows[0].Action != model.AuditBackendWake || rows[0].ActorName != model.System().Name {
			t.Errorf("audit %+v, %v", rows, err)
		}
		c, err := s.panel.TeamCost(t.Context(), viewer, "team_own")
		// Asleep from Monday 19:00 to Tuesday 9:00 and from Friday 19:00 to Monday 9:00: 14 h + 62 h of $0.0136.
		if err != nil || c.Savings.SleptHours < 75 || c.Savings.SleptHours > 76 || c.Savings.SleptSaved.String() != "$1.03" {
			t.Errorf("savings %+v, %v", c.Savings, err)
		}
		if c.Monthly.String() != "$21.46" { // 217 hours awake
			t.Errorf("monthly %s", c.Monthly)
		}
	})
}

// TestSchedule_aPersonsWordHolds until the next transition that says otherwise.
func TestSchedule_aPersonsWordHolds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scheduled) {
		ctx := t.Context()
		s.to("2000-01-03 12:00:00")
		s.does("noon", "")
		if _, err := s.panel.Sleep(ctx, developer, s.id); err != nil {
			t.Fatal(err)
		}
		s.end(model.JobSucceeded)
		s.to("2000-01-03 19:00:01")
		s.does("sent to sleep by hand: it sleeps on", "")
		s.to("2000-01-04 09:00:01")
		s.does("until it wakes", model.OpWake)
		s.to("2000-01-04 19:00:01")
		s.does("evening", model.OpSleep)
		if _, err := s.panel.Wake(ctx, developer, s.id); err != nil {
			t.Fatal(err)
		}
		s.end(model.JobSucceeded)
		s.to("2000-01-05 03:00:00")
		s.does("woken by hand at night: it stays awake", "")
		s.to("2000-01-05 09:00:01")
		s.does("is awake in the morning", "")
		s.to("2000-01-05 19:00:01")
		s.does("until it sleeps", model.OpSleep)
	})
}

// TestSchedule_waitsForTheJobThatHoldsIt, and does the newest of what was missed.
func TestSchedule_waitsForTheJobThatHoldsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scheduled) {
		s.does("takes note", "")
		s.to("2000-01-03 18:59:50")
		if _, err := s.panel.Provision(t.Context(), developer, s.id); err != nil {
			t.Fatal(err)
		}
		s.to("2000-01-03 19:00:00")
		s.does("a job holds it", "")
		s.to("2000-01-03 19:00:11")
		s.does("it still does", "")
		s.end(model.JobSucceeded)
		s.does("looks again a little later", "")
		s.to("2000-01-03 19:00:22")
		s.does("free", model.OpSleep)
		s.to("2000-01-06 12:00:00")
		s.does("of what was missed in three days only the newest counts", model.OpWake)
		s.does("and nothing comes after", "")
	})
}

func TestSchedule_failures(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scheduled) {
		s.does("takes note", "")
		s.to("2000-01-03 19:00:00")
		if n, err := s.panel.FollowSchedules(t.Context()); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		s.end(model.JobFailed)
		s.to("2000-01-03 20:00:00")
		s.does("a sleep that failed is a person's to look at", "")
		s.to("2000-01-04 09:00:01")
		s.does("but it wakes", model.OpWake)
		s.to("2000-01-04 10:00:00")
		if _, err := s.panel.Provision(t.Context(), developer, s.id); err != nil {
			t.Fatal(err)
		}
		s.end(model.JobFailed)
		s.to("2000-01-04 19:00:01")
		s.does("a chain that failed otherwise is left alone", "")
		if _, err := s.panel.Destroy(t.Context(), owner, s.id); err != nil {
			t.Fatal(err)
		}
		s.end(model.JobSucceeded)
		s.to("2000-01-05 09:00:01")
		s.does("destroyed", "")
		if row, err := s.store.Read().ScheduleOf(t.Context(), s.id); row != nil || err != nil {
			t.Errorf("its row is still there: %+v, %v", row, err)
		}
	})
}

// TestSchedule_aNewOneBeginsWithItsNextTransition: nothing happens at once, and
// one that was taken away does nothing more.
func TestSchedule_aNewOneBeginsWithItsNextTransition(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scheduled) {
		s.to("2000-01-03 12:00:00")
		change := func(x *model.Schedule) {
			t.Helper()
			err := s.store.InTx(t.Context(), func(q *store.Queries) error {
				b, err := q.BackendForUpdate(t.Context(), s.id)
				if err != nil {
					return err
				}
				b.Spec.Schedule, b.SpecVersion = x, b.SpecVersion+1
				return q.UpdateBackend(t.Context(), b)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		s.does("noon", "")
		change(&model.Schedule{TimeZone: "Asia/Tokyo", Days: model.Weekdays, Wake: "06:00", Sleep: "11:00"})
		s.does("past its end already", "")
		s.to("2000-01-03 19:00:01")
		s.does("the old one is gone", "")
		s.to("2000-01-04 11:00:01")
		s.does("its first evening", model.OpSleep)
		change(nil)
		s.to("2000-01-05 06:00:01")
		s.does("taken away", "")
		if row, err := s.store.Read().ScheduleOf(t.Context(), s.id); row != nil || err != nil {
			t.Errorf("its row is still there: %+v, %v", row, err)
		}
	})
}

// TestSchedule_replicas: of many that look at once one queues the job.
func TestSchedule_replicas(t *testing.T) {
	inBubble(t, func(t *testing.T, s *scheduled) {
		s.does("takes note", "")
		s.to("2000-01-03 19:00:00")
		var wg sync.WaitGroup
		var queued atomic.Int64
		for range 8 {
			other := panel.New(s.panel.Deps)
			wg.Go(func() {
				n, err := other.FollowSchedules(t.Context())
				if err != nil {
					t.Error(err)
				}
				queued.Add(int64(n))
			})
		}
		wg.Wait()
		if queued.Load() != 1 {
			t.Errorf("%d jobs were queued", queued.Load())
		}
	})
}

// TestSchedule_nobodyLooked between the registration and the first transition:
// that is not lost.
func TestSchedule_nobodyLooked(t *testing.T) {
	dsn := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		b := clocked(t, dsn)
		defer b.store.Close()
		r := launch("orders")
		r.Spec.Schedule = &model.Schedule{TimeZone: "Asia/Tokyo", Days: model.Weekdays, Wake: "06:00", Sleep: "10:00"}
		back, err := b.panel.RegisterBackend(t.Context(), developer, r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.panel.Provision(t.Context(), developer, back.ID); err != nil {
			t.Fatal(err)
		}
		b.end(model.JobSucceeded)
		s := &scheduled{b, back.ID}
		s.to("2000-01-01 10:00:01")
		s.does("the first look takes note", "")
		s.does("and the next one acts", model.OpSleep)
	})
}

func TestSchedule_isRefusedWhereItIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := launch("orders")
	r.Spec.Schedule = &model.Schedule{TimeZone: "Mars/Olympus", Wake: "9", Sleep: "19:00"}
	_, err := b.panel.RegisterBackend(t.Context(), developer, r)
	if err == nil || !strings.Contains(err.Error(), "spec.schedule.time_zone") || !strings.Contains(err.Error(), "spec.schedule.wake") {
		t.Error(err)
	}
}
