// Package wire speaks the protocols of AWS: the query form of EC2, ELB and STS
// with its XML answers, paging tokens, filters and the one error shape that
// every protocol renders in its own way. It knows no service.
package wire

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an answer that AWS would give instead of a result.
type Error struct {
	Status  int
	Code    string
	Message string
	Members map[string]string // further members of the error in JSON, as limitType
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d): %s", e.Code, e.Status, e.Message) }

// Errorf makes an Error.
func Errorf(status int, code, format string, args ...any) error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// BadRequest makes an Error of status 400, the status of nearly all of AWS's codes.
func BadRequest(code, format string, args ...any) error {
	return Errorf(http.StatusBadRequest, code, format, args...)
}

// AsError returns err as an Error; what is none becomes InternalFailure with
// the text of err, which is safe: the simulator has no secrets.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
}
