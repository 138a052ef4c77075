package awssim

import (
	"cmp"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// listener does with what comes to a port as its rules say, else as Default says.
type listener struct {
	ARN          string
	LoadBalancer string // ARN
	Protocol     string
	Port         int
	Default      action
	Tags         tags
}

func missingListener(string) error {
	return wire.BadRequest("ListenerNotFound", "One or more listeners not found")
}

func (c *call) listener(arn string) (*listener, error) {
	if err := elbARN(arn, ":listener/", "listener"); err != nil {
		return nil, err
	}
	l, ok := found(c.Sim, c.st.listeners, arn, c.now)
	if !ok {
		return nil, missingListener(arn)
	}
	return l, nil
}

func createListener(c *call) ([]wire.Node, error) {
	b, err := c.loadBalancer(c.q.Str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	if c.Switches().RefuseProvisioningBalancer && !b.activeAt(c.now, c.t) {
		return nil, wire.BadRequest("InvalidLoadBalancerAction", "Load balancer '%s' is provisioning: wait until it is active", b.ARN)
	}
	l := &listener{ARN: strings.Replace(b.ARN, ":loadbalancer/", ":listener/", 1) + "/" + randomHex(16), LoadBalancer: b.ARN}
	if err := c.readListener(l, b); err != nil {
		return nil, err
	}
	if l.Tags, err = c.elbTags(); err != nil {
		return nil, err
	}
	if old := c.listenerOn(b.ARN, l.Port); old != nil {
		if old.Protocol == l.Protocol && old.Default.equal(l.Default) {
			return []wire.Node{wire.List("Listeners", "member", []*listener{old}, listenerXML)}, nil
		}
		return nil, wire.BadRequest("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
	}
	if countOf(c.st.listeners, func(o *listener) bool { return o.LoadBalancer == b.ARN }) >= c.quota(maxListeners) {
		return nil, wire.BadRequest("TooManyListeners", "You've reached the limit on the number of listeners per load balancer.")
	}
	if err := c.st.listeners.put(l); err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("Listeners", "member", []*listener{l}, listenerXML)}, nil
}

func (s *Sim) listenerOn(balancer string, port int) *listener {
	return s.st.listeners.find(func(l *listener) bool { return l.LoadBalancer == balancer && l.Port == port })
}

// readListener sets and checks what the request names.
func (c *call) readListener(l *listener, b *loadBalancer) error {
	l.Protocol, l.Port = cmp.Or(c.q.Str("Protocol"), l.Protocol), c.q.Int("Port", l.Port)
	if err := c.q.Err(); err != nil {
		return err
	}
	switch {
	case l.Protocol != "HTTP":
		return wire.BadRequest("UnsupportedProtocol", "This simulator has no listeners of the protocol '%s'; it has HTTP", l.Protocol)
	case l.Port < 1 || l.Port > 65535:
		return wire.BadRequest("ValidationError", "1 validation error detected: Value '%d' at 'port' failed to satisfy constraint: Member must have value between 1 and 65535", l.Port)
	}
	actions := c.q.Structs("DefaultActions")
	if len(actions) == 0 && l.Default.Type != "" {
		return nil
	}
	var err error
	l.Default, err = c.readAction(actions, b)
	return err
}

func modifyListener(c *call) ([]wire.Node, error) {
	old, err := c.listener(c.q.Str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	b, err := c.loadBalancer(old.LoadBalancer)
	if err != nil {
		return nil, err
	}
	l := *old
	if err := c.readListener(&l, b); err != nil {
		return nil, err
	}
	if other := c.listenerOn(b.ARN, l.Port); other != nil && other.ARN != l.ARN {
		return nil, wire.BadRequest("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
	}
	if err := c.st.listeners.put(&l); err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("Listeners", "member", []*listener{&l}, listenerXML)}, nil
}

func describeListeners(c *call) ([]wire.Node, error) {
	arn, arns, lb := func(l *listener) string { return l.ARN }, c.q.List("ListenerArns"), c.q.Str("LoadBalancerArn")
	if len(arns) == 0 && lb == "" {
		return nil, wire.BadRequest("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
	}
	if err := elbARNs(arns, ":listener/", "listener", lb != ""); err != nil {
		return nil, err
	}
	rows, err := pick(visible(c.Sim, c.st.listeners, nil, c.now), wanted{arns, nil}, arn, arn, missingListener)
	if err != nil {
		return nil, err
	}
	if lb != "" {
		if _, err := c.loadBalancer(lb); err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(l *listener) bool { return l.LoadBalancer != lb })
	}
	page, next, err := elbPage(c, rows, arn)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("Listeners", "member", page, listenerXML)}, next...), nil
}

func listenerXML(l *listener) []wire.Node {
	return []wire.Node{wire.Str("ListenerArn", l.ARN), wire.Str("LoadBalancerArn", l.LoadBalancer), wire.Str("Protocol", l.Protocol),
		wire.Int("Port", l.Port), wire.El("DefaultActions", actionXML(l.Default))}
}

func deleteListener(c *call) ([]wire.Node, error) {
	l, err := c.listener(c.q.Str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	c.dropListener(l)
	return nil, nil
}

// dropListener takes the rules along.
func (s *Sim) dropListener(l *listener) {
	for _, r := range s.rulesOn(l.ARN) {
		s.st.listenerRules.del(r.ARN)
	}
	s.st.listeners.del(l.ARN)
}
