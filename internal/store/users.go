package store

import (
	"context"
	"time"

	"drawbridge/internal/model"
)

const userColumns = `id, name, email, admin, disabled_at, created_at, password_hash <> '',
	(SELECT count(*) FROM identities WHERE identities.user_id = users.id)`

func scanUser(s scanner) (*model.User, error) {
	var u model.User
	err := s.Scan(&u.ID, &u.Name, &u.Email, &u.Admin, millis{&u.DisabledAt}, millis{&u.CreatedAt},
		&u.HasPassword, &u.Identities)
	return &u, err
}

// InsertUser saves a new user, who has no password and no identity yet. An
// empty id or time is filled in.
func (q *Queries) InsertUser(ctx context.Context, u *model.User) error {
	q.fresh(&u.ID, model.PrefixUser, &u.CreatedAt)
	_, err := q.exec(ctx, "insert user",
		`INSERT INTO users (id, name, email, admin, disabled_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		u.ID, u.Name, u.Email, u.Admin, ms(u.DisabledAt), ms(u.CreatedAt))
	return taken(err, "There is a user named %q or with the address %q already.", u.Name, u.Email)
}

// UserByID returns one user.
func (q *Queries) UserByID(ctx context.Context, id string) (*model.User, error) {
	u, err := scanUser(q.row(ctx, "read user", `SELECT `+userColumns+` FROM users WHERE id = $1`, id))
	return found(u, err, "user", id)
}

// UserForUpdate returns one user and locks the row until the transaction ends.
func (q *Queries) UserForUpdate(ctx context.Context, id string) (*model.User, error) {
	u, err := scanUser(q.row(ctx, "lock user", `SELECT `+userColumns+` FROM users WHERE id = $1`+q.forUpdate(), id))
	return found(u, err, "user", id)
}

// LockAdmins keeps other transactions from making or unmaking admins until this
// one ends, so that two at once cannot both leave the other as the last.
func (q *Queries) LockAdmins(ctx context.Context) error {
	if q.tx == nil {
		return errNoTx
	}
	_, err := collect(q.rows(ctx, "lock admins", `SELECT `+userColumns+` FROM users WHERE admin ORDER BY id`+q.forUpdate()), scanUser)
	return err
}

// UserByLogin returns the user with that address or, when it holds no @, that name.
func (q *Queries) UserByLogin(ctx context.Context, login string) (*model.User, error) {
	u, err := scanUser(q.row(ctx, "read user",
		`SELECT `+userColumns+` FROM users WHERE name = $1 OR (email = $1 AND email <> '') ORDER BY created_at LIMIT 1`, login))
	return found(u, err, "user", login)
}

// Users lists all users, oldest first.
func (q *Queries) Users(ctx context.Context) ([]model.User, error) {
	return collect(q.rows(ctx, "list users", `SELECT `+userColumns+` FROM users ORDER BY created_at, id`), scanUser)
}

// PasswordHash returns the hash of a user's password; "" when there is none.
func (q *Queries) PasswordHash(ctx context.Context, id string) (string, error) {
	var hash string
	err := q.row(ctx, "read password hash", `SELECT password_hash FROM users WHERE id = $1`, id).Scan(&hash)
	_, err = found(&hash, err, "user", id)
	return hash, err
}

// SetPasswordHash replaces the hash of a user's password.
func (q *Queries) SetPasswordHash(ctx context.Context, id, hash string) error {
	return q.changeUser(ctx, "set password", id, `UPDATE users SET password_hash = $2 WHERE id = $1`, hash)
}

// SetUserDisabled switches a user off, or on again with the zero time.
func (q *Queries) SetUserDisabled(ctx context.Context, id string, at time.Time) error {
	return q.changeUser(ctx, "switch user", id, `UPDATE users SET disabled_at = $2 WHERE id = $1`, ms(at))
}

// SetUserAdmin makes a user an admin, or no longer.
func (q *Queries) SetUserAdmin(ctx context.Context, id string, admin bool) error {
	return q.changeUser(ctx, "set admin", id, `UPDATE users SET admin = $2 WHERE id = $1`, admin)
}

func (q *Queries) changeUser(ctx context.Context, op, id, statement string, value any) error {
	q.accessChanged()
	n, err := q.exec(ctx, op, statement, id, value)
	if err == nil && n == 0 {
		return model.NotFound("user", id)
	}
	return err
}
