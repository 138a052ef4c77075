package awssim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// healthChecker asks targets as a load balancer's nodes do. One goroutine finds
// what is due; each check runs in its own.
type healthChecker struct {
	s      *Sim
	signal chan struct{}
	tasks  sync.WaitGroup
}

// probe is the memory of a target's checks. It may be lost: the state that
// they led to is kept in the target.
type probe struct {
	next           time.Time
	busy           bool
	passed, failed int // in a row
}

func startHealthChecker(ctx context.Context, s *Sim) *healthChecker {
	h := &healthChecker{s: s, signal: make(chan struct{}, 1)}
	h.tasks.Go(func() { h.loop(ctx) })
	return h
}

// wake makes the checker look at once: something has changed.
func (h *healthChecker) wake() {
	select {
	case h.signal <- struct{}{}:
	default:
	}
}

func (h *healthChecker) wait() { h.tasks.Wait() }

func (h *healthChecker) loop(ctx context.Context) {
	ticker := time.NewTicker(h.s.t.tick)
	defer ticker.Stop()
	for {
		tick := ticker.C
		due, any, drained := h.due()
		if drained {
			h.s.dropNow(ctx)
		}
		if !any {
			tick = nil // nothing to wait for but a change
		}
		for _, c := range due {
			h.tasks.Go(func() { h.check(ctx, c) })
		}
		select {
		case <-ctx.Done():
			return
		case <-tick:
		case <-h.signal:
		}
	}
}

// checkup is one due check: a copy, for use without Sim.mu.
type checkup struct {
	key     string
	memory  *probe // of the target's checks; another, or none, when it has begun anew
	group   healthCheck
	to      endpoint
	timeout time.Duration
}

// due returns the checks to make now, whether there are targets at all, and
// whether one has drained.
func (h *healthChecker) due() (out []checkup, any, drained bool) {
	s := h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	targets := s.st.targets.list(nil)
	for _, t := range targets {
		drained = drained || !t.DrainedAt.IsZero() && !now.Before(t.DrainedAt)
		switch st := s.healthAt(t, now); {
		case st.State == "initial" && st.Reason != "Elb.RegistrationInProgress", st.State == "healthy", st.State == "unhealthy":
		default:
			delete(s.probes, t.key())
			continue
		}
		p := s.probes[t.key()]
		if p == nil {
			p = &probe{next: now.Add(s.t.firstCheck)}
			s.probes[t.key()] = p
		}
		if p.busy || now.Before(p.next) {
			continue
		}
		g, _ := s.st.targetGroups.get(t.Group)
		p.busy, p.next = true, now.Add(cmp.Or(s.t.healthInterval, s.t.scaled(time.Duration(g.Check.Interval)*time.Second)))
		out = append(out, h.checkup(t, g, p, now))
	}
	return out, len(targets) > 0, drained
}

func (h *healthChecker) checkup(t *target, g *targetGroup, p *probe, now time.Time) checkup {
	s := h.s
	c := checkup{key: t.key(), memory: p, group: g.Check, timeout: cmp.Or(s.t.healthTimeout, s.t.scaled(time.Duration(g.Check.Timeout)*time.Second))}
	i, _ := s.st.instances.get(t.InstanceID)
	c.to = endpoint{blocked: true}
	for _, node := range s.interfacesOf(s.balancerOf(g).ARN) {
		if node.Zone == i.Zone {
			c.to = s.endpointOf(node, i, g.checkPort(t), now)
		}
	}
	return c
}

// check asks once and keeps what it means. A failed write stops nothing: the
// next change tries again.
func (h *healthChecker) check(ctx context.Context, c checkup) {
	failure := h.ask(ctx, c)
	if ctx.Err() != nil {
		return
	}
	err := h.s.commit(func(time.Time) error { return h.record(c, failure) })
	if err != nil {
		h.s.log.WarnContext(ctx, "health check not kept", "target", c.key, "error", err)
	}
}

// ask makes the request; the zero health means that the check passed.
func (h *healthChecker) ask(ctx context.Context, c checkup) health {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.to.address()+c.group.Path, nil)
	if err != nil {
		return health{"unhealthy", "Target.FailedHealthChecks", "Health checks failed"}
	}
	r.Host = c.to.address()
	r.Close = true
	r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	res, err := h.s.send(r, c.to, min(c.timeout, h.s.t.connectTimeout))
	switch {
	case errors.Is(err, errNoConnection), err != nil && isTimeout(err):
		return health{"unhealthy", "Target.Timeout", "Request timed out"}
	case err != nil:
		return health{"unhealthy", "Target.FailedHealthChecks", "Health checks failed"}
	}
	defer res.Body.Close()
	if !matches(c.group.Matcher, res.StatusCode) {
		return health{"unhealthy", "Target.ResponseCodeMismatch", fmt.Sprintf("Health checks failed with these codes: [%d]", res.StatusCode)}
	}
	return health{}
}

// record counts a result and changes the target's state when its threshold is
// reached. The first passed check of a new target is enough.
func (h *healthChecker) record(c checkup, failure health) error {
	p, t := h.s.probes[c.key], h.s.st.targets.rows[c.key]
	if p == nil || p != c.memory || t == nil {
		return nil // deregistered meanwhile, and perhaps registered again
	}
	p.busy = false
	after := t.Health
	if failure.State == "" {
		p.passed, p.failed = p.passed+1, 0
		if t.Health.State == "initial" || p.passed >= c.group.Healthy {
			after = health{State: "healthy"}
		}
	} else {
		p.passed, p.failed = 0, p.failed+1
		if t.Health.State == "unhealthy" || p.failed >= c.group.Unhealthy {
			after = failure
		}
	}
	if after == t.Health {
		return nil
	}
	t.Health = after
	return h.s.st.targets.put(t)
}

// matches reads "200", "200,302" and "200-299".
func matches(matcher string, status int) bool {
	for part := range strings.SplitSeq(matcher, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, errFrom := strconv.Atoi(low)
		to, errTo := strconv.Atoi(high)
		if errFrom == nil && errTo == nil && status >= from && status <= to {
			return true
		}
	}
	return false
}
