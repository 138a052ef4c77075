package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"drawbridge/internal/model"
)

// fail classifies an error of the driver, by number and never by text, and
// says what was tried. What is no fault of the caller becomes unavailable; a
// uniqueness that was violated becomes a conflict; sql.ErrNoRows stays in the
// chain for found.
func (q *Queries) fail(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", op, context.Cause(ctx))
	}
	code, text := classify(err)
	if s := q.store; s.opts.OnFailure != nil && (code == model.CodeUnavailable || code == "" && !errors.Is(err, sql.ErrNoRows)) {
		s.opts.OnFailure(op)
	}
	if code != "" {
		return &model.Error{Code: code, Message: text, Err: fmt.Errorf("%s: %w", op, err)}
	}
	if q.store.closed.Load() {
		return &model.Error{Code: model.CodeUnavailable, Message: textClosed, Err: fmt.Errorf("%s: %w", op, err)}
	}
	return fmt.Errorf("%s: %w", op, err)
}

// What users read when the database cannot do its work.
const (
	textClosed      = "Drawbridge is stopping and has closed its database. Try again when it has started."
	textFull        = "The disk of Drawbridge's database is full, so nothing was saved. Free some space on it, then try again."
	textReadOnly    = "Drawbridge's database cannot be written: its file, folder or server is read-only, so nothing was saved. Make it writable, then try again."
	textBusy        = "Drawbridge's database is busy, so nothing was saved. Try again in a moment."
	textDamaged     = "Drawbridge's database file is damaged or is no SQLite database. Restore it from a backup."
	textUnreachable = "Drawbridge's database does not answer, so nothing was saved. Try again in a moment; the server's log has the reason."
	textTaken       = "This exists already."
)

// classify returns "" for an error that is not the database's condition.
func classify(err error) (model.Code, string) {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return classifySQLite(lite.Code())
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classifyPostgres(pg.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || cutOff(err) {
		return model.CodeUnavailable, textUnreachable
	}
	return "", ""
}

// cutOff tells whether a connection ended under a statement.
func cutOff(err error) bool {
	for _, end := range []error{driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}

// classifySQLite takes an extended result code; its low byte is the primary one.
func classifySQLite(code int) (model.Code, string) {
	if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
		return model.CodeConflict, textTaken
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return model.CodeUnavailable, textFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return model.CodeUnavailable, textReadOnly
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return model.CodeUnavailable, textBusy
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return model.CodeUnavailable, textDamaged
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return model.CodeUnavailable, textUnreachable
	}
	return "", ""
}

// classifyPostgres takes an SQLSTATE; its first two characters are the class.
func classifyPostgres(state string) (model.Code, string) {
	switch state {
	case "23505": // unique_violation
		return model.CodeConflict, textTaken
	case "53100": // disk_full
		return model.CodeUnavailable, textFull
	case "25006": // read_only_sql_transaction
		return model.CodeUnavailable, textReadOnly
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return model.CodeUnavailable, textBusy
	}
	// connection_exception, insufficient_resources, operator_intervention,
	// system_error, invalid_authorization, invalid_catalog_name
	for _, class := range []string{"08", "53", "57", "58", "28", "3D"} {
		if strings.HasPrefix(state, class) {
			return model.CodeUnavailable, textUnreachable
		}
	}
	return "", ""
}

// taken gives a conflict a text that names what is taken.
func taken(err error, format string, args ...any) error {
	var e *model.Error
	if errors.As(err, &e) && e.Code == model.CodeConflict {
		return &model.Error{Code: model.CodeConflict, Message: fmt.Sprintf(format, args...), Err: e.Err}
	}
	return err
}
