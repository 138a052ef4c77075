package awssim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// listenerRule comes before its listener's default action when all of its
// conditions hold.
type listenerRule struct {
	ARN        string
	Listener   string // ARN
	Priority   int    // 1 comes first
	Conditions []condition
	Action     action
	Tags       tags
}

const (
	maxRulesPerBalancer = 100
	maxPriority         = 50_000
)

func (s *Sim) rulesOn(listener string) []*listenerRule { return s.st.index().rules[listener] }

func missingRule(string) error { return wire.BadRequest("RuleNotFound", "One or more rules not found") }

// defaultRuleARN names the rule that a listener always has.
func (l *listener) defaultRuleARN() string { return l.ruleARN(l.ARN[len(l.ARN)-16:]) }

func (l *listener) ruleARN(id string) string {
	return strings.Replace(l.ARN, ":listener/", ":listener-rule/", 1) + "/" + id
}

// rule finds a rule that can be changed; the default one is the listener's.
func (c *call) rule(arn string) (*listenerRule, error) {
	if r, ok := found(c.Sim, c.st.listenerRules, arn, c.now); ok {
		return r, nil
	}
	if c.st.listeners.find(func(l *listener) bool { return l.defaultRuleARN() == arn }) != nil {
		return nil, wire.BadRequest("OperationNotPermitted", "Default rule '%s' cannot be modified or deleted; change the listener", arn)
	}
	return nil, missingRule(arn)
}

func createRule(c *call) ([]wire.Node, error) {
	l, err := c.listener(c.q.Str("ListenerArn"))
	if err != nil {
		return nil, err
	}
	b, err := c.loadBalancer(l.LoadBalancer)
	if err != nil {
		return nil, err
	}
	r := &listenerRule{ARN: l.ruleARN(randomHex(16)), Listener: l.ARN, Priority: c.q.Int("Priority", 0)}
	if r.Conditions, err = readConditions(c.q.Structs("Conditions")); err != nil {
		return nil, err
	}
	if r.Action, err = c.readAction(c.q.Structs("Actions"), b); err != nil {
		return nil, err
	}
	if r.Tags, err = c.elbTags(); err != nil {
		return nil, err
	}
	if err := cmp.Or(c.q.Err(), checkPriority(r.Priority)); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(c.rulesOn(l.ARN), func(o *listenerRule) bool { return o.Priority == r.Priority }) {
		return nil, wire.BadRequest("PriorityInUse", "Priority '%d' is currently in use", r.Priority)
	}
	if len(c.st.listenerRules.list(func(o *listenerRule) bool { return c.balancerOfRule(o) == b.ARN })) >= maxRulesPerBalancer {
		return nil, wire.BadRequest("TooManyRules", "The maximum number of rules on load balancer '%s' has been reached", b.ARN)
	}
	if err := c.st.listenerRules.put(r); err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("Rules", "member", []*listenerRule{r}, ruleXML)}, nil
}

func checkPriority(n int) error {
	if n < 1 || n > maxPriority {
		return wire.BadRequest("ValidationError", "Priority '%d' must be between 1 and %d", n, maxPriority)
	}
	return nil
}

func (s *Sim) balancerOfRule(r *listenerRule) string {
	if l, ok := s.st.listeners.get(r.Listener); ok {
		return l.LoadBalancer
	}
	return ""
}

// describeRules shows the rules of a listener in their order, the default one
// last, or the rules that are named.
func describeRules(c *call) ([]wire.Node, error) {
	var rows []*listenerRule
	if arn := c.q.Str("ListenerArn"); arn != "" {
		l, err := c.listener(arn)
		if err != nil {
			return nil, err
		}
		rows = c.withDefault(l)
	}
	for _, arn := range c.q.List("RuleArns") {
		r, err := c.anyRule(arn)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil, wire.BadRequest("ValidationError", "You must specify either listener ARN or rule ARNs")
	}
	page, next, err := elbPage(c, rows, (*listenerRule).order)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("Rules", "member", page, ruleXML)}, next...), nil
}

// order is a key that sorts as the rules are tried.
func (r *listenerRule) order() string {
	p := r.Priority
	if p == 0 {
		p = maxPriority + 1
	}
	return strconv.Itoa(100_000+p) + r.ARN
}

func (c *call) withDefault(l *listener) []*listenerRule {
	rows := slices.DeleteFunc(slices.Clone(c.rulesOn(l.ARN)), func(r *listenerRule) bool { return c.concealed(r.ARN, c.now) })
	return append(rows, &listenerRule{ARN: l.defaultRuleARN(), Listener: l.ARN, Action: l.Default})
}

func (c *call) anyRule(arn string) (*listenerRule, error) {
	if r, ok := found(c.Sim, c.st.listenerRules, arn, c.now); ok {
		return r, nil
	}
	l := c.st.listeners.find(func(l *listener) bool { return l.defaultRuleARN() == arn })
	if l == nil {
		return nil, missingRule(arn)
	}
	all := c.withDefault(l)
	return all[len(all)-1], nil
}

func modifyRule(c *call) ([]wire.Node, error) {
	old, err := c.rule(c.q.Str("RuleArn"))
	if err != nil {
		return nil, err
	}
	r := *old
	if conditions := c.q.Structs("Conditions"); len(conditions) > 0 {
		if r.Conditions, err = readConditions(conditions); err != nil {
			return nil, err
		}
	}
	if actions := c.q.Structs("Actions"); len(actions) > 0 {
		b, err := c.loadBalancer(c.balancerOfRule(old))
		if err != nil {
			return nil, err
		}
		if r.Action, err = c.readAction(actions, b); err != nil {
			return nil, err
		}
	}
	if err := c.st.listenerRules.put(&r); err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("Rules", "member", []*listenerRule{&r}, ruleXML)}, nil
}

func deleteRule(c *call) ([]wire.Node, error) {
	r, err := c.rule(c.q.Str("RuleArn"))
	if err != nil {
		return nil, err
	}
	c.st.listenerRules.del(r.ARN)
	return nil, nil
}

// setRulePriorities changes all or none: two rules may change places.
func setRulePriorities(c *call) ([]wire.Node, error) {
	var changed []*listenerRule
	wanted := map[string]int{}
	for _, q := range c.q.Structs("RulePriorities") {
		r, err := c.rule(q.Str("RuleArn"))
		if err != nil {
			return nil, err
		}
		moved := *r
		moved.Priority = q.Int("Priority", 0)
		if err := cmp.Or(c.q.Err(), checkPriority(moved.Priority)); err != nil {
			return nil, err
		}
		wanted[r.ARN] = moved.Priority
		changed = append(changed, &moved)
	}
	taken := map[string]bool{}
	for _, r := range c.st.listenerRules.list(nil) {
		key := r.Listener + " " + strconv.Itoa(cmp.Or(wanted[r.ARN], r.Priority))
		if taken[key] {
			return nil, wire.BadRequest("PriorityInUse", "Priority '%d' is currently in use", cmp.Or(wanted[r.ARN], r.Priority))
		}
		taken[key] = true
	}
	for _, r := range changed {
		if err := c.st.listenerRules.put(r); err != nil {
			return nil, err
		}
	}
	return []wire.Node{wire.List("Rules", "member", changed, ruleXML)}, nil
}

func ruleXML(r *listenerRule) []wire.Node {
	priority := "default"
	if r.Priority > 0 {
		priority = strconv.Itoa(r.Priority)
	}
	return []wire.Node{wire.Str("RuleArn", r.ARN), wire.Str("Priority", priority),
		wire.List("Conditions", "member", r.Conditions, conditionXML),
		wire.El("Actions", actionXML(r.Action)), wire.Bool("IsDefault", r.Priority == 0)}
}
