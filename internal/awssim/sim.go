// Package awssim is a simulated AWS in one http.Handler: as much of the
// control planes of EC2, ELBv2, API Gateway v2, SSM and STS as the chain from
// an HTTP API to a private app needs, and the data plane that really carries
// requests along that chain. It is a product (local mode) and a test double.
//
// What is due to time (an instance that starts, a load balancer that is
// provisioned) is computed from timestamps, so a killed simulator comes back
// where it would have been.
package awssim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"drawbridge/internal/awssim/journal"
)

// Options of a simulator. The zero value keeps its state in memory and waits
// for nothing.
type Options struct {
	Dir     string       // state directory; "" = memory only
	Profile Profile      // how long things take; "" = Instant
	Region  string       // default ap-northeast-1
	Account string       // default "000000000000"
	Logger  *slog.Logger // nil = silent
	Public  string       // host:port for invoke URLs; Serve sets it when ""
	Now     func() time.Time
}

// Sim is a simulated account in one region. All methods may be called
// concurrently.
type Sim struct {
	region  string
	account string
	log     *slog.Logger
	now     func() time.Time
	t       timing
	journal *journal.Journal // nil = memory only

	mu      sync.Mutex // guards st, public, turn
	st      *state
	public  string
	turn    map[string]int // round robin, by target group
	byQuery map[string]map[string]queryOp
	rest    []restOp

	logMu  sync.Mutex // guards calls, onCall, faults
	calls  []Call
	onCall func(Call)
	faults []Fault

	handler http.Handler
	health  *healthChecker
	direct  *http.Transport // to instances that forward to this machine
	stop    context.CancelFunc
	closed  sync.Once
}

var (
	regionRE  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	accountRE = regexp.MustCompile(`^\d{12}$`)
)

// New loads the state in o.Dir and begins to check the health of targets.
// Close the simulator when done with it.
func New(o Options) (*Sim, error) {
	s := &Sim{region: o.Region, account: o.Account, log: o.Logger, now: o.Now, public: o.Public, turn: map[string]int{}, st: newState()}
	if s.region == "" {
		s.region = "ap-northeast-1"
	}
	if s.account == "" {
		s.account = "000000000000"
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if !regionRE.MatchString(s.region) || !accountRE.MatchString(s.account) {
		return nil, fmt.Errorf("start simulated AWS: region %q or account %q is not of AWS's form", s.region, s.account)
	}
	if o.Profile == "" {
		o.Profile = Instant
	}
	if _, err := ParseProfile(string(o.Profile)); err != nil {
		return nil, fmt.Errorf("start simulated AWS: %w", err)
	}
	s.t = o.Profile.timing()
	if o.Dir != "" {
		if err := s.open(o.Dir); err != nil {
			return nil, fmt.Errorf("start simulated AWS: %w", err)
		}
	}
	s.byQuery = map[string]map[string]queryOp{"ec2": ec2Ops(), "elbv2": elbv2Ops(), "sts": stsOps()}
	s.rest = gatewayOps()
	s.direct = newDirectTransport()
	s.handler = http.HandlerFunc(s.serve)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.health = startHealthChecker(ctx, s)
	return s, nil
}

func (s *Sim) open(dir string) error {
	j, rows, err := journal.Open(dir)
	if err != nil {
		return err
	}
	if err := s.st.load(rows); err != nil {
		return errors.Join(err, j.Close())
	}
	s.journal = j
	return nil
}

// Handler serves the control plane, the data plane and the admin endpoint.
func (s *Sim) Handler() http.Handler { return s.handler }

// Serve answers on l until ctx ends, then lets running requests finish.
func (s *Sim) Serve(ctx context.Context, l net.Listener) error {
	s.mu.Lock()
	if s.public == "" {
		s.public = l.Addr().String()
	}
	s.mu.Unlock()
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // when the listener broke
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		err := srv.Shutdown(grace)
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
		done <- err
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve simulated AWS: %w", err)
	}
	if err := <-done; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop simulated AWS: %w", err)
	}
	return nil
}

// Close ends the health checks and gives the state directory free. Calls that
// come afterwards fail.
func (s *Sim) Close() error {
	var err error
	s.closed.Do(func() {
		s.stop()
		s.health.wait()
		s.direct.CloseIdleConnections()
		if s.journal != nil {
			err = s.journal.Close()
		}
	})
	return err
}

// commit journals what f has changed and returns when it is on the disk. What
// f returns an error for must not have changed anything.
func (s *Sim) commit(f func(now time.Time) error) error {
	s.mu.Lock()
	now := s.now()
	opErr := s.sweep(now)
	if opErr == nil {
		opErr = f(now)
	}
	changes := s.st.takeChanges()
	if s.journal == nil || len(changes) == 0 {
		s.mu.Unlock()
		return opErr
	}
	n, err := s.journal.Append(changes)
	s.mu.Unlock()
	if err == nil {
		err = s.journal.Sync(n)
	}
	return errors.Join(opErr, err)
}
