package store

import (
	"context"

	"drawbridge/internal/model"
)

const teamColumns = `id, name, created_at`

func scanTeam(s scanner) (*model.Team, error) {
	var t model.Team
	err := s.Scan(&t.ID, &t.Name, millis{&t.CreatedAt})
	return &t, err
}

// InsertTeam saves a new team. An empty id or time is filled in.
func (q *Queries) InsertTeam(ctx context.Context, t *model.Team) error {
	q.fresh(&t.ID, model.PrefixTeam, &t.CreatedAt)
	_, err := q.exec(ctx, "insert team", `INSERT INTO teams (`+teamColumns+`) VALUES ($1, $2, $3)`,
		t.ID, t.Name, ms(t.CreatedAt))
	return taken(err, "There is a team named %q already. Choose another name.", t.Name)
}

// TeamByID returns one team.
func (q *Queries) TeamByID(ctx context.Context, id string) (*model.Team, error) {
	t, err := scanTeam(q.row(ctx, "read team", `SELECT `+teamColumns+` FROM teams WHERE id = $1`, id))
	return found(t, err, "team", id)
}

// TeamByName returns one team.
func (q *Queries) TeamByName(ctx context.Context, name string) (*model.Team, error) {
	t, err := scanTeam(q.row(ctx, "read team", `SELECT `+teamColumns+` FROM teams WHERE name = $1`, name))
	return found(t, err, "team", name)
}

// Teams lists all teams by name.
func (q *Queries) Teams(ctx context.Context) ([]model.Team, error) {
	return collect(q.rows(ctx, "list teams", `SELECT `+teamColumns+` FROM teams ORDER BY name`), scanTeam)
}
