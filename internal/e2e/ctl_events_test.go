package e2e

import (
	"encoding/json"
	"io"
	"syscall"
	"testing"

	"drawbridge/internal/model"
)

// TestCtlFollowsAll follows all backends over a kill of the server: of none is
// an event missed or printed twice, and what was not asked for does not come.
func TestCtlFollowsAll(t *testing.T) {
	t.Parallel()
	s := startServer(t, "demo")
	s.bind = s.listen
	sh := newShell(s)
	for _, row := range [][]string{{"events"}, {"events", "a", "b"}, {"events", "-f", "--after", "3"}, {"events", "a", "--since", "1m"}, {"events", "-f", "--since=-1m"}} {
		sh.ctl(80, row...)
	}
	one, two, hidden := s.register(launch("one", nil)), s.register(launch("two", nil)), s.register(launch("hidden", nil))
	follower := sh.cmd("--json", "events", "-f", "--since", "10m", "one", two.ID)
	out, err := follower.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	for _, b := range []model.Backend{one, two, hidden} {
		s.provision(b)
	}
	events := json.NewDecoder(out)
	seen, ended, killed := map[string]int64{}, 0, false
	for ended < 2 {
		var e model.Event
		if err := events.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Seq != seen[e.BackendID]+1 || e.BackendID == hidden.ID {
			t.Errorf("event %d of %s came after %d", e.Seq, e.BackendID, seen[e.BackendID])
		}
		seen[e.BackendID] = e.Seq
		if !killed && e.Type == model.EventStep {
			killed = true
			s.kill()
			s.start()
		}
		var j model.Job
		if e.Type == model.EventJob && json.Unmarshal(e.Data, &j) == nil && j.State == model.JobSucceeded {
			ended++
		}
	}
	if err := follower.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := follower.Wait(); err != nil {
		t.Errorf("stopped as it was meant to be: %v", err)
	}
	words, _ := sh.ctl(0, "events", "one", "--type", "job")
	says(t, words, "job       provision: queued", "job       provision: succeeded")
}
