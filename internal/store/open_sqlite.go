package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"drawbridge/internal/model"
)

// readers is how many connections read a SQLite file. Eight starved the
// writer (p99 160 to 366 ms); four do not.
const readers = 4

func (s *Store) openSQLite(path string) error {
	s.dialect = SQLite
	path, err := prepareFile(path)
	if err != nil {
		return err
	}
	s.lock, err = lockFile(path + ".lock")
	switch {
	case errors.Is(err, errLocked) && s.opts.Shared:
	case errors.Is(err, errLocked):
		return inUse(path)
	case err != nil:
		return model.Errorf(model.CodeUnavailable, "The lock file %s.lock cannot be taken. Mend its permissions, or choose another --data-dir on a local disk: %w", path, err)
	}
	if s.writer, err = openFile(path, "_txlock", "immediate"); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	s.grouped = newWriter(s.writer, &s.commits)
	if s.reader, err = openFile(path, "_pragma", "query_only(1)"); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	s.prepared = newStatements(s.reader)
	return nil
}

// openFile opens a pool whose connections all have the pragmas of the DSN,
// and one parameter more.
func openFile(path, key, value string) (*sql.DB, error) {
	params := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	params.Add(key, value)
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: params.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// prepareFile makes the file, readable by its owner alone, and its folder. It
// returns the path without symbolic links, so that one file has one lock.
func prepareFile(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", model.Errorf(model.CodeInvalid, "Name a file after sqlite: such as sqlite:data/drawbridge.db.")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", model.Errorf(model.CodeUnavailable, "The path of the database file cannot be resolved: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", model.Errorf(model.CodeUnavailable, "The folder %s for the database cannot be made. Choose another --data-dir, or mend its permissions: %w", filepath.Dir(path), err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", model.Errorf(model.CodeUnavailable, "The database file %s cannot be opened for writing. Choose another --data-dir, or mend its permissions: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return "", fmt.Errorf("close %s: %w", path, err)
	}
	return filepath.EvalSymlinks(path)
}

// errLocked is lockFile's answer when another process holds the lock.
var errLocked = errors.New("the lock is held")

// inUse is what a second process on a SQLite file gets.
func inUse(path string) error {
	who := "another Drawbridge process"
	if pid, err := os.ReadFile(path + ".lock"); err == nil && len(pid) > 0 {
		who += " (pid " + strings.TrimSpace(string(pid)) + ")"
	}
	return model.Errorf(model.CodeUnavailable, "%s is in use by %s. Stop it, or choose another --data-dir.", path, who)
}
