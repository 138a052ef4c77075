package awssim

import "drawbridge/internal/awssim/wire"

// internetGateway of a VPC, or of none yet.
type internetGateway struct {
	ID    string
	VPCID string // "" = detached
	Tags  tags
}

// maxInternetGateways per region.
const maxInternetGateways = 5

func (c *call) internetGateway(id string) (*internetGateway, error) {
	g, ok := found(c.Sim, c.st.gateways, id, c.now)
	if !ok {
		return nil, missingInternetGateway(id)
	}
	return g, nil
}

func missingInternetGateway(id string) error {
	return notFound("InvalidInternetGatewayID.NotFound", "internetGateway")(id)
}

func createInternetGateway(c *call) ([]wire.Node, error) {
	t, err := c.tagSpecs("internet-gateway")
	if err != nil {
		return nil, err
	}
	if len(c.st.gateways.rows) >= maxInternetGateways {
		return nil, wire.BadRequest("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	g := &internetGateway{ID: ec2ID("igw"), Tags: t}
	return []wire.Node{wire.El("internetGateway", c.internetGatewayXML(g)...)}, c.st.gateways.put(g)
}

func attachInternetGateway(c *call) ([]wire.Node, error) {
	g, err := c.internetGateway(c.q.Str("InternetGatewayId"))
	if err != nil {
		return nil, err
	}
	v, err := c.vpc(c.q.Str("VpcId"))
	if err != nil {
		return nil, err
	}
	if g.VPCID != "" {
		return nil, wire.BadRequest("Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.ID, g.VPCID)
	}
	if other := c.st.gateways.find(func(o *internetGateway) bool { return o.VPCID == v.ID }); other != nil {
		return nil, wire.BadRequest("InvalidParameterValue", "Network %s already has an internet gateway attached", v.ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	g.VPCID = v.ID
	return returned(), c.st.gateways.put(g)
}

// detachInternetGateway refuses while a public address of the VPC needs it.
func detachInternetGateway(c *call) ([]wire.Node, error) {
	g, err := c.internetGateway(c.q.Str("InternetGatewayId"))
	if err != nil {
		return nil, err
	}
	id := c.q.Str("VpcId")
	if g.VPCID == "" || g.VPCID != id {
		return nil, wire.BadRequest("Gateway.NotAttached", "resource %s is not attached to network %s", g.ID, id)
	}
	mapped := c.st.nats.find(func(n *natGateway) bool {
		return n.VPCID == id && n.PublicIP != "" && n.stateAt(c.now, c.t) != "deleted"
	})
	if mapped != nil {
		return nil, wire.BadRequest("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", id)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	g.VPCID = ""
	return returned(), c.st.gateways.put(g)
}

func deleteInternetGateway(c *call) ([]wire.Node, error) {
	g, err := c.internetGateway(c.q.Str("InternetGatewayId"))
	if err != nil {
		return nil, err
	}
	if g.VPCID != "" {
		return nil, wire.BadRequest("DependencyViolation", "The internetGateway '%s' has dependencies and cannot be deleted.", g.ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	c.st.gateways.del(g.ID)
	return returned(), nil
}

func describeInternetGateways(c *call) ([]wire.Node, error) {
	page, next, err := describe[internetGateway]{
		idParam: "InternetGatewayId", rows: c.st.gateways.list(nil), missing: missingInternetGateway,
		id: func(r *internetGateway) string { return r.ID }, tags: func(r *internetGateway) tags { return r.Tags },
		xml: c.internetGatewayXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("internetGatewaySet", "item", page, c.internetGatewayXML)}, next...), nil
}

func (c *call) internetGatewayXML(r *internetGateway) []wire.Node {
	attached := wire.El("attachmentSet", wire.Optional(r.VPCID != "", wire.El("item", wire.Str("vpcId", r.VPCID), wire.Str("state", "available")))...)
	return []wire.Node{wire.Str("internetGatewayId", r.ID), wire.Str("ownerId", c.account), attached, ec2Tags(r.Tags)}
}
