package model

import (
	"slices"
	"strings"
	"time"
)

// NoticeType says what a notice tells of. The list is closed: the store
// refuses a notice with another one.
type NoticeType string

const (
	NoticeJobSucceeded NoticeType = "job.succeeded"
	NoticeJobFailed    NoticeType = "job.failed"
	NoticeJobCancelled NoticeType = "job.cancelled"

	NoticeBackendReady     NoticeType = "backend.ready"
	NoticeBackendFailed    NoticeType = "backend.failed"
	NoticeBackendDestroyed NoticeType = "backend.destroyed"

	NoticeSandboxCreated   NoticeType = "sandbox.created"
	NoticeSandboxEnding    NoticeType = "sandbox.ending"     // a warning that its end comes near
	NoticeSandboxExtended  NoticeType = "sandbox.extended"   // its end was put off
	NoticeSandboxEnded     NoticeType = "sandbox.ended"      // its time is over: it is being destroyed
	NoticeSandboxEndFailed NoticeType = "sandbox.end_failed" // its time is over, and something of it is still there

	NoticeQuotaNear NoticeType = "quota.near" // a limit of the team's quota is nearly or wholly used up

	NoticeWebhookDisabled NoticeType = "webhook.disabled" // it was switched off by the server itself

	// NoticeWebhookTest is sent by hand to one webhook. No list shows it, and
	// nobody subscribes to it.
	NoticeWebhookTest NoticeType = "webhook.test"
)

// NoticeTypes are those that a team can hear of, in the order in which they are offered.
var NoticeTypes = []NoticeType{
	NoticeBackendReady, NoticeBackendFailed, NoticeBackendDestroyed,
	NoticeJobSucceeded, NoticeJobFailed, NoticeJobCancelled,
	NoticeSandboxCreated, NoticeSandboxEnding, NoticeSandboxExtended, NoticeSandboxEnded, NoticeSandboxEndFailed,
	NoticeQuotaNear,
	NoticeWebhookDisabled,
}

// Valid tells whether there are notices of the type.
func (t NoticeType) Valid() bool { return t == NoticeWebhookTest || slices.Contains(NoticeTypes, t) }

// Noun is what comes before the dot: "backend".
func (t NoticeType) Noun() string {
	noun, _, _ := strings.Cut(string(t), ".")
	return noun
}

// NoticesKept is how long a notice can be read; DeliveriesKept how long what
// became of sending it. A delivery that has not ended keeps its notice.
const (
	NoticesKept    = 90 * 24 * time.Hour
	DeliveriesKept = 30 * 24 * time.Hour
)

// Notice is something that a team should hear of. It is written in the
// transaction of what it tells of, and never changed. It holds no secrets: it
// is sent to other people's servers.
type Notice struct {
	ID        string     `json:"id"` // also the webhook-id of what is sent of it
	TeamID    string     `json:"team_id"`
	Type      NoticeType `json:"type"`
	BackendID string     `json:"backend_id,omitempty"`
	JobID     string     `json:"job_id,omitempty"`
	Title     string     `json:"title"` // one line: "orders-api is ready"
	Text      string     `json:"text"`  // more of it in whole sentences; may be empty
	// Data is what programs want to know: backend_name, phase, invoke_url,
	// operation, ends_at. Keys are never renamed.
	Data map[string]string `json:"data"`
	At   time.Time         `json:"at"`
}
