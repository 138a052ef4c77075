package awssim

import (
	"net/netip"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// groupRule lets traffic in (or out) for one source (or destination).
type groupRule struct {
	ID          string
	GroupID     string
	Egress      bool
	Protocol    string // tcp, udp, icmp, icmpv6 or -1
	From, To    int    // -1 for every port
	CIDR        string
	CIDR6       string
	RefGroup    string
	PrefixList  string
	Description string
	Tags        tags
}

const maxRules = 60 // per group, direction and IP version

func (r *groupRule) same(o *groupRule) bool {
	return r.Egress == o.Egress && r.Protocol == o.Protocol && r.From == o.From && r.To == o.To &&
		r.CIDR == o.CIDR && r.CIDR6 == o.CIDR6 && r.RefGroup == o.RefGroup && r.PrefixList == o.PrefixList
}

// permissionRules reads IpPermissions.N, or the flat form of one permission.
func (c *call) permissionRules(g *securityGroup, egress bool) ([]*groupRule, error) {
	perms := c.q.Structs("IpPermissions")
	if len(perms) == 0 && c.q.Has("IpProtocol") {
		perms = []wire.Query{c.q}
	}
	var out []*groupRule
	for _, p := range perms {
		base, err := portRange(p)
		if err != nil {
			return nil, err
		}
		base.GroupID, base.Egress = g.ID, egress
		rules, err := c.sources(p, base)
		if err != nil {
			return nil, err
		}
		out = append(out, rules...)
	}
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, wire.BadRequest("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
	}
	return out, nil
}

func portRange(p wire.Query) (groupRule, error) {
	r := groupRule{Protocol: p.Str("IpProtocol"), From: p.Int("FromPort", -1), To: p.Int("ToPort", -1)}
	switch r.Protocol {
	case "6":
		r.Protocol = "tcp"
	case "17":
		r.Protocol = "udp"
	case "-1", "all":
		r.Protocol, r.From, r.To = "-1", -1, -1
	case "tcp", "udp":
	case "icmp", "icmpv6":
		return r, nil
	default:
		return r, wire.BadRequest("InvalidPermission.Malformed", "Invalid value '%s' for IP protocol. Unknown protocol.", r.Protocol)
	}
	if r.Protocol != "-1" && (r.From < 0 || r.To > 65535 || r.From > r.To) {
		return r, wire.BadRequest("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", r.From, r.To)
	}
	return r, nil
}

// sources makes a rule of base for every group and range that p names.
func (c *call) sources(p wire.Query, base groupRule) ([]*groupRule, error) {
	var out []*groupRule
	add := func(q wire.Query, set func(*groupRule)) {
		r := base
		r.ID, r.Description = ec2ID("sgr"), q.Str("Description")
		set(&r)
		out = append(out, &r)
	}
	pairs := p.Structs("Groups")
	for _, q := range append(pairs, p.Structs("UserIdGroupPairs")...) {
		ref, err := c.group(q.Str("GroupId"))
		if err != nil {
			return nil, err
		}
		if own, _ := c.st.groups.get(base.GroupID); own.VPCID != ref.VPCID {
			return nil, wire.BadRequest("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
		}
		add(q, func(r *groupRule) { r.RefGroup = ref.ID })
	}
	ranges := p.Structs("IpRanges")
	if flat := p.Str("CidrIp"); flat != "" && len(ranges) == 0 {
		ranges = []wire.Query{p}
	}
	for _, q := range ranges {
		cidr, err := parseCIDR(q.Str("CidrIp"))
		if err != nil {
			return nil, err
		}
		add(q, func(r *groupRule) { r.CIDR = cidr })
	}
	for _, q := range p.Structs("Ipv6Ranges") {
		cidr, err := parseCIDR(q.Str("CidrIpv6"))
		if err != nil {
			return nil, err
		}
		add(q, func(r *groupRule) { r.CIDR6 = cidr })
	}
	for _, q := range p.Structs("PrefixListIds") {
		id, err := c.prefixListID(q.Str("PrefixListId"))
		if err != nil {
			return nil, err
		}
		add(q, func(r *groupRule) { r.PrefixList = id })
	}
	return out, nil
}

func parseCIDR(s string) (string, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return "", wire.BadRequest("InvalidParameterValue", "CIDR block %s is malformed", s)
	}
	return p.Masked().String(), nil
}

func authorize(c *call, egress bool) ([]wire.Node, error) {
	g, err := c.group(c.q.Str("GroupId"))
	if err != nil {
		return nil, err
	}
	rules, err := c.permissionRules(g, egress)
	if err != nil {
		return nil, err
	}
	t, err := c.tagSpecs("security-group-rule")
	if err != nil {
		return nil, err
	}
	have := c.rulesOf(g.ID, egress)
	for i, r := range rules {
		r.Tags = merged(t, nil)
		if slices.ContainsFunc(have, r.same) || slices.ContainsFunc(rules[:i], r.same) {
			return nil, wire.BadRequest("InvalidPermission.Duplicate", "the specified rule \"peer: %s, %s, from port: %d, to port: %d, ALLOW\" already exists",
				r.CIDR+r.CIDR6+r.RefGroup+r.PrefixList, strings.ToUpper(r.Protocol), r.From, r.To)
		}
	}
	if tooManyRules(append(slices.Clone(have), rules...)) {
		return nil, wire.BadRequest("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, r := range rules {
		if err := c.st.rules.put(r); err != nil {
			return nil, err
		}
	}
	return []wire.Node{wire.Bool("return", true), wire.List("securityGroupRuleSet", "item", rules, c.ruleXML)}, nil
}

func revoke(c *call, egress bool) ([]wire.Node, error) {
	g, err := c.group(c.q.Str("GroupId"))
	if err != nil {
		return nil, err
	}
	have := c.rulesOf(g.ID, egress)
	var gone []*groupRule
	if ids := c.q.List("SecurityGroupRuleId"); len(ids) > 0 {
		for _, id := range ids {
			i := slices.IndexFunc(have, func(r *groupRule) bool { return r.ID == id })
			if i < 0 {
				return nil, wire.BadRequest("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
			}
			gone = append(gone, have[i])
		}
	} else {
		rules, err := c.permissionRules(g, egress)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			i := slices.IndexFunc(have, r.same)
			if i < 0 {
				return nil, wire.BadRequest("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			gone = append(gone, have[i])
		}
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, r := range gone {
		c.st.rules.del(r.ID)
	}
	return []wire.Node{wire.Bool("return", true)}, nil
}

func describeSecurityGroupRules(c *call) ([]wire.Node, error) {
	page, next, err := describe[groupRule]{
		idParam: "SecurityGroupRuleId", rows: c.st.rules.list(nil),
		missing: notFound("InvalidSecurityGroupRuleId.NotFound", "security group rule"),
		id:      func(r *groupRule) string { return r.ID }, tags: func(r *groupRule) tags { return r.Tags },
		attr: func(r *groupRule, name string) ([]string, bool) {
			switch name {
			case "group-id":
				return one(r.GroupID)
			case "security-group-rule-id":
				return one(r.ID)
			case "referenced-group-info.group-id":
				return one(r.RefGroup)
			case "is-egress":
				return one(boolText(r.Egress))
			}
			return nil, false
		},
		xml: c.ruleXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("securityGroupRuleSet", "item", page, c.ruleXML)}, next...), nil
}

func (c *call) ruleXML(r *groupRule) []wire.Node {
	out := []wire.Node{wire.Str("securityGroupRuleId", r.ID), wire.Str("securityGroupRuleArn", c.arn("ec2", "security-group-rule/"+r.ID)),
		wire.Str("groupId", r.GroupID), wire.Str("groupOwnerId", c.account), wire.Bool("isEgress", r.Egress),
		wire.Str("ipProtocol", r.Protocol), wire.Int("fromPort", r.From), wire.Int("toPort", r.To)}
	out = append(out, wire.Optional(r.CIDR != "", wire.Str("cidrIpv4", r.CIDR))...)
	out = append(out, wire.Optional(r.CIDR6 != "", wire.Str("cidrIpv6", r.CIDR6))...)
	out = append(out, wire.Optional(r.RefGroup != "", wire.El("referencedGroupInfo", wire.Str("groupId", r.RefGroup), wire.Str("userId", c.account)))...)
	out = append(out, wire.Optional(r.PrefixList != "", wire.Str("prefixListId", r.PrefixList))...)
	out = append(out, wire.Optional(r.Description != "", wire.Str("description", r.Description))...)
	return append(out, ec2Tags(r.Tags))
}
