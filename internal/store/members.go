package store

import (
	"context"

	"drawbridge/internal/model"
)

const membershipColumns = `user_id, team_id, role, by_group, created_at`

func scanMembership(s scanner) (*model.Membership, error) {
	var m model.Membership
	err := s.Scan(&m.UserID, &m.TeamID, &m.Role, &m.ByGroup, millis{&m.CreatedAt})
	return &m, err
}

// SaveMembership puts a user into a team, or changes their role in it.
func (q *Queries) SaveMembership(ctx context.Context, m *model.Membership) error {
	q.accessChanged()
	if m.CreatedAt.IsZero() {
		m.CreatedAt = q.now()
	}
	_, err := q.exec(ctx, "save membership",
		`INSERT INTO memberships (`+membershipColumns+`) VALUES ($1, $2, $3, $4, $5)
		 ON CONFLICT (user_id, team_id) DO UPDATE SET role = excluded.role, by_group = excluded.by_group`,
		m.UserID, m.TeamID, m.Role, m.ByGroup, ms(m.CreatedAt))
	return err
}

// Membership returns what a user is in a team.
func (q *Queries) Membership(ctx context.Context, teamID, userID string) (*model.Membership, error) {
	m, err := scanMembership(q.row(ctx, "read membership",
		`SELECT `+membershipColumns+` FROM memberships WHERE team_id = $1 AND user_id = $2`, teamID, userID))
	return found(m, err, "member", userID)
}

// DeleteMembership takes a user out of a team.
func (q *Queries) DeleteMembership(ctx context.Context, teamID, userID string) error {
	q.accessChanged()
	n, err := q.exec(ctx, "delete membership",
		`DELETE FROM memberships WHERE team_id = $1 AND user_id = $2`, teamID, userID)
	if err == nil && n == 0 {
		return model.NotFound("member", userID)
	}
	return err
}

// OwnerStands tells whether a user is there, switched on, and an owner of the
// team or an admin: whoever made something for the team could still make it.
func (q *Queries) OwnerStands(ctx context.Context, teamID, userID string) (bool, error) {
	var n int
	err := q.row(ctx, "look whether an owner stands",
		`SELECT count(*) FROM users u WHERE u.id = $2 AND u.disabled_at = 0 AND (u.admin OR EXISTS
		 (SELECT 1 FROM memberships m WHERE m.user_id = u.id AND m.team_id = $1 AND m.role = 'owner'))`, teamID, userID).Scan(&n)
	_, err = found(&n, err, "user", userID)
	return n > 0, err
}

// Memberships lists the teams of a user.
func (q *Queries) Memberships(ctx context.Context, userID string) ([]model.Membership, error) {
	return collect(q.rows(ctx, "list memberships",
		`SELECT `+membershipColumns+` FROM memberships WHERE user_id = $1 ORDER BY team_id`, userID), scanMembership)
}

func scanTeamMember(s scanner) (*model.TeamMember, error) {
	var m model.TeamMember
	err := s.Scan(&m.UserID, &m.TeamID, &m.Role, &m.ByGroup, millis{&m.CreatedAt}, &m.Name, &m.Email, &m.Disabled)
	return &m, err
}

// Members lists the people of a team by name.
func (q *Queries) Members(ctx context.Context, teamID string) ([]model.TeamMember, error) {
	return collect(q.rows(ctx, "list members",
		`SELECT m.user_id, m.team_id, m.role, m.by_group, m.created_at, u.name, u.email, u.disabled_at <> 0
		 FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.team_id = $1 ORDER BY u.name`, teamID), scanTeamMember)
}
