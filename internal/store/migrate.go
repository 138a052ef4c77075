package store

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"drawbridge/internal/model"
	"drawbridge/migrations"
)

// migrate brings the schema up to date. On PostgreSQL it holds a session lock,
// so that replicas that start together do it once. A schema that is newer than
// this program is refused: an older program would write what the newer one
// does not expect.
func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations.FS, string(s.dialect))
	if err != nil {
		return fmt.Errorf("migrations of %s: %w", s.dialect, err)
	}
	provider, err := s.migrator(files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	q := s.Read()
	current, err := provider.GetDBVersion(ctx) // not GetVersions, which takes no lock
	if err != nil {
		return q.fail(ctx, "read the schema's version", err)
	}
	sources := provider.ListSources()
	known := sources[len(sources)-1].Version
	if current > known {
		return model.Errorf(model.CodeUnavailable, "The database was last used by a newer Drawbridge: its schema is version %d and this program knows %d. Start the newer program, or restore the backup from before the upgrade.", current, known)
	}
	if s.dialect == SQLite && s.lock == nil {
		if current == known {
			return nil
		}
		return model.Errorf(model.CodeUnavailable, "The running Drawbridge is older than this program: its schema is version %d and this program needs %d. Use the program that runs, or upgrade the server first.", current, known)
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return q.fail(ctx, "migrate the database", err)
	}
	for _, m := range done {
		s.opts.Logger.InfoContext(ctx, "migrated the database", "version", m.Source.Version, "took", m.Duration)
	}
	return nil
}

func (s *Store) migrator(files fs.FS) (*goose.Provider, error) {
	// The registry of Go migrations is global; ours are SQL and not in it.
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithSlog(s.opts.Logger)}
	if s.dialect == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, s.writer, files, opts...)
	}
	const every, tries = 1, 30 * 60 // seconds between tries to get the lock, while another replica migrates
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(every, tries))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.writer, files, append(opts, goose.WithSessionLocker(locker))...)
}
