package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// launch is a registration of new instances; change edits it before it is sent.
func launch(name string, change func(spec map[string]any)) map[string]any {
	spec := map[string]any{"source": "launch", "port": 8000}
	if change != nil {
		change(spec)
	}
	return map[string]any{"name": name, "spec": spec}
}

// register saves a backend over REST.
func (s *server) register(registration map[string]any) model.Backend {
	s.t.Helper()
	var b model.Backend
	s.want(http.StatusCreated, "POST", "/api/v1/backends", registration).into(s.t, &b)
	return b
}

// start begins an operation and returns its job as the 202 told it.
func (s *server) begin(method, path string) model.Job {
	s.t.Helper()
	a := s.want(http.StatusAccepted, method, path, nil)
	var j model.Job
	a.into(s.t, &j)
	if want := "/api/v1/jobs/" + j.ID; a.header.Get("Location") != want {
		s.t.Errorf("Location %q, want %q", a.header.Get("Location"), want)
	}
	return j
}

func (s *server) provision(b model.Backend) model.Job {
	s.t.Helper()
	return s.begin("POST", "/api/v1/backends/"+b.ID+"/provision")
}

func (s *server) destroy(b model.Backend) model.Job {
	s.t.Helper()
	return s.begin("DELETE", "/api/v1/backends/"+b.ID)
}

// ended follows the backend's events until the job has ended, and returns it.
func (s *server) ended(j model.Job) model.Job {
	s.t.Helper()
	return s.endedAfter(j, 0)
}

// retried retries an ended job and returns it when it has ended again.
func (s *server) retried(j model.Job) model.Job {
	s.t.Helper()
	after := s.backend(j.BackendID).EventSeq
	return s.endedAfter(s.begin("POST", "/api/v1/jobs/"+j.ID+"/retry"), after)
}

func (s *server) endedAfter(j model.Job, after int64) model.Job {
	s.t.Helper()
	var last model.Job
	s.follow(j.BackendID, after, func(e model.Event) bool {
		if e.Type != model.EventJob || e.JobID != j.ID {
			return true
		}
		if err := json.Unmarshal(e.Data, &last); err != nil {
			s.t.Fatal(err)
		}
		return !last.State.Ended()
	})
	return last
}

// succeeded is ended, and fails the test unless the job did well.
func (s *server) succeeded(j model.Job) {
	s.t.Helper()
	if got := s.ended(j); got.State != model.JobSucceeded {
		s.t.Fatalf("job %s %s: %+v\n%s", j.Operation, got.State, got.Problem, s.logs)
	}
}

// follow reads the backend's event stream after the cursor until more says
// no. It checks that no number is missing.
func (s *server) follow(backendID string, after int64, more func(model.Event) bool) {
	s.t.Helper()
	err := s.read(backendID, after, func(e model.Event) (bool, error) { return more(e), nil })
	if err != nil {
		s.t.Fatalf("follow %s: %v\n%s", backendID, err, s.logs)
	}
}

// read is follow for any goroutine.
func (s *server) read(backendID string, after int64, more func(model.Event) (bool, error)) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.listen+"/api/v1/backends/"+backendID+"/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", strconv.FormatInt(after, 10))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%d %s", resp.StatusCode, body)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e model.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("%w in %s", err, data)
		}
		if after++; e.Seq != after {
			return fmt.Errorf("event %d came after %d", e.Seq, after-1)
		}
		if again, err := more(e); err != nil || !again {
			return err
		}
	}
	return fmt.Errorf("the stream ended: %w", lines.Err())
}

// backend reads a backend with its resources.
func (s *server) backend(id string) backendDetail {
	s.t.Helper()
	var d backendDetail
	s.want(http.StatusOK, "GET", "/api/v1/backends/"+id, nil).into(s.t, &d)
	return d
}

type backendDetail struct {
	model.Backend
	Resources []model.Resource `json:"resources"`
}

// problem is an application/problem+json body.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Holder string `json:"holder"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

func (a answer) problem(t testing.TB) problem {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q of %s", got, a.body)
	}
	var p problem
	a.into(t, &p)
	return p
}

func (p problem) locations() []string {
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Location)
	}
	return got
}
