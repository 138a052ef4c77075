package auth

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// TestEveryTryIsHashed: whoever asks, known or not, with a password or without
// one, switched off or not, pays for one hash of the same cost, so that time
// tells nothing. With all places taken, each try stands in the same line.
func TestEveryTryIsHashed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, everyTryIsHashed)
}

func everyTryIsHashed(t *testing.T) {
	st, err := store.Open(t.Context(), store.Options{DSN: storetest.SQLite(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	a := New(st, Options{Logger: slog.New(slog.DiscardHandler)})
	hashed, err := a.newPassword(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	err = st.InTx(t.Context(), func(q *store.Queries) error {
		for _, u := range []*model.User{{ID: "usr_with", Name: "with"}, {ID: "usr_without", Name: "without"}, {ID: "usr_off", Name: "off", DisabledAt: time.Now()}} {
			if err := q.InsertUser(t.Context(), u); err != nil {
				return err
			}
		}
		return errors.Join(q.SetPasswordHash(t.Context(), "usr_with", hashed), q.SetPasswordHash(t.Context(), "usr_off", hashed))
	})
	if err != nil {
		t.Fatal(err)
	}
	for range hashesAtOnce {
		a.hashing <- struct{}{}
	}
	for _, login := range []string{"with", "without", "off", "nobody", ""} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := a.checkPassword(ctx, login, "wrong")
			done <- err
		}()
		synctest.Wait() // until it stands in the line, or has answered
		if len(done) > 0 {
			cancel()
			t.Errorf("%q was answered without a hash: %v", login, <-done)
			continue
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v", login, err)
		}
	}
}
