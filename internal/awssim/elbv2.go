package awssim

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

func elbv2Ops() map[string]queryOp {
	return map[string]queryOp{
		"CreateTargetGroup":              createTargetGroup,
		"ModifyTargetGroup":              modifyTargetGroup,
		"DescribeTargetGroups":           describeTargetGroups,
		"DeleteTargetGroup":              deleteTargetGroup,
		"DescribeTargetGroupAttributes":  describeTargetGroupAttributes,
		"ModifyTargetGroupAttributes":    modifyTargetGroupAttributes,
		"RegisterTargets":                registerTargets,
		"DeregisterTargets":              deregisterTargets,
		"DescribeTargetHealth":           describeTargetHealth,
		"CreateLoadBalancer":             createLoadBalancer,
		"DescribeLoadBalancers":          describeLoadBalancers,
		"DeleteLoadBalancer":             deleteLoadBalancer,
		"SetSecurityGroups":              setSecurityGroups,
		"DescribeLoadBalancerAttributes": describeLoadBalancerAttributes,
		"ModifyLoadBalancerAttributes":   modifyLoadBalancerAttributes,
		"CreateListener":                 createListener,
		"ModifyListener":                 modifyListener,
		"DescribeListeners":              describeListeners,
		"CreateRule":                     createRule,
		"DescribeRules":                  describeRules,
		"ModifyRule":                     modifyRule,
		"DeleteRule":                     deleteRule,
		"SetRulePriorities":              setRulePriorities,
		"DeleteListener":                 deleteListener,
		"DescribeListenerAttributes":     describeListenerAttributes,
		"ModifyListenerAttributes":       modifyListenerAttributes,
		"DescribeCapacityReservation":    describeCapacityReservation,
		"AddTags":                        addELBTags,
		"RemoveTags":                     removeELBTags,
		"DescribeTags":                   describeELBTags,
	}
}

var elbName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$`)

// checkELBName applies the rules for load balancers and target groups.
func checkELBName(noun, name string) error {
	switch {
	case name == "":
		return wire.BadRequest("ValidationError", "%s name cannot be empty", noun)
	case len(name) > 32:
		return wire.BadRequest("ValidationError", "%s name '%s' cannot be longer than '32' characters", noun, name)
	case !elbName.MatchString(name):
		return wire.BadRequest("ValidationError", "%s name '%s' can only contain characters that are alphanumeric characters and hyphens(-), and cannot begin or end with a hyphen(-)", noun, name)
	}
	return nil
}

// elbTags reads Tags.member.N.
func (c *call) elbTags() (tags, error) {
	out := tags{}
	for _, t := range c.q.Structs("Tags") {
		if _, twice := out[t.Str("Key")]; twice {
			return nil, wire.BadRequest("DuplicateTagKeys", "A tag key was specified more than once")
		}
		out[t.Str("Key")] = t.Str("Value")
	}
	return out, checkELBTags(out)
}

var elbTagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

func checkELBTags(t tags) error {
	if len(t) > maxTags {
		return wire.BadRequest("TooManyTags", "The maximum number of tags has been reached")
	}
	if err := checkTags(t); err != nil {
		return wire.BadRequest("ValidationError", "%s", wire.AsError(err).Message)
	}
	for k, v := range t {
		if !elbTagText.MatchString(k + v) {
			return wire.BadRequest("ValidationError", "The tag '%s' has characters other than letters, spaces, numbers and _.:/=+-@", k)
		}
	}
	return nil
}

// elbTagged finds what an ARN of ELB's names.
func (s *Sim) elbTagged(arn string, now time.Time) (tagged, error) {
	if s.concealed(arn, now) {
		return tagged{}, missingELB(arn)
	}
	if t, ok := taggedRow(s.st.targetGroups, "", arn, func(r *targetGroup) *tags { return &r.Tags }); ok {
		return t, nil
	}
	if t, ok := taggedRow(s.st.loadBalancers, "", arn, func(r *loadBalancer) *tags { return &r.Tags }); ok {
		return t, nil
	}
	if t, ok := taggedRow(s.st.listeners, "", arn, func(r *listener) *tags { return &r.Tags }); ok {
		return t, nil
	}
	if t, ok := taggedRow(s.st.listenerRules, "", arn, func(r *listenerRule) *tags { return &r.Tags }); ok {
		return t, nil
	}
	return tagged{}, missingELB(arn)
}

func missingELB(arn string) error {
	switch {
	case strings.Contains(arn, ":listener-rule/"):
		return missingRule(arn)
	case strings.Contains(arn, ":targetgroup/"):
		return missingTargetGroup(arn)
	case strings.Contains(arn, ":listener/"):
		return missingListener(arn)
	case strings.Contains(arn, ":loadbalancer/"):
		return missingLoadBalancer(arn)
	}
	return wire.BadRequest("ValidationError", "'%s' is not a valid load balancer, target group, listener or rule ARN", arn)
}

func (c *call) elbTaggedAll() ([]tagged, error) {
	var out []tagged
	for _, arn := range c.q.List("ResourceArns") {
		t, err := c.elbTagged(arn, c.now)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func addELBTags(c *call) ([]wire.Node, error) {
	all, err := c.elbTaggedAll()
	if err != nil {
		return nil, err
	}
	add, err := c.elbTags()
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if err := checkELBTags(merged(t.tags, add)); err != nil {
			return nil, err
		}
	}
	for _, t := range all {
		if err := t.save(merged(t.tags, add)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func removeELBTags(c *call) ([]wire.Node, error) {
	all, err := c.elbTaggedAll()
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		left := merged(t.tags, nil)
		maps.DeleteFunc(left, func(k, _ string) bool { return slices.Contains(c.q.List("TagKeys"), k) })
		if err := t.save(left); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func describeELBTags(c *call) ([]wire.Node, error) {
	if len(c.q.List("ResourceArns")) > 20 {
		return nil, wire.BadRequest("ValidationError", "Only 20 resources can be described at once")
	}
	all, err := c.elbTaggedAll()
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("TagDescriptions", "member", all, func(t tagged) []wire.Node {
		return []wire.Node{wire.Str("ResourceArn", t.id), wire.Tags("Tags", "member", "Key", "Value", t.tags)}
	})}, nil
}

// elbPage cuts a page by Marker and PageSize.
func elbPage[T any](c *call, rows []*T, key func(*T) string) ([]*T, []wire.Node, error) {
	size := c.q.Int("PageSize", 400)
	if err := c.q.Err(); err != nil {
		return nil, nil, err
	}
	if size < 1 || size > 400 {
		return nil, nil, wire.BadRequest("ValidationError", "1 validation error detected: Value '%d' at 'pageSize' failed to satisfy constraint: Member must have value between 1 and 400", size)
	}
	page, next, err := wire.Page(rows, key, c.q.Str("Marker"), size)
	if err != nil {
		return nil, nil, wire.BadRequest("ValidationError", "The marker '%s' is invalid", c.q.Str("Marker"))
	}
	return page, wire.Optional(next != "", wire.Str("NextMarker", next)), nil
}

// elbARN checks the form of an ARN; part is as in ":loadbalancer/".
func elbARN(arn, part, noun string) error {
	switch {
	case arn == "":
		return wire.BadRequest("ValidationError", "1 validation error detected: the ARN of a %s must not be null", noun)
	case !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, part):
		return wire.BadRequest("ValidationError", "'%s' is not a valid %s ARN", arn, noun)
	}
	return nil
}

// elbARNs checks the ARNs of a Describe call, and that no other choice was made
// beside them.
func elbARNs(arns []string, part, noun string, others ...bool) error {
	if len(arns) > 0 && slices.Contains(others, true) {
		return wire.BadRequest("ValidationError", "The ARNs of %ss cannot be specified together with another choice", noun)
	}
	for _, arn := range arns {
		if err := elbARN(arn, part, noun); err != nil {
			return err
		}
	}
	return nil
}

// wanted are the ARNs and names that a Describe call asks for.
type wanted struct{ arns, names []string }

// pick returns the rows that are wanted, all when nothing is; one that is
// missing is an error.
func pick[T any](rows []*T, w wanted, arn, name func(*T) string, missing func(string) error) ([]*T, error) {
	if len(w.arns) == 0 && len(w.names) == 0 {
		return rows, nil
	}
	var out []*T
	for _, want := range slices.Concat(w.arns, w.names) {
		i := slices.IndexFunc(rows, func(r *T) bool { return arn(r) == want || slices.Contains(w.names, want) && name(r) == want })
		if i < 0 {
			return nil, missing(want)
		}
		out = append(out, rows[i])
	}
	slices.SortFunc(out, byID(arn))
	return out, nil
}

// elbAttributes renders key and value pairs.
func elbAttributes(attrs map[string]string) wire.Node {
	return wire.Tags("Attributes", "member", "Key", "Value", attrs)
}

// changedAttributes applies Attributes.member.N to attrs; AWS refuses a key
// that it does not know in words that Terraform looks for.
func (c *call) changedAttributes(attrs map[string]string) (map[string]string, error) {
	out := merged(attrs, nil)
	for _, a := range c.q.Structs("Attributes") {
		k := a.Str("Key")
		if _, ok := attrs[k]; !ok {
			return nil, wire.BadRequest("ValidationError", "The attribute key '%s' is not recognized", k)
		}
		if err := checkAttribute(k, attrs[k], a.Str("Value")); err != nil {
			return nil, err
		}
		out[k] = a.Str("Value")
	}
	return out, nil
}

// attributeRanges are the least and the most of attributes that are numbers.
var attributeRanges = map[string][2]int{
	drainKey: {0, 3600}, idleTimeout: {1, 4000}, "client_keep_alive.seconds": {60, 604_800}, "slow_start.duration_seconds": {0, 900},
	stickyDuration: {1, maxStickiness},
}

// attributeChoices are the values of attributes that are words.
var attributeChoices = map[string][]string{
	"load_balancing.algorithm.type": {"round_robin", "least_outstanding_requests", "weighted_random"},
	xffMode:                         {"append", "preserve", "remove"}, "routing.http.desync_mitigation_mode": {"monitor", "defensive", "strictest"},
}

// checkAttribute refuses a value that the attribute, which is old now, cannot have.
func checkAttribute(key, old, value string) error {
	if r, ok := attributeRanges[key]; ok {
		if n, err := strconv.Atoi(value); err != nil || n < r[0] || n > r[1] {
			return wire.BadRequest("ValidationError", "'%s' must be between '%d' and '%d' inclusive", key, r[0], r[1])
		}
	}
	choices := attributeChoices[key]
	if old == "true" || old == "false" {
		choices = []string{"true", "false"}
	}
	if choices != nil && !slices.Contains(choices, value) {
		return wire.BadRequest("ValidationError", "'%s' must be one of %s, not '%s'", key, strings.Join(choices, ", "), value)
	}
	return nil
}
