package store

import (
	"context"

	"drawbridge/internal/model"
)

const identityColumns = `issuer, subject, user_id, created_at`

func scanIdentity(s scanner) (*model.Identity, error) {
	var i model.Identity
	err := s.Scan(&i.Issuer, &i.Subject, &i.UserID, millis{&i.CreatedAt})
	return &i, err
}

// InsertIdentity links a provider's subject to a user; CodeConflict when it is
// somebody's already.
func (q *Queries) InsertIdentity(ctx context.Context, i *model.Identity) error {
	if i.CreatedAt.IsZero() {
		i.CreatedAt = q.now()
	}
	_, err := q.exec(ctx, "insert identity", `INSERT INTO identities (`+identityColumns+`) VALUES ($1, $2, $3, $4)`,
		i.Issuer, i.Subject, i.UserID, ms(i.CreatedAt))
	return taken(err, "This account at the provider is linked to a user already.")
}

// UserByIdentity returns whom a provider's subject is linked to.
func (q *Queries) UserByIdentity(ctx context.Context, issuer, subject string) (*model.User, error) {
	u, err := scanUser(q.row(ctx, "read user",
		`SELECT `+userColumns+` FROM users WHERE id = (SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2)`,
		issuer, subject))
	return found(u, err, "user", subject)
}

// Identities lists a user's identities, oldest first.
func (q *Queries) Identities(ctx context.Context, userID string) ([]model.Identity, error) {
	return collect(q.rows(ctx, "list identities",
		`SELECT `+identityColumns+` FROM identities WHERE user_id = $1 ORDER BY created_at, issuer, subject`, userID), scanIdentity)
}

// DeleteIdentity unlinks one of a user's identities.
func (q *Queries) DeleteIdentity(ctx context.Context, userID, issuer, subject string) error {
	n, err := q.exec(ctx, "delete identity",
		`DELETE FROM identities WHERE user_id = $1 AND issuer = $2 AND subject = $3`, userID, issuer, subject)
	if err == nil && n == 0 {
		return model.NotFound("identity", subject)
	}
	return err
}
