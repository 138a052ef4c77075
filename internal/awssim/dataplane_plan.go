package awssim

import (
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// apiPlan is everything that requests to an API depend on but the time, as it
// was at one version of the state: copies, for use without Sim.mu.
type apiPlan struct {
	version uint64
	api     api
	stages  []*stage
	serves  map[string]*stagePlan // by the name of the stage
}

type stagePlan struct {
	stage        *stage
	routes       []route
	integrations map[string]*integrationPlan // by target, as integrations/abc
	limits       map[string]*tokenBucket     // by route key; "" = every other one
	format       []logPart
	liveAt       time.Time  // before that requests see former
	former       *stagePlan // nil = none
}

// at is what a stage serves at a moment, nil for nothing.
func (p *stagePlan) at(now time.Time) *stagePlan {
	if p != nil && now.Before(p.liveAt) {
		return p.former
	}
	return p
}

// integrationPlan is the way through VPC link and load balancer. What does not
// exist is nil.
type integrationPlan struct {
	integration integration
	link        *vpcLink
	linkIP      netip.Addr
	listener    *listener
	balancer    *loadBalancer
	idle        time.Duration
	nodes       []balancerNode
	turn        *atomic.Uint64 // of the nodes
	rules       []*listenerRule
	ruleTurns   map[string]*atomic.Uint64 // of weighted groups, by rule; "" = the default action
	groups      map[string]*groupPlan
}

// balancerNode is the load balancer in one zone.
type balancerNode struct {
	ip   string
	open bool // the security groups let the link in
}

type groupPlan struct {
	arn     string
	turn    *atomic.Uint64
	sticky  time.Duration // 0 = not
	targets []*targetPlan
}

type targetPlan struct {
	healthFacts
	key  string
	ends []endpoint // by node, but for what depends on the time
	port int        // that the app listens on
	app  *sampleApp
}

// planOf returns the plan of an API, nil when there is no such API.
func (s *Sim) planOf(apiID string) *apiPlan {
	if v, ok := s.st.traffic.plans.Load(apiID); ok {
		if p := v.(*apiPlan); p.version == s.st.version.Load() {
			return p
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.st.apis.get(apiID)
	if !ok {
		s.st.traffic.plans.Delete(apiID)
		return nil
	}
	p := &apiPlan{version: s.st.version.Load(), api: *a, serves: map[string]*stagePlan{}}
	for _, row := range s.st.index().stages[a.ID] {
		st := *row
		p.stages = append(p.stages, &st)
		if d, ok := s.st.deployments.get(a.ID + "/" + st.DeploymentID); ok {
			p.serves[st.Name] = s.planStage(&st, d)
			p.serves[st.Name].liveAt = d.LiveAt
		}
		if d, ok := s.st.deployments.get(a.ID + "/" + st.Former); ok && p.serves[st.Name] != nil {
			p.serves[st.Name].former = s.planStage(&st, d)
		}
	}
	s.st.traffic.plans.Store(apiID, p)
	return p
}

func (s *Sim) planStage(st *stage, d *deployment) *stagePlan {
	p := &stagePlan{stage: st, routes: slices.Clone(d.Routes), integrations: map[string]*integrationPlan{}}
	for _, n := range d.Integrations {
		p.integrations["integrations/"+n.ID] = s.planIntegration(n)
	}
	p.limits, p.format = s.limitsOf(st), parseFormat(logFormat(st))
	return p
}

func (s *Sim) planIntegration(n integration) *integrationPlan {
	p := &integrationPlan{integration: n, groups: map[string]*groupPlan{}, ruleTurns: map[string]*atomic.Uint64{}}
	link, hasLink := s.st.links.get(n.ConnectionID)
	l, hasListener := s.st.listeners.get(n.URI)
	if !hasLink || !hasListener {
		return p
	}
	b, ok := s.st.loadBalancers.get(l.LoadBalancer)
	if !ok {
		return p
	}
	p.link, p.listener, p.balancer = ptrTo(*link), ptrTo(*l), ptrTo(*b)
	seconds, _ := strconv.Atoi(b.Attributes[idleTimeout])
	p.idle = time.Duration(seconds) * time.Second
	p.turn = s.st.traffic.turnOf(b.ARN)
	from, to := s.st.index().interfaces[link.ID], s.st.index().interfaces[b.ARN]
	for _, node := range to {
		open := len(from) > 0 && s.allowed(from[0], node, l.Port)
		p.nodes = append(p.nodes, balancerNode{ip: node.IP, open: open})
	}
	if len(from) > 0 {
		p.linkIP, _ = netip.ParseAddr(from[0].IP)
	}
	s.planAction(p, "", l.Default, to)
	for _, r := range s.rulesOn(l.ARN) {
		p.rules = append(p.rules, ptrTo(*r))
		s.planAction(p, r.ARN, r.Action, to)
	}
	return p
}

func ptrTo[T any](v T) *T { return &v }

func (s *Sim) planAction(p *integrationPlan, rule string, a action, nodes []*networkInterface) {
	p.ruleTurns[rule] = s.st.traffic.turnOf(p.listener.ARN + " " + rule)
	for _, w := range a.Groups {
		if _, ok := p.groups[w.ARN]; ok {
			continue
		}
		g := &groupPlan{arn: w.ARN, turn: s.st.traffic.turnOf(w.ARN)}
		if row, ok := s.st.targetGroups.get(w.ARN); ok {
			g.sticky = row.stickiness()
		}
		for _, t := range s.targetsOf(w.ARN) {
			if plan, ok := s.planTarget(t, nodes); ok {
				g.targets = append(g.targets, plan)
			}
		}
		p.groups[w.ARN] = g
	}
}

func (s *Sim) planTarget(t *target, nodes []*networkInterface) (*targetPlan, bool) {
	f, ok := s.healthFacts(t)
	if !ok {
		return nil, false
	}
	f.target, f.instance = ptrTo(*f.target), ptrTo(*f.instance)
	if f.balancer != nil {
		f.balancer = ptrTo(*f.balancer)
	}
	p := &targetPlan{healthFacts: f, key: t.key(), port: f.instance.appPort(), app: &sampleApp{hostname: s.privateName(f.instance.IP)}}
	own := s.st.index().interfaces[f.instance.ID]
	for _, node := range nodes {
		p.ends = append(p.ends, endpoint{ip: f.instance.IP, port: t.Port, forward: f.instance.Tags[forwardTag],
			blocked: len(own) == 0 || !s.allowed(node, own[0], t.Port)})
	}
	return p, true
}

// endpoint is the target as seen from a node at a moment.
func (p *targetPlan) endpoint(node int, now time.Time, t timing) endpoint {
	e := p.ends[node]
	e.blocked = e.blocked || !p.instance.runningAt(now, t)
	if e.forward == "" && p.port == e.port && p.instance.listeningAt(now, t) {
		e.app = p.app
	}
	return e
}

// pick chooses a target: a healthy one in turn, or any of them when none is.
func (g *groupPlan) pick(now time.Time, t timing) *targetPlan {
	var healthy, others []*targetPlan
	for _, p := range g.targets {
		switch p.at(now, t).State {
		case "healthy":
			healthy = append(healthy, p)
		case "initial", "unhealthy", "unavailable":
			others = append(others, p)
		}
	}
	if len(healthy) == 0 {
		healthy = others // fail open
	}
	if len(healthy) == 0 {
		return nil
	}
	return healthy[take(g.turn, len(healthy))]
}
