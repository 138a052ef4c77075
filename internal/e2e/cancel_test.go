package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// TestCancelTakesEffectAtOnce cancels a job over REST that waits for AWS: it
// has ended before any wait or heartbeat can have, and changes nothing in AWS any
// more.
func TestCancelTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	c := openCloud(t, "", awssim.Real)                                     // the waits are minutes
	s := startServer(t, "instant", append(c.flags(), "--lease", "10m")...) // and so are heartbeats
	j := s.provision(s.register(launch("cancelled", nil)))
	waiting := map[string]bool{}
	s.follow(j.BackendID, 0, func(e model.Event) bool {
		var step model.Step
		if e.Type == model.EventStep {
			if err := json.Unmarshal(e.Data, &step); err != nil {
				t.Fatal(err)
			}
			waiting[step.Key] = step.State == model.StepWaiting
		}
		return !waiting["alb"] || !waiting["vpc-link"] || !waiting["instance-1"]
	})

	asked := time.Now()
	s.want(http.StatusAccepted, "POST", "/api/v1/jobs/"+j.ID+"/cancel", nil)
	var ended time.Time
	var last model.Job
	s.follow(j.BackendID, 0, func(e model.Event) bool {
		if e.Type != model.EventJob {
			return true
		}
		if err := json.Unmarshal(e.Data, &last); err != nil {
			t.Fatal(err)
		}
		ended = e.At
		return !last.State.Ended()
	})
	t.Logf("cancelled after %s", ended.Sub(asked))
	const busy = 20 * time.Second // is how long the busiest machine may take
	if last.State != model.JobCancelled || ended.Sub(asked) > busy {
		t.Errorf("%s after %s, want cancelled at once", last.State, ended.Sub(asked))
	}
	if err := s.terminate(); err != nil { // from here on nothing can come
		t.Fatal(err)
	}
	for _, call := range c.sim.Calls() {
		reads := strings.HasPrefix(call.Operation, "Describe") || strings.HasPrefix(call.Operation, "Get")
		if !reads && call.Start.After(ended.Add(time.Millisecond)) { // events have whole milliseconds
			t.Errorf("%s came %s after the job was cancelled", call.Operation, call.Start.Sub(ended))
		}
	}
}
