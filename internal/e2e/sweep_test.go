package e2e

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// side of a call on which the server is killed.
type side string

const (
	beforeEffect side = "before the call is sent"
	afterEffect  side = "after it took effect, before its answer"
)

// cloud is a simulated AWS in this process behind a proxy that can hold one
// control-plane call back. The server that is killed is another process.
type cloud struct {
	sim   *awssim.Sim
	world awssim.World
	url   string

	mu    sync.Mutex
	calls int           // of the control plane that have come
	at    int           // number of the call to hold; 0 = none
	when  side          // where to hold it
	held  chan struct{} // closed when the call is held
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	proxy := httptest.NewServer(c)
	t.Cleanup(proxy.CloseClientConnections)
	c.url = proxy.URL
	sim, err := awssim.New(awssim.Options{
		Profile: awssim.Instant, Region: "ap-northeast-1", Logger: slog.New(slog.DiscardHandler),
		Public: strings.TrimPrefix(proxy.URL, "http://"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	c.sim = sim
	if c.world, err = sim.Seed(); err != nil {
		t.Fatal(err)
	}
	return c
}

// ServeHTTP passes everything on to the simulated AWS but for the call to
// hold, which is answered never: its caller is killed.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Host, "execute-api") {
		c.sim.Handler().ServeHTTP(w, r)
		return
	}
	c.mu.Lock()
	c.calls++
	hold := c.calls == c.at
	c.mu.Unlock()
	switch {
	case !hold:
		c.sim.Handler().ServeHTTP(w, r)
		return
	case c.when == afterEffect:
		c.sim.Handler().ServeHTTP(httptest.NewRecorder(), r)
	default:
		_, _ = io.Copy(io.Discard, r.Body)
	}
	close(c.held)
	<-r.Context().Done() // the caller is gone
}

// hold arms the proxy: the n-th call from now on is held.
func (c *cloud) hold(n int, when side) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls, c.at, c.when, c.held = 0, n, when, make(chan struct{})
}

// count is how many calls have come since the proxy was armed.
func (c *cloud) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// serverOn starts a server whose only environment is the cloud.
func serverOn(t *testing.T, c *cloud) *server {
	t.Helper()
	return startServer(t, "instant", "--no-sim", "--aws-name", "cloud", "--aws-region", "ap-northeast-1", "--aws-endpoint", c.url,
		"--aws-vpc", c.world.VPCID, "--aws-subnets", strings.Join(c.world.SubnetIDs, ","))
}

// sizes is a snapshot without its ids: how many there are of each.
func (c *cloud) sizes() awssim.Snapshot {
	s := c.sim.Snapshot()
	s.IDs = ""
	return s
}

// TestCrashSweep kills the server at every AWS call of a provision and of a
// destroy, on both sides of its effect, starts it again and demands the end of
// a clean run: the same number of each thing, nobody needed.
func TestCrashSweep(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	t.Parallel()
	clean := newCloud(t)
	s := serverOn(t, clean)
	empty := clean.sizes()
	b := s.register(launch("sweep", nil))
	clean.hold(0, "")
	s.want(http.StatusOK, "GET", "/api/v1/backends/"+b.ID+"/plan", nil)
	planning := clean.count()
	s.succeeded(s.provision(b))
	provisionCalls, full := clean.count()-2*planning, clean.sizes()
	clean.hold(0, "")
	s.succeeded(s.destroy(b))
	destroyCalls := clean.count()
	if got := clean.sizes(); got != empty {
		t.Fatalf("a clean run leaves %+v, want %+v", got, empty)
	}
	t.Logf("a clean run makes %d calls to provision, %d to destroy", provisionCalls, destroyCalls)

	var points tally
	t.Cleanup(func() {
		t.Logf("killed at %d points, %d more were not reached", points.struck.Load(), points.missed.Load())
	})
	for _, when := range []side{beforeEffect, afterEffect} {
		for n := 1; n <= provisionCalls; n++ {
			t.Run(fmt.Sprintf("provision, call %d, %s", n, when), func(t *testing.T) {
				t.Parallel()
				c := newCloud(t)
				s := serverOn(t, c)
				b := s.register(launch("sweep", nil))
				job, struck := s.killedAt(c, n, planning, when, func() model.Job { return s.provision(b) })
				s.succeeded(job)
				points.add(struck)
				if got := c.sizes(); got != full {
					t.Errorf("there are\n%+v, want\n%+v", got, full)
				}
			})
		}
		for n := 1; n <= destroyCalls; n++ {
			t.Run(fmt.Sprintf("destroy, call %d, %s", n, when), func(t *testing.T) {
				t.Parallel()
				c := newCloud(t)
				s := serverOn(t, c)
				b := s.register(launch("sweep", nil))
				s.succeeded(s.provision(b))
				job, struck := s.killedAt(c, n, 0, when, func() model.Job { return s.destroy(b) })
				s.succeeded(job)
				points.add(struck)
				if got := c.sizes(); got != empty {
					t.Errorf("there are\n%+v, want\n%+v", got, empty)
				}
			})
		}
	}
}

// tally counts the points of a sweep.
type tally struct{ struck, missed atomic.Int64 }

func (t *tally) add(struck bool) {
	if struck {
		t.struck.Add(1)
	} else {
		t.missed.Add(1)
	}
}

// killedAt begins a job, kills the server at the job's n-th call, and starts
// it again. planning is how many calls the server makes before there is a job.
// It tells whether there was such a call: how often a wait looks is not the
// same in each run.
func (s *server) killedAt(c *cloud, n, planning int, when side, begin func() model.Job) (model.Job, bool) {
	s.t.Helper()
	c.hold(planning+n, when)
	job := begin()
	struck := false
	until(s.t, "the call is held or the job has ended", func() bool {
		select {
		case <-c.held:
			struck = true
		default:
		}
		var now model.Job
		return struck || s.want(http.StatusOK, "GET", "/api/v1/jobs/"+job.ID, nil).decode(&now) == nil && now.State.Ended()
	})
	if struck {
		s.kill()
		c.hold(0, "")
		s.start()
	}
	return job, struck
}
