package model

import (
	"encoding/json"
	"time"
)

// EventType says what an event tells of. Data holds the noun as it was then.
type EventType string

const (
	EventBackend  EventType = "backend"  // Data: Backend
	EventJob      EventType = "job"      // Data: Job
	EventStep     EventType = "step"     // Data: Step
	EventResource EventType = "resource" // Data: Resource
	EventTest     EventType = "test"     // Data: TestRun
	EventSandbox  EventType = "sandbox"  // Data: Sandbox
)

// Event is append-only; (BackendID, Seq) is its identity. Seq starts at 1 and
// has no gaps, because it is counted under the backend's row lock.
type Event struct {
	BackendID string          `json:"backend_id"`
	Seq       int64           `json:"seq"`
	Type      EventType       `json:"type"`
	JobID     string          `json:"job_id,omitempty"`
	Key       string          `json:"key,omitempty"` // step or resource key
	Data      json.RawMessage `json:"data"`
	At        time.Time       `json:"at"`
}
