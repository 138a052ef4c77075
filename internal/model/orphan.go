package model

import "time"

// CodeLeftBehind is the code of the problem that a backend's resources
// outlived the job that had to delete them.
const CodeLeftBehind = "LeftBehind"

// What an orphan can be, in words.
const (
	OrphanInstance      = "instance"
	OrphanVolume        = "volume"
	OrphanInterface     = "network interface"
	OrphanSecurityGroup = "security group"
	OrphanRule          = "security group rule"
	OrphanLoadBalancer  = "load balancer"
	OrphanTargetGroup   = "target group"
	OrphanVPCLink       = "VPC link"
	OrphanAPI           = "HTTP API"
)

// Orphan is a thing in AWS that carries owner tags and that no resource
// accounts for: what is left of a backend, or another installation's.
type Orphan struct {
	Type      string       `json:"type"` // "load balancer", "security group"
	ID        string       `json:"id"`   // id or ARN
	Name      string       `json:"name,omitempty"`
	InstallID string       `json:"install_id"`          // from its tags
	BackendID string       `json:"backend_id"`          // from its tags
	Key       string       `json:"key"`                 // its place in the chain, from its tags
	Kind      ResourceKind `json:"kind,omitempty"`      // as a resource of a chain; "" for what goes with one, as a volume does
	JobID     string       `json:"job_id,omitempty"`    // the job that deletes it now
	Foreign   bool         `json:"foreign,omitempty"`   // another installation's: never touched
	Adoptable bool         `json:"adoptable,omitempty"` // its backend has room for it at its place
	Why       string       `json:"why"`                 // why nothing accounts for it, in words
	CreatedAt time.Time    `json:"created_at,omitzero"` // zero where AWS does not tell
}
