package store

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"time"

	"drawbridge/internal/model"
)

// DBTX is what table methods need of a database or a transaction.
type DBTX interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Queries are the table methods, within a transaction (from InTx) or outside
// any (from Read).
type Queries struct {
	store *Store
	db    DBTX
	tx    *txState // nil outside a transaction
}

// txState is what a transaction does once it is committed.
type txState struct {
	hooks   []func()
	newest  map[string]int64 // of the events that it wrote, by backend
	notices map[Notice]struct{}
	audit   []model.AuditEntry // written just before the commit

	committed *group // that it is committed with, on SQLite
}

var errNoTx = errors.New("this write needs a transaction")

// AfterCommit has hook run once the transaction is committed, and not at all
// when it is rolled back. Outside a transaction it runs at once.
func (q *Queries) AfterCommit(hook func()) {
	if q.tx == nil {
		hook()
		return
	}
	q.tx.hooks = append(q.tx.hooks, hook)
}

func (q *Queries) now() time.Time { return q.store.Now() }

// fresh fills in a new row's id and time when they are empty, and rounds the
// time to what the database keeps.
func (q *Queries) fresh(id *string, prefix string, created *time.Time) {
	if *id == "" {
		*id = model.NewID(prefix)
	}
	if created.IsZero() {
		*created = q.now()
	}
	*created = created.UTC().Truncate(time.Millisecond)
}

// forUpdate is the suffix that locks the selected rows until the transaction
// ends. SQLite needs none: it has one writer at a time.
func (q *Queries) forUpdate() string {
	if q.store.dialect == SQLite || q.tx == nil {
		return ""
	}
	return " FOR UPDATE"
}

// exec runs a statement and returns how many rows it touched. op names it in
// the error, as "insert job".
func (q *Queries) exec(ctx context.Context, op, query string, args ...any) (int64, error) {
	res, err := q.db.ExecContext(ctx, query, plain(args)...)
	if err != nil {
		return 0, q.fail(ctx, op, err)
	}
	n, err := res.RowsAffected()
	return n, q.fail(ctx, op, err)
}

// scanner is one row.
type scanner interface{ Scan(dest ...any) error }

// row is a query of one row whose errors are classified when it is scanned.
type row struct {
	row  *sql.Row
	fail func(error) error
}

func (r row) Scan(dest ...any) error { return r.fail(r.row.Scan(dest...)) }

func (q *Queries) row(ctx context.Context, op, query string, args ...any) row {
	return row{
		row:  q.db.QueryRowContext(ctx, query, plain(args)...),
		fail: func(err error) error { return q.fail(ctx, op, err) },
	}
}

// found turns an absent row into a not_found error about noun and id. A
// driver's error stays what it is: a database that does not answer has not
// said that there is nothing.
func found[T any](v *T, err error, noun, id string) (*T, error) {
	if err == nil {
		return v, nil
	}
	if model.CodeOf(err) == model.CodeInternal && errors.Is(err, sql.ErrNoRows) {
		return nil, model.NotFound(noun, id)
	}
	return nil, err
}

// rows is a query of many rows whose errors are classified by collect.
type rows struct {
	rows *sql.Rows
	err  error
	fail func(error) error
}

func (q *Queries) rows(ctx context.Context, op, query string, args ...any) rows {
	r, err := q.db.QueryContext(ctx, query, plain(args)...)
	return rows{rows: r, err: err, fail: func(err error) error { return q.fail(ctx, op, err) }}
}

// collect reads all rows. The slice is empty, not nil, when there are none.
func collect[T any](r rows, scan func(scanner) (*T, error)) ([]T, error) {
	if r.err != nil {
		return nil, r.fail(r.err)
	}
	defer func() { _ = r.rows.Close() }() // its error is Err's too
	list := []T{}
	for r.rows.Next() {
		v, err := scan(r.rows)
		if err != nil {
			return nil, r.fail(err)
		}
		list = append(list, *v)
	}
	return list, r.fail(r.rows.Err())
}

// plain makes texts storable in both databases: PostgreSQL refuses NUL and
// bytes that are not UTF-8, which answers of other people's servers may hold.
func plain(args []any) []any {
	for i, a := range args {
		if v := reflect.ValueOf(a); v.Kind() == reflect.String { // also a state or a role that a filter names
			args[i] = strings.ToValidUTF8(strings.ReplaceAll(v.String(), "\x00", "\uFFFD"), "\uFFFD")
		}
	}
	return args
}

// pairs reads all rows into a map.
func pairs[K comparable, V any](r rows, scan func(scanner, *K, *V) error) (map[K]V, error) {
	m := map[K]V{}
	type pair struct{}
	_, err := collect(r, func(s scanner) (*pair, error) {
		var k K
		var v V
		err := scan(s, &k, &v)
		m[k] = v
		return &pair{}, err
	})
	return m, err
}
