package awssim

import (
	"slices"

	"drawbridge/internal/awssim/wire"
)

// tooManyRules counts the rules of one direction: those for IPv4 and those for
// IPv6 apart, a group or a prefix list on both sides.
func tooManyRules(rules []*groupRule) bool {
	v4, v6 := 0, 0
	for _, r := range rules {
		if r.CIDR == "" {
			v6++
		}
		if r.CIDR6 == "" {
			v4++
		}
	}
	return max(v4, v6) > maxRules
}

func (c *call) prefixListID(id string) (string, error) {
	if !slices.ContainsFunc(c.prefixLists(), func(p *prefixList) bool { return p.id == id }) {
		return "", wire.BadRequest("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", id)
	}
	return id, nil
}

// modifySecurityGroupRules replaces what rules allow; their ids and tags stay.
func modifySecurityGroupRules(c *call) ([]wire.Node, error) {
	g, err := c.group(c.q.Str("GroupId"))
	if err != nil {
		return nil, err
	}
	var after []*groupRule
	for _, u := range c.q.Structs("SecurityGroupRule") {
		r, err := c.changedRule(g, u.Str("SecurityGroupRuleId"), u.Sub("SecurityGroupRule"))
		if err != nil {
			return nil, err
		}
		after = append(after, r)
	}
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	if len(after) == 0 {
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter securityGroupRules")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, r := range after {
		if err := c.st.rules.put(r); err != nil {
			return nil, err
		}
	}
	return returned(), nil
}

// changedRule reads the one source that a rule has, as a permission.
func (c *call) changedRule(g *securityGroup, id string, q wire.Query) (*groupRule, error) {
	old, ok := c.st.rules.get(id)
	if !ok || old.GroupID != g.ID {
		return nil, missingGroupRule(id)
	}
	r, err := portRange(q)
	if err != nil {
		return nil, err
	}
	r.ID, r.GroupID, r.Egress, r.Tags, r.Description = old.ID, old.GroupID, old.Egress, old.Tags, q.Str("Description")
	given := 0
	read := func(name string, field *string, check func(string) (string, error)) {
		v := q.Str(name)
		if v == "" || err != nil {
			return
		}
		given++
		*field, err = check(v)
	}
	read("CidrIpv4", &r.CIDR, parseCIDR)
	read("CidrIpv6", &r.CIDR6, parseCIDR)
	read("PrefixListId", &r.PrefixList, c.prefixListID)
	read("ReferencedGroupId", &r.RefGroup, func(id string) (string, error) {
		_, err := c.group(id)
		return id, err
	})
	if err != nil {
		return nil, err
	}
	if given != 1 {
		return nil, wire.BadRequest("InvalidParameterValue", "The rule %s must have exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedGroupId.", id)
	}
	if slices.ContainsFunc(c.rulesOf(g.ID, r.Egress), func(o *groupRule) bool { return o.ID != r.ID && o.same(&r) }) {
		return nil, wire.BadRequest("InvalidPermission.Duplicate", "the specified rule already exists")
	}
	return &r, nil
}

func missingGroupRule(id string) error {
	return wire.BadRequest("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
}

// updateRuleDescriptions names rules by what they allow or by id.
func updateRuleDescriptions(c *call, egress bool) ([]wire.Node, error) {
	g, err := c.group(c.q.Str("GroupId"))
	if err != nil {
		return nil, err
	}
	have := c.rulesOf(g.ID, egress)
	texts := map[*groupRule]string{}
	for _, d := range c.q.Structs("SecurityGroupRuleDescription") {
		id := d.Str("SecurityGroupRuleId")
		i := slices.IndexFunc(have, func(r *groupRule) bool { return r.ID == id })
		if i < 0 {
			return nil, missingGroupRule(id)
		}
		texts[have[i]] = d.Str("Description")
	}
	if len(texts) == 0 {
		rules, err := c.permissionRules(g, egress)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			i := slices.IndexFunc(have, r.same)
			if i < 0 {
				return nil, wire.BadRequest("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			texts[have[i]] = r.Description
		}
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for r, text := range texts {
		r.Description = text
		if err := c.st.rules.put(r); err != nil {
			return nil, err
		}
	}
	return returned(), nil
}
