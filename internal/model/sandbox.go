package model

import "time"

// Sandbox is what makes a backend one that ends by itself. Its end is reckoned
// by the clock that all replicas share.
type Sandbox struct {
	BackendID  string            `json:"backend_id"`
	TeamID     string            `json:"team_id"`
	Key        string            `json:"key"` // its maker's name for it: one sandbox of the team while that lives
	TemplateID string            `json:"template_id"`
	Template   string            `json:"template"` // the template's name when it was made
	Branch     string            `json:"branch,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	MadeBy     string            `json:"made_by"`      // the user to whom it goes back; "" when that is the server's command line
	MadeByName string            `json:"made_by_name"` // who asked
	CreatedAt  time.Time         `json:"created_at"`
	EndsAt     time.Time         `json:"ends_at"`
	MaxEndsAt  time.Time         `json:"max_ends_at"` // how far it can be extended
	// Warned is the shortest warning before EndsAt that was sent, or that is
	// longer than its life; 0 for none.
	Warned   time.Duration `json:"-"`
	EndingAt time.Time     `json:"ending_at,omitzero"` // when its end began
	EndedBy  string        `json:"ended_by,omitempty"` // who ended it
	GoneAt   time.Time     `json:"gone_at,omitzero"`   // when nothing of it was left
	Tries    int           `json:"tries"`              // destroy jobs that its end took so far
	Problem  *Problem      `json:"problem,omitempty"`  // why the newest of them failed
	// LookAt is when the reaper looks at it again.
	LookAt time.Time `json:"-"`
}

// SandboxState is a sandbox's place in its life.
type SandboxState string

const (
	SandboxLives  SandboxState = "lives"
	SandboxEnding SandboxState = "ending" // being destroyed, or about to be
	SandboxGone   SandboxState = "gone"   // nothing of it is left
)

// State tells where it is in its life.
func (s *Sandbox) State() SandboxState {
	switch {
	case !s.GoneAt.IsZero():
		return SandboxGone
	case !s.EndingAt.IsZero():
		return SandboxEnding
	}
	return SandboxLives
}

// Defaults and bounds of a sandbox's life.
const (
	DefaultSandboxTTL    = 8 * time.Hour
	DefaultSandboxMaxTTL = 7 * 24 * time.Hour
	MinSandboxTTL        = time.Minute
)

// sandboxWarnings are how long before its end a sandbox warns, longest first.
var sandboxWarnings = [...]time.Duration{48 * time.Hour, 2 * time.Hour, 30 * time.Minute}

// EndAt has it end at that time, and warn before: each warning once, and none
// that is as long as what it has left.
func (s *Sandbox) EndAt(end, now time.Time) {
	s.EndsAt, s.Warned = end, warningFor(end.Sub(now))
	s.LookAt = s.nextLook()
}

// warningFor is the shortest warning that is not shorter than what is left; 0
// while none is.
func warningFor(left time.Duration) time.Duration {
	var found time.Duration
	for _, w := range sandboxWarnings {
		if w >= left {
			found = w
		}
	}
	return found
}

// Due tells whether its end has come, and else which warning has; 0 for none.
// Of several that are overdue only the shortest is sent.
func (s *Sandbox) Due(now time.Time) (warning time.Duration, end bool) {
	if !s.EndingAt.IsZero() || !now.Before(s.EndsAt) {
		return 0, true
	}
	w := warningFor(s.EndsAt.Sub(now))
	if w != 0 && (s.Warned == 0 || w < s.Warned) {
		return w, false
	}
	return 0, false
}

// Warn notes that the warning was sent.
func (s *Sandbox) Warn(w time.Duration) {
	s.Warned = w
	s.LookAt = s.nextLook()
}

// nextLook is when the next warning is due, or the end.
func (s *Sandbox) nextLook() time.Time {
	for _, w := range sandboxWarnings {
		if s.Warned == 0 || w < s.Warned {
			return s.EndsAt.Add(-w)
		}
	}
	return s.EndsAt
}

// SandboxRetryMax bounds the wait between tries to destroy a sandbox.
const SandboxRetryMax = time.Hour

// ToLookAt tells whether the reaper shall look at it. An end that is under way
// is never put off for longer than SandboxRetryMax: where it seems so, the clock
// has gone back.
func (s *Sandbox) ToLookAt(now time.Time) bool {
	return !now.Before(s.LookAt) || !s.EndingAt.IsZero() && s.LookAt.After(now.Add(SandboxRetryMax))
}

// RetryAfter is how long to wait before the next try to destroy it: a minute
// after the first, twice as long after each, an hour at most.
func (s *Sandbox) RetryAfter() time.Duration {
	const doublings = 6
	return min(time.Minute<<min(max(s.Tries-1, 0), doublings), SandboxRetryMax)
}

// SandboxCounts are how many sandboxes are in which part of their life.
type SandboxCounts struct {
	Living int
	Ending int
	Stuck  int // ending, and the newest try to destroy them failed
}
