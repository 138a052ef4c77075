package awssim

import (
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// returned is the answer of EC2's calls that have nothing to tell.
func returned() []wire.Node { return []wire.Node{wire.Bool("return", true)} }

func (c *call) vpc(id string) (*vpc, error) {
	v, ok := found(c.Sim, c.st.vpcs, id, c.now)
	if !ok {
		return nil, notFound("InvalidVpcID.NotFound", "vpc")(id)
	}
	return v, nil
}

// modifyVpcAttribute changes one attribute at a time, as AWS does.
func modifyVpcAttribute(c *call) ([]wire.Node, error) {
	v, err := c.vpc(c.q.Str("VpcId"))
	if err != nil {
		return nil, err
	}
	support := c.q.Bool("EnableDnsSupport.Value", !v.NoDNS)
	names, metrics := c.q.Bool("EnableDnsHostnames.Value", v.DNSHostnames), c.q.Bool("EnableNetworkAddressUsageMetrics.Value", v.UsageMetrics)
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	v.NoDNS, v.DNSHostnames, v.UsageMetrics = !support, names, metrics
	return returned(), c.st.vpcs.put(v)
}

func describeVpcAttribute(c *call) ([]wire.Node, error) {
	v, err := c.vpc(c.q.Str("VpcId"))
	if err != nil {
		return nil, err
	}
	name := c.q.Str("Attribute")
	on, ok := map[string]bool{"enableDnsSupport": !v.NoDNS, "enableDnsHostnames": v.DNSHostnames, "enableNetworkAddressUsageMetrics": v.UsageMetrics}[name]
	if !ok {
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", name)
	}
	return []wire.Node{wire.Str("vpcId", v.ID), wire.El(name, wire.Bool("value", on))}, nil
}

// deleteVpc refuses while anything is left in the VPC but what AWS made along
// with it.
func deleteVpc(c *call) ([]wire.Node, error) {
	v, err := c.vpc(c.q.Str("VpcId"))
	if err != nil {
		return nil, err
	}
	if c.vpcHolds(v.ID) {
		return nil, wire.BadRequest("DependencyViolation", "The vpc '%s' has dependencies and cannot be deleted.", v.ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, g := range c.st.groups.list(func(g *securityGroup) bool { return g.VPCID == v.ID }) {
		for _, r := range c.st.rules.list(func(r *groupRule) bool { return r.GroupID == g.ID }) {
			c.st.rules.del(r.ID)
		}
		c.st.groups.del(g.ID)
	}
	for _, t := range c.st.routeTables.list(func(t *routeTable) bool { return t.VPCID == v.ID }) {
		c.st.routeTables.del(t.ID)
	}
	c.st.vpcs.del(v.ID)
	return returned(), nil
}

func (c *call) vpcHolds(id string) bool {
	st := c.st
	return st.subnets.find(func(r *subnet) bool { return r.VPCID == id }) != nil ||
		st.gateways.find(func(r *internetGateway) bool { return r.VPCID == id }) != nil ||
		st.endpoints.find(func(r *vpcEndpoint) bool { return r.VPCID == id && !r.goneAt(c.now) }) != nil ||
		st.groups.find(func(r *securityGroup) bool { return r.VPCID == id && r.Name != "default" }) != nil ||
		st.routeTables.find(func(r *routeTable) bool { return r.VPCID == id && !r.main() }) != nil
}

// networkACL is the default one of a VPC, the only kind here: it lets all
// through, and the security groups decide.
type networkACL struct {
	id, vpcID string
	subnets   []string
}

func (s *Sim) networkACLs() []*networkACL {
	var out []*networkACL
	for _, v := range s.st.vpcs.list(nil) {
		acl := &networkACL{id: "acl" + strings.TrimPrefix(v.ID, "vpc"), vpcID: v.ID}
		for _, sn := range s.st.subnets.list(func(sn *subnet) bool { return sn.VPCID == v.ID }) {
			acl.subnets = append(acl.subnets, sn.ID)
		}
		out = append(out, acl)
	}
	return out
}

func describeNetworkAcls(c *call) ([]wire.Node, error) {
	page, next, err := describe[networkACL]{
		idParam: "NetworkAclId", rows: c.networkACLs(), missing: notFound("InvalidNetworkAclID.NotFound", "networkAcl"),
		id: func(r *networkACL) string { return r.id }, tags: func(*networkACL) tags { return nil },
		xml: c.networkACLXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("networkAclSet", "item", page, c.networkACLXML)}, next...), nil
}

func (c *call) networkACLXML(r *networkACL) []wire.Node {
	entry := func(egress bool, number int, action string) wire.Node {
		return wire.El("item", wire.Int("ruleNumber", number), wire.Str("protocol", "-1"), wire.Str("ruleAction", action),
			wire.Bool("egress", egress), wire.Str("cidrBlock", "0.0.0.0/0"))
	}
	const last = 32767
	entries := slices.Concat([]wire.Node{entry(true, 100, "allow"), entry(true, last, "deny")}, []wire.Node{entry(false, 100, "allow"), entry(false, last, "deny")})
	return []wire.Node{wire.Str("networkAclId", r.id), wire.Str("vpcId", r.vpcID), wire.Str("ownerId", c.account), wire.Bool("default", true),
		wire.El("entrySet", entries...), wire.List("associationSet", "item", r.subnets, func(id string) []wire.Node {
			return []wire.Node{wire.Str("networkAclAssociationId", "aclassoc"+strings.TrimPrefix(id, "subnet")), wire.Str("networkAclId", r.id), wire.Str("subnetId", id)}
		}), wire.Node{Name: "tagSet"}}
}
