package store

import (
	"fmt"
	"testing"
)

// LimitPages lets a SQLite file grow by a few pages only, as on a full disk.
func LimitPages(t *testing.T, s *Store) {
	t.Helper()
	var used int
	if err := s.writer.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&used); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, used+2)); err != nil {
		t.Fatal(err)
	}
}

// Exec does to the database what only somebody with its password can.
func Exec(t *testing.T, s *Store, query string, args ...any) {
	t.Helper()
	if query == "" {
		return
	}
	if _, err := s.writer.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}
