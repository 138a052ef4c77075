package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Sessions is the store of browser sessions, as scs wants it (scs.CtxStore).
// The tokens that it gets are hashed already.
type Sessions struct{ store *Store }

// Sessions returns the store of browser sessions.
func (s *Store) Sessions() *Sessions { return &Sessions{store: s} }

// touchEvery is how much later a session must end before an otherwise
// unchanged one is written again: each request moves its idle timeout.
const touchEvery = time.Minute

// FindCtx returns a session's data unless it is absent or expired.
func (s *Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	q := s.store.Read()
	var data []byte
	err := q.row(ctx, "read session",
		`SELECT data FROM sessions WHERE token = $1 AND expires_at > $2`, token, ms(q.now())).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx writes a session, whose expiry is by the process's clock, and drops
// those that have expired.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.store.InTx(ctx, func(q *Queries) error {
		_, err := q.exec(ctx, "drop old sessions", `DELETE FROM sessions WHERE expires_at <= $1`, ms(q.now()))
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "write session",
			`INSERT INTO sessions (token, data, expires_at) VALUES ($1, $2, $3)
			 ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at
			 WHERE sessions.data <> excluded.data OR abs(excluded.expires_at - sessions.expires_at) >= $4`,
			token, data, ms(s.store.ofOwn(expiry)), touchEvery.Milliseconds())
		return err
	})
}

// DeleteCtx deletes a session; an absent one is no error.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.store.InTx(ctx, func(q *Queries) error {
		_, err := q.exec(ctx, "delete session", `DELETE FROM sessions WHERE token = $1`, token)
		return err
	})
}

// Find, Commit and Delete complete scs.Store, which calls the methods with a
// ctx where there are any.

// Find is FindCtx.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
