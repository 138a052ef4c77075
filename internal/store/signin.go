package store

import (
	"context"
	"time"
)

// InsertSignInLink saves the hash of a one-time link's token, and drops the
// links that can never be used again. The link is the user's; "" is the first
// admin's, whoever that is.
func (q *Queries) InsertSignInLink(ctx context.Context, hash, userID string, expires time.Time) error {
	now := ms(q.now())
	_, err := q.exec(ctx, "drop old sign-in links",
		`DELETE FROM sign_in_links WHERE used_at <> 0 OR expires_at <= $1`, now)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert sign-in link",
		`INSERT INTO sign_in_links (hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)`, hash, userID, now, ms(expires))
	return err
}

// UseSignInLink uses a link up and returns whose it is; CodeNotFound when there
// is none to use: never twice, and not after its expiry. The user's other open
// links close with it.
func (q *Queries) UseSignInLink(ctx context.Context, hash string) (userID string, err error) {
	err = q.row(ctx, "use sign-in link",
		`UPDATE sign_in_links SET used_at = $2 WHERE hash = $1 AND used_at = 0 AND expires_at > $2 RETURNING user_id`,
		hash, ms(q.now())).Scan(&userID)
	if _, err = found(&userID, err, "sign-in link", ""); err != nil {
		return "", err
	}
	return userID, q.CloseSignInLinks(ctx, userID)
}

// CloseSignInLinks closes a user's open links.
func (q *Queries) CloseSignInLinks(ctx context.Context, userID string) error {
	_, err := q.exec(ctx, "close sign-in links", `DELETE FROM sign_in_links WHERE used_at = 0 AND user_id = $1`, userID)
	return err
}
