package model

import "time"

// Token is an API token; its secret is stored as a SHA-256 hash only.
type Token struct {
	ID         string    `json:"id"`
	TeamID     string    `json:"team_id"` // "" for an admin's, good for every team
	Name       string    `json:"name"`
	Role       Role      `json:"role"`
	CreatedBy  string    `json:"created_by"` // the user's id; "" when made at the server's command line
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}
