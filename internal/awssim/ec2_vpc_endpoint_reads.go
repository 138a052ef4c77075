package awssim

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// modifyVPCEndpoint adds and takes away route tables, subnets and groups.
func modifyVPCEndpoint(c *call) ([]wire.Node, error) {
	id := c.q.Str("VpcEndpointId")
	e, ok := found(c.Sim, c.st.endpoints, id, c.now)
	if !ok {
		return nil, missingEndpoint(id)
	}
	after := *e
	after.PrivateDNS = c.q.Bool("PrivateDnsEnabled", e.PrivateDNS)
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	if p := c.q.Str("PolicyDocument"); p != "" {
		after.Policy = p
	}
	if c.q.Bool("ResetPolicy", false) {
		after.Policy = openPolicy
	}
	if err := c.modifyEndpointNetwork(e, &after); err != nil {
		return nil, err
	}
	return returned(), c.st.endpoints.put(&after)
}

// modifyEndpointNetwork checks all that is asked for before it changes anything.
func (c *call) modifyEndpointNetwork(e, after *vpcEndpoint) error {
	addTables, dropTables := c.q.List("AddRouteTableId"), c.q.List("RemoveRouteTableId")
	addSubnets, dropSubnets := c.q.List("AddSubnetId"), c.q.List("RemoveSubnetId")
	groups := changed(e.Groups, c.q.List("AddSecurityGroupId"), c.q.List("RemoveSecurityGroupId"))
	err := cmp.Or(c.checkEndpointTables(e, addTables), c.checkEndpointSubnets(e, addSubnets))
	if err == nil && e.Type == "Interface" {
		after.Groups, err = c.groupsIn(e.VPCID, groups)
	}
	if err != nil {
		return err
	}
	after.Tables, after.Subnets = changed(e.Tables, addTables, dropTables), changed(e.Subnets, addSubnets, dropSubnets)
	if err := errors.Join(c.routeEndpoint(after, dropTables, false), c.routeEndpoint(after, addTables, true), c.placeEndpoint(after, addSubnets)); err != nil {
		return err
	}
	for _, n := range c.interfacesOf(e.ID) {
		if slices.Contains(dropSubnets, n.SubnetID) {
			c.st.interfaces.del(n.ID)
			continue
		}
		n.Groups = slices.Clone(after.Groups)
		if err := c.st.interfaces.put(n); err != nil {
			return err
		}
	}
	return nil
}

// changed is a list after an addition and a removal.
func changed(have, add, drop []string) []string {
	return slices.DeleteFunc(slices.Concat(have, add), func(id string) bool { return slices.Contains(drop, id) })
}

func describeVPCEndpoints(c *call) ([]wire.Node, error) {
	page, next, err := describe[vpcEndpoint]{
		idParam: "VpcEndpointId", rows: c.st.endpoints.list(nil), missing: missingEndpoint,
		id: func(r *vpcEndpoint) string { return r.ID }, tags: func(r *vpcEndpoint) tags { return r.Tags },
		xml: c.vpcEndpointXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("vpcEndpointSet", "item", page, c.vpcEndpointXML)}, next...), nil
}

func (c *call) vpcEndpointXML(e *vpcEndpoint) []wire.Node {
	var nics []string
	for _, n := range c.interfacesOf(e.ID) {
		nics = append(nics, n.ID)
	}
	out := []wire.Node{wire.Str("vpcEndpointId", e.ID), wire.Str("vpcEndpointType", e.Type), wire.Str("vpcId", e.VPCID), wire.Str("serviceName", e.Service),
		wire.Str("state", e.stateAt(c.now)), wire.Str("policyDocument", e.Policy), wire.Strings("routeTableIdSet", "item", e.Tables),
		wire.Strings("subnetIdSet", "item", e.Subnets), c.groupSet(e.Groups), wire.Strings("networkInterfaceIdSet", "item", nics),
		wire.Bool("privateDnsEnabled", e.PrivateDNS), wire.Bool("requesterManaged", false), wire.Str("ownerId", c.account),
		wire.Time("creationTimestamp", e.CreatedAt), ec2Tags(e.Tags)}
	if e.Type == "Gateway" {
		return append(out, wire.Node{Name: "dnsEntrySet"})
	}
	service := e.Service[strings.LastIndex(e.Service, ".")+1:]
	entry := func(name string) wire.Node {
		return wire.El("item", wire.Str("dnsName", name), wire.Str("hostedZoneId", "Z2E726K9Y6RL4W"))
	}
	names := []wire.Node{entry(e.ID + "-" + e.ID[len(e.ID)-8:] + "." + service + "." + c.region + ".vpce.amazonaws.com")}
	names = append(names, wire.Optional(e.PrivateDNS, entry(service+"."+c.region+".amazonaws.com"))...)
	return append(out, wire.Str("ipAddressType", "ipv4"), wire.El("dnsOptions", wire.Str("dnsRecordIpType", "ipv4")), wire.El("dnsEntrySet", names...))
}

func describePrefixLists(c *call) ([]wire.Node, error) {
	page, next, err := describe[prefixList]{
		idParam: "PrefixListId", rows: c.prefixLists(), missing: notFound("InvalidPrefixListId.NotFound", "prefix list"),
		id: func(r *prefixList) string { return r.id }, tags: func(*prefixList) tags { return nil },
		xml: prefixListXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("prefixListSet", "item", page, prefixListXML)}, next...), nil
}

func prefixListXML(r *prefixList) []wire.Node {
	return []wire.Node{wire.Str("prefixListId", r.id), wire.Str("prefixListName", r.name), wire.Strings("cidrSet", "item", []string{r.cidr})}
}
