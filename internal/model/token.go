package model

import (
	"strings"
	"time"
)

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

// Bounds of a token's life and name.
const (
	defaultTokenTTL = 90 * 24 * time.Hour
	maxTokenTTL     = 366 * 24 * time.Hour
	maxTokenName    = 64
)

// TokenRequest says what token to make.
type TokenRequest struct {
	TeamID string // "" only for an admin's token
	Name   string // what it is for
	Role   Role
	TTL    time.Duration // 0 = 90 days; a year at most
	Actor  Actor         // who makes it
}

// Lifetime is how long the token is good for.
func (r *TokenRequest) Lifetime() time.Duration {
	if r.TTL == 0 {
		return defaultTokenTTL
	}
	return r.TTL
}

// Validate checks what is asked for; who may ask is decided in panel.
func (r *TokenRequest) Validate() error {
	var v Invalid
	if strings.TrimSpace(r.Name) == "" || len(r.Name) > maxTokenName || !plainText(r.Name) {
		v.Add("name", "Say what the token is for, in 1 to %d characters of one line.", maxTokenName)
	}
	if isSystem(r.Name) {
		v.Add("name", systemsName)
	}
	if !r.Role.Valid() {
		v.Add("role", "%q is not a role; use viewer, developer, owner or admin.", r.Role)
	}
	if (r.TeamID == "") != (r.Role == RoleAdmin) {
		v.Add("team", "Name the team that the token acts for; only an admin's token has none.")
	}
	if r.TTL < 0 || r.TTL > maxTokenTTL {
		v.Add("ttl", "Let the token expire within a year.")
	}
	return v.Err()
}
