package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// -sandboxes is how many TestSandboxesEnd makes.
var sandboxCount = flag.Int("sandboxes", 12, "how many sandboxes to make and end")

// sandboxLife is how long those of the test live: more than it takes, so that
// only a clock that is moved ends them.
const sandboxLife = "2h"

type sandboxAnswer struct {
	BackendID string `json:"backend_id"`
	Key       string
	State     string
	Name      string
	Phase     model.Phase
	Created   bool
}

// TestSandboxesEnd makes sandboxes in parallel, each asked for by `ctl` and over
// REST at once, in an AWS that throttles as documented; the server is killed while they are
// made, while some are still provisioned, and while they end, and its clock
// goes back an hour and forth three. At the end nothing is left in AWS, and
// every end is in the audit.
func TestSandboxesEnd(t *testing.T) {
	t.Parallel()
	const pace = 60 // of everything that AWS does, its rates among it
	c := openCloud(t, "", awssim.Profile(fmt.Sprintf("real/%d", pace)))
	if err := c.sim.SetSwitches(awssim.Switches{Throttle: true, Quotas: 10}); err != nil {
		t.Fatal(err)
	}
	before := c.sim.Snapshot()
	s := newServer(t, "instant")
	at := func(ahead time.Duration) {
		t.Helper()
		s.env = nil
		s.skewAt(c, skewed{Ahead: ahead, AWSRates: pace})
		s.start()
	}
	at(0)
	plain := *s // whatever runs, the product makes the token
	plain.binary = binary
	s.token = plain.newToken()
	plain.token = s.token
	x := &sandboxes{s: s, shell: newShell(&plain), n: *sandboxCount, team: s.firstTeam()}
	x.template()

	start := time.Now()
	made := x.makeAll()
	until(t, "half of them are made", func() bool { return x.answered() >= x.n/2 })
	s.kill()
	at(-time.Hour) // who makes them tries again until they are there
	made.Wait()
	x.checkMade()
	t.Logf("%d sandboxes made, each asked for twice, over a kill -9, in %s", x.n, time.Since(start).Round(time.Millisecond))

	slowly(t, "some are ready", func() bool { return x.count(model.PhaseReady) >= x.n/3 })
	t.Logf("%d of %d are ready; now their time has come", x.count(model.PhaseReady), x.n)
	s.kill()
	at(3 * time.Hour)
	slowly(t, "some are gone", func() bool { return len(x.list(true)) >= x.n/4 })
	s.kill()
	at(3 * time.Hour)
	slowly(t, "all are gone", func() bool { return len(x.list(true)) == x.n && len(x.list(false)) == 0 })
	t.Logf("all gone after %s", time.Since(start).Round(time.Millisecond))
	if after := c.sim.Snapshot(); after != before {
		t.Errorf("left in AWS:\n%+v\nbefore:\n%+v", after, before)
	}
	x.checkAudit()
}

// sandboxes are those of one test.
type sandboxes struct {
	s     *server
	shell *shell
	n     int
	team  string

	mu   sync.Mutex
	made map[string]map[string]int // by key: the ids that were answered, and how often as new
	got  int
}

func (s *server) firstTeam() string {
	s.t.Helper()
	var teams struct{ Items []model.Team }
	s.want(http.StatusOK, "GET", "/api/v1/teams", nil).into(s.t, &teams)
	return teams.Items[0].ID
}

func (x *sandboxes) template() {
	x.s.t.Helper()
	x.s.want(http.StatusCreated, "POST", "/api/v1/teams/"+x.team+"/sandbox-templates", map[string]any{
		"name": "app", "spec": map[string]any{"source": "launch", "port": 8000, "tags": map[string]string{"branch": "{{branch}}"}},
	})
}

// makeAll asks for each sandbox by ctl and over REST at once, again and again
// until there is an answer.
func (x *sandboxes) makeAll() *sync.WaitGroup {
	x.made = map[string]map[string]int{}
	var wg sync.WaitGroup
	for i := range x.n {
		key := fmt.Sprintf("pr-%d", i)
		for _, ask := range []func(string) (sandboxAnswer, error){x.byCtl, x.byREST} {
			wg.Go(func() {
				for x.s.t.Context().Err() == nil {
					made, err := ask(key)
					if err == nil {
						x.note(key, made)
						return
					}
					<-time.After(50 * time.Millisecond) // it is down, or AWS is asked too often
				}
			})
		}
	}
	return &wg
}

func (x *sandboxes) byREST(key string) (made sandboxAnswer, err error) {
	a, err := x.s.try("POST", "/api/v1/teams/"+x.team+"/sandboxes", map[string]any{"key": key, "branch": "feature/same", "ttl": sandboxLife})
	switch {
	case err != nil:
		return made, err
	case a.status > http.StatusCreated:
		return made, fmt.Errorf("status %d", a.status)
	}
	return made, a.decode(&made)
}

func (x *sandboxes) byCtl(key string) (made sandboxAnswer, err error) {
	out, err := x.shell.cmd("sandbox", "create", "--json", "--template", "app", "--key", key, "--branch", "feature/same", "--ttl", sandboxLife).Output()
	if err != nil {
		return made, err
	}
	return made, json.Unmarshal(out, &made)
}

func (x *sandboxes) note(key string, made sandboxAnswer) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.made[key] == nil {
		x.made[key] = map[string]int{}
	}
	news := 0
	if made.Created {
		news = 1
	}
	x.made[key][made.BackendID] += news
	x.got++
}

func (x *sandboxes) answered() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.got
}

// checkMade: each key has one sandbox, which was new to one answer at most (the
// answer may have been lost), and all have names of their own.
func (x *sandboxes) checkMade() {
	x.s.t.Helper()
	names := map[string]bool{}
	for _, b := range x.list(false) {
		names[b.Name] = true
	}
	for key, ids := range x.made {
		for id, news := range ids {
			if len(ids) != 1 || news > 1 {
				x.s.t.Errorf("%s: %d sandboxes, %s was made %d times", key, len(ids), id, news)
			}
		}
	}
	if len(x.made) != x.n || len(names) != x.n {
		x.s.t.Errorf("%d keys, %d names, want %d", len(x.made), len(names), x.n)
	}
}

// list are the sandboxes that live, or those of which nothing is left.
func (x *sandboxes) list(gone bool) []sandboxAnswer {
	x.s.t.Helper()
	var page struct{ Items []sandboxAnswer }
	x.s.want(http.StatusOK, "GET", fmt.Sprintf("/api/v1/teams/%s/sandboxes?limit=1000&gone=%v", x.team, gone), nil).into(x.s.t, &page)
	return page.Items
}

func (x *sandboxes) count(phase model.Phase) int {
	n := 0
	for _, b := range x.list(false) {
		if b.Phase == phase {
			n++
		}
	}
	return n
}

// checkAudit: every sandbox's end was begun once, by the server itself, and its
// being gone was written once.
func (x *sandboxes) checkAudit() {
	x.s.t.Helper()
	for _, action := range []model.AuditAction{model.AuditSandboxEnd, model.AuditSandboxGone} {
		var page struct{ Items []model.AuditEntry }
		x.s.want(http.StatusOK, "GET", "/api/v1/audit?limit=500&action="+string(action), nil).into(x.s.t, &page)
		seen := map[string]bool{}
		for _, e := range page.Items {
			if seen[e.TargetID] || e.ActorKind != model.ActorSystem {
				x.s.t.Errorf("%s of %s by %s, twice %v", action, e.TargetID, e.ActorName, seen[e.TargetID])
			}
			seen[e.TargetID] = true
		}
		if len(seen) != x.n {
			x.s.t.Errorf("%d rows of %s, want %d", len(seen), action, x.n)
		}
		x.s.t.Logf("audit: %d rows of %s", len(seen), action)
	}
}

// slowly is until for what a request to the server tells.
func slowly(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(3 * patience)
	defer deadline.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// TestSandboxesOfReplicas: three replicas whose clocks are hours apart end no
// sandbox before the database's clock says so; then each ends once, though one
// replica is killed meanwhile.
func TestSandboxesOfReplicas(t *testing.T) {
	t.Parallel()
	c, dsn := openCloud(t, "", awssim.Instant), storetest.Postgres(t)
	f := newFleet(t, 3, c, dsn, func(i int, s *server) {
		s.skewAt(c, skewed{Ahead: time.Duration(i-1) * 6 * time.Hour, Database: dsn, Lease: fleetLease, AWSRates: 1000})
	})
	before := c.sim.Snapshot()
	s := f.replicas[1]
	plain := *s // whatever runs, the product is the client
	plain.binary = binary
	x := &sandboxes{s: s, shell: newShell(&plain), n: 4, team: s.firstTeam()}
	x.template()
	x.makeAll().Wait()
	x.checkMade()
	slowly(t, "they are ready", func() bool { return x.count(model.PhaseReady) == x.n })
	looked := f.now().Add(3 * reaperLook)
	slowly(t, "every replica has looked", func() bool { return f.now().After(looked) })
	if living := len(x.list(false)); living != x.n || x.count(model.PhaseReady) != x.n {
		t.Errorf("%d live by the database's clock, want %d", living, x.n)
	}
	if _, err := f.db.Exec(`UPDATE sandboxes SET ends_at = $1, look_at = $1`, f.now().UnixMilli()); err != nil { // their time has come
		t.Fatal(err)
	}
	slowly(t, "their ends have begun", func() bool { return x.count(model.PhaseReady) == 0 })
	f.replicas[0].kill()
	slowly(t, "all are gone", func() bool { return len(x.list(true)) == x.n })
	if after := c.sim.Snapshot(); after != before {
		t.Errorf("left in AWS:\n%+v\nbefore:\n%+v", after, before)
	}
	x.checkAudit()
}

// reaperLook is how often a server looks at sandboxes.
const reaperLook = 2 * time.Second
