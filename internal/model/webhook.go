package model

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// WebhookFormat is what is sent to a webhook.
type WebhookFormat string

const (
	WebhookStandard WebhookFormat = "standard" // Standard Webhooks: our JSON, signed
	WebhookSlack    WebhookFormat = "slack"    // a message for Slack, Mattermost and their like
)

// Webhook is where a team's notices are sent to. Its address and its secret
// are sealed: see WebhookSecrets.
type Webhook struct {
	ID      string        `json:"id"`
	TeamID  string        `json:"team_id"`
	Name    string        `json:"name"`
	Format  WebhookFormat `json:"format"`
	Target  string        `json:"target"` // its address, as much of it as may be shown
	Events  []NoticeType  `json:"events"` // empty = all
	Enabled bool          `json:"enabled"`
	// DisabledWhy says why the server itself switched it off.
	DisabledWhy string `json:"disabled_why,omitempty"`
	// FailingSince is when the first of the attempts failed since which none went well.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// OldSecretUntil is until when the secret before this one signs, too.
	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
	CreatedBy      string    `json:"created_by"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`

	Sealed string `json:"-"` // WebhookSecrets, encrypted
	KeyID  string `json:"-"` // names the key that it is encrypted with
}

// WebhookSecrets is what nobody is told who did not bring it: the address, for
// whoever knows a Slack one may write there, and the secrets that sign.
type WebhookSecrets struct {
	URL       string `json:"url"`
	Secret    string `json:"secret,omitempty"` // whsec_…; "" where nothing is signed
	OldSecret string `json:"old_secret,omitempty"`
}

// Bounds of a webhook and of what becomes of one that does not take anything.
const (
	maxWebhookName     = 64
	maxWebhookURL      = 2048
	WebhookOldSecret   = 24 * time.Hour     // how long a secret that was replaced signs, too
	WebhookGivenUp     = 5 * 24 * time.Hour // of failures without one success: it is switched off
	MaxWebhooksPerTeam = 50
)

// Signs tells whether what is sent is signed.
func (w *Webhook) Signs() bool { return w.Format == WebhookStandard }

// Validate checks what people choose of a webhook but for its address.
func (w *Webhook) Validate() error {
	var v Invalid
	if w.Name == "" || len(w.Name) > maxWebhookName || w.Name != strings.TrimSpace(w.Name) || !plainText(w.Name) {
		v.Add("name", "Say what the webhook is for, in 1 to %d characters of one line without spaces at the ends.", maxWebhookName)
	}
	if w.Format != WebhookStandard && w.Format != WebhookSlack {
		v.Add("format", "Choose standard (JSON with a signature) or slack (a message for Slack or Mattermost).")
	}
	for _, e := range w.Events {
		if e == "" {
			v.Add("events", "Choose which notices are sent, or all of them.")
			break
		}
		if !slices.Contains(NoticeTypes, e) {
			v.Add("events", "There are no notices of the type %q. Name some of the documented ones, or none for all.", e)
			break
		}
	}
	return v.Err()
}

// WebhookURLProblem says why a webhook cannot have the address; "" when it can.
func WebhookURLProblem(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return "Give the address that the notices are sent to, as https://hooks.example.com/drawbridge."
	case len(raw) > maxWebhookURL:
		return "Give an address of at most 2048 characters."
	case err != nil, u.Hostname() == "", strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return "This is not an address; write it as https://hooks.example.com/drawbridge."
	case u.Scheme != "https" && u.Scheme != "http":
		return "Begin the address with https:// or http://."
	case u.User != nil:
		return "Take the user name and password out of the address; what is sent is signed instead."
	case u.Fragment != "":
		return "Take the part after # out of the address; it is never sent."
	}
	return ""
}

// WebhookTarget is as much of an address as may be shown. All that follows the
// host of a Slack one is its secret; of others only the query is left out.
func WebhookTarget(f WebhookFormat, raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	origin := u.Scheme + "://" + u.Host
	if f == WebhookSlack {
		return origin + "/…"
	}
	if u.RawQuery != "" {
		return origin + u.EscapedPath() + "?…"
	}
	return origin + u.EscapedPath()
}

// DeliveryState is a delivery's place in its life.
//
//	pending -> delivered | failed -> pending (by hand)
type DeliveryState string

const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered" // answered with 2xx
	DeliveryFailed    DeliveryState = "failed"    // given up
)

// Delivery is a notice on its way to a webhook: saved in the transaction that
// saves the notice, and sent until it was taken or given up. (WebhookID, ID)
// is its identity; ID is the notice's.
type Delivery struct {
	ID        string        `json:"id"`
	WebhookID string        `json:"webhook_id"`
	Type      NoticeType    `json:"type"`
	Title     string        `json:"title"`
	State     DeliveryState `json:"state"`
	Attempts  int           `json:"attempts"`
	Status    int           `json:"status,omitempty"` // of the last attempt's answer; 0 when none came
	Error     string        `json:"error,omitempty"`  // why the last attempt failed, in words
	NextAt    time.Time     `json:"next_at,omitzero"` // when it is tried next; zero when it has ended
	CreatedAt time.Time     `json:"created_at"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
}

// Attempt is one try to deliver.
type Attempt struct {
	Number int       `json:"number"` // from 1
	At     time.Time `json:"at"`
	Millis float64   `json:"millis"`
	Status int       `json:"status,omitempty"` // 0 when no answer came
	Error  string    `json:"error,omitempty"`  // why it failed, in words; "" when it went well
	Answer string    `json:"answer,omitempty"` // what began the answer's body
}

// DeliveryClaim is a delivery that one process may send for a while, with all
// that this takes.
type DeliveryClaim struct {
	Webhook Webhook
	Notice  Notice
	Term    int64 // proves the claim; see Lease
	Tries   int   // that failed since it was asked for
}

// DeliveryOutcome is what became of a claimed delivery. The zero State with no
// Attempt gives it back untried.
type DeliveryOutcome struct {
	Claim   *DeliveryClaim
	Attempt *Attempt
	State   DeliveryState
	Delay   time.Duration // of a pending one: until it is tried again
	Hold    time.Duration // until the webhook is sent anything at all
	Disable string        // why the webhook is to be switched off; "" for not at all
}

// DueWebhook is a webhook that something can be sent to now.
type DueWebhook struct {
	ID      string
	Failing bool // its last attempt failed
}

// DeliveryBacklog is what waits to be sent now.
type DeliveryBacklog struct {
	Due    int
	Oldest time.Time // since when the longest of them is due; zero for none
}
