package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// onBoth runs the test on a fresh database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	for name, dsn := range map[string]func() string{
		"sqlite":   func() string { return storetest.SQLite(t) },
		"postgres": func() string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, dsn())
		})
	}
}

// audited makes n rows, one transaction each.
func audited(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		err := s.InTx(t.Context(), func(q *store.Queries) error { return q.Audit(t.Context(), change(i)) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func change(i int) model.Change {
	return model.Change{
		Actor:  model.Actor{ID: "usr_ada", Name: "ada", Admin: true},
		Action: model.AuditBackendRegister, Noun: "backend", ID: fmt.Sprintf("be_%d", i), Name: "orders", TeamID: fmt.Sprintf("team_%d", i%2),
		After: map[string]any{"b": 1, "a": "é\x00\xff", "n": i},
	}
}

func verify(t *testing.T, s *store.Store, anchors ...model.AuditHead) *model.AuditReport {
	t.Helper()
	r, err := s.VerifyAudit(t.Context(), anchors...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAuditRows(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		s := opened(t, store.Options{DSN: dsn})
		ctx := model.WithOrigin(t.Context(), model.Origin{IP: "192.0.2.1", UserAgent: strings.Repeat("é", 200) + "\x00", RequestID: "req_1"})
		boom := errors.New("boom")
		err := s.InTx(ctx, func(q *store.Queries) error { return errors.Join(q.Audit(ctx, change(0)), boom) })
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		err = s.InTx(ctx, func(q *store.Queries) error { return errors.Join(q.Audit(ctx, change(0)), q.Audit(ctx, change(1))) })
		if err != nil {
			t.Fatal(err)
		}
		rows, err := s.Read().AuditEntries(ctx, store.AuditQuery{Limit: 10})
		if err != nil || len(rows) != 2 || rows[0].Seq != 2 || rows[1].Seq != 1 || rows[0].Prev != rows[1].Hash || rows[1].Prev != "" {
			t.Fatalf("%+v, %v", rows, err)
		}
		r := rows[1]
		if r.ActorKind != "user" || r.IP != "192.0.2.1" || r.RequestID != "req_1" || len(r.UserAgent) != 256 || r.Outcome != model.AuditDone || r.Before != nil {
			t.Errorf("row %+v", r)
		}
		var after map[string]any
		if err := json.Unmarshal(r.After, &after); err != nil || after["a"] != "é\uFFFD\uFFFD" {
			t.Errorf("after %s, %v", r.After, err)
		}
		if report := verify(t, s); report.Fault != nil || report.Rows != 2 || report.Head.Seq != 2 || report.Head.Hash != rows[0].Hash {
			t.Errorf("report %+v %+v", report, report.Fault)
		}
		err = s.InTx(ctx, func(q *store.Queries) error { return q.Audit(ctx, model.Change{Action: "backend.steal"}) })
		if model.CodeOf(err) != model.CodeInternal {
			t.Errorf("an action that is not listed: %v", err)
		}
		if err := s.Read().Audit(ctx, change(0)); err == nil {
			t.Error("a row without a transaction")
		}
	})
}

func TestAuditQueries(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		s := opened(t, store.Options{DSN: dsn})
		audited(t, s, 6)
		late := s.Now().Add(1e12)
		for name, c := range map[string]struct {
			query store.AuditQuery
			want  string
		}{
			"all, newest first":     {store.AuditQuery{}, "6 5 4 3 2 1"},
			"oldest first":          {store.AuditQuery{Oldest: true, After: 2}, "3 4 5 6"},
			"below the cursor":      {store.AuditQuery{Before: 4}, "3 2 1"},
			"limited":               {store.AuditQuery{Limit: 2}, "6 5"},
			"of a team":             {store.AuditQuery{TeamIDs: []string{"team_0"}}, "5 3 1"},
			"of two teams":          {store.AuditQuery{TeamIDs: []string{"team_0", "team_1"}, Before: 3}, "2 1"},
			"of no team":            {store.AuditQuery{TeamIDs: []string{}}, ""},
			"by an actor's name":    {store.AuditQuery{AuditFilter: model.AuditFilter{Actor: "ada"}, Before: 3}, "2 1"},
			"by an actor's id":      {store.AuditQuery{AuditFilter: model.AuditFilter{Actor: "usr_ada"}, Before: 3}, "2 1"},
			"by another actor":      {store.AuditQuery{AuditFilter: model.AuditFilter{Actor: "bob"}}, ""},
			"by an action":          {store.AuditQuery{AuditFilter: model.AuditFilter{Action: "backend.register"}, Before: 3}, "2 1"},
			"by an action's noun":   {store.AuditQuery{AuditFilter: model.AuditFilter{Action: "backend"}, Before: 3}, "2 1"},
			"by part of a noun":     {store.AuditQuery{AuditFilter: model.AuditFilter{Action: "back%"}}, ""},
			"by a target":           {store.AuditQuery{AuditFilter: model.AuditFilter{Target: "be_3"}}, "4"},
			"by an injected target": {store.AuditQuery{AuditFilter: model.AuditFilter{Target: "' OR '1'='1"}}, ""},
			"from a later time":     {store.AuditQuery{AuditFilter: model.AuditFilter{From: late}}, ""},
			"to a later time":       {store.AuditQuery{AuditFilter: model.AuditFilter{To: late}, Before: 3}, "2 1"},
		} {
			if c.query.Limit == 0 {
				c.query.Limit = 100
			}
			rows, err := s.Read().AuditEntries(t.Context(), c.query)
			var got []string
			for _, r := range rows {
				got = append(got, fmt.Sprint(r.Seq))
			}
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%s: %v, %v; want %s", name, got, err, c.want)
			}
		}
	})
}

// TestAuditByReplicas: two processes on one PostgreSQL, and many requests of
// one on SQLite, make one chain without a gap.
func TestAuditByReplicas(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		s := opened(t, store.Options{DSN: dsn})
		writers := []*store.Store{s, s}
		if s.Dialect() == store.PostgreSQL {
			writers[1] = opened(t, store.Options{DSN: dsn})
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() { audited(t, writers[i%2], 10) })
		}
		wg.Wait()
		if r := verify(t, s); r.Fault != nil || r.Rows != 80 {
			t.Errorf("report %+v, %+v", r, r.Fault)
		}
	})
}

// TestAuditTampering does what somebody with the database's password can do.
func TestAuditTampering(t *testing.T) {
	t.Parallel()
	anchor := func(q *store.Queries, t *testing.T) model.AuditHead { // row 4, kept elsewhere
		rows, err := q.AuditEntries(t.Context(), store.AuditQuery{After: 3, Oldest: true, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return model.AuditHead{Seq: 4, Hash: rows[0].Hash}
	}
	for name, c := range map[string]struct {
		tamper string
		rehash bool // the attacker computes all hashes anew, and the head
		seq    int64
		why    string
	}{
		"nothing":                   {``, false, 0, ""},
		"a text changed":            {`UPDATE audit SET actor_name = 'bob' WHERE seq = 3`, false, 3, "changed"},
		"a hash changed":            {`UPDATE audit SET hash = prev WHERE seq = 3`, false, 3, "changed"},
		"a row removed":             {`DELETE FROM audit WHERE seq = 3`, false, 3, "missing: row 4 comes next"},
		"the first removed":         {`DELETE FROM audit WHERE seq = 1`, false, 1, "missing"},
		"the last removed":          {`DELETE FROM audit WHERE seq > 4`, false, 5, "missing, like all after it: the head is row 6"},
		"all removed":               {`DELETE FROM audit`, false, 1, "missing, like all after it"},
		"two exchanged":             {`UPDATE audit SET seq = CASE seq WHEN 3 THEN 103 ELSE 104 END WHERE seq IN (3, 4); UPDATE audit SET seq = CASE seq WHEN 103 THEN 4 ELSE 3 END WHERE seq > 100`, false, 3, "changed"},
		"removed and closed up":     {`DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = -seq WHERE seq > 3; UPDATE audit SET seq = -seq - 1 WHERE seq < 0`, false, 3, "changed"},
		"one added":                 {`INSERT INTO audit SELECT 7, at, actor_kind, actor_id, actor_name, ip, user_agent, action, noun, target_id, target_name, team_id, job_id, was, became, request_id, outcome, prev, hash FROM audit WHERE seq = 6`, false, 7, "behind the head"},
		"the head moved back":       {`UPDATE audit_head SET seq = 4`, false, 4, "not what the head says"},
		"written anew":              {`UPDATE audit SET actor_name = 'bob' WHERE seq = 3`, true, 4, "kept elsewhere"},
		"cut off and the head too":  {`DELETE FROM audit WHERE seq > 2`, true, 3, "row 4 was kept elsewhere"},
		"changed after the anchor":  {`UPDATE audit SET actor_name = 'bob' WHERE seq = 6`, true, 0, ""}, // what no check can see; see docs/audit.md
		"a secret's sign-in hidden": {`UPDATE audit SET outcome = 'refused' WHERE seq = 6`, false, 6, "changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := opened(t, store.Options{DSN: storetest.SQLite(t)})
			audited(t, s, 6)
			kept := anchor(s.Read(), t)
			for _, statement := range strings.Split(c.tamper, "; ") {
				store.Exec(t, s, statement)
			}
			if c.rehash {
				rehash(t, s)
			}
			r := verify(t, s, kept)
			switch {
			case c.seq == 0 && r.Fault != nil:
				t.Errorf("row %d: %s", r.Fault.Seq, r.Fault.Why)
			case c.seq != 0 && (r.Fault == nil || r.Fault.Seq != c.seq || !strings.Contains(r.Fault.Why, c.why)):
				t.Errorf("found %+v, want row %d: %s", r.Fault, c.seq, c.why)
			}
		})
	}
}

// rehash makes a whole chain of what is there.
func rehash(t *testing.T, s *store.Store) {
	t.Helper()
	rows, err := s.Read().AuditEntries(t.Context(), store.AuditQuery{Oldest: true, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	prev := ""
	for _, e := range rows {
		e.Prev = prev
		prev = e.Digest()
		store.Exec(t, s, `UPDATE audit SET prev = $2, hash = $3 WHERE seq = $1`, e.Seq, e.Prev, prev)
	}
	store.Exec(t, s, `UPDATE audit_head SET seq = $1, hash = $2`, rows[len(rows)-1].Seq, prev)
}

func TestAuditWithoutHead(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		s := opened(t, store.Options{DSN: dsn})
		store.Exec(t, s, `DELETE FROM audit_head`)
		err := s.InTx(t.Context(), func(q *store.Queries) error {
			return errors.Join(q.InsertTeam(t.Context(), &model.Team{Name: "x"}), q.Audit(t.Context(), change(0)))
		})
		wantUnavailable(t, err, "lost its head")
		if teams, err := s.Read().Teams(t.Context()); err != nil || len(teams) != 0 {
			t.Errorf("changed all the same: %v, %v", teams, err)
		}
	})
}

// BenchmarkAudit is how many audited transactions a second four writers make.
func BenchmarkAudit(b *testing.B) {
	for name, dsn := range map[string]func() string{
		"sqlite":   func() string { return storetest.SQLite(b) },
		"postgres": func() string { return storetest.Postgres(b) },
	} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(b.Context(), store.Options{DSN: dsn()})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.Close() })
			b.SetParallelism(2)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				ctx := context.Background()
				for pb.Next() {
					if err := s.InTx(ctx, func(q *store.Queries) error { return q.Audit(ctx, change(1)) }); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
