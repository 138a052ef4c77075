package model

import "time"

// CodeLeftBehind is the code of the problem that a backend's resources
// outlived the job that had to delete them.
const CodeLeftBehind = "LeftBehind"

// Orphan is a thing in AWS that carries owner tags and that no resource
// accounts for: what is left of a backend, or another installation's.
type Orphan struct {
	Type      string    `json:"type"` // "load balancer", "security group"
	ID        string    `json:"id"`   // id or ARN
	Name      string    `json:"name,omitempty"`
	InstallID string    `json:"install_id"`          // from its tags
	BackendID string    `json:"backend_id"`          // from its tags
	Key       string    `json:"key"`                 // its place in the chain, from its tags
	Foreign   bool      `json:"foreign,omitempty"`   // another installation's: never touched
	Why       string    `json:"why"`                 // why nothing accounts for it, in words
	CreatedAt time.Time `json:"created_at,omitzero"` // zero where AWS does not tell
}
