package store

import (
	"fmt"
	"testing"
)

// raw is what statements that the store would not send go to.
func raw(t *testing.T, s *Store, send func(db DBTX)) {
	t.Helper()
	if s.grouped == nil {
		send(s.writer)
		return
	}
	if err := s.grouped.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.grouped.pass()
	if err := s.grouped.connect(); err != nil {
		t.Fatal(err)
	}
	send(s.grouped.conn)
}

// LimitPages lets a SQLite file grow by a few pages only, as on a full disk.
func LimitPages(t *testing.T, s *Store) {
	t.Helper()
	raw(t, s, func(db DBTX) {
		var used int
		if err := db.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&used); err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, used+2)); err != nil {
			t.Fatal(err)
		}
	})
}

// Exec does to the database what only somebody with its password can.
func Exec(t *testing.T, s *Store, query string, args ...any) {
	t.Helper()
	if query == "" {
		return
	}
	raw(t, s, func(db DBTX) {
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	})
}

// Setting is what PostgreSQL has in force for the store's own connections.
func Setting(t *testing.T, s *Store, name string) (value string) {
	t.Helper()
	raw(t, s, func(db DBTX) {
		if err := db.QueryRowContext(t.Context(), `SELECT current_setting($1)`, name).Scan(&value); err != nil {
			t.Fatal(err)
		}
	})
	return value
}
