package ctl

import "errors"

// Exit codes, beside 0 for done and 80 for a command line that is not understood.
const (
	ExitRefused     = 1   // the panel refused, or was not reached
	ExitChanges     = 2   // a dry run found something to change
	ExitFailed      = 3   // the job failed
	ExitCancelled   = 4   // the job was cancelled
	ExitTests       = 5   // a route test did not pass
	ExitTimeout     = 124 // it waited as long as --timeout says; the job goes on
	ExitInterrupted = 130 // the client was stopped while it waited; the job goes on
)

// Ended is an error with an exit code of its own.
type Ended struct {
	Code    int
	Message string // "" when everything was said already
}

func (e *Ended) Error() string { return e.Message }

// ExitCode is the one that the program ends with after err.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Ended](err); ok {
		return e.Code
	}
	return ExitRefused
}
