package store

import (
	"context"
	"time"

	"drawbridge/internal/model"
)

const tokenColumns = `id, COALESCE(team_id, ''), name, role, created_by, created_at, expires_at, last_used_at`

func scanToken(s scanner) (*model.Token, error) {
	var t model.Token
	err := s.Scan(&t.ID, &t.TeamID, &t.Name, &t.Role, &t.CreatedBy,
		millis{&t.CreatedAt}, millis{&t.ExpiresAt}, millis{&t.LastUsedAt})
	return &t, err
}

// InsertToken saves a new API token and the hash of its secret. An empty id or
// time is filled in. An empty team is an admin's token, for every team.
func (q *Queries) InsertToken(ctx context.Context, t *model.Token, hash string) error {
	q.fresh(&t.ID, model.PrefixToken, &t.CreatedAt)
	_, err := q.exec(ctx, "insert token",
		`INSERT INTO api_tokens (id, team_id, name, role, hash, created_by, created_at, expires_at)
		 VALUES ($1, NULLIF($2, ''), $3, $4, $5, $6, $7, $8)`,
		t.ID, t.TeamID, t.Name, t.Role, hash, t.CreatedBy, ms(t.CreatedAt), ms(t.ExpiresAt))
	return err
}

// TokenByHash returns the token whose secret has that hash, expired or not.
func (q *Queries) TokenByHash(ctx context.Context, hash string) (*model.Token, error) {
	t, err := scanToken(q.row(ctx, "read token", `SELECT `+tokenColumns+` FROM api_tokens WHERE hash = $1`, hash))
	return found(t, err, "token", "") // the hash is nobody's to read
}

// TokenByID returns a token, expired or not.
func (q *Queries) TokenByID(ctx context.Context, id string) (*model.Token, error) {
	t, err := scanToken(q.row(ctx, "read token", `SELECT `+tokenColumns+` FROM api_tokens WHERE id = $1`, id))
	return found(t, err, "token", id)
}

// Tokens lists a team's tokens, newest first; an empty id lists the admins'.
func (q *Queries) Tokens(ctx context.Context, teamID string) ([]model.Token, error) {
	return collect(q.rows(ctx, "list tokens",
		`SELECT `+tokenColumns+` FROM api_tokens WHERE COALESCE(team_id, '') = $1 ORDER BY created_at DESC, id`,
		teamID), scanToken)
}

// DeleteToken deletes a token of the team (of the admins, when it is empty): its
// secret is worthless from then on.
func (q *Queries) DeleteToken(ctx context.Context, teamID, id string) error {
	q.accessChanged()
	n, err := q.exec(ctx, "delete token", `DELETE FROM api_tokens WHERE COALESCE(team_id, '') = $1 AND id = $2`, teamID, id)
	if err == nil && n == 0 {
		return model.NotFound("token", id)
	}
	return err
}

// DeleteTokensBy deletes the tokens that a user has made, in the team or, when
// it is empty, in all of them.
func (q *Queries) DeleteTokensBy(ctx context.Context, userID, teamID string) error {
	q.accessChanged()
	_, err := q.exec(ctx, "delete tokens of a user",
		`DELETE FROM api_tokens WHERE created_by = $1 AND ($2 = '' OR team_id = $2)`, userID, teamID)
	return err
}

// TouchToken notes that a token was used.
func (q *Queries) TouchToken(ctx context.Context, id string, at time.Time) error {
	_, err := q.exec(ctx, "touch token", `UPDATE api_tokens SET last_used_at = $2 WHERE id = $1`, id, ms(at))
	return err
}
