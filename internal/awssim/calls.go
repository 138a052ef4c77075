package awssim

import (
	"slices"
	"time"
)

// Call is one answered (or dropped) call of the control plane.
type Call struct {
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Status    int       `json:"status"`         // 0 when a fault dropped the connection
	Code      string    `json:"code,omitempty"` // AWS's error code
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	RequestID string    `json:"request_id"`
}

// maxCalls bounds the log; the oldest calls go first.
const maxCalls = 20_000

// Calls returns the log, oldest first.
func (s *Sim) Calls() []Call {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return slices.Clone(s.calls)
}

// OnCall sets a function that hears of every call after its effect and before
// its answer is sent, in the goroutine of the call: what blocks in it holds
// the answer back. nil takes it away.
func (s *Sim) OnCall(hook func(Call)) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.onCall = hook
}

func (s *Sim) logCall(c Call) {
	s.logMu.Lock()
	if len(s.calls) >= maxCalls {
		s.calls = slices.Delete(s.calls, 0, maxCalls/10)
	}
	s.calls = append(s.calls, c)
	hook := s.onCall
	s.logMu.Unlock()
	if hook != nil {
		hook(c)
	}
}
