package store

import (
	"context"

	"drawbridge/internal/model"
)

const trustColumns = `id, team_id, name, issuer, audience, claims, role, created_by, created_at`

func scanTrust(s scanner) (*model.Trust, error) {
	var t model.Trust
	err := s.Scan(&t.ID, &t.TeamID, &t.Name, &t.Issuer, &t.Audience, jsonColumn{&t.Claims}, &t.Role, &t.CreatedBy, millis{&t.CreatedAt})
	return &t, err
}

// InsertTrust saves a new trust. An empty id or time is filled in.
func (q *Queries) InsertTrust(ctx context.Context, t *model.Trust) error {
	q.fresh(&t.ID, model.PrefixTrust, &t.CreatedAt)
	claims, err := jsonText(t.Claims)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert trust",
		`INSERT INTO trusts (`+trustColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.TeamID, t.Name, t.Issuer, t.Audience, claims, t.Role, t.CreatedBy, ms(t.CreatedAt))
	return err
}

// TrustByID returns a trust.
func (q *Queries) TrustByID(ctx context.Context, id string) (*model.Trust, error) {
	t, err := scanTrust(q.row(ctx, "read trust", `SELECT `+trustColumns+` FROM trusts WHERE id = $1`, id))
	return found(t, err, "trust", id)
}

// Trusts lists a team's trusts, newest first.
func (q *Queries) Trusts(ctx context.Context, teamID string) ([]model.Trust, error) {
	return collect(q.rows(ctx, "list trusts",
		`SELECT `+trustColumns+` FROM trusts WHERE team_id = $1 ORDER BY created_at DESC, id`, teamID), scanTrust)
}

// TrustsOf lists every team's trusts in an issuer, oldest first.
func (q *Queries) TrustsOf(ctx context.Context, issuer string) ([]model.Trust, error) {
	return collect(q.rows(ctx, "list trusts of an issuer",
		`SELECT `+trustColumns+` FROM trusts WHERE issuer = $1 ORDER BY created_at, id`, issuer), scanTrust)
}

// DeleteTrust ends a trust of the team.
func (q *Queries) DeleteTrust(ctx context.Context, teamID, id string) error {
	q.accessChanged()
	n, err := q.exec(ctx, "delete trust", `DELETE FROM trusts WHERE team_id = $1 AND id = $2`, teamID, id)
	if err == nil && n == 0 {
		return model.NotFound("trust", id)
	}
	return err
}
