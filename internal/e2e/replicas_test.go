package e2e

import (
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// takeover is within what another replica goes on with a killed one's job. A
// lease of 6 s that was last extended up to 2 s before leaves 4 to 6 s, the
// next look comes within 1 s; the rest is for a busy machine.
const takeover = 10 * time.Second

// TestReplicaKilled kills, of three replicas, the one that provisions and then
// the one that destroys. All times are the database's.
func TestReplicaKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, openCloud(t, "", awssim.Demo), storetest.Postgres(t), scraped)
	b := f.replicas[0].register(launch("killed", nil))
	f.killed(f.replicas[0].provision(b))
	f.wantChains(1)
	f.wantCounted("drawbridge_lease_takeovers_total", 1)
	f.killed(f.replicas[0].destroy(b))
	f.wantChains(0)
}

// killed kills the replica that runs the job, checks that another takes over
// in time, and waits until the job has succeeded.
func (f *fleet) killed(j model.Job) {
	f.t.Helper()
	f.midway(j)
	victim, others := f.holder(j.ID)
	f.replicas = others
	at := f.now()
	victim.kill()
	others[0].succeeded(j)
	states, when := f.jobEvents(j)
	i := slices.IndexFunc(states, func(s model.Job) bool { return s.State == model.JobRunning && s.Attempt == 2 })
	if i < 0 || !strings.HasPrefix(states[i].Why, "Taken over from ") {
		f.t.Fatalf("the job was not taken over: %+v", states)
	}
	taken, done := when[i].Sub(at), when[len(when)-1].Sub(at)
	f.t.Logf("failover %s: killed at %s, taken over %.1f s later, done %.1f s later", j.Operation, at.UTC().Format("15:04:05.000"), taken.Seconds(), done.Seconds())
	if taken > takeover {
		f.t.Errorf("taken over after %s, want %s", taken, takeover)
	}
}

// TestReplicaFrozen stops a replica in the middle of its tries to make a VPC
// link, which AWS makes twice when it is asked twice. When it wakes, another
// has made the link.
func TestReplicaFrozen(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	refused := make(chan struct{}, 1000)
	c.refuse = func(r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/vpclinks") {
			refused <- struct{}{}
			return true
		}
		return false
	}
	f := newFleet(t, 2, c, storetest.Postgres(t), scraped)
	j := f.replicas[0].provision(f.replicas[0].register(launch("frozen", nil)))
	<-refused
	f.await("it says what it waits for", `SELECT 1 FROM job_steps WHERE job_id = $1 AND key = 'vpc-link' AND state = 'waiting'`, j.ID)
	frozen, others := f.holder(j.ID)
	frozen.freeze()
	at := f.now()
	f.await("another has taken the job", `SELECT 1 FROM jobs WHERE id = $1 AND lease_term = 2`, j.ID)
	c.mu.Lock()
	c.refuse = nil
	c.mu.Unlock()
	others[0].succeeded(j)
	_, when := f.jobEvents(j)
	t.Logf("frozen at %s; done elsewhere %.1f s later", at.UTC().Format("15:04:05.000"), when[len(when)-1].Sub(at).Seconds())
	written, made := f.events(j.BackendID), c.mutations()
	f.wantChains(1)

	asleep := len(frozen.logs.String())
	t.Cleanup(func() {
		if t.Failed() {
			frozen.signal(syscall.SIGQUIT) // where each goroutine stands
			frozen.thaw()                  // no signal but this one reaches it while it is stopped
			<-frozen.done
			t.Logf("since it woke it says\n%s", frozen.logs.String()[asleep:])
		}
	})
	frozen.thaw()
	until(t, "the frozen one knows", func() bool { return strings.Contains(frozen.logs.String(), "job left to another holder") })
	f.wantCounted("drawbridge_leases_lost_total", 1)
	f.wantCounted("drawbridge_lease_takeovers_total", 1)
	if all := f.events(j.BackendID); len(all) != len(written) {
		t.Errorf("it wrote when it woke: %+v", all[len(written):])
	}
	for op, n := range c.mutations() {
		if n != made[op] {
			t.Errorf("%s took effect %d times, before it woke %d times", op, n, made[op])
		}
	}
	f.wantChains(1)
	if got := frozen.backend(j.BackendID).Phase; got != model.PhaseReady {
		t.Errorf("to the replica that woke the backend is %s", got)
	}
}

// TestRollingRestart stops and starts each of three replicas while chains are
// under way.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	const chains = 3
	f := newFleet(t, 3, openCloud(t, "", awssim.Demo), storetest.Postgres(t), nil)
	var jobs []model.Job
	for i := range chains {
		s := f.replicas[i%len(f.replicas)]
		jobs = append(jobs, s.provision(s.register(launch("rolling-"+string(rune('a'+i)), nil))))
	}
	for _, j := range jobs {
		f.midway(j)
	}
	for _, s := range f.replicas {
		if err := s.terminate(); err != nil {
			t.Fatalf("%v\n%s", err, s.logs)
		}
		s.start()
	}
	for _, j := range jobs {
		f.replicas[0].succeeded(j)
		f.checkHandover(j)
		f.checkStepsOnce(j)
	}
	f.wantChains(chains)
	for op, n := range f.cloud.mutations() {
		if strings.HasPrefix(op, "Create") && n%chains != 0 {
			t.Errorf("%s took effect %d times for %d chains", op, n, chains)
		}
	}
}

// checkHandover: a job that its holder gave back was running again at once,
// long before its lease would have run out.
func (f *fleet) checkHandover(j model.Job) {
	f.t.Helper()
	states, when := f.jobEvents(j)
	for i, s := range states {
		if s.State != model.JobWaiting {
			continue
		}
		gap := when[i+1].Sub(when[i])
		f.t.Logf("handover of %s: %d ms", j.ID, gap.Milliseconds())
		if states[i+1].State != model.JobRunning || gap > fleetLease/2 {
			f.t.Errorf("handed over after %s, to %s", gap, states[i+1].State)
		}
		if states[i+1].Why != "" {
			f.t.Errorf("its lease ran out: %s", states[i+1].Why)
		}
	}
}

// checkStepsOnce: no step was carried out twice.
func (f *fleet) checkStepsOnce(j model.Job) {
	f.t.Helper()
	rows, err := f.db.Query(`SELECT key, COUNT(*) FROM events WHERE job_id = $1 AND type = 'step' AND data->>'state' = 'done' GROUP BY key HAVING COUNT(*) <> 1`, j.ID)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var n int
		if err := rows.Scan(&key, &n); err != nil {
			f.t.Fatal(err)
		}
		f.t.Errorf("step %s was done %d times", key, n)
	}
}

// TestNewsFromAnotherReplica: a page on one replica shows what another does as
// it happens, and a cancel that is asked of one reaches the other at once. The
// lease is long, so that no heartbeat brings the cancel.
func TestNewsFromAnotherReplica(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, openCloud(t, "", awssim.Demo), storetest.Postgres(t), func(_ int, s *server) {
		s.flags[slices.Index(s.flags, "--lease")+1] = "10m"
	})
	j := f.replicas[0].provision(f.replicas[0].register(launch("news", nil)))
	f.await("it runs", `SELECT 1 FROM jobs WHERE id = $1 AND state = 'running'`, j.ID)
	holder, others := f.holder(j.ID)
	opened := f.now()
	const news = 12
	heard := func(s *server) map[int64]time.Time {
		at := map[int64]time.Time{}
		err := s.read(j.BackendID, 0, func(e model.Event) (bool, error) {
			if e.At.After(opened.Add(100 * time.Millisecond)) { // not what was there before
				at[e.Seq] = time.Now()
			}
			return len(at) < news, nil
		})
		if err != nil {
			t.Error(err)
		}
		return at
	}
	there := make(chan map[int64]time.Time, 1)
	go func() { there <- heard(holder) }()
	here, first := heard(others[0]), <-there
	var lags []time.Duration // behind the page of the replica at work, which is as slow as the machine is
	for seq, at := range here {
		lags = append(lags, at.Sub(first[seq]))
	}
	slices.Sort(lags)
	if len(here) != news || len(first) != news {
		t.Fatalf("%d and %d news, want %d", len(here), len(first), news)
	}
	t.Logf("news reach another replica later: median %s, slowest %s", lags[news/2], lags[news-1])
	if median := lags[news/2]; median > 500*time.Millisecond {
		t.Errorf("half of the news came %s later; a page that only looked every 2 s would show it after 1 s", median)
	}
	others[0].want(http.StatusAccepted, "POST", "/api/v1/jobs/"+j.ID+"/cancel", nil)
	if got := others[0].ended(j); got.State != model.JobCancelled {
		t.Fatalf("the job is %s", got.State)
	}
	states, when := f.jobEvents(j)
	asked := slices.IndexFunc(states, func(s model.Job) bool { return !s.CancelRequestedAt.IsZero() })
	took := when[len(when)-1].Sub(when[asked])
	t.Logf("cancelled on another replica after %s", took)
	if took > takeover {
		t.Errorf("cancelled after %s", took)
	}
}
