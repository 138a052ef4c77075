package ctl

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// list is an answer with several things.
type list[T any] struct {
	Items []T `json:"items"`
}

// Backend is what the client reads of one; Raw keeps all of it for --json.
type Backend struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Phase     string     `json:"phase"`
	InvokeURL string     `json:"invoke_url"`
	ActiveJob string     `json:"active_job_id"`
	EventSeq  int64      `json:"event_seq"`
	Resources []resource `json:"resources"`
	Cost      *cost      `json:"cost"`
	Raw       json.RawMessage
}

// cost is what a chain costs a month, told as the number that was sent.
type cost struct {
	Region  string      `json:"region"`
	Monthly json.Number `json:"monthly_usd"`
	Unknown []string    `json:"unknown"`
}

func (c *cost) words() string {
	if c == nil {
		return "-"
	}
	amount, err := c.Monthly.Float64()
	if err != nil {
		return "-"
	}
	amount = math.Floor(amount*100+0.5+1e-6) / 100 // half a cent up, as the pages have it; floats have 28.435 as less
	text := fmt.Sprintf("$%.2f a month in %s at list prices", amount, c.Region)
	if len(c.Unknown) > 0 {
		text += ", without " + strings.Join(c.Unknown, " and ")
	}
	return text
}

type resource struct {
	Title string `json:"title"`
	State string `json:"state"`
	AWSID string `json:"aws_id"`
}

// UnmarshalJSON keeps what was sent.
func (b *Backend) UnmarshalJSON(data []byte) error {
	type plain Backend
	b.Raw = append([]byte(nil), data...)
	return json.Unmarshal(data, (*plain)(b))
}

// MarshalJSON is what was sent.
func (b Backend) MarshalJSON() ([]byte, error) { return b.Raw, nil }

// Job is what the client reads of one; Raw keeps all of it for --json.
type Job struct {
	ID          string    `json:"id"`
	BackendID   string    `json:"backend_id"`
	BackendName string    `json:"backend_name"`
	Operation   string    `json:"operation"`
	State       string    `json:"state"`
	Why         string    `json:"why"`
	Problem     *fault    `json:"problem"`
	CreatedAt   time.Time `json:"created_at"`
	StartedAt   time.Time `json:"started_at"`
	FinishedAt  time.Time `json:"finished_at"`
	Steps       []step    `json:"steps"`
	// RolledBackBy is the job that deletes what this one made.
	RolledBackBy string `json:"rolled_back_by"`
	Raw          json.RawMessage
}

// UnmarshalJSON keeps what was sent.
func (j *Job) UnmarshalJSON(data []byte) error {
	type plain Job
	j.Raw = append([]byte(nil), data...)
	return json.Unmarshal(data, (*plain)(j))
}

// MarshalJSON is what was sent.
func (j Job) MarshalJSON() ([]byte, error) { return j.Raw, nil }

func (j *Job) ended() bool {
	return j.State == "succeeded" || j.State == "failed" || j.State == "cancelled"
}

type step struct {
	Key        string    `json:"key"`
	Title      string    `json:"title"`
	State      string    `json:"state"`
	Why        string    `json:"why"`
	Problem    *fault    `json:"problem"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// took is how long the step has been or was at work.
func (s *step) took(now time.Time) time.Duration {
	if s.StartedAt.IsZero() {
		return 0
	}
	if !s.FinishedAt.IsZero() {
		now = s.FinishedAt
	}
	return max(0, now.Sub(s.StartedAt))
}

// fault is why something failed.
type fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Meaning string `json:"meaning"`
	Advice  string `json:"advice"`
}

type event struct {
	BackendID string          `json:"backend_id"`
	Seq       int64           `json:"seq"`
	Type      string          `json:"type"`
	JobID     string          `json:"job_id"`
	Key       string          `json:"key"`
	At        time.Time       `json:"at"`
	Data      json.RawMessage `json:"data"`
	raw       json.RawMessage // as it came
}

type testRun struct {
	Name   string  `json:"name"`
	Passed bool    `json:"passed"`
	Reason string  `json:"reason"`
	Status int     `json:"status"`
	Millis float64 `json:"millis"`
}

// rawList keeps what was sent beside what is read of it.
type rawList[T any] struct {
	list[T]
	raw json.RawMessage
}

// UnmarshalJSON keeps what was sent.
func (l *rawList[T]) UnmarshalJSON(data []byte) error {
	l.raw = append([]byte(nil), data...)
	return json.Unmarshal(data, &l.list)
}

// rawObject keeps what was sent beside what is read of it.
type rawObject[T any] struct {
	value T
	raw   json.RawMessage
}

// UnmarshalJSON keeps what was sent.
func (o *rawObject[T]) UnmarshalJSON(data []byte) error {
	o.raw = append([]byte(nil), data...)
	return json.Unmarshal(data, &o.value)
}
