package store_test

import (
	"log/slog"
	"testing"

	"github.com/alexedwards/scs/v2"
	"go.uber.org/goleak"

	"drawbridge/internal/jobs"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// What other packages declare and the store carries.
var (
	_ jobs.Store        = (*store.Store)(nil)
	_ provision.Journal = (*store.Store)(nil)
	_ scs.CtxStore      = (*store.Sessions)(nil)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store {
		o.DSN = storetest.SQLite(t)
		return opened(t, o)
	})
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	storetest.Postgres(t) // skips here, and not in each of the suite's tests
	storetest.Run(t, func(t *testing.T, o store.Options) *store.Store {
		o.DSN = storetest.Postgres(t)
		return opened(t, o)
	})
}

func opened(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
