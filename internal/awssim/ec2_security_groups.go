package awssim

import (
	"regexp"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

type securityGroup struct {
	ID          string
	Name        string
	Description string
	VPCID       string
	Tags        tags
}

// maxGroups per region.
const maxGroups = 2500

var (
	groupText = regexp.MustCompile(`^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}$`)
	groupID   = regexp.MustCompile(`^sg-[0-9a-f]{8,17}$`)
)

func (s *Sim) rulesOf(groupID string, egress bool) []*groupRule {
	return s.st.rules.list(func(r *groupRule) bool { return r.GroupID == groupID && r.Egress == egress })
}

// addGroup stores a group with the rule that lets everything out.
func (s *Sim) addGroup(g *securityGroup) error {
	if err := s.st.groups.put(g); err != nil {
		return err
	}
	return s.st.rules.put(&groupRule{ID: "sgr-e" + strings.TrimPrefix(g.ID, "sg-")[1:], GroupID: g.ID, Egress: true, Protocol: "-1", From: -1, To: -1, CIDR: "0.0.0.0/0"})
}

func createSecurityGroup(c *call) ([]wire.Node, error) {
	name, description := c.q.Str("GroupName"), c.q.Str("GroupDescription")
	switch {
	case name == "":
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter groupName")
	case description == "":
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter groupDescription")
	case !groupText.MatchString(name) || strings.HasPrefix(strings.ToLower(name), "sg-"):
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter GroupName is invalid. Use up to 255 of a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*; it cannot start with sg-.", name)
	case !groupText.MatchString(description):
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported.", description)
	case strings.EqualFold(name, "default"):
		return nil, wire.BadRequest("InvalidGroup.Reserved", "The security group '%s' is reserved", name)
	}
	v, err := c.groupVPC()
	if err != nil {
		return nil, err
	}
	if c.st.groups.find(func(g *securityGroup) bool { return g.VPCID == v.ID && strings.EqualFold(g.Name, name) }) != nil {
		return nil, wire.BadRequest("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", name, v.ID)
	}
	t, err := c.tagSpecs("security-group")
	if err != nil {
		return nil, err
	}
	if len(c.st.groups.rows) >= maxGroups {
		return nil, wire.BadRequest("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	g := &securityGroup{ID: ec2ID("sg"), Name: name, Description: description, VPCID: v.ID, Tags: t}
	if err := c.addGroup(g); err != nil {
		return nil, err
	}
	return []wire.Node{wire.Bool("return", true), wire.Str("groupId", g.ID),
		wire.Str("securityGroupArn", c.arn("ec2", "security-group/"+g.ID)), ec2Tags(t)}, nil
}

func (c *call) groupVPC() (*vpc, error) {
	id := c.q.Str("VpcId")
	if id == "" {
		return nil, wire.BadRequest("VPCIdNotSpecified", "No default VPC for this user")
	}
	v, ok := found(c.Sim, c.st.vpcs, id, c.now)
	if !ok {
		return nil, notFound("InvalidVpcID.NotFound", "vpc")(id)
	}
	return v, nil
}

func (c *call) group(id string) (*securityGroup, error) {
	if id == "" {
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter groupId")
	}
	if !groupID.MatchString(id) {
		return nil, wire.BadRequest("InvalidGroupId.Malformed", "Invalid id: \"%s\" (expecting \"sg-...\")", id)
	}
	g, ok := found(c.Sim, c.st.groups, id, c.now)
	if !ok {
		return nil, missingGroup(id)
	}
	return g, nil
}

func missingGroup(id string) error {
	return wire.BadRequest("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
}

// deleteSecurityGroup refuses while an interface or another group's rule holds
// the group, as AWS does.
func deleteSecurityGroup(c *call) ([]wire.Node, error) {
	g, err := c.group(c.q.Str("GroupId"))
	if err != nil {
		return nil, err
	}
	if g.Name == "default" {
		return nil, wire.BadRequest("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", g.ID)
	}
	held := c.st.interfaces.find(func(e *networkInterface) bool { return slices.Contains(e.Groups, g.ID) }) != nil
	named := c.st.rules.find(func(r *groupRule) bool { return r.RefGroup == g.ID && r.GroupID != g.ID }) != nil
	if held || named {
		return nil, wire.BadRequest("DependencyViolation", "resource %s has a dependent object", g.ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, r := range c.st.rules.list(func(r *groupRule) bool { return r.GroupID == g.ID }) {
		c.st.rules.del(r.ID)
	}
	c.st.groups.del(g.ID)
	return []wire.Node{wire.Bool("return", true), wire.Str("groupId", g.ID)}, nil
}

func describeSecurityGroups(c *call) ([]wire.Node, error) {
	names := c.q.List("GroupName")
	rows := c.st.groups.list(func(g *securityGroup) bool { return len(names) == 0 || slices.Contains(names, g.Name) })
	page, next, err := describe[securityGroup]{
		idParam: "GroupId", rows: rows, missing: missingGroup,
		id: func(r *securityGroup) string { return r.ID }, tags: func(r *securityGroup) tags { return r.Tags },
		attr: func(r *securityGroup, name string) ([]string, bool) {
			switch name {
			case "group-id":
				return one(r.ID)
			case "group-name":
				return one(r.Name)
			case "vpc-id":
				return one(r.VPCID)
			case "description":
				return one(r.Description)
			case "owner-id":
				return one(c.account)
			case "ip-permission.group-id":
				return refGroups(c.rulesOf(r.ID, false)), true
			case "egress.ip-permission.group-id":
				return refGroups(c.rulesOf(r.ID, true)), true
			}
			return nil, false
		},
		xml: c.groupXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("securityGroupInfo", "item", page, c.groupXML)}, next...), nil
}

func (c *call) groupXML(r *securityGroup) []wire.Node {
	return []wire.Node{wire.Str("ownerId", c.account), wire.Str("groupId", r.ID), wire.Str("groupName", r.Name),
		wire.Str("groupDescription", r.Description), wire.Str("vpcId", r.VPCID),
		wire.Str("securityGroupArn", c.arn("ec2", "security-group/"+r.ID)),
		wire.List("ipPermissions", "item", permissions(c.rulesOf(r.ID, false)), c.permissionXML),
		wire.List("ipPermissionsEgress", "item", permissions(c.rulesOf(r.ID, true)), c.permissionXML), ec2Tags(r.Tags)}
}

func refGroups(rules []*groupRule) []string {
	var out []string
	for _, r := range rules {
		if r.RefGroup != "" {
			out = append(out, r.RefGroup)
		}
	}
	return out
}

// permissions gathers rules of one protocol and port range, which is how
// DescribeSecurityGroups shows them.
func permissions(rules []*groupRule) [][]*groupRule {
	var out [][]*groupRule
	for _, r := range rules {
		i := slices.IndexFunc(out, func(p []*groupRule) bool {
			return p[0].Protocol == r.Protocol && p[0].From == r.From && p[0].To == r.To
		})
		if i < 0 {
			out = append(out, []*groupRule{r})
		} else {
			out[i] = append(out[i], r)
		}
	}
	return out
}

func (c *call) permissionXML(rules []*groupRule) []wire.Node {
	groups, v4, v6, lists := wire.Node{Name: "groups"}, wire.Node{Name: "ipRanges"}, wire.Node{Name: "ipv6Ranges"}, wire.Node{Name: "prefixListIds"}
	for _, r := range rules {
		note := wire.Optional(r.Description != "", wire.Str("description", r.Description))
		switch {
		case r.RefGroup != "":
			groups.Kids = append(groups.Kids, wire.El("item", append(note, wire.Str("userId", c.account), wire.Str("groupId", r.RefGroup))...))
		case r.PrefixList != "":
			lists.Kids = append(lists.Kids, wire.El("item", append(note, wire.Str("prefixListId", r.PrefixList))...))
		case r.CIDR6 != "":
			v6.Kids = append(v6.Kids, wire.El("item", append(note, wire.Str("cidrIpv6", r.CIDR6))...))
		default:
			v4.Kids = append(v4.Kids, wire.El("item", append(note, wire.Str("cidrIp", r.CIDR))...))
		}
	}
	out := []wire.Node{wire.Str("ipProtocol", rules[0].Protocol)}
	if rules[0].Protocol != "-1" {
		out = append(out, wire.Int("fromPort", rules[0].From), wire.Int("toPort", rules[0].To))
	}
	return append(out, groups, v4, v6, lists)
}
