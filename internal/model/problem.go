package model

import (
	"errors"
	"log/slog"
)

// Problem is a failure told to a person: what AWS (or we) said, what it
// means, what exists now, and what to press.
type Problem struct {
	Code      string `json:"code"`                 // AWS's error code, or ours
	Message   string `json:"message"`              // AWS's own text, or ours
	Service   string `json:"service,omitempty"`    // of the AWS call, in the SDK's words: "EC2"
	Operation string `json:"operation,omitempty"`  // of the AWS call: "RunInstances"
	Status    int    `json:"status,omitempty"`     // HTTP status of AWS's answer; 0 when none came
	RequestID string `json:"request_id,omitempty"` // AWS's
	Meaning   string `json:"meaning,omitempty"`
	Advice    string `json:"advice,omitempty"`
	Exists    string `json:"exists,omitempty"` // what was made so far
	Help      string `json:"help,omitempty"`   // where the page of errors explains it
}

func (p *Problem) Error() string { return p.Code + ": " + p.Message }

// HelpPath is the address of the page of errors; an error's code is its fragment.
const HelpPath = "/help/errors"

// ProblemOf is the problem that err tells of, or nil.
func ProblemOf(err error) *Problem {
	var p *Problem
	var e *Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &e):
		return e.Problem
	}
	return nil
}

// LogValue tells the log what page and REST tell; nothing for nil.
func (p *Problem) LogValue() slog.Value {
	if p == nil {
		return slog.GroupValue()
	}
	var attrs []slog.Attr
	for _, a := range []slog.Attr{
		slog.String("code", p.Code), slog.String("message", p.Message), slog.String("service", p.Service),
		slog.String("operation", p.Operation), slog.String("aws_request_id", p.RequestID),
		slog.String("meaning", p.Meaning), slog.String("advice", p.Advice),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if p.Status != 0 {
		attrs = append(attrs, slog.Int("status", p.Status))
	}
	return slog.GroupValue(attrs...)
}

// ErrorChapter is a part of the table of AWS's errors.
type ErrorChapter struct {
	Title        string
	Explanations []Explanation
}

// Explanation is a row of that table.
type Explanation struct {
	Codes   []string
	Text    string // part of AWS's message that it takes; "" = any
	Meaning string
	Advice  string
}
