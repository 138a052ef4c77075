package store

import (
	"context"
	"time"

	"drawbridge/internal/model"
)

const userSessionColumns = `id, user_id, address, agent, created_at, seen_at, confirmed_at`

func scanUserSession(s scanner) (*model.Session, error) {
	var x model.Session
	err := s.Scan(&x.ID, &x.UserID, &x.Address, &x.Agent, millis{&x.CreatedAt}, millis{&x.SeenAt}, millis{&x.ConfirmedAt})
	return &x, err
}

// InsertUserSession saves that a user has signed in, and drops what was not
// seen since the given time.
func (q *Queries) InsertUserSession(ctx context.Context, x *model.Session, unseenSince time.Time) error {
	q.fresh(&x.ID, model.PrefixSession, &x.CreatedAt)
	x.SeenAt, x.ConfirmedAt = x.CreatedAt, x.CreatedAt
	_, err := q.exec(ctx, "drop old user sessions", `DELETE FROM user_sessions WHERE seen_at < $1`, ms(unseenSince))
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert user session",
		`INSERT INTO user_sessions (`+userSessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		x.ID, x.UserID, x.Address, x.Agent, ms(x.CreatedAt), ms(x.SeenAt), ms(x.ConfirmedAt))
	return err
}

// UserSession returns one session of whomever it is.
func (q *Queries) UserSession(ctx context.Context, id string) (*model.Session, error) {
	x, err := scanUserSession(q.row(ctx, "read user session",
		`SELECT `+userSessionColumns+` FROM user_sessions WHERE id = $1`, id))
	return found(x, err, "session", id)
}

// UserSessions lists a user's sessions, the last seen first.
func (q *Queries) UserSessions(ctx context.Context, userID string) ([]model.Session, error) {
	return collect(q.rows(ctx, "list user sessions",
		`SELECT `+userSessionColumns+` FROM user_sessions WHERE user_id = $1 ORDER BY seen_at DESC, id`, userID), scanUserSession)
}

// TouchUserSession notes that a session was used.
func (q *Queries) TouchUserSession(ctx context.Context, id string, at time.Time) error {
	_, err := q.exec(ctx, "touch user session", `UPDATE user_sessions SET seen_at = $2 WHERE id = $1`, id, ms(at))
	return err
}

// ConfirmUserSession notes that its user proved once more who they are.
func (q *Queries) ConfirmUserSession(ctx context.Context, id string, at time.Time) error {
	_, err := q.exec(ctx, "confirm user session", `UPDATE user_sessions SET confirmed_at = $2 WHERE id = $1`, id, ms(at))
	return err
}

// DeleteUserSession ends one session of a user.
func (q *Queries) DeleteUserSession(ctx context.Context, userID, id string) error {
	q.accessChanged()
	n, err := q.exec(ctx, "delete user session", `DELETE FROM user_sessions WHERE user_id = $1 AND id = $2`, userID, id)
	if err == nil && n == 0 {
		return model.NotFound("session", id)
	}
	return err
}

// DeleteUserSessions ends all sessions of a user but one; "" spares none.
func (q *Queries) DeleteUserSessions(ctx context.Context, userID, but string) error {
	q.accessChanged()
	_, err := q.exec(ctx, "delete user sessions", `DELETE FROM user_sessions WHERE user_id = $1 AND id <> $2`, userID, but)
	return err
}
