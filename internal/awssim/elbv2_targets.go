package awssim

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// target is an instance and port in a target group.
type target struct {
	Group        string // ARN
	InstanceID   string
	Port         int
	RegisteredAt time.Time
	DrainedAt    time.Time // zero = not deregistered
	Health       health
}

// health is what the checks of a target have found. It is kept when it changes.
type health struct {
	State  string // "initial", "healthy" or "unhealthy"
	Reason string
	Detail string
}

func (t *target) key() string { return t.Group + " " + t.InstanceID + " " + strconv.Itoa(t.Port) }

func (s *Sim) targetsOf(group string) []*target {
	return s.st.index().targets[group]
}

// requestedTargets reads Targets.member.N; the port is the group's by default.
func (c *call) requestedTargets(g *targetGroup) ([]*target, error) {
	var out []*target
	for _, q := range c.q.Structs("Targets") {
		t := &target{Group: g.ARN, InstanceID: q.Str("Id"), Port: q.Int("Port", g.Port), RegisteredAt: c.now, Health: unchecked()}
		if t.Port < 1 || t.Port > 65535 {
			return nil, wire.BadRequest("ValidationError", "Port '%d' must be between 1 and 65535", t.Port)
		}
		out = append(out, t)
	}
	return out, c.q.Err()
}

// registerTargets takes running instances of the group's VPC only.
func registerTargets(c *call) ([]wire.Node, error) {
	g, err := c.targetGroup(c.q.Str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	wanted, err := c.requestedTargets(g)
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return nil, wire.BadRequest("ValidationError", "At least one target must be specified")
	}
	var unknown, asleep []string
	for _, t := range wanted {
		i, ok := found(c.Sim, c.st.instances, t.InstanceID, c.now)
		switch {
		case !ok || i.VPCID != g.VPCID:
			unknown = append(unknown, "'"+t.InstanceID+"'")
		case !i.runningAt(c.now, c.t):
			asleep = append(asleep, "'"+t.InstanceID+"'")
		}
	}
	if len(unknown) > 0 {
		return nil, wire.BadRequest("InvalidTarget", "The following targets are not valid instances in the target group's VPC: %s", strings.Join(unknown, ", "))
	}
	if len(asleep) > 0 {
		return nil, wire.BadRequest("InvalidTarget", "The following targets are not in a running state and cannot be registered: %s", strings.Join(asleep, ", "))
	}
	if err := c.targetQuotas(g, wanted); err != nil {
		return nil, err
	}
	for _, t := range wanted {
		if old, ok := c.st.targets.get(t.key()); ok && old.DrainedAt.IsZero() {
			continue
		}
		if err := c.st.targets.put(t); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// deregisterTargets lets targets drain; an unknown one is no error.
func deregisterTargets(c *call) ([]wire.Node, error) {
	g, err := c.targetGroup(c.q.Str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	wanted, err := c.requestedTargets(g)
	if err != nil {
		return nil, err
	}
	delay := min(c.t.scaled(g.drainDelay()), c.t.drain)
	if len(c.balancersOf(g)) == 0 {
		delay = 0
	}
	for _, w := range wanted {
		t, ok := c.st.targets.get(w.key())
		switch {
		case !ok || !t.DrainedAt.IsZero():
		case delay == 0:
			c.dropTarget(t)
		default:
			t.DrainedAt = c.now.Add(delay)
			if err := c.st.targets.put(t); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// dropTarget forgets a target, with what its checks have found: registered
// again, it begins anew.
func (s *Sim) dropTarget(t *target) {
	s.st.targets.del(t.key())
	s.st.traffic.cut(t.key())
	delete(s.probes, t.key())
}

// dropDrained forgets targets whose deregistration delay has passed, and those
// whose instance is forgotten.
func (s *Sim) dropDrained(now time.Time) error {
	for _, t := range s.st.targets.list(nil) {
		_, lives := s.st.instances.get(t.InstanceID)
		if !lives || !t.DrainedAt.IsZero() && !now.Before(t.DrainedAt) {
			s.dropTarget(t)
		}
	}
	return nil
}

// dropNow forgets drained targets without waiting for the next call, so that
// their last requests end in time. A failed write stops nothing.
func (s *Sim) dropNow(ctx context.Context) {
	if err := s.commit(func(time.Time) error { return nil }); err != nil {
		s.log.WarnContext(ctx, "drained target not dropped", "error", err)
	}
}

// forgetHealth makes targets that a change has taken the checks from begin
// anew: those of a stopped instance, or of a group that is no longer behind a
// load balancer. When they get checks again they are initial, whatever they
// were before.
func (s *Sim) forgetHealth(now time.Time) error {
	for _, t := range s.st.targets.list(func(t *target) bool { return t.outdated(s.healthAt(t, now)) }) {
		delete(s.probes, t.key()) // with it what a check under way finds
		t.Health = unchecked()
		if err := s.st.targets.put(t); err != nil {
			return err
		}
	}
	return nil
}

// outdated says whether the checks have found a state that does not count at
// the state that AWS would show.
func (t *target) outdated(shown health) bool {
	return t.Health.State != "initial" && (shown.State == "unused" || shown.State == "unavailable" || shown.Reason == "Elb.RegistrationInProgress")
}

func unchecked() health {
	return health{"initial", "Elb.InitialHealthChecking", "Initial health checks in progress"}
}

// healthFacts are what the state of a target depends on.
type healthFacts struct {
	target   *target
	instance *instance
	balancer *loadBalancer // that forwards to the group; may be nil
	zone     bool          // the instance's zone is enabled for the balancer
	checked  bool          // health checks are enabled
}

// healthAt is the state that AWS would show.
func (s *Sim) healthAt(t *target, now time.Time) health {
	f, ok := s.healthFacts(t)
	if !ok {
		return notRegistered()
	}
	return f.at(now, s.t)
}

func (s *Sim) healthFacts(t *target) (healthFacts, bool) {
	g, ok := s.st.targetGroups.get(t.Group)
	i, lives := s.st.instances.get(t.InstanceID)
	if !ok || !lives {
		return healthFacts{}, false
	}
	f := healthFacts{target: t, instance: i, balancer: s.balancerOf(g), checked: g.Check.Enabled}
	f.zone = f.balancer != nil && slices.Contains(s.balancerZones(f.balancer), i.Zone)
	return f, true
}

// at puts reasons that lie outside the target before what the checks have found.
func (f healthFacts) at(now time.Time, t timing) health {
	switch {
	case !f.target.DrainedAt.IsZero():
		return health{"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	case !f.instance.runningAt(now, t):
		return health{"unused", "Target.InvalidState", "Target is in the stopped or terminated state"}
	case f.balancer == nil:
		return health{"unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"}
	case !f.zone:
		return health{"unused", "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"}
	case !f.balancer.activeAt(now, t):
		return health{"initial", "Elb.RegistrationInProgress", "Target registration is in progress"}
	case !f.checked:
		return health{"unavailable", "Target.HealthCheckDisabled", "Health checks are disabled for this target"}
	}
	return f.target.Health
}

func notRegistered() health {
	return health{"unused", "Target.NotRegistered", "Target is not registered to the target group"}
}

// balancerOf returns the load balancer that forwards to g: AWS allows one.
func (s *Sim) balancerOf(g *targetGroup) *loadBalancer {
	for _, arn := range s.balancersOf(g) {
		if lb, ok := s.st.loadBalancers.get(arn); ok {
			return lb
		}
	}
	return nil
}

func describeTargetHealth(c *call) ([]wire.Node, error) {
	g, err := c.targetGroup(c.q.Str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	rows := c.targetsOf(g.ARN)
	if c.q.Has("Targets") {
		if rows, err = c.requestedTargets(g); err != nil {
			return nil, err
		}
		for n, t := range rows {
			if known, ok := c.st.targets.get(t.key()); ok {
				rows[n] = known
			}
		}
	}
	return []wire.Node{wire.List("TargetHealthDescriptions", "member", rows, func(t *target) []wire.Node {
		h := notRegistered()
		if _, ok := c.st.targets.get(t.key()); ok {
			h = c.healthAt(t, c.now)
		}
		state := append([]wire.Node{wire.Str("State", h.State)},
			wire.Optional(h.Reason != "", wire.Str("Reason", h.Reason), wire.Str("Description", h.Detail))...)
		return []wire.Node{wire.El("Target", wire.Str("Id", t.InstanceID), wire.Int("Port", t.Port)),
			wire.Str("HealthCheckPort", strconv.Itoa(g.checkPort(t))), wire.El("TargetHealth", state...)}
	})}, nil
}

// checkPort is the port that health checks ask.
func (g *targetGroup) checkPort(t *target) int {
	n, err := strconv.Atoi(g.Check.Port)
	if err != nil {
		return t.Port // "traffic-port"
	}
	return cmp.Or(n, t.Port)
}
