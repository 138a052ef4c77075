package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"drawbridge/internal/app"
	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
	"drawbridge/internal/store/storetest"
)

// skewedEnv makes the test binary a server whose clock is wrong: a wrong clock
// is nothing that the product should offer, and the machine's own cannot be
// wrong for one process only.
const skewedEnv = "DRAWBRIDGE_E2E_SKEWED"

// skewed is a server as the test binary runs it.
type skewed struct {
	Ahead                     time.Duration // of the true time
	Listen, DataDir, Database string
	Endpoint, VPC             string
	Subnets                   []string
	Lease                     time.Duration
	AWSRates                  float64
}

// serveSkewed is what the test binary does in a process of its own.
func serveSkewed(text string) error {
	var s skewed
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a, err := app.New(ctx, app.Config{
		Listen: s.Listen, DataDir: s.DataDir, Database: s.Database, Lease: s.Lease, AWSRates: s.AWSRates, Sim: app.SimConfig{Off: true},
		Environments: []model.Environment{{Name: "cloud", Region: "ap-northeast-1", VPCID: s.VPC, SubnetIDs: s.Subnets,
			Endpoint: s.Endpoint, Credentials: model.CredentialsDefault}},
		Now: func() time.Time { return time.Now().Add(s.Ahead) },
	}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	link, err := a.SignInLink(ctx)
	if err != nil {
		return err
	}
	fmt.Println(link)
	return a.Run(ctx)
}

// skew has the server run with a clock that is ahead of the true one.
func (s *server) skew(c *cloud, dsn string, ahead time.Duration) {
	s.t.Helper()
	s.skewAt(c, skewed{Ahead: ahead, Database: dsn, Lease: fleetLease})
}

// skewAt fills in what is the server's and the cloud's.
func (s *server) skewAt(c *cloud, k skewed) {
	s.t.Helper()
	k.Listen, k.DataDir, k.Endpoint, k.VPC, k.Subnets = s.bind, s.dir, c.url, c.world.VPCID, c.world.SubnetIDs
	text, err := json.Marshal(k)
	if err != nil {
		s.t.Fatal(err)
	}
	s.binary, s.env = os.Executable, append(s.env, skewedEnv+"="+string(text))
}

// TestClocksApart runs three replicas whose clocks are five minutes apart from
// each other. Nobody takes a job that is held, a killed one's job is taken over
// in time, and what the rows say of time is true.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	c, dsn := openCloud(t, "", awssim.Demo), storetest.Postgres(t)
	f := newFleet(t, 3, c, dsn, func(i int, s *server) {
		s.skew(c, dsn, time.Duration(i-1)*5*time.Minute)
	})
	start := f.now()
	j := f.replicas[0].provision(f.replicas[0].register(launch("clocks", nil)))
	f.midway(j)
	if _, term := f.lease(j.ID); term != 1 {
		t.Errorf("the job was taken from a holder that lives: term %d", term)
	}
	b := f.replicas[2].register(launch("other", nil))
	f.killed(j)
	f.replicas[1].succeeded(f.replicas[1].provision(b))
	f.wantChains(2)
	f.checkTimes(j, start)
}

// checkTimes: what happened later is not written earlier, and nothing lies
// before the test or in the future.
func (f *fleet) checkTimes(j model.Job, start time.Time) {
	f.t.Helper()
	const slack = 500 * time.Millisecond // of two processes' readings of one clock
	last := start
	for _, e := range f.events(j.BackendID) {
		if e.At.Before(last.Add(-slack)) || e.At.After(f.now().Add(slack)) {
			f.t.Errorf("event %d is of %s, the one before of %s", e.Seq, e.At, last)
		}
		last = e.At
	}
	var odd string
	err := f.db.QueryRow(`SELECT COALESCE(string_agg(key || ' ' || (finished_at - started_at), ', '), '') FROM job_steps
		WHERE job_id = $1 AND finished_at - started_at NOT BETWEEN -500 AND 60000`, j.ID).Scan(&odd)
	if err != nil || odd != "" {
		f.t.Errorf("steps that took an odd number of milliseconds: %s (%v)", odd, err)
	}
}

// TestSkewedServerIsSkewed: the test binary's servers do have another clock.
func TestSkewedServerIsSkewed(t *testing.T) {
	t.Parallel()
	s := newServer(t, "instant")
	c := newCloud(t)
	s.skew(c, "", time.Hour)
	s.start()
	s.binary = binary
	s.token = s.newToken()
	b := s.register(launch("ahead", nil)) // on SQLite rows have the process's time
	if d := time.Until(b.CreatedAt); d < 59*time.Minute {
		t.Errorf("made at %s, %s from now", b.CreatedAt, d)
	}
}
