package model

import "time"

// Team owns backends.
type Team struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// Role is what a person or a token may do within a team.
type Role string

const (
	RoleViewer    Role = "viewer"    // sees
	RoleDeveloper Role = "developer" // registers, provisions, tests
	RoleOwner     Role = "owner"     // destroys, tokens
	RoleAdmin     Role = "admin"     // the installation: every team, environments
)

var roleRank = map[Role]int{RoleViewer: 1, RoleDeveloper: 2, RoleOwner: 3, RoleAdmin: 4}

// AtLeast tells whether r includes the rights of want. An unknown role has none.
func (r Role) AtLeast(want Role) bool { return roleRank[r] >= roleRank[want] && roleRank[r] > 0 }

// Valid tells whether r is one of the four roles.
func (r Role) Valid() bool { return roleRank[r] > 0 }

// User is a person who signs in.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      Role      `json:"role"`
	CreatedAt time.Time `json:"created_at"`
}

// Actor is who asks: a signed-in person, an API token, or the server itself.
// The zero Actor may do nothing.
type Actor struct {
	ID     string `json:"id"`      // user or token id
	Name   string `json:"name"`    // shown in jobs and events
	TeamID string `json:"team_id"` // "" for an admin means every team
	Role   Role   `json:"role"`
}

// Sees tells whether the actor belongs to the team (or to all of them).
func (a Actor) Sees(teamID string) bool {
	return a.Role.Valid() && (a.TeamID == teamID || a.Role == RoleAdmin)
}

// Token is an API token; its secret is stored as a SHA-256 hash only.
type Token struct {
	ID         string    `json:"id"`
	TeamID     string    `json:"team_id"`
	Name       string    `json:"name"`
	Role       Role      `json:"role"`
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}
