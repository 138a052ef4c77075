package model

import (
	"regexp"
	"time"
)

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
	RoleOwner     Role = "owner"     // destroys, members, tokens
	RoleAdmin     Role = "admin"     // the installation: every team, environments, users
)

var roleRank = map[Role]int{RoleViewer: 1, RoleDeveloper: 2, RoleOwner: 3, RoleAdmin: 4}

// AtLeast tells whether r includes the rights of want. An unknown role has none.
func (r Role) AtLeast(want Role) bool { return roleRank[r] >= roleRank[want] && roleRank[r] > 0 }

// Valid tells whether r is one of the four roles.
func (r Role) Valid() bool { return roleRank[r] > 0 }

var teamNameRE = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// ValidateTeamName tells what is wrong with a new team's name, "" for nothing.
func ValidateTeamName(name string) string {
	if !teamNameRE.MatchString(name) {
		return "Use 1 to 32 lower-case letters, digits and hyphens, and no hyphen at the ends."
	}
	return ""
}
