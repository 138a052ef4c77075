package store

import (
	"context"

	"drawbridge/internal/model"
)

const invitationColumns = `id, team_id, email, role, created_by, created_at, expires_at`

func scanInvitation(s scanner) (*model.Invitation, error) {
	var i model.Invitation
	err := s.Scan(&i.ID, &i.TeamID, &i.Email, &i.Role, &i.CreatedBy, millis{&i.CreatedAt}, millis{&i.ExpiresAt})
	return &i, err
}

// InsertInvitation saves an invitation and the hash of its link's token. One
// for the same address and team, unused, is replaced.
func (q *Queries) InsertInvitation(ctx context.Context, i *model.Invitation, hash string) error {
	q.fresh(&i.ID, model.PrefixInvitation, &i.CreatedAt)
	_, err := q.exec(ctx, "replace invitation",
		`DELETE FROM invitations WHERE team_id = $1 AND email = $2 AND used_at = 0`, i.TeamID, i.Email)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert invitation",
		`INSERT INTO invitations (hash, `+invitationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		hash, i.ID, i.TeamID, i.Email, i.Role, i.CreatedBy, ms(i.CreatedAt), ms(i.ExpiresAt))
	return err
}

// Invitations lists a team's open invitations, newest first.
func (q *Queries) Invitations(ctx context.Context, teamID string) ([]model.Invitation, error) {
	return collect(q.rows(ctx, "list invitations",
		`SELECT `+invitationColumns+` FROM invitations WHERE team_id = $1 AND used_at = 0 AND expires_at > $2
		 ORDER BY created_at DESC, id`, teamID, ms(q.now())), scanInvitation)
}

// InvitationByHash returns the open invitation whose token has that hash.
func (q *Queries) InvitationByHash(ctx context.Context, hash string) (*model.Invitation, error) {
	i, err := scanInvitation(q.row(ctx, "read invitation",
		`SELECT `+invitationColumns+` FROM invitations WHERE hash = $1 AND used_at = 0 AND expires_at > $2`, hash, ms(q.now())))
	return found(i, err, "invitation", "") // the hash is nobody's to read
}

// UseInvitation uses an invitation up and tells whether it was still good.
func (q *Queries) UseInvitation(ctx context.Context, id string) (bool, error) {
	n, err := q.exec(ctx, "use invitation",
		`UPDATE invitations SET used_at = $2 WHERE id = $1 AND used_at = 0 AND expires_at > $2`, id, ms(q.now()))
	return n == 1, err
}

// DeleteInvitation takes an open invitation of the team back.
func (q *Queries) DeleteInvitation(ctx context.Context, teamID, id string) error {
	n, err := q.exec(ctx, "delete invitation",
		`DELETE FROM invitations WHERE team_id = $1 AND id = $2 AND used_at = 0`, teamID, id)
	if err == nil && n == 0 {
		return model.NotFound("invitation", id)
	}
	return err
}
