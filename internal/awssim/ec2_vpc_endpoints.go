package awssim

import (
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// vpcEndpoint leads to a service of AWS's from inside a VPC: by routes
// (Gateway) or by network interfaces (Interface).
type vpcEndpoint struct {
	ID         string
	VPCID      string
	Service    string
	Type       string // "Gateway" or "Interface"
	Tables     []string
	Subnets    []string
	Groups     []string
	Policy     string
	PrivateDNS bool
	Token      string
	ReadyAt    time.Time
	GoneAt     time.Time // zero = not deleted
	CreatedAt  time.Time
	Tags       tags
}

const openPolicy = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

func (e *vpcEndpoint) stateAt(now time.Time) string {
	switch {
	case !e.GoneAt.IsZero():
		return "deleting"
	case now.Before(e.ReadyAt):
		return "pending"
	}
	return "available"
}

func (e *vpcEndpoint) goneAt(now time.Time) bool { return !e.GoneAt.IsZero() && !now.Before(e.GoneAt) }

func missingEndpoint(id string) error {
	return wire.BadRequest("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", id)
}

// prefixList names the address ranges of a service with gateway endpoints.
type prefixList struct{ id, name, cidr string }

func (s *Sim) prefixLists() []*prefixList {
	return []*prefixList{{"pl-61a54008", "com.amazonaws." + s.region + ".s3", "52.219.0.0/20"},
		{"pl-78a54011", "com.amazonaws." + s.region + ".dynamodb", "52.94.8.0/24"}}
}

func (s *Sim) prefixListOf(service string) *prefixList {
	for _, p := range s.prefixLists() {
		if p.name == service {
			return p
		}
	}
	return nil
}

func createVPCEndpoint(c *call) ([]wire.Node, error) {
	token := c.q.Str("ClientToken")
	if old := c.st.endpoints.find(func(e *vpcEndpoint) bool { return token != "" && e.Token == token }); old != nil {
		return []wire.Node{wire.El("vpcEndpoint", c.vpcEndpointXML(old)...)}, nil
	}
	e, err := c.newVPCEndpoint()
	if err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	if err := c.routeEndpoint(e, e.Tables, true); err != nil {
		return nil, err
	}
	if err := c.placeEndpoint(e, e.Subnets); err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("vpcEndpoint", c.vpcEndpointXML(e)...)}, c.st.endpoints.put(e)
}

func (c *call) newVPCEndpoint() (*vpcEndpoint, error) {
	v, err := c.vpc(c.q.Str("VpcId"))
	if err != nil {
		return nil, err
	}
	e := &vpcEndpoint{ID: ec2ID("vpce"), VPCID: v.ID, Service: c.q.Str("ServiceName"), Type: c.q.Str("VpcEndpointType"), Policy: c.q.Str("PolicyDocument"),
		Tables: c.q.List("RouteTableId"), Subnets: c.q.List("SubnetId"), Token: c.q.Str("ClientToken"), CreatedAt: c.now, ReadyAt: c.now}
	if e.Type == "" {
		e.Type = "Gateway"
	}
	if e.Policy == "" {
		e.Policy = openPolicy
	}
	if e.Tags, err = c.tagSpecs("vpc-endpoint"); err != nil {
		return nil, err
	}
	gateway := e.Type == "Gateway"
	switch {
	case e.Type != "Gateway" && e.Type != "Interface":
		return nil, wire.BadRequest("InvalidParameter", "Endpoint type (%s) is not known to this simulator; it has Gateway and Interface.", e.Type)
	case !strings.HasPrefix(e.Service, "com.amazonaws."+c.region+".") || gateway && c.prefixListOf(e.Service) == nil:
		return nil, wire.BadRequest("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", e.Service)
	case gateway && (len(e.Subnets) > 0 || c.q.Has("SecurityGroupId")):
		return nil, wire.BadRequest("InvalidParameter", "Subnet IDs and security groups are only supported for Interface type VPC Endpoint.")
	case !gateway && len(e.Tables) > 0:
		return nil, wire.BadRequest("InvalidParameter", "Route table IDs are only supported for Gateway type VPC Endpoint.")
	}
	if gateway {
		return e, c.checkEndpointTables(e, e.Tables)
	}
	e.ReadyAt, e.PrivateDNS = c.now.Add(c.t.gatewayStart), c.q.Bool("PrivateDnsEnabled", true)
	if e.PrivateDNS && (v.NoDNS || !v.DNSHostnames) {
		return nil, wire.BadRequest("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", v.ID)
	}
	if e.Groups, err = c.groupsIn(v.ID, c.q.List("SecurityGroupId")); err != nil {
		return nil, err
	}
	if err := c.checkEndpointSubnets(e, e.Subnets); err != nil {
		return nil, err
	}
	return e, c.q.Err()
}

// checkEndpointTables refuses tables of other VPCs and those that lead to the
// service already.
func (c *call) checkEndpointTables(e *vpcEndpoint, tables []string) error {
	for _, id := range tables {
		t, err := c.routeTable(id)
		switch {
		case err != nil:
			return err
		case t.VPCID != e.VPCID:
			return wire.BadRequest("InvalidParameter", "Route table %s does not belong to %s", t.ID, e.VPCID)
		case c.endpointRoute(e, t) >= 0:
			return wire.BadRequest("RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id %s", t.ID, c.prefixListOf(e.Service).id)
		}
	}
	return nil
}

// endpointRoute finds the route to the endpoint's service.
func (s *Sim) endpointRoute(e *vpcEndpoint, t *routeTable) int {
	list := s.prefixListOf(e.Service)
	return slices.IndexFunc(t.Routes, func(r tableRoute) bool { return list != nil && r.PrefixList == list.id })
}

// routeEndpoint puts the endpoint's prefix list into route tables, or takes it
// out of them. Tables that are gone are left alone.
func (c *call) routeEndpoint(e *vpcEndpoint, tables []string, in bool) error {
	for _, id := range tables {
		t, ok := found(c.Sim, c.st.routeTables, id, c.now)
		if !ok {
			continue
		}
		at := c.endpointRoute(e, t)
		switch {
		case in:
			t.Routes = append(t.Routes, tableRoute{PrefixList: c.prefixListOf(e.Service).id, Gateway: e.ID})
		case at >= 0:
			t.Routes = slices.Delete(t.Routes, at, at+1)
		}
		if err := c.st.routeTables.put(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) checkEndpointSubnets(e *vpcEndpoint, subnets []string) error {
	for _, id := range subnets {
		sn, err := c.subnet(id)
		switch {
		case err != nil:
			return err
		case sn.VPCID != e.VPCID:
			return wire.BadRequest("InvalidParameter", "Subnet %s does not belong to %s", sn.ID, e.VPCID)
		case c.freeAddresses(sn) < 1:
			return wire.BadRequest("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s'.", sn.ID)
		}
	}
	return nil
}

// placeEndpoint gives an interface endpoint its network interfaces in subnets
// that were checked.
func (c *call) placeEndpoint(e *vpcEndpoint, subnets []string) error {
	for _, id := range subnets {
		sn, err := c.subnet(id)
		if err != nil {
			return err
		}
		if _, err := c.addInterface(sn, interfaceSpec{owner: e.ID, description: "VPC Endpoint Interface " + e.ID, kind: "vpc_endpoint",
			requester: "amazon-vpce", attachedOwner: "amazon-aws", groups: e.Groups}); err != nil {
			return err
		}
	}
	return nil
}

func deleteVPCEndpoints(c *call) ([]wire.Node, error) {
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	failed := wire.Node{Name: "unsuccessful"}
	for _, id := range c.q.List("VpcEndpointId") {
		e, ok := found(c.Sim, c.st.endpoints, id, c.now)
		if !ok {
			f := wire.AsError(missingEndpoint(id))
			failed.Kids = append(failed.Kids, wire.El("item", wire.Str("resourceId", id), wire.El("error", wire.Str("code", f.Code), wire.Str("message", f.Message))))
			continue
		}
		if !e.GoneAt.IsZero() {
			continue
		}
		if err := c.dropVPCEndpoint(e); err != nil {
			return nil, err
		}
	}
	return []wire.Node{failed}, nil
}

func (c *call) dropVPCEndpoint(e *vpcEndpoint) error {
	e.GoneAt = c.now
	if e.Type == "Interface" {
		e.GoneAt = c.now.Add(c.t.gatewayStop)
	}
	if err := c.routeEndpoint(e, e.Tables, false); err != nil {
		return err
	}
	if err := c.releaseInterfaces(e.ID, e.GoneAt); err != nil {
		return err
	}
	return c.st.endpoints.put(e)
}
