package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"drawbridge/internal/model"
)

// Bounds of the pool of connections to PostgreSQL; its default allows 100.
const (
	maxConns     = 16
	idleConns    = 4
	connLifetime = 30 * time.Minute
)

// idleInTx is how long PostgreSQL lets a transaction of ours hold its locks
// without a word from us. A process that is frozen within one must not keep
// its job from those that could go on with it.
const idleInTx = 3 * time.Second

func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	s.dialect = PostgreSQL
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The address of the PostgreSQL database cannot be read. Write it as in postgres://user:password@host:5432/drawbridge: %w", err)
	}
	config.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(idleInTx.Milliseconds(), 10)
	// What a commit says must outlive the database's own crash: a call to AWS
	// follows, and who takes over must know of it. A server may be set up otherwise.
	config.RuntimeParams["synchronous_commit"] = "on"
	s.listener = config
	s.writer = sql.OpenDB(stdlib.GetConnector(*config))
	s.writer.SetMaxOpenConns(maxConns)
	s.writer.SetMaxIdleConns(idleConns)
	s.writer.SetConnMaxLifetime(connLifetime)
	s.reader = s.writer
	if err := s.writer.PingContext(ctx); err != nil {
		return model.Errorf(model.CodeUnavailable, "PostgreSQL at %s does not let Drawbridge in. Check that it runs, and the address, user and password: %w", config.Host, err)
	}
	return nil
}
