package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// A group of transactions that share a commit holds at most so many, and is
// open for at most so long.
const (
	groupSize = 64
	groupTime = 20 * time.Millisecond
)

// writer runs the transactions of a SQLite file one after another on one
// connection. Those that are waiting when one is done join it in its commit,
// so that they share what costs most, the wait for the disk. Each is a
// savepoint of its own: one that fails takes nothing of the others with it,
// and none is told of success before the commit.
type writer struct {
	db      *sql.DB
	commits *commits
	turn    chan struct{} // holds a value while a transaction runs
	waiting atomic.Int32  // for the turn
	open    time.Duration // how long a group is, at most

	// What follows belongs to whoever has the turn.
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	group *group // open, not committed
}

// group is transactions that are committed together.
type group struct {
	since time.Time
	size  int
	done  chan struct{} // closed when err is set
	err   error
}

func newWriter(db *sql.DB, c *commits) *writer {
	return &writer{db: db, commits: c, turn: make(chan struct{}, 1), open: groupTime, stmts: map[string]*sql.Stmt{}}
}

// run carries out one transaction. It returns its error, or that of the commit.
func (w *writer) run(ctx context.Context, q *Queries, tx func() error) error {
	if err := w.take(ctx); err != nil {
		return q.fail(ctx, "begin a transaction", err)
	}
	defer w.pass() // also when tx panics
	if err := w.begin(); err != nil {
		return q.fail(ctx, "begin a transaction", err)
	}
	g := w.group
	kept := false
	defer func() {
		if !kept {
			w.undo()
		}
	}()
	q.db = w
	err := tx()
	if err == nil {
		err = q.fail(ctx, "commit a transaction", ctx.Err())
	}
	if err == nil {
		_, err = w.ExecContext(ctx, "RELEASE one")
		err = q.fail(ctx, "commit a transaction", err)
	}
	if err != nil {
		return err
	}
	kept = true
	g.size++
	q.tx.committed = g
	return nil
}

// take waits for the turn. Whoever passed the turn on may rely on this caller
// to commit, so that one who gives up waits for it behind the scenes.
func (w *writer) take(ctx context.Context) error {
	w.waiting.Add(1)
	select {
	case w.turn <- struct{}{}:
		w.waiting.Add(-1)
		return nil
	case <-ctx.Done():
		go func() {
			w.turn <- struct{}{}
			w.waiting.Add(-1)
			w.pass()
		}()
		return ctx.Err()
	}
}

// begin opens a group, if there is none, and the savepoint.
func (w *writer) begin() error {
	ctx := context.Background()
	if err := w.connect(); err != nil {
		return err
	}
	if w.group == nil {
		if _, err := w.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		w.group = &group{since: time.Now(), done: make(chan struct{})}
	}
	if _, err := w.ExecContext(ctx, "SAVEPOINT one"); err != nil {
		w.end(err)
		return err
	}
	return nil
}

// connect takes the connection, which is kept until the writer is closed.
func (w *writer) connect() (err error) {
	if w.conn == nil {
		w.conn, err = w.db.Conn(context.Background())
	}
	return err
}

// undo takes back what the newest savepoint did. Where that is not possible,
// SQLite has taken back everything already (a full disk), and the whole group
// is told so.
func (w *writer) undo() {
	ctx := context.Background()
	_, err := w.ExecContext(ctx, "ROLLBACK TO one")
	if err == nil {
		_, err = w.ExecContext(ctx, "RELEASE one")
	}
	if err != nil {
		w.end(fmt.Errorf("the transaction was undone with another: %w", err))
	}
}

// pass commits, unless another transaction waits that may join, and gives the
// turn away.
func (w *writer) pass() {
	if g := w.group; g != nil && (w.waiting.Load() == 0 || g.size >= groupSize || time.Since(g.since) > w.open) {
		w.end(nil)
	}
	<-w.turn
}

// end commits the group, or undoes it for a reason, and tells its members.
func (w *writer) end(reason error) {
	g := w.group
	w.group = nil
	g.err = reason
	if reason == nil {
		g.err = w.commits.commit(func() error {
			_, err := w.ExecContext(context.Background(), "COMMIT")
			return err
		})
	}
	if g.err != nil {
		// Fails when SQLite has undone it by itself.
		_, _ = w.ExecContext(context.Background(), "ROLLBACK")
	}
	close(g.done)
}

// close gives the connection back when the last transaction is done.
func (w *writer) close() error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.conn == nil {
		return nil
	}
	var errs []error
	for _, stmt := range w.stmts {
		errs = append(errs, stmt.Close())
	}
	clear(w.stmts)
	errs = append(errs, w.conn.Close())
	w.conn = nil
	return errors.Join(errs...)
}

// The writer is what the statements of a transaction run on. They are prepared
// once, and not interrupted: SQLite would undo the whole group.

// maxPrepared bounds the statements that are kept: lists of values make new texts.
const maxPrepared = 300

// prepared returns nil for a statement that is not worth keeping, or wrong:
// sent as it is, it gives the same error.
func (w *writer) prepared(query string) *sql.Stmt {
	if stmt := w.stmts[query]; stmt != nil {
		return stmt
	}
	if len(w.stmts) >= maxPrepared {
		return nil
	}
	stmt, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil
	}
	w.stmts[query] = stmt
	return stmt
}

// ExecContext is DBTX's.
func (w *writer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx = context.WithoutCancel(ctx)
	if stmt := w.prepared(query); stmt != nil {
		return stmt.ExecContext(ctx, args...)
	}
	return w.conn.ExecContext(ctx, query, args...)
}

// QueryContext is DBTX's.
func (w *writer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = context.WithoutCancel(ctx)
	if stmt := w.prepared(query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return w.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is DBTX's.
func (w *writer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx = context.WithoutCancel(ctx)
	if stmt := w.prepared(query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return w.conn.QueryRowContext(ctx, query, args...)
}
