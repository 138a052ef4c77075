package store

import (
	"context"
	"time"
)

// Try is what is known of the tries to sign in under one key.
type Try struct {
	Tries        int64
	BlockedUntil time.Time
}

// CountTry counts one more try under the key, the first again when the last
// one is older than window, and returns how many there were. Two at once never
// get the same count.
func (q *Queries) CountTry(ctx context.Context, key string, window time.Duration) (Try, error) {
	now := q.now()
	_, err := q.exec(ctx, "drop old tries", `DELETE FROM sign_in_tries WHERE last_at < $1 AND blocked_until < $2`,
		ms(now.Add(-window)), ms(now))
	if err != nil {
		return Try{}, err
	}
	var t Try
	err = q.row(ctx, "count try",
		`INSERT INTO sign_in_tries (key, tries, last_at, blocked_until) VALUES ($1, 1, $2, 0)
		 ON CONFLICT (key) DO UPDATE SET tries = sign_in_tries.tries + 1, last_at = excluded.last_at
		 RETURNING tries, blocked_until`, key, ms(now)).Scan(&t.Tries, millis{&t.BlockedUntil})
	return t, err
}

// BlockedUntil tells until when the keys are blocked, the zero time for not at all.
func (q *Queries) BlockedUntil(ctx context.Context, keys ...string) (time.Time, error) {
	var until time.Time
	err := q.row(ctx, "read tries",
		`SELECT COALESCE(MAX(blocked_until), 0) FROM sign_in_tries WHERE key IN (`+placeholders(1, len(keys))+`)`,
		anys(keys)...).Scan(millis{&until})
	return until, err
}

// BlockTries lets nobody try under the key until the time.
func (q *Queries) BlockTries(ctx context.Context, key string, until time.Time) error {
	_, err := q.exec(ctx, "block tries", `UPDATE sign_in_tries SET blocked_until = $2 WHERE key = $1`, key, ms(until))
	return err
}

// ForgetTries starts the count under the key again.
func (q *Queries) ForgetTries(ctx context.Context, key string) error {
	_, err := q.exec(ctx, "forget tries", `DELETE FROM sign_in_tries WHERE key = $1`, key)
	return err
}
