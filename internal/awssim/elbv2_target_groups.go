package awssim

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

type targetGroup struct {
	ARN        string
	Name       string
	Protocol   string
	Port       int
	VPCID      string
	TargetType string
	Check      healthCheck
	Attributes map[string]string
	Tags       tags
}

// healthCheck is how a target group asks its targets.
type healthCheck struct {
	Enabled   bool
	Protocol  string
	Port      string // "traffic-port" or a number
	Path      string
	Interval  int // seconds
	Timeout   int // seconds
	Healthy   int
	Unhealthy int
	Matcher   string // "200", "200,302" or "200-299"
}

func missingTargetGroup(string) error {
	return wire.BadRequest("TargetGroupNotFound", "One or more target groups not found")
}

func (c *call) targetGroup(arn string) (*targetGroup, error) {
	if err := elbARN(arn, ":targetgroup/", "target group"); err != nil {
		return nil, err
	}
	g, ok := found(c.Sim, c.st.targetGroups, arn, c.now)
	if !ok {
		return nil, missingTargetGroup(arn)
	}
	return g, nil
}

func (g *targetGroup) drainDelay() time.Duration {
	n, err := strconv.Atoi(g.Attributes[drainKey])
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

const drainKey = "deregistration_delay.timeout_seconds"

func defaultTargetGroupAttributes() map[string]string {
	return map[string]string{
		drainKey:                                 "300",
		stickyKey:                                "false",
		stickyType:                               "lb_cookie",
		stickyDuration:                           "86400",
		"stickiness.app_cookie.cookie_name":      "",
		"stickiness.app_cookie.duration_seconds": "86400",
		"load_balancing.algorithm.type":          "round_robin",
		"load_balancing.algorithm.anomaly_mitigation":                                    "off",
		"load_balancing.cross_zone.enabled":                                              "use_load_balancer_configuration",
		"slow_start.duration_seconds":                                                    "0",
		"target_group_health.dns_failover.minimum_healthy_targets.count":                 "1",
		"target_group_health.dns_failover.minimum_healthy_targets.percentage":            "off",
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count":      "1",
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
	}
}

func createTargetGroup(c *call) ([]wire.Node, error) {
	g, err := c.newTargetGroup()
	if err != nil {
		return nil, err
	}
	if old := c.st.targetGroups.find(func(o *targetGroup) bool { return o.Name == g.Name }); old != nil {
		if old.sameSettings(g) {
			return []wire.Node{wire.List("TargetGroups", "member", []*targetGroup{old}, c.targetGroupXML)}, nil
		}
		return nil, wire.BadRequest("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", g.Name)
	}
	if len(c.st.targetGroups.rows) >= c.quota(maxTargetGroups) {
		return nil, wire.BadRequest("TooManyTargetGroups", "You've reached the limit on the number of target groups for your Amazon Web Services account.")
	}
	if err := c.st.targetGroups.put(g); err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("TargetGroups", "member", []*targetGroup{g}, c.targetGroupXML)}, nil
}

func (g *targetGroup) sameSettings(o *targetGroup) bool {
	return g.Protocol == o.Protocol && g.Port == o.Port && g.VPCID == o.VPCID && g.TargetType == o.TargetType && g.Check == o.Check
}

func (c *call) newTargetGroup() (*targetGroup, error) {
	name := c.q.Str("Name")
	if err := checkELBName("Target group", name); err != nil {
		return nil, err
	}
	t, err := c.elbTags()
	if err != nil {
		return nil, err
	}
	g := &targetGroup{ARN: c.arn("elasticloadbalancing", "targetgroup/"+name+"/"+randomHex(16)), Name: name, Protocol: c.q.Str("Protocol"),
		Port: c.q.Int("Port", 0), VPCID: c.q.Str("VpcId"), TargetType: "instance", Attributes: defaultTargetGroupAttributes(), Tags: t,
		Check: healthCheck{Enabled: true, Protocol: "HTTP", Port: "traffic-port", Path: "/", Interval: 30, Timeout: 5, Healthy: 5, Unhealthy: 2, Matcher: "200"}}
	if v := c.q.Str("TargetType"); v != "" {
		g.TargetType = v
	}
	if err := c.readHealthCheck(&g.Check); err != nil {
		return nil, err
	}
	switch {
	case g.TargetType != "instance":
		return nil, wire.BadRequest("InvalidConfigurationRequest", "This simulator has no targets of the type '%s'; it has instances", g.TargetType)
	case g.Protocol != "HTTP":
		return nil, wire.BadRequest("InvalidConfigurationRequest", "This simulator has no target groups of the protocol '%s'; it has HTTP", g.Protocol)
	case g.Port < 1 || g.Port > 65535:
		return nil, wire.BadRequest("ValidationError", "1 validation error detected: Value '%d' at 'port' failed to satisfy constraint: Member must have value between 1 and 65535", g.Port)
	case g.VPCID == "":
		return nil, wire.BadRequest("ValidationError", "A VPC ID must be specified")
	}
	if _, ok := found(c.Sim, c.st.vpcs, g.VPCID, c.now); !ok {
		return nil, wire.BadRequest("ValidationError", "The VPC ID '%s' is not found", g.VPCID)
	}
	return g, nil
}

var matcherRE = regexp.MustCompile(`^[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*$`)

// readHealthCheck changes what the request names.
func (c *call) readHealthCheck(h *healthCheck) error {
	q := c.q
	h.Enabled = q.Bool("HealthCheckEnabled", h.Enabled)
	h.Interval, h.Timeout = q.Int("HealthCheckIntervalSeconds", h.Interval), q.Int("HealthCheckTimeoutSeconds", h.Timeout)
	h.Healthy, h.Unhealthy = q.Int("HealthyThresholdCount", h.Healthy), q.Int("UnhealthyThresholdCount", h.Unhealthy)
	for name, field := range map[string]*string{"HealthCheckProtocol": &h.Protocol, "HealthCheckPort": &h.Port, "HealthCheckPath": &h.Path, "Matcher.HttpCode": &h.Matcher} {
		if v := q.Str(name); v != "" {
			*field = v
		}
	}
	if err := q.Err(); err != nil {
		return wire.BadRequest("ValidationError", "%s", wire.AsError(err).Message)
	}
	port, err := strconv.Atoi(h.Port)
	switch {
	case h.Protocol != "HTTP":
		return wire.BadRequest("InvalidConfigurationRequest", "Health check protocol '%s' is not supported for this target group", h.Protocol)
	case h.Port != "traffic-port" && (err != nil || port < 1 || port > 65535):
		return wire.BadRequest("ValidationError", "Health check port '%s' must be 'traffic-port' or a port number between 1 and 65535", h.Port)
	case !strings.HasPrefix(h.Path, "/") || len(h.Path) > 1024:
		return wire.BadRequest("ValidationError", "Health check path '%s' must begin with a '/' character and can have up to 1024 characters", h.Path)
	case h.Interval < 5 || h.Interval > 300:
		return wire.BadRequest("ValidationError", "Health check interval '%d' must be between 5 and 300 seconds", h.Interval)
	case h.Timeout < 2 || h.Timeout > 120:
		return wire.BadRequest("ValidationError", "Health check timeout '%d' must be between 2 and 120 seconds", h.Timeout)
	case h.Timeout >= h.Interval:
		return wire.BadRequest("ValidationError", "Health check interval must be greater than the timeout.")
	case h.Healthy < 2 || h.Healthy > 10 || h.Unhealthy < 2 || h.Unhealthy > 10:
		return wire.BadRequest("ValidationError", "Health check thresholds must be between 2 and 10")
	case !matcherRE.MatchString(h.Matcher):
		return wire.BadRequest("ValidationError", "Health check matcher HTTP code '%s' must be within '200-499' inclusive", h.Matcher)
	}
	return nil
}

func modifyTargetGroup(c *call) ([]wire.Node, error) {
	g, err := c.targetGroup(c.q.Str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	h := g.Check
	if err := c.readHealthCheck(&h); err != nil {
		return nil, err
	}
	g.Check = h
	if err := c.st.targetGroups.put(g); err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("TargetGroups", "member", []*targetGroup{g}, c.targetGroupXML)}, nil
}

func describeTargetGroups(c *call) ([]wire.Node, error) {
	arn, want := func(g *targetGroup) string { return g.ARN }, wanted{c.q.List("TargetGroupArns"), c.q.List("Names")}
	if err := elbARNs(want.arns, ":targetgroup/", "target group", len(want.names) > 0, c.q.Str("LoadBalancerArn") != ""); err != nil {
		return nil, err
	}
	rows, err := pick(visible(c.Sim, c.st.targetGroups, nil, c.now), want, arn,
		func(g *targetGroup) string { return g.Name }, missingTargetGroup)
	if err != nil {
		return nil, err
	}
	if lb := c.q.Str("LoadBalancerArn"); lb != "" {
		if _, err := c.loadBalancer(lb); err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(g *targetGroup) bool { return !slices.Contains(c.balancersOf(g), lb) })
	}
	page, next, err := elbPage(c, rows, arn)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("TargetGroups", "member", page, c.targetGroupXML)}, next...), nil
}

// balancersOf returns the ARNs of the load balancers that forward to g, by a
// listener or a rule.
func (s *Sim) balancersOf(g *targetGroup) []string { return s.st.index().balancers[g.ARN] }

func (c *call) targetGroupXML(g *targetGroup) []wire.Node {
	return []wire.Node{wire.Str("TargetGroupArn", g.ARN), wire.Str("TargetGroupName", g.Name), wire.Str("Protocol", g.Protocol),
		wire.Str("ProtocolVersion", "HTTP1"), wire.Int("Port", g.Port), wire.Str("VpcId", g.VPCID), wire.Str("TargetType", g.TargetType),
		wire.Str("IpAddressType", "ipv4"), wire.Bool("HealthCheckEnabled", g.Check.Enabled), wire.Str("HealthCheckProtocol", g.Check.Protocol),
		wire.Str("HealthCheckPort", g.Check.Port), wire.Str("HealthCheckPath", g.Check.Path),
		wire.Int("HealthCheckIntervalSeconds", g.Check.Interval), wire.Int("HealthCheckTimeoutSeconds", g.Check.Timeout),
		wire.Int("HealthyThresholdCount", g.Check.Healthy), wire.Int("UnhealthyThresholdCount", g.Check.Unhealthy),
		wire.El("Matcher", wire.Str("HttpCode", g.Check.Matcher)), wire.Strings("LoadBalancerArns", "member", c.balancersOf(g))}
}

// deleteTargetGroup refuses while a listener forwards to the group. One that is
// gone already is no error, as on AWS.
func deleteTargetGroup(c *call) ([]wire.Node, error) {
	g, ok := c.st.targetGroups.get(c.q.Str("TargetGroupArn"))
	if !ok {
		return nil, nil
	}
	if len(c.balancersOf(g)) > 0 {
		return nil, wire.BadRequest("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", g.ARN)
	}
	for _, t := range c.targetsOf(g.ARN) {
		c.dropTarget(t)
	}
	c.st.targetGroups.del(g.ARN)
	return nil, nil
}

func describeTargetGroupAttributes(c *call) ([]wire.Node, error) {
	g, err := c.targetGroup(c.q.Str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	return []wire.Node{elbAttributes(g.Attributes)}, nil
}

func checkStickiness(attrs map[string]string) error {
	if attrs[stickyKey] == "true" && attrs[stickyType] != "lb_cookie" {
		return wire.BadRequest("InvalidConfigurationRequest", "This simulator has no stickiness of the type '%s'; it has lb_cookie", attrs[stickyType])
	}
	return nil
}

func modifyTargetGroupAttributes(c *call) ([]wire.Node, error) {
	g, err := c.targetGroup(c.q.Str("TargetGroupArn"))
	if err != nil {
		return nil, err
	}
	attrs, err := c.changedAttributes(g.Attributes)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(attrs[drainKey]); err != nil || n < 0 || n > 3600 {
		return nil, wire.BadRequest("ValidationError", "'%s' must be between 0 and 3600", drainKey)
	}
	if err := checkStickiness(attrs); err != nil {
		return nil, err
	}
	g.Attributes = attrs
	if err := c.st.targetGroups.put(g); err != nil {
		return nil, err
	}
	return []wire.Node{elbAttributes(attrs)}, nil
}
