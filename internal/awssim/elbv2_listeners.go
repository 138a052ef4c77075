package awssim

import (
	"cmp"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// listener forwards everything that comes to a port to one target group.
type listener struct {
	ARN          string
	LoadBalancer string // ARN
	Protocol     string
	Port         int
	TargetGroup  string // ARN
	Tags         tags
}

func missingListener(string) error {
	return wire.BadRequest("ListenerNotFound", "One or more listeners not found")
}

func (c *call) listener(arn string) (*listener, error) {
	l, ok := c.st.listeners.get(arn)
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
	l := &listener{ARN: strings.Replace(b.ARN, ":loadbalancer/", ":listener/", 1) + "/" + randomHex(16), LoadBalancer: b.ARN}
	if err := c.readListener(l, b); err != nil {
		return nil, err
	}
	if l.Tags, err = c.elbTags(); err != nil {
		return nil, err
	}
	if old := c.listenerOn(b.ARN, l.Port); old != nil {
		if old.Protocol == l.Protocol && old.TargetGroup == l.TargetGroup {
			return []wire.Node{wire.List("Listeners", "member", []*listener{old}, listenerXML)}, nil
		}
		return nil, wire.BadRequest("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
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
	if actions := c.q.Structs("DefaultActions"); len(actions) > 0 || l.TargetGroup == "" {
		if err := readActions(l, actions); err != nil {
			return err
		}
	}
	g, err := c.targetGroup(l.TargetGroup)
	if err != nil {
		return err
	}
	if g.VPCID != b.VPCID {
		return wire.BadRequest("InvalidConfigurationRequest", "The target group '%s' and the load balancer are in different VPCs", g.ARN)
	}
	if used := c.balancersOf(g); len(used) > 0 && !slices.Contains(used, b.ARN) {
		return wire.BadRequest("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: %s", g.ARN)
	}
	return nil
}

func readActions(l *listener, actions []wire.Query) error {
	if len(actions) != 1 || actions[0].Str("Type") != "forward" {
		return wire.BadRequest("InvalidLoadBalancerAction", "This simulator's listeners have one default action of the type forward")
	}
	l.TargetGroup = actions[0].Str("TargetGroupArn")
	if groups := actions[0].Structs("ForwardConfig.TargetGroups"); l.TargetGroup == "" && len(groups) == 1 {
		l.TargetGroup = groups[0].Str("TargetGroupArn")
	}
	if l.TargetGroup == "" {
		return wire.BadRequest("InvalidLoadBalancerAction", "A forward action needs one target group")
	}
	return nil
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
	arn := func(l *listener) string { return l.ARN }
	rows, err := pick(c.st.listeners.list(nil), c.q.List("ListenerArns"), nil, arn, arn, missingListener)
	if err != nil {
		return nil, err
	}
	if lb := c.q.Str("LoadBalancerArn"); lb != "" {
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
		wire.Int("Port", l.Port), wire.El("DefaultActions", actionXML(l))}
}

func actionXML(l *listener) wire.Node {
	return wire.El("member", wire.Str("Type", "forward"), wire.Str("TargetGroupArn", l.TargetGroup), wire.Int("Order", 1),
		wire.El("ForwardConfig", wire.El("TargetGroups", wire.El("member", wire.Str("TargetGroupArn", l.TargetGroup), wire.Int("Weight", 1))),
			wire.El("TargetGroupStickinessConfig", wire.Bool("Enabled", false))))
}

// describeRules shows the default rule, which is all that a listener has here.
func describeRules(c *call) ([]wire.Node, error) {
	l, err := c.listener(c.q.Str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	rule := strings.Replace(l.ARN, ":listener/", ":listener-rule/", 1) + "/" + l.ARN[len(l.ARN)-16:]
	return []wire.Node{wire.El("Rules", wire.El("member", wire.Str("RuleArn", rule), wire.Str("Priority", "default"),
		wire.Node{Name: "Conditions"}, wire.El("Actions", actionXML(l)), wire.Bool("IsDefault", true)))}, nil
}

func deleteListener(c *call) ([]wire.Node, error) {
	l, err := c.listener(c.q.Str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	c.st.listeners.del(l.ARN)
	return nil, nil
}
