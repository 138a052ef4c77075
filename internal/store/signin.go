package store

import (
	"context"
	"time"
)

// InsertSignInLink saves the hash of a one-time link's token, and drops the
// links that can never be used again.
func (q *Queries) InsertSignInLink(ctx context.Context, hash string, expires time.Time) error {
	now := ms(q.now())
	_, err := q.exec(ctx, "drop old sign-in links",
		`DELETE FROM sign_in_links WHERE used_at <> 0 OR expires_at <= $1`, now)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert sign-in link",
		`INSERT INTO sign_in_links (hash, created_at, expires_at) VALUES ($1, $2, $3)`, hash, now, ms(expires))
	return err
}

// UseSignInLink uses a link up. It tells whether there was one to use: never
// twice, and not after its expiry. The other open links close with it.
func (q *Queries) UseSignInLink(ctx context.Context, hash string) (bool, error) {
	n, err := q.exec(ctx, "use sign-in link",
		`UPDATE sign_in_links SET used_at = $2 WHERE hash = $1 AND used_at = 0 AND expires_at > $2`,
		hash, ms(q.now()))
	if err != nil || n != 1 {
		return false, err
	}
	_, err = q.exec(ctx, "drop the other links", `DELETE FROM sign_in_links WHERE used_at = 0`)
	return true, err
}
