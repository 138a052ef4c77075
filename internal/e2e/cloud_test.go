package e2e

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"drawbridge/internal/awssim"
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
	side  side          // where to hold it
	held  chan struct{} // closed when the call is held; nil = none is to be held

	// refuse, when not nil, tells which calls are answered as AWS throttles.
	refuse func(r *http.Request) bool

	twice *atomic.Int64 // deletes that were carried out twice; nil = none is
}

// newCloud opens an empty one that is kept in memory.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	return openCloud(t, "", awssim.Instant)
}

// flags make the cloud a server's only environment.
func (c *cloud) flags() []string {
	return []string{"--no-sim", "--aws-name", "cloud", "--aws-region", "ap-northeast-1", "--aws-endpoint", c.url,
		"--aws-vpc", c.world.VPCID, "--aws-subnets", strings.Join(c.world.SubnetIDs, ",")}
}

// openCloud opens the simulated AWS whose state is in dir.
func openCloud(t *testing.T, dir string, profile awssim.Profile) *cloud {
	t.Helper()
	c := &cloud{}
	proxy := httptest.NewServer(c)
	t.Cleanup(proxy.CloseClientConnections)
	c.url = proxy.URL
	sim, err := awssim.New(awssim.Options{
		Dir: dir, Profile: profile, Region: "ap-northeast-1", Logger: slog.New(slog.DiscardHandler),
		Public: strings.TrimPrefix(proxy.URL, "http://"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proxy.CloseClientConnections()
		_ = sim.Close()
	})
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
	held, twice := c.held, c.twice
	if c.calls != c.at {
		held = nil
	}
	refused := c.refuse != nil && c.refuse(r)
	c.mu.Unlock()
	if twice != nil {
		c.deleteFirst(r, twice)
	}
	switch {
	case refused:
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case held == nil:
		c.sim.Handler().ServeHTTP(w, r)
		return
	case c.side == after:
		c.sim.Handler().ServeHTTP(httptest.NewRecorder(), r)
	default:
		_, _ = io.Copy(io.Discard, r.Body)
	}
	close(held)
	<-r.Context().Done() // the caller is gone
}

// hold counts from now on, and holds the n-th call; with 0 none. The channel
// is closed when it is held.
func (c *cloud) hold(n int, where side) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls, c.at, c.side, c.held = 0, n, where, make(chan struct{})
	return c.held
}

// deleteTwice has each delete from now on carried out by somebody else in the
// moment before it comes, and counts them.
func (c *cloud) deleteTwice() *atomic.Int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.twice = &atomic.Int64{}
	return c.twice
}

func (c *cloud) deleteFirst(r *http.Request, twice *atomic.Int64) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if deletion(r, string(body)) {
		first := r.Clone(r.Context())
		first.Body = io.NopCloser(bytes.NewReader(body))
		c.sim.Handler().ServeHTTP(httptest.NewRecorder(), first)
		twice.Add(1)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
}

// count is how many calls have come since hold.
func (c *cloud) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// sizes is a snapshot without its ids: how many there are of each.
func (c *cloud) sizes() awssim.Snapshot {
	s := c.sim.Snapshot()
	s.IDs = ""
	return s
}
