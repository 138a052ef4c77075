package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// outage is longer than the lease and than every timeout of the database.
const outage = 30 * time.Second

// TestDatabaseOutage takes PostgreSQL away in the middle of a job. What is
// asked meanwhile is answered, a stream that is open stays open and misses
// nothing, and when the database is back the job goes on by itself.
func TestDatabaseOutage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the better part of a minute")
	}
	t.Parallel()
	cluster := storetest.NewCluster(t)
	f := newFleet(t, 2, openCloud(t, "", awssim.Demo), cluster.DSN, nil)
	j := f.replicas[0].provision(f.replicas[0].register(launch("outage", nil)))
	f.midway(j)
	opened, ended := make(chan struct{}), make(chan error, 1)
	var last model.Job
	go func() {
		ended <- f.replicas[1].read(j.BackendID, 0, func(e model.Event) (bool, error) {
			if e.Seq == 1 {
				close(opened)
			}
			if e.Type != model.EventJob {
				return true, nil
			}
			err := json.Unmarshal(e.Data, &last)
			return !last.State.Ended(), err
		})
	}()

	<-opened
	down := time.Now()
	cluster.Stop()
	for _, s := range f.replicas {
		if p := s.want(http.StatusServiceUnavailable, "GET", "/api/v1/backends", nil).problem(t); !strings.Contains(p.Detail, "database") {
			t.Errorf("the API says %+v", p)
		}
		s.wantOutagePage()
		if a := get(t, "http://"+s.listen+"/readyz"); a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "database") {
			t.Errorf("it is ready: %d %s", a.status, a.body)
		}
		if a := get(t, "http://"+s.listen+"/healthz"); a.status != http.StatusOK {
			t.Errorf("it is not alive: %d", a.status)
		}
	}
	<-time.After(time.Until(down.Add(outage)))
	cluster.Start()
	up := time.Now()
	until(t, "pages answer again", func() bool { return f.replicas[0].call("GET", "/api/v1/backends", nil).status == http.StatusOK })
	answered := time.Since(up)
	if err := <-ended; err != nil {
		t.Fatalf("the stream that was open broke: %v\n%s", err, f.replicas[1].logs)
	}
	t.Logf("outage of %.1f s; answers again after %.1f s, the job had ended (%s) after %.1f s",
		up.Sub(down).Seconds(), answered.Seconds(), last.State, time.Since(up).Seconds())
	if last.State != model.JobSucceeded {
		t.Errorf("the job %s: %+v", last.State, last.Problem)
	}
	f.wantChains(1)
}

// wantOutagePage asks for a page as a browser with a session does.
func (s *server) wantOutagePage() {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.listen+"/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: "drawbridge_session", Value: "somebody"})
	a := do(s.t, http.DefaultClient, req)
	if a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "database does not answer") ||
		!strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		s.t.Errorf("a page answers %d %v: %s", a.status, a.header, a.body)
	}
}
