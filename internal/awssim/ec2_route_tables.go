package awssim

import (
	"slices"

	"drawbridge/internal/awssim/wire"
)

// routeTable of a VPC. The local route is not among Routes.
type routeTable struct {
	ID           string
	VPCID        string
	VPCNet       string
	Routes       []tableRoute
	Associations []tableAssociation
	Token        string
	Tags         tags
}

// tableRoute has one destination and one target.
type tableRoute struct {
	CIDR       string
	PrefixList string // of a gateway endpoint
	Gateway    string // internet gateway or gateway endpoint
	NAT        string
}

// tableAssociation ties a table to a subnet, or makes it the VPC's main table.
type tableAssociation struct {
	ID       string
	SubnetID string
	Main     bool
}

func (t *routeTable) main() bool {
	return slices.ContainsFunc(t.Associations, func(a tableAssociation) bool { return a.Main })
}

// maxRoutes per route table, maxRouteTables per VPC.
const (
	maxRoutes      = 50
	maxRouteTables = 200
)

func (c *call) routeTable(id string) (*routeTable, error) {
	t, ok := found(c.Sim, c.st.routeTables, id, c.now)
	if !ok {
		return nil, notFound("InvalidRouteTableID.NotFound", "routeTable")(id)
	}
	return t, nil
}

func createRouteTable(c *call) ([]wire.Node, error) {
	v, err := c.vpc(c.q.Str("VpcId"))
	if err != nil {
		return nil, err
	}
	token := c.q.Str("ClientToken")
	if old := c.st.routeTables.find(func(t *routeTable) bool { return token != "" && t.Token == token }); old != nil {
		return []wire.Node{wire.El("routeTable", c.routeTableXML(old)...)}, nil
	}
	t := &routeTable{ID: ec2ID("rtb"), VPCID: v.ID, VPCNet: v.CIDR, Token: token}
	if t.Tags, err = c.tagSpecs("route-table"); err != nil {
		return nil, err
	}
	if len(c.st.routeTables.list(func(o *routeTable) bool { return o.VPCID == v.ID })) >= maxRouteTables {
		return nil, wire.BadRequest("RouteTableLimitExceeded", "The maximum number of route tables has been reached.")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("routeTable", c.routeTableXML(t)...)}, c.st.routeTables.put(t)
}

func deleteRouteTable(c *call) ([]wire.Node, error) {
	t, err := c.routeTable(c.q.Str("RouteTableId"))
	if err != nil {
		return nil, err
	}
	if len(t.Associations) > 0 {
		return nil, wire.BadRequest("DependencyViolation", "The routeTable '%s' has dependencies and cannot be deleted.", t.ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	c.st.routeTables.del(t.ID)
	return returned(), nil
}

// requestedRoute reads a destination and its target, which must be of the
// table's VPC and ready.
func (c *call) requestedRoute(t *routeTable) (tableRoute, error) {
	cidr, err := parseCIDR(c.q.Str("DestinationCidrBlock"))
	if err != nil {
		return tableRoute{}, err
	}
	r := tableRoute{CIDR: cidr, Gateway: c.q.Str("GatewayId"), NAT: c.q.Str("NatGatewayId")}
	switch {
	case cidr == t.VPCNet:
		return r, wire.BadRequest("InvalidParameterValue", "Cannot create a more specific route for %s than local route %s in route table %s", cidr, t.VPCNet, t.ID)
	case (r.Gateway == "") == (r.NAT == ""):
		return r, wire.BadRequest("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId; this simulator's routes have no other targets.")
	case r.Gateway != "":
		g, err := c.internetGateway(r.Gateway)
		if err == nil && g.VPCID != t.VPCID {
			err = wire.BadRequest("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", t.ID, g.ID)
		}
		return r, err
	}
	n, ok := c.st.nats.get(r.NAT)
	if !ok || n.stateAt(c.now, c.t) == "deleted" {
		return r, missingNAT(r.NAT)
	}
	if n.VPCID != t.VPCID {
		return r, wire.BadRequest("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", t.ID, n.ID)
	}
	if state := n.stateAt(c.now, c.t); state != "available" {
		return r, wire.BadRequest("InvalidNatGatewayID.NotFound", "The natGateway ID '%s' is not available: it is %s", n.ID, state)
	}
	return r, nil
}

func (t *routeTable) route(cidr string) int {
	return slices.IndexFunc(t.Routes, func(r tableRoute) bool { return r.CIDR == cidr && cidr != "" })
}

func createTableRoute(c *call) ([]wire.Node, error) { return c.putRoute(false) }

func replaceTableRoute(c *call) ([]wire.Node, error) { return c.putRoute(true) }

func (c *call) putRoute(replace bool) ([]wire.Node, error) {
	t, err := c.routeTable(c.q.Str("RouteTableId"))
	if err != nil {
		return nil, err
	}
	r, err := c.requestedRoute(t)
	if err != nil {
		return nil, err
	}
	at := t.route(r.CIDR)
	switch {
	case at >= 0 && !replace && t.Routes[at] != r:
		return nil, wire.BadRequest("RouteAlreadyExists", "The route identified by %s already exists.", r.CIDR)
	case at < 0 && replace:
		return nil, missingRoute(t, r.CIDR)
	case at < 0 && len(t.Routes) >= maxRoutes:
		return nil, wire.BadRequest("RouteLimitExceeded", "The maximum number of routes has been reached.")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	if at >= 0 {
		t.Routes[at] = r
	} else {
		t.Routes = append(t.Routes, r)
	}
	return returned(), c.st.routeTables.put(t)
}

func missingRoute(t *routeTable, cidr string) error {
	return wire.BadRequest("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", cidr, t.ID)
}

func deleteTableRoute(c *call) ([]wire.Node, error) {
	t, err := c.routeTable(c.q.Str("RouteTableId"))
	if err != nil {
		return nil, err
	}
	cidr := c.q.Str("DestinationCidrBlock")
	at := t.route(cidr)
	if at < 0 {
		return nil, missingRoute(t, cidr)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	t.Routes = slices.Delete(t.Routes, at, at+1)
	return returned(), c.st.routeTables.put(t)
}

func describeRouteTables(c *call) ([]wire.Node, error) {
	page, next, err := describe[routeTable]{
		idParam: "RouteTableId", rows: c.st.routeTables.list(nil), missing: notFound("InvalidRouteTableID.NotFound", "routeTable"),
		id: func(r *routeTable) string { return r.ID }, tags: func(r *routeTable) tags { return r.Tags },
		xml: c.routeTableXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("routeTableSet", "item", page, c.routeTableXML)}, next...), nil
}

func (c *call) routeTableXML(r *routeTable) []wire.Node {
	local := wire.El("item", wire.Str("destinationCidrBlock", r.VPCNet), wire.Str("gatewayId", "local"),
		wire.Str("state", "active"), wire.Str("origin", "CreateRouteTable"))
	routes := wire.List("routeSet", "item", r.Routes, c.routeXML)
	routes.Kids = append([]wire.Node{local}, routes.Kids...)
	return []wire.Node{wire.Str("routeTableId", r.ID), wire.Str("vpcId", r.VPCID), wire.Str("ownerId", c.account), routes,
		wire.List("associationSet", "item", r.Associations, func(a tableAssociation) []wire.Node {
			out := []wire.Node{wire.Str("routeTableAssociationId", a.ID), wire.Str("routeTableId", r.ID), wire.Bool("main", a.Main),
				wire.El("associationState", wire.Str("state", "associated"))}
			return append(out, wire.Optional(a.SubnetID != "", wire.Str("subnetId", a.SubnetID))...)
		}), wire.Node{Name: "propagatingVgwSet"}, ec2Tags(r.Tags)}
}

// routeXML shows a route whose target is gone as a black hole.
func (c *call) routeXML(r tableRoute) []wire.Node {
	state := "active"
	if r.NAT != "" {
		if n, ok := c.st.nats.get(r.NAT); !ok || n.stateAt(c.now, c.t) != "available" {
			state = "blackhole"
		}
	}
	if _, attached := c.st.gateways.get(r.Gateway); r.Gateway != "" && r.PrefixList == "" && !attached {
		state = "blackhole"
	}
	out := wire.Optional(r.CIDR != "", wire.Str("destinationCidrBlock", r.CIDR))
	out = append(out, wire.Optional(r.PrefixList != "", wire.Str("destinationPrefixListId", r.PrefixList))...)
	out = append(out, wire.Optional(r.Gateway != "", wire.Str("gatewayId", r.Gateway))...)
	out = append(out, wire.Optional(r.NAT != "", wire.Str("natGatewayId", r.NAT))...)
	return append(out, wire.Str("state", state), wire.Str("origin", "CreateRoute"))
}
