package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

func openForWriter(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{
		DSN: "sqlite:" + filepath.Join(t.TempDir(), "writer.db"), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(ctx context.Context, q *Queries, key string) error {
	_, err := q.exec(ctx, "put", `INSERT INTO settings (key, value) VALUES ($1, '')`, key)
	return err
}

func has(t *testing.T, s *Store, key string) bool {
	t.Helper()
	var n int
	if err := s.Read().row(t.Context(), "count", `SELECT COUNT(*) FROM settings WHERE key = $1`, key).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n == 1
}

// TestWriter_membersFailAlone: transactions that share a commit succeed and
// fail each for itself, panics and cancelled contexts included.
func TestWriter_membersFailAlone(t *testing.T) {
	t.Parallel()
	s := openForWriter(t)
	refused := errors.New("refused")
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			defer func() { _ = recover() }()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := s.InTx(ctx, func(q *Queries) error {
				if err := put(ctx, q, fmt.Sprint("k", i)); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					return refused
				case 2:
					panic("a bug")
				case 3:
					cancel()
				}
				return nil
			})
			if i%4 == 0 && err != nil || i%4 == 1 && !errors.Is(err, refused) || i%4 == 3 && !errors.Is(err, context.Canceled) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
	for i := range 200 {
		if got, want := has(t, s, fmt.Sprint("k", i)), i%4 == 0; got != want {
			t.Errorf("%d is there: %t", i, got)
		}
	}
}

// TestWriter_sharesCommits: those that wait while one runs are committed with
// it as long as its group is open, and none is told so before: what is told is
// read on another connection.
func TestWriter_sharesCommits(t *testing.T) {
	t.Parallel()
	const waiting = 20
	for name, row := range map[string]struct {
		open    time.Duration
		commits int
	}{"open": {time.Hour, 1}, "closed by time": {-1, 1 + waiting}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openForWriter(t)
			s.grouped.open = row.open
			groups := make(chan *group, 1+waiting)
			add := func(key string, before func()) {
				q := &Queries{store: s, tx: &txState{}}
				if err := s.inGroup(t.Context(), q, func() error { before(); return put(t.Context(), q, key) }); err != nil {
					t.Error(err)
				}
				groups <- q.tx.committed
				if !has(t, s, key) {
					t.Errorf("%s was told of before its commit", key)
				}
			}
			entered, leave := make(chan struct{}), make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() { add("first", func() { close(entered); <-leave }) })
			<-entered
			for i := range waiting {
				all.Go(func() { add(fmt.Sprint("next", i), func() {}) })
			}
			for s.grouped.waiting.Load() < waiting {
				if t.Context().Err() != nil {
					t.Fatal("nobody waits")
				}
				runtime.Gosched()
			}
			close(leave)
			all.Wait()
			close(groups)
			different := map[*group]bool{}
			for g := range groups {
				different[g] = true
			}
			if len(different) != row.commits {
				t.Errorf("one transaction and %d that waited for it took %d commits, want %d", waiting, len(different), row.commits)
			}
		})
	}
}

// TestWriter_giveUp: who stops waiting for the turn leaves nothing undone.
func TestWriter_giveUp(t *testing.T) {
	t.Parallel()
	s := openForWriter(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.InTx(t.Context(), func(q *Queries) error {
			close(entered)
			<-leave
			return put(t.Context(), q, "kept")
		}); err != nil {
			t.Error(err)
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	all.Go(func() {
		if err := s.InTx(ctx, func(*Queries) error { return errors.New("it ran") }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(leave) // the first ends while one that gave up still has its place
	})
	cancel()
	all.Wait()
	if !has(t, s, "kept") {
		t.Error("the transaction before was not committed")
	}
}

// TestWriter_groupUndone: where SQLite undoes a whole transaction by itself,
// nobody in the group is told of success.
func TestWriter_groupUndone(t *testing.T) {
	t.Parallel()
	s := openForWriter(t)
	q := &Queries{store: s, tx: &txState{}}
	err := s.inGroup(t.Context(), q, func() error {
		if err := put(t.Context(), q, "lost"); err != nil {
			return err
		}
		_, err := s.grouped.conn.ExecContext(t.Context(), "ROLLBACK") // as a full disk does
		return err
	})
	if err == nil || has(t, s, "lost") {
		t.Errorf("told %v", err)
	}
	if err := s.InTx(t.Context(), func(q *Queries) error { return put(t.Context(), q, "next") }); err != nil || !has(t, s, "next") {
		t.Errorf("the next one: %v", err)
	}
	if errors.Is(err, sql.ErrNoRows) {
		t.Errorf("error %v", err)
	}
}
