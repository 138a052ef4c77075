package awssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"time"

	"drawbridge/internal/awssim/journal"
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
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	IDs       []string  `json:"ids,omitempty"` // resources that the call named, made, changed or deleted
}

// maxCalls bounds the log; the oldest calls go first.
const maxCalls = 20_000

// Calls returns the log, oldest first.
func (s *shared) Calls() []Call {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return slices.Clone(s.calls)
}

// OnCall sets a function that hears of every call after its effect and before
// its answer is sent, in the goroutine of the call: what blocks in it holds
// the answer back. nil takes it away.
func (s *shared) OnCall(hook func(Call)) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.onCall = hook
}

func (s *shared) logCall(c Call) {
	s.logMu.Lock()
	if len(s.calls) >= maxCalls {
		s.calls = slices.Delete(s.calls, 0, maxCalls/10)
	}
	s.calls = append(s.calls, c)
	if s.callFile != nil {
		if err := json.NewEncoder(s.callFile).Encode(c); err != nil {
			s.log.Warn("call not kept in the call log", "error", err)
		}
	}
	hook := s.onCall
	s.logMu.Unlock()
	if hook != nil {
		hook(c)
	}
}

func openCallLog(path string) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open call log: %w", err)
	}
	return f, nil
}

// resourceID is how the ids of EC2 and ARNs look in a request.
var resourceID = regexp.MustCompile(`^(arn:aws[a-z-]*:.+|[a-z]{1,10}-[0-9a-f]{8,17})$`)

// idsIn returns the resources that a query request names.
func idsIn(form url.Values) []string {
	var out []string
	for _, values := range form {
		for _, v := range values {
			if resourceID.MatchString(v) {
				out = append(out, v)
			}
		}
	}
	return distinct(out)
}

// appendChanged adds the ids of rows that a call made, changed or deleted.
func appendChanged(ids []string, changes []journal.Change) []string {
	if len(changes) == 0 {
		return ids
	}
	out := slices.Clone(ids)
	for _, c := range changes {
		out = append(out, c.ID)
	}
	return distinct(out)
}

func distinct(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// writtenAPI names the API that a call of API Gateway writes to.
func writtenAPI(method string, args map[string]string) string {
	if method == http.MethodGet {
		return ""
	}
	return args["api"]
}

// restIDs returns the resources that a path names.
func restIDs(args map[string]string) []string {
	return distinct(slices.Collect(maps.Values(args)))
}
