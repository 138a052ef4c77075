package e2e

import (
	"database/sql"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"drawbridge/internal/model"
)

// fleetLease is the lease of the replicas' jobs, the default on PostgreSQL.
const fleetLease = 6 * time.Second

// fleet is several servers on one PostgreSQL and one cloud.
type fleet struct {
	t        *testing.T
	cloud    *cloud
	db       *sql.DB
	replicas []*server
	before   simCounts
}

// newFleet starts n replicas. change, which may be nil, edits each before it starts.
func newFleet(t *testing.T, n int, c *cloud, dsn string, change func(i int, s *server)) *fleet {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f := &fleet{t: t, cloud: c, db: db}
	for i := range n {
		s := newServer(t, "instant", append(c.flags(), "--database", dsn, "--lease", fleetLease.String())...)
		if change != nil {
			change(i, s)
		}
		s.start()
		f.replicas = append(f.replicas, s)
	}
	plain := *f.replicas[0] // whatever runs, the product makes the token
	plain.binary = binary
	token := plain.newToken()
	for _, s := range f.replicas {
		s.token = token
	}
	f.before = f.counts()
	return f
}

// scraped gives a replica an address for its metrics.
func scraped(_ int, s *server) {
	s.flags = append(s.flags, "--metrics-address", freePort(s.t))
}

// wantCounted fails the test unless a counter of jobs is n in all replicas together.
func (f *fleet) wantCounted(name string, n float64) {
	f.t.Helper()
	sum := 0.0
	for _, s := range f.replicas {
		for series, v := range s.samples(s.flags[slices.Index(s.flags, "--metrics-address")+1]) {
			if strings.HasPrefix(series, name+"{") {
				sum += v
			}
		}
	}
	if sum != n {
		f.t.Errorf("%s is %v, want %v", name, sum, n)
	}
}

// counts is what exists in the fleet's cloud.
func (f *fleet) counts() simCounts {
	f.t.Helper()
	data, err := json.Marshal(f.cloud.sim.Snapshot())
	if err != nil {
		f.t.Fatal(err)
	}
	var c simCounts
	if err := json.Unmarshal(data, &c); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// wantChains fails the test unless n chains were made, each thing once.
func (f *fleet) wantChains(n int) {
	f.t.Helper()
	want := f.before
	for range n {
		want = want.plus()
	}
	if got := f.counts(); got != want {
		f.t.Errorf("there are\n%+v, want\n%+v", got, want)
		for _, c := range f.cloud.sim.Calls() {
			if !strings.HasPrefix(c.Operation, "Describe") && !strings.HasPrefix(c.Operation, "Get") {
				f.t.Logf("%s %s %d %s %v", c.Start.Format("15:04:05.000"), c.Operation, c.Status, c.Code, c.IDs)
			}
		}
		for _, s := range f.replicas {
			f.t.Logf("%s", s.logs)
		}
	}
}

// now is the database's clock.
func (f *fleet) now() time.Time {
	f.t.Helper()
	var millis int64
	if err := f.db.QueryRow(`SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)`).Scan(&millis); err != nil {
		f.t.Fatal(err)
	}
	return time.UnixMilli(millis)
}

// lease is who holds the job, and for which time.
func (f *fleet) lease(jobID string) (holder string, term int) {
	f.t.Helper()
	err := f.db.QueryRow(`SELECT lease_holder, lease_term FROM jobs WHERE id = $1`, jobID).Scan(&holder, &term)
	if err != nil {
		f.t.Fatal(err)
	}
	return holder, term
}

// holder is the replica that works on the job, and the others.
func (f *fleet) holder(jobID string) (*server, []*server) {
	f.t.Helper()
	name, _ := f.lease(jobID)
	words := strings.Split(name, ":") // host:pid:random
	for i, s := range f.replicas {
		if len(words) == 3 && words[1] == strconv.Itoa(s.cmd.Process.Pid) {
			return s, slices.Delete(slices.Clone(f.replicas), i, i+1)
		}
	}
	f.t.Fatalf("no replica is %q", name)
	return nil, nil
}

// await waits for a row that a query finds.
func (f *fleet) await(what, query string, args ...any) {
	f.t.Helper()
	until(f.t, what, func() bool {
		var found bool
		err := f.db.QueryRow(`SELECT EXISTS (`+query+`)`, args...).Scan(&found)
		return err == nil && found
	})
}

// events are all of a backend.
func (f *fleet) events(backendID string) []model.Event {
	f.t.Helper()
	rows, err := f.db.Query(`SELECT seq, type, job_id, key, data, at FROM events WHERE backend_id = $1 ORDER BY seq`, backendID)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	var list []model.Event
	for rows.Next() {
		var e model.Event
		var at int64
		if err := rows.Scan(&e.Seq, &e.Type, &e.JobID, &e.Key, &e.Data, &at); err != nil {
			f.t.Fatal(err)
		}
		e.At = time.UnixMilli(at)
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		f.t.Fatal(err)
	}
	return list
}

// jobEvents are those of one job's own states.
func (f *fleet) jobEvents(j model.Job) (states []model.Job, at []time.Time) {
	f.t.Helper()
	for _, e := range f.events(j.BackendID) {
		if e.Type != model.EventJob || e.JobID != j.ID {
			continue
		}
		var s model.Job
		if err := json.Unmarshal(e.Data, &s); err != nil {
			f.t.Fatal(err)
		}
		states, at = append(states, s), append(at, e.At)
	}
	return states, at
}

// midway waits until the job waits for AWS.
func (f *fleet) midway(j model.Job) {
	f.t.Helper()
	f.await("the job waits for AWS", `SELECT 1 FROM job_steps WHERE job_id = $1 AND state = 'waiting'`, j.ID)
}

// freeze stops the process where it stands, thaw lets it go on.
func (s *server) freeze() { s.signal(syscall.SIGSTOP) }
func (s *server) thaw()   { s.signal(syscall.SIGCONT) }

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// mutations are the calls that changed something in the cloud, by operation.
func (c *cloud) mutations() map[string]int {
	n := map[string]int{}
	for _, call := range c.sim.Calls() {
		reads := false
		for _, prefix := range []string{"Describe", "Get", "List"} {
			reads = reads || strings.HasPrefix(call.Operation, prefix)
		}
		if !reads && call.Code == "" && call.Status != 0 {
			n[call.Operation]++
		}
	}
	return n
}
