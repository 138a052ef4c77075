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
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"drawbridge/internal/awssim/journal"
)

// Options of a simulator. The zero value keeps its state in memory and waits
// for nothing.
type Options struct {
	Dir      string       // state directory; "" = memory only
	Profile  Profile      // how long things take; "" = Instant
	Times    Durations    // in place of the profile's; nil = none
	Scale    float64      // every duration times this; 0 = 1
	Region   string       // of the world; default ap-northeast-1
	Account  string       // of keys that name none; default "000000000000"
	Secret   string       // of every access key; "" = signatures are not checked
	CallLog  string       // file that gets a JSON line for every call; "" = none
	Switches Switches     // what else AWS does; the zero value does none of it
	Logger   *slog.Logger // nil = silent
	Public   string       // host:port for invoke URLs; Serve sets it when ""
	Now      func() time.Time
}

// Sim is a simulated AWS. Each account has its own state in each Region, with
// its own journal: a Sim is the state of one of these places, and the first,
// which New returns, serves for them all. All methods may be called
// concurrently.
type Sim struct {
	*shared
	region  string
	account string
	journal *journal.Journal // nil = memory only
	health  *healthChecker

	mu     sync.Mutex // guards st, public, fresh, probes
	st     *state
	public string
	fresh  map[string]time.Time // by id: when what was just made is to be seen
	probes map[string]*probe    // by target

	paceMu  sync.Mutex // guards buckets, writing
	buckets map[string]*bucket
	writing map[string]bool // APIs with a write under way
}

// shared is what all accounts and Regions have in common.
type shared struct {
	log      *slog.Logger
	proxyLog *log.Logger
	now      func() time.Time
	t        timing
	secret   string
	dir      string
	switches atomic.Pointer[Switches]
	byQuery  map[string]map[string]queryOp
	rest     []restOp
	handler  http.Handler
	direct   *http.Transport // to instances that forward to this machine
	ctx      context.Context // of the health checks
	stop     context.CancelFunc
	closed   sync.Once

	placesMu sync.RWMutex // guards places
	home     *Sim
	places   map[place]*Sim

	logMu    sync.Mutex // guards what is below
	calls    []Call
	callFile *os.File // nil = none
	onCall   func(Call)
	faults   []Fault
}

var (
	regionRE  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	accountRE = regexp.MustCompile(`^\d{12}$`)
)

// New loads the state in o.Dir and begins to check the health of targets.
// Close the simulator when done with it.
func New(o Options) (*Sim, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("start simulated AWS: %w", err)
	}
	timing, err := o.Profile.timing(o.Scale, o.Times)
	if err != nil {
		return nil, fmt.Errorf("start simulated AWS: %w", err)
	}
	sh := &shared{log: o.Logger, proxyLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug), now: o.Now, t: timing, secret: o.Secret, dir: o.Dir, places: map[place]*Sim{}, rest: gatewayOps(),
		byQuery: map[string]map[string]queryOp{"ec2": ec2Ops(), "elbv2": elbv2Ops(), "sts": stsOps(), "iam": iamOps()}, direct: newDirectTransport()}
	sh.ctx, sh.stop = context.WithCancel(context.Background())
	if sh.callFile, err = openCallLog(o.CallLog); err == nil {
		err = sh.openPlaces(place{o.Account, o.Region}, o.Public)
	}
	if err == nil {
		err = sh.setSwitches(o.Switches)
	}
	if err != nil {
		return nil, fmt.Errorf("start simulated AWS: %w", errors.Join(err, sh.close()))
	}
	sh.handler = http.HandlerFunc(sh.home.serve)
	return sh.home, nil
}

func (o *Options) setDefaults() {
	o.Region = cmp.Or(o.Region, "ap-northeast-1")
	o.Account = cmp.Or(o.Account, "000000000000")
	o.Profile = cmp.Or(o.Profile, Instant)
	o.Scale = cmp.Or(o.Scale, 1)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func (o *Options) check() error {
	if !regionRE.MatchString(o.Region) || !accountRE.MatchString(o.Account) {
		return fmt.Errorf("region %q or account %q is not of AWS's form", o.Region, o.Account)
	}
	if o.Scale < 0 {
		return fmt.Errorf("scale %v is negative", o.Scale)
	}
	return nil
}

// Handler serves the control plane, the data plane and the admin endpoint.
func (s *Sim) Handler() http.Handler { return s.handler }

// Serve answers on l until ctx ends, then lets running requests finish.
func (s *Sim) Serve(ctx context.Context, l net.Listener) error {
	for _, p := range s.allPlaces() {
		p.setPublic(l.Addr().String())
	}
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, Protocols: spoken(),
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

// spoken are AWS's protocols at invoke URLs, both without TLS.
func spoken() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// Close ends the health checks and gives the state directory free. Calls that
// come afterwards fail.
func (s *Sim) Close() error {
	var err error
	s.closed.Do(func() { err = s.shared.close() })
	return err
}

func (sh *shared) close() error {
	sh.stop()
	sh.direct.CloseIdleConnections()
	var errs []error
	for _, p := range sh.allPlaces() {
		p.health.wait()
		if p.journal != nil {
			errs = append(errs, p.journal.Close())
		}
	}
	sh.logMu.Lock()
	defer sh.logMu.Unlock()
	if sh.callFile != nil {
		errs = append(errs, sh.callFile.Close())
		sh.callFile = nil
	}
	return errors.Join(errs...)
}

// commit journals what f has changed and returns when it is on the disk. What
// f returns an error for must not have changed anything.
func (s *Sim) commit(f func(now time.Time) error) error {
	s.mu.Lock()
	now := s.now()
	version := s.st.version.Load()
	opErr := s.sweep(now)
	if opErr == nil {
		opErr = f(now)
	}
	if opErr == nil && s.st.version.Load() != version {
		opErr = s.forgetHealth(now)
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
