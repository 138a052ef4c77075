package awssim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// When says on which side of a call's effect a fault strikes.
type When string

const (
	Before When = "before" // nothing has happened
	After  When = "after"  // the call was carried out, its answer is lost
)

// Fault makes a call go wrong. It is data, so that it can come from a test or
// through the admin endpoint.
type Fault struct {
	Op   string `json:"op"`   // "apigatewayv2:CreateVpcLink" or "ec2:*"
	Nth  int    `json:"nth"`  // 1 = the next matching call, and only that; 0 = every one
	When When   `json:"when"` // "" = Before
	Do   Action `json:"do"`
}

// Action is what a fault does. Use Error, Drop or Delay to make one.
type Action struct {
	Kind    string        `json:"kind"` // "error", "drop" or "delay"
	Status  int           `json:"status,omitempty"`
	Code    string        `json:"code,omitempty"`
	Message string        `json:"message,omitempty"`
	Delay   time.Duration `json:"delay_ns,omitempty"`
}

// Error answers with an error of AWS's shape.
func Error(status int, code, message string) Action {
	return Action{Kind: "error", Status: status, Code: code, Message: message}
}

// Drop closes the connection without an answer.
func Drop() Action { return Action{Kind: "drop"} }

// Delay waits, and goes on as if nothing had been.
func Delay(d time.Duration) Action { return Action{Kind: "delay", Delay: d} }

func (f Fault) validate() error {
	service, op, ok := strings.Cut(f.Op, ":")
	if !ok || service == "" || op == "" {
		return fmt.Errorf("op %q: write it as in ec2:RunInstances or ec2:*", f.Op)
	}
	if !known(service, op) {
		return fmt.Errorf("op %q: there is no such operation; docs/simulator.md lists those of ec2, elbv2, apigatewayv2, iam, ssm and sts", f.Op)
	}
	if f.When != "" && f.When != Before && f.When != After {
		return fmt.Errorf("when %q: use before or after", f.When)
	}
	if f.Nth < 0 {
		return fmt.Errorf("nth %d: use 1 for the next call, 0 for every call", f.Nth)
	}
	switch f.Do.Kind {
	case "error":
		if f.Do.Status < 400 || f.Do.Status > 599 || f.Do.Code == "" {
			return fmt.Errorf("do: an error needs a status of 400 to 599 and a code")
		}
	case "drop":
	case "delay":
		if f.Do.Delay <= 0 {
			return fmt.Errorf("do: a delay needs delay_ns, as 2000000000 for two seconds")
		}
	default:
		return fmt.Errorf("do.kind %q: use error, drop or delay", f.Do.Kind)
	}
	return nil
}

func known(service, op string) bool {
	return slices.ContainsFunc(Operations(), func(o Operation) bool { return o.Service == service && (op == "*" || o.Name == op) })
}

func (f Fault) matches(service, op string) bool {
	s, o, _ := strings.Cut(f.Op, ":")
	return s == service && (o == "*" || o == op)
}

// AddFault arms a fault. Faults are tried in the order in which they were
// added; the first that strikes is the only one for its call. A fault that
// makes no sense is refused.
func (s *shared) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("add fault: %w", err)
	}
	if f.When == "" {
		f.When = Before
	}
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// Faults returns the armed faults, in the order in which they are tried.
func (s *shared) Faults() []Fault {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return append([]Fault{}, s.faults...)
}

// ClearFaults disarms all faults.
func (s *shared) ClearFaults() {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.faults = nil
}

// strike returns the fault for this call, counting it as a match.
func (s *shared) strike(service, op string) *Fault {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	var hit *Fault
	kept := s.faults[:0]
	for _, f := range s.faults {
		if hit == nil && f.matches(service, op) {
			switch {
			case f.Nth == 1:
				hit = &f
				continue // spent
			case f.Nth == 0:
				hit = &f
			default:
				f.Nth--
			}
		}
		kept = append(kept, f)
	}
	s.faults = kept
	return hit
}

// outcome is what a fault leaves to be done after its delay.
type outcome struct {
	err  error // answer with this
	drop bool  // close the connection
}

// apply lets f strike when it is due at this moment of the call.
func (f *Fault) apply(r *http.Request, when When) outcome {
	if f == nil || f.When != when {
		return outcome{}
	}
	switch f.Do.Kind {
	case "error":
		return outcome{err: wire.Errorf(f.Do.Status, f.Do.Code, "%s", f.Do.Message)}
	case "drop":
		return outcome{drop: true}
	}
	rest(r.Context(), f.Do.Delay)
	return outcome{}
}

// dropConnection closes the connection of w without an answer.
func dropConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError) // a writer without a connection
		return
	}
	conn.Close()
}
