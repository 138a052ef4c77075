package store

import (
	"context"

	"drawbridge/internal/model"
)

const userColumns = `id, name, role, created_at`

func scanUser(s scanner) (*model.User, error) {
	var u model.User
	err := s.Scan(&u.ID, &u.Name, &u.Role, millis{&u.CreatedAt})
	return &u, err
}

// InsertUser saves a new user. An empty id or time is filled in.
func (q *Queries) InsertUser(ctx context.Context, u *model.User) error {
	q.fresh(&u.ID, model.PrefixUser, &u.CreatedAt)
	_, err := q.exec(ctx, "insert user", `INSERT INTO users (`+userColumns+`) VALUES ($1, $2, $3, $4)`,
		u.ID, u.Name, u.Role, ms(u.CreatedAt))
	return taken(err, "There is a user named %q already. Choose another name.", u.Name)
}

// UserByID returns one user.
func (q *Queries) UserByID(ctx context.Context, id string) (*model.User, error) {
	u, err := scanUser(q.row(ctx, "read user", `SELECT `+userColumns+` FROM users WHERE id = $1`, id))
	return found(u, err, "user", id)
}

// Users lists all users, oldest first.
func (q *Queries) Users(ctx context.Context) ([]model.User, error) {
	return collect(q.rows(ctx, "list users", `SELECT `+userColumns+` FROM users ORDER BY created_at, id`), scanUser)
}
