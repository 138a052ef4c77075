package model

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies an Error. One table in each outer layer maps it to a status.
type Code string

const (
	CodeInvalid      Code = "invalid"      // the input is wrong; Fields say where (422)
	CodeUnauthorized Code = "unauthorized" // not signed in (401)
	CodeForbidden    Code = "forbidden"    // signed in, role too low (403)
	CodeStale        Code = "stale"        // signed in too long ago for this (403)
	CodeTooMany      Code = "too_many"     // tried too often; RetryAfter says when again (429)
	CodeNotFound     Code = "not_found"    // absent, or another team's (404)
	CodeConflict     Code = "conflict"     // the state does not allow it now (409)
	// CodePrecondition: it is not as the caller believed (412).
	CodePrecondition Code = "precondition_failed"
	CodeUnavailable  Code = "unavailable" // AWS, the database or the disk does not answer (503)
	CodeInternal     Code = "internal"    // a fault of ours; the text never reaches the user (500)
)

// Field names one refused input.
type Field struct {
	// Path is the input's place in JSON, dotted: "spec.port", "name".
	Path string `json:"path"`
	// Message says what is wrong and how to mend it, as a full sentence.
	Message string `json:"message"`
}

// Error is the only error whose text is shown to users.
type Error struct {
	Code    Code    `json:"code"`
	Message string  `json:"message"`          // what happened, where, and how to mend it
	Fields  []Field `json:"fields,omitempty"` // for CodeInvalid
	// Holder is the id of the job that holds a busy backend, for CodeConflict.
	Holder string `json:"holder,omitempty"`
	// Problem is what AWS said, when that is why.
	Problem *Problem `json:"problem,omitempty"`
	// RetryAfter is how long to wait, for CodeTooMany.
	RetryAfter time.Duration `json:"-"`
	Err        error         `json:"-"` // cause, for the log
}

// Error is the text for logs and start-up lines: the cause is in it.
func (e *Error) Error() string {
	s := e.Message
	for _, f := range e.Fields {
		s += " " + f.Path + ": " + f.Message
	}
	if e.Err != nil {
		s = strings.TrimSuffix(s, ".") + ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Full is the message together with what AWS's answer means and what helps.
func (e *Error) Full() string {
	if e.Problem == nil {
		return e.Message
	}
	text := e.Message
	for _, more := range []string{e.Problem.Meaning, e.Problem.Advice} {
		if more != "" {
			text += " " + more
		}
	}
	return text
}

// Errorf makes an Error. A %w verb sets the cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	e := &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
	if e.Err != nil {
		// The cause is for the log; the user reads what stands before it.
		e.Message = strings.TrimSuffix(strings.TrimSuffix(e.Message, e.Err.Error()), ": ")
	}
	return e
}

// NotFound is what a caller gets for an absent and for a foreign id alike.
func NotFound(noun, id string) *Error {
	return Errorf(CodeNotFound, "There is no %s %q, or it is not your team's.", noun, id)
}

// Stale asks a person who proved who they are too long ago to do so again.
func Stale() *Error {
	return Errorf(CodeStale, "Prove once more who you are, then try again: you signed in more than ten minutes ago.")
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal if there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Invalid collects refused inputs; Err is nil while there are none.
type Invalid struct{ fields []Field }

// Add records that the input at path is refused.
func (v *Invalid) Add(path, format string, args ...any) {
	v.fields = append(v.fields, Field{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Join takes over the fields of another refusal.
func (v *Invalid) Join(err error) {
	var e *Error
	if errors.As(err, &e) {
		v.fields = append(v.fields, e.Fields...)
	}
}

// Err returns the collected refusals as one Error, or nil.
func (v *Invalid) Err() error {
	if len(v.fields) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalid, Message: "Some fields need another value.", Fields: v.fields}
}
