package store

import (
	"context"
	"database/sql"
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

func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	s.dialect = PostgreSQL
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The address of the PostgreSQL database cannot be read. Write it as in postgres://user:password@host:5432/drawbridge: %w", err)
	}
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
