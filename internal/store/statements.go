package store

import (
	"context"
	"database/sql"
	"sync"
)

// maxStatements bounds the statements that are kept prepared. The texts of
// queries are few; only lists of ids make new ones.
const maxStatements = 256

// statements is a pool of SQLite readers that keeps statements prepared:
// parsing the text costs more than most reads. pgx does the same by itself.
type statements struct {
	*sql.DB

	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{DB: db, byText: map[string]*sql.Stmt{}}
}

// prepared returns the statement for query, nil when there is no place for it.
func (s *statements) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	stmt, full := s.byText[query], len(s.byText) >= maxStatements
	s.mu.Unlock()
	if stmt != nil || full {
		return stmt, nil
	}
	stmt, err := s.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.byText[query]; other != nil { // somebody was faster
		return other, stmt.Close()
	}
	s.byText[query] = stmt
	return stmt, nil
}

func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return s.DB.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *statements) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := s.prepared(ctx, query)
	if err != nil || stmt == nil {
		return s.DB.QueryRowContext(ctx, query, args...) // a Row can be made with an error by no other way
	}
	return stmt.QueryRowContext(ctx, args...)
}
