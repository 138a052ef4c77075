package model

import "time"

// Membership is what one user may do in one team.
type Membership struct {
	UserID    string    `json:"user_id"`
	TeamID    string    `json:"team_id"`
	Role      Role      `json:"role"`
	ByGroup   bool      `json:"by_group"` // it follows the user's groups at their provider
	CreatedAt time.Time `json:"created_at"`
}

// TeamMember is a membership with who it is.
type TeamMember struct {
	Membership
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
	Disabled bool   `json:"disabled"`
}

// Invitation lets whoever has its link and its address into a team, once.
type Invitation struct {
	ID        string    `json:"id"`
	TeamID    string    `json:"team_id"`
	Email     string    `json:"email"`
	Role      Role      `json:"role"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}
