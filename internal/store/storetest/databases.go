package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// SQLite returns the DSN of a fresh database of the newest schema, in a file
// that is removed when the test ends. To migrate one takes a hundred times as
// long as to copy one: only a test of migrations begins with an empty file.
func SQLite(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "drawbridge.db")
	SQLiteFile(t, path)
	return "sqlite:" + path
}

// SQLiteFile makes such a database there, as a server would that starts there.
func SQLiteFile(t testing.TB, path string) {
	t.Helper()
	content, err := sqliteTemplate()
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal("copy the SQLite template:", err)
	}
}

// sqliteTemplate is a database's file after its migrations.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "drawbridge-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Postgres returns the DSN of a fresh database of the newest schema, which is
// dropped when the test ends. Without PostgreSQL on the machine the test is
// skipped, but where CI=true it fails.
func Postgres(t testing.TB) string {
	t.Helper()
	s, err := cluster()
	mustRun(t, err)
	name, err := postgresTemplate()
	if err != nil {
		t.Fatal("make the PostgreSQL template:", err)
	}
	return s.database(t, name)
}

// EmptyPostgres is Postgres, but the database has no schema yet.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	s, err := cluster()
	mustRun(t, err)
	return s.database(t, emptyDatabase)
}

// PostgresCopy is Postgres, but the database is a copy of another one, to
// which nobody may be connected.
func PostgresCopy(t testing.TB, of string) string {
	t.Helper()
	s, err := cluster()
	mustRun(t, err)
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	return s.database(t, strings.TrimPrefix(u.Path, "/"))
}

// emptyDatabase is a database of each cluster, for others to be like.
const emptyDatabase = "template1"

// postgresTemplate is the name of a database after its migrations.
var postgresTemplate = sync.OnceValues(func() (string, error) {
	const name = "template_drawbridge"
	s, err := cluster()
	if err != nil {
		return "", err
	}
	if err := s.create(context.Background(), name, emptyDatabase); err != nil {
		return "", err
	}
	return name, migrate(dsn(s.socket, name))
})

// migrate brings an empty database to the newest schema.
func migrate(dsn string) error {
	s, err := store.Open(context.Background(), store.Options{DSN: dsn, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return s.Close()
}

// create makes a database like another one.
func (s *server) create(ctx context.Context, name, like string) error {
	return Execute(ctx, dsn(s.socket, "postgres"), fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s`, name, like))
}

// database makes a test's database.
func (s *server) database(t testing.TB, like string) string {
	t.Helper()
	name := model.NewID("t_")
	if err := s.create(t.Context(), name, like); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Execute(context.Background(), dsn(s.socket, "postgres"), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return dsn(s.socket, name)
}
