// Package store keeps Drawbridge's rows in SQLite or PostgreSQL, from one SQL
// text: ids are text, times unix milliseconds, JSON text or jsonb,
// placeholders $n. Table methods hang on Queries, one file per noun; only
// Store.InTx begins and commits. Store itself carries the lease table
// (jobs.Store) and the durable record of jobs (provision.Journal).
//
// Row locks are taken in one order everywhere: team, backend, then its job, then
// whatever hangs on them, the keyed request, and the audit's head last. So transactions wait for
// each other but never in a circle.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"drawbridge/internal/model"
)

// Timeouts of calls to the database.
const (
	openTimeout = 60 * time.Second // without migrations, which take as long as they take
	txTimeout   = 30 * time.Second
)

// Options of a Store.
type Options struct {
	// DSN is "sqlite:<path>" or "postgres://…". A SQLite file and its folder
	// are made when absent.
	DSN string
	// Now is the process's clock; time.Now when nil. On PostgreSQL it only
	// measures what has passed since the database's clock was read.
	Now func() time.Time
	// Logger gets what the store does by itself; slog.Default when nil.
	Logger *slog.Logger
	// Shared opens a SQLite file even when another process owns it, for a
	// short errand beside a server. It never migrates such a file, and a store
	// that was opened so must not work on jobs.
	Shared bool
	// OnFailure, when set, is called with the name of each statement that the
	// database did not carry out, through no fault of the statement's.
	OnFailure func(op string)
	// OnEvent, when set, is called after each commit, once for each backend
	// that got events, with the number of its newest. It must not block.
	OnEvent func(backendID string, seq int64)
	// OnAccess, when set, is called after each commit by which somebody may do
	// something else than before. It must not block.
	OnAccess func()
	// OnDelivery, when set, is called after each commit by which something can
	// be sent to a webhook. It must not block.
	OnDelivery func()
}

// Dialect names a kind of database.
type Dialect string

const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
)

// Store is an open database with the newest schema.
type Store struct {
	opts     Options
	dialect  Dialect
	clock    clock
	writer   *sql.DB
	grouped  *writer         // runs the transactions on SQLite; nil on PostgreSQL
	reader   *sql.DB         // query-only on SQLite; the same as writer on PostgreSQL
	prepared *statements     // the reader with prepared statements; nil on PostgreSQL
	listener *pgx.ConnConfig // of Listen's connection; nil on SQLite
	sender   string          // tells this process's notices from others'
	lock     *os.File        // keeps a second process off a SQLite file; nil on PostgreSQL
	closed   atomic.Bool
	commits  commits
}

// Open opens the database, brings its schema up to date and returns it. What
// an operator can mend is a model.CodeUnavailable error that says how.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Store{opts: o, clock: clock{own: o.Now}, sender: newSender()}
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	var err error
	scheme, rest, _ := strings.Cut(o.DSN, ":")
	switch scheme {
	case "sqlite":
		err = s.openSQLite(rest)
	case "postgres", "postgresql":
		err = s.openPostgres(opening, o.DSN)
	default:
		err = model.Errorf(model.CodeInvalid, "The database address must begin with sqlite: or postgres://.")
	}
	if err == nil {
		err = s.migrate(ctx)
	}
	if err == nil {
		_, err = s.Read().leaseNow(ctx) // sets the clock
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the database. Calls after it answer model.CodeUnavailable.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	if s.reader != nil && s.reader != s.writer {
		errs = append(errs, s.reader.Close())
	}
	if s.grouped != nil {
		errs = append(errs, s.grouped.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close()) // last: the file is free only now
	}
	return errors.Join(errs...)
}

// Dialect tells which kind of database this is.
func (s *Store) Dialect() Dialect { return s.dialect }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	q := s.Read()
	return q.fail(ctx, "ping the database", s.reader.PingContext(ctx))
}

// Read returns queries outside any transaction. On SQLite they cannot write.
func (s *Store) Read() *Queries {
	if s.prepared != nil {
		return &Queries{store: s, db: s.prepared}
	}
	return &Queries{store: s, db: s.reader}
}

// InTx runs fn in one transaction and commits when it returns nil; otherwise
// nothing of it is kept. fn must use q alone: on SQLite another InTx inside it
// would wait for itself. Hooks given to q.AfterCommit run after the commit.
func (s *Store) InTx(ctx context.Context, fn func(q *Queries) error) error {
	ctx, cancel := context.WithTimeout(ctx, txTimeout)
	defer cancel()
	q := &Queries{store: s, tx: &txState{newest: map[string]int64{}, notices: map[Notice]struct{}{}}}
	run := s.inOwnTx
	if s.grouped != nil {
		run = s.inGroup
	}
	err := run(ctx, q, func() error {
		if err := fn(q); err != nil {
			return err
		}
		if err := q.sendNotices(ctx); err != nil {
			return err
		}
		if err := q.noteKeyed(ctx); err != nil {
			return err
		}
		return q.appendAudit(ctx)
	})
	if err != nil {
		return err
	}
	s.tell(q.tx)
	return nil
}

// tell has this process know what a transaction has done.
func (s *Store) tell(tx *txState) {
	for _, hook := range tx.hooks {
		hook()
	}
	if s.opts.OnEvent != nil {
		for backendID, seq := range tx.newest {
			s.opts.OnEvent(backendID, seq)
		}
	}
	if _, changed := tx.notices[Notice{Kind: NoticeAccess}]; changed && s.opts.OnAccess != nil {
		s.opts.OnAccess()
	}
	if _, due := tx.notices[Notice{Kind: NoticeDelivery}]; due && s.opts.OnDelivery != nil {
		s.opts.OnDelivery()
	}
}

// inOwnTx runs a transaction on a connection of its own.
func (s *Store) inOwnTx(ctx context.Context, q *Queries, fn func() error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return q.fail(ctx, "begin a transaction", err)
	}
	q.db = tx
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if err := fn(); err != nil {
		return err
	}
	return q.fail(ctx, "commit a transaction", s.commits.commit(tx.Commit))
}

// inGroup runs a transaction that may share its commit with others.
func (s *Store) inGroup(ctx context.Context, q *Queries, fn func() error) error {
	if err := s.grouped.run(ctx, q, fn); err != nil {
		return err
	}
	<-q.tx.committed.done
	return q.fail(context.WithoutCancel(ctx), "commit a transaction", q.tx.committed.err)
}

// InstallID returns the id of this installation, made at the first call. It is
// in the owner tags of everything that Drawbridge makes in AWS.
func (s *Store) InstallID(ctx context.Context) (string, error) {
	var id string
	err := s.InTx(ctx, func(q *Queries) error {
		var err error
		id, err = q.settingOnce(ctx, "install_id", model.NewID(model.PrefixInstall))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("install id: %w", err)
	}
	return id, nil
}
