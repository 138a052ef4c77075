package awssim

import (
	"maps"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// tagged is a resource whose tags can be changed.
type tagged struct {
	id, kind string
	tags     tags
	system   tags // EC2's own, which nobody changes
	save     func(tags) error
}

func taggedRow[T any](t *table[T], kind, id string, field func(*T) *tags) (tagged, bool) {
	r, ok := t.get(id)
	if !ok {
		return tagged{}, false
	}
	f := field(r)
	return tagged{id: id, kind: kind, tags: *f, save: func(n tags) error {
		*f = n
		return t.put(r)
	}}, true
}

// ec2Tagged finds what an EC2 id names.
func (c *call) ec2Tagged(id string) (tagged, error) {
	prefix, _, _ := strings.Cut(id, "-")
	var (
		t    tagged
		ok   bool
		code string
	)
	switch prefix {
	case "vpc":
		code = "InvalidVpcID.NotFound"
		t, ok = taggedRow(c.st.vpcs, "vpc", id, func(r *vpc) *tags { return &r.Tags })
	case "subnet":
		code = "InvalidSubnetID.NotFound"
		t, ok = taggedRow(c.st.subnets, "subnet", id, func(r *subnet) *tags { return &r.Tags })
	case "rtb":
		code = "InvalidRouteTableID.NotFound"
		t, ok = taggedRow(c.st.routeTables, "route-table", id, func(r *routeTable) *tags { return &r.Tags })
	case "sg":
		code = "InvalidGroup.NotFound"
		t, ok = taggedRow(c.st.groups, "security-group", id, func(r *securityGroup) *tags { return &r.Tags })
	case "sgr":
		code = "InvalidSecurityGroupRuleId.NotFound"
		t, ok = taggedRow(c.st.rules, "security-group-rule", id, func(r *groupRule) *tags { return &r.Tags })
	case "i":
		code = "InvalidInstanceID.NotFound"
		t, ok = taggedRow(c.st.instances, "instance", id, func(r *instance) *tags { return &r.Tags })
		if ok {
			t.system = c.st.instances.rows[id].systemTags()
		}
	case "lt":
		code = "InvalidLaunchTemplateId.NotFound"
		t, ok = taggedRow(c.st.templates, "launch-template", id, func(r *launchTemplate) *tags { return &r.Tags })
	case "vol":
		code = "InvalidVolume.NotFound"
		t, ok = taggedRow(c.st.volumes, "volume", id, func(r *volume) *tags { return &r.Tags })
	case "eni":
		code = "InvalidNetworkInterfaceID.NotFound"
		t, ok = taggedRow(c.st.interfaces, "network-interface", id, func(r *networkInterface) *tags { return &r.Tags })
	case "igw":
		code = "InvalidInternetGatewayID.NotFound"
		t, ok = taggedRow(c.st.gateways, "internet-gateway", id, func(r *internetGateway) *tags { return &r.Tags })
	case "eipalloc":
		code = "InvalidAllocationID.NotFound"
		t, ok = taggedRow(c.st.addresses, "elastic-ip", id, func(r *address) *tags { return &r.Tags })
	case "nat":
		code = "NatGatewayNotFound"
		t, ok = taggedRow(c.st.nats, "natgateway", id, func(r *natGateway) *tags { return &r.Tags })
	case "vpce":
		code = "InvalidVpcEndpointId.NotFound"
		t, ok = taggedRow(c.st.endpoints, "vpc-endpoint", id, func(r *vpcEndpoint) *tags { return &r.Tags })
	default:
		code = "InvalidID"
	}
	if !ok || c.concealed(id, c.now) {
		return tagged{}, wire.BadRequest(code, "The ID '%s' does not exist", id)
	}
	return t, nil
}

func (c *call) taggedAll() ([]tagged, error) {
	ids := c.q.List("ResourceId")
	if len(ids) == 0 {
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter resourceIdSet")
	}
	var out []tagged
	for _, id := range ids {
		t, err := c.ec2Tagged(id)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func createTags(c *call) ([]wire.Node, error) {
	all, err := c.taggedAll()
	if err != nil {
		return nil, err
	}
	add := tags{}
	for _, t := range c.q.Structs("Tag") {
		add[t.Str("Key")] = t.Str("Value")
	}
	after := make([]tags, len(all))
	for i, t := range all {
		after[i] = merged(t.tags, add)
		if err := checkTags(after[i]); err != nil {
			return nil, err
		}
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for i, t := range all {
		if err := t.save(after[i]); err != nil {
			return nil, err
		}
	}
	return []wire.Node{wire.Bool("return", true)}, nil
}

func deleteTags(c *call) ([]wire.Node, error) {
	all, err := c.taggedAll()
	if err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, t := range all {
		left := merged(t.tags, nil)
		for _, del := range c.q.Structs("Tag") {
			k := del.Str("Key")
			// With a value only that value goes; without tags all go.
			if v, ok := left[k]; ok && (!del.Has("Value") || del.Str("Value") == v) {
				delete(left, k)
			}
		}
		if !c.q.Has("Tag") {
			left = tags{}
		}
		if err := t.save(left); err != nil {
			return nil, err
		}
	}
	return []wire.Node{wire.Bool("return", true)}, nil
}

func merged(a, b tags) tags {
	out := make(tags, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// tagRow is a line of DescribeTags.
type tagRow struct{ id, kind, key, value string }

func describeTags(c *call) ([]wire.Node, error) {
	var rows []*tagRow
	for _, id := range c.ec2IDs() {
		t, err := c.ec2Tagged(id)
		if err != nil {
			return nil, err
		}
		all := merged(t.tags, t.system)
		for _, k := range slices.Sorted(maps.Keys(all)) {
			rows = append(rows, &tagRow{id: id, kind: t.kind, key: k, value: all[k]})
		}
	}
	page, next, err := describe[tagRow]{
		rows: rows,
		id:   func(r *tagRow) string { return r.id + "\x00" + r.key },
		tags: func(*tagRow) tags { return nil },
		attr: func(r *tagRow, name string) ([]string, bool) {
			switch name {
			case "resource-id":
				return one(r.id)
			case "resource-type":
				return one(r.kind)
			case "key":
				return one(r.key)
			case "value":
				return one(r.value)
			}
			return nil, false
		},
		xml: tagXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("tagSet", "item", page, tagXML)}, next...), nil
}

func tagXML(r *tagRow) []wire.Node {
	return []wire.Node{wire.Str("resourceId", r.id), wire.Str("resourceType", r.kind), wire.Str("key", r.key), wire.Str("value", r.value)}
}

// ec2IDs lists the ids of everything of EC2's that can carry tags, sorted.
func (s *Sim) ec2IDs() []string {
	ids := slices.Concat(
		slices.Collect(maps.Keys(s.st.vpcs.rows)), slices.Collect(maps.Keys(s.st.subnets.rows)),
		slices.Collect(maps.Keys(s.st.routeTables.rows)), slices.Collect(maps.Keys(s.st.groups.rows)),
		slices.Collect(maps.Keys(s.st.rules.rows)), slices.Collect(maps.Keys(s.st.instances.rows)),
		slices.Collect(maps.Keys(s.st.interfaces.rows)), slices.Collect(maps.Keys(s.st.gateways.rows)),
		slices.Collect(maps.Keys(s.st.addresses.rows)), slices.Collect(maps.Keys(s.st.nats.rows)), slices.Collect(maps.Keys(s.st.endpoints.rows)),
		slices.Collect(maps.Keys(s.st.templates.rows)), slices.Collect(maps.Keys(s.st.volumes.rows)))
	slices.Sort(ids)
	return ids
}
