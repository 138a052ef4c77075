package awssim

import (
	"time"

	"drawbridge/internal/awssim/wire"
)

type natGateway struct {
	ID           string
	VPCID        string
	SubnetID     string
	Connectivity string // "public" or "private"
	Allocation   string
	PublicIP     string
	PrivateIP    string
	Interface    string
	Token        string
	CreatedAt    time.Time
	DeletedAt    time.Time
	Tags         tags
}

// maxNATGateways per zone.
const maxNATGateways = 5

func (n *natGateway) stateAt(now time.Time, t timing) string {
	switch {
	case !n.DeletedAt.IsZero() && !now.Before(n.DeletedAt.Add(t.gatewayStop)):
		return "deleted"
	case !n.DeletedAt.IsZero():
		return "deleting"
	case now.Before(n.CreatedAt.Add(t.gatewayStart)):
		return "pending"
	}
	return "available"
}

// forgottenAt says whether a deleted gateway is no longer listed.
func (n *natGateway) forgottenAt(now time.Time, t timing) bool {
	return !n.DeletedAt.IsZero() && !now.Before(n.DeletedAt.Add(t.gatewayStop+t.terminatedVisible))
}

func missingNAT(id string) error {
	return wire.BadRequest("NatGatewayNotFound", "The Nat Gateway %s was not found", id)
}

// createNATGateway makes one for each client token. A public one needs a free
// Elastic IP and a VPC with an internet gateway.
func createNATGateway(c *call) ([]wire.Node, error) {
	token := c.q.Str("ClientToken")
	if old := c.st.nats.find(func(n *natGateway) bool { return token != "" && n.Token == token }); old != nil {
		return []wire.Node{wire.Str("clientToken", token), wire.El("natGateway", c.natXML(old)...)}, nil
	}
	sn, err := c.subnet(c.q.Str("SubnetId"))
	if err != nil {
		return nil, err
	}
	n := &natGateway{ID: ec2ID("nat"), VPCID: sn.VPCID, SubnetID: sn.ID, Connectivity: "public", Token: token, CreatedAt: c.now}
	if n.Tags, err = c.tagSpecs("natgateway"); err != nil {
		return nil, err
	}
	if c.q.Str("ConnectivityType") == "private" {
		n.Connectivity = "private"
	}
	a, err := c.natAddress(n)
	if err != nil {
		return nil, err
	}
	if err := c.natQuota(sn.Zone); err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	e, err := c.addInterface(sn, interfaceSpec{owner: n.ID, description: "Interface for NAT Gateway " + n.ID, kind: "nat_gateway",
		requester: "amazon-nat", attachedOwner: "amazon-aws"})
	if err != nil {
		return nil, err
	}
	n.Interface, n.PrivateIP = e.ID, e.IP
	if a != nil {
		a.NAT, a.Interface, a.PrivateIP = n.ID, e.ID, e.IP
		if err := c.st.addresses.put(a); err != nil {
			return nil, err
		}
	}
	return []wire.Node{wire.Str("clientToken", token), wire.El("natGateway", c.natXML(n)...)}, c.st.nats.put(n)
}

// natAddress checks and notes the Elastic IP of a public gateway; nil for a
// private one.
func (c *call) natAddress(n *natGateway) (*address, error) {
	id := c.q.Str("AllocationId")
	if n.Connectivity == "private" {
		if id != "" {
			return nil, wire.BadRequest("InvalidParameterCombination", "AllocationId cannot be used with a private NAT gateway.")
		}
		return nil, nil
	}
	if id == "" {
		return nil, wire.BadRequest("MissingParameter", "The request must include the AllocationId parameter. Add the required parameter and retry the request.")
	}
	a, err := c.address(id)
	if err != nil {
		return nil, err
	}
	if a.NAT != "" {
		return nil, wire.BadRequest("Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", a.ID)
	}
	if c.st.gateways.find(func(g *internetGateway) bool { return g.VPCID == n.VPCID }) == nil {
		return nil, wire.BadRequest("Gateway.NotAttached", "Network %s has no Internet gateway attached", n.VPCID)
	}
	n.Allocation, n.PublicIP = a.ID, a.IP
	return a, nil
}

func (c *call) natQuota(zone string) error {
	here := c.st.nats.list(func(n *natGateway) bool {
		sn, ok := c.st.subnets.get(n.SubnetID)
		return ok && sn.Zone == zone && n.DeletedAt.IsZero()
	})
	if len(here) >= maxNATGateways {
		return wire.BadRequest("NatGatewayLimitExceeded", "Performing this operation would exceed the limit of %d NAT gateways", maxNATGateways)
	}
	return nil
}

// deleteNATGateway may be repeated. Routes to the gateway become black holes.
func deleteNATGateway(c *call) ([]wire.Node, error) {
	id := c.q.Str("NatGatewayId")
	n, ok := found(c.Sim, c.st.nats, id, c.now)
	if !ok || n.stateAt(c.now, c.t) == "deleted" {
		return nil, missingNAT(id)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	if n.DeletedAt.IsZero() {
		n.DeletedAt = c.now
		if err := c.st.nats.put(n); err != nil {
			return nil, err
		}
		if err := c.releaseInterfaces(n.ID, c.now.Add(c.t.gatewayStop)); err != nil {
			return nil, err
		}
	}
	return []wire.Node{wire.Str("natGatewayId", n.ID)}, nil
}

func describeNATGateways(c *call) ([]wire.Node, error) {
	page, next, err := describe[natGateway]{
		idParam: "NatGatewayId", rows: c.st.nats.list(nil), missing: missingNAT,
		id: func(r *natGateway) string { return r.ID }, tags: func(r *natGateway) tags { return r.Tags },
		xml: c.natXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("natGatewaySet", "item", page, c.natXML)}, next...), nil
}

func (c *call) natXML(n *natGateway) []wire.Node {
	status := map[string]string{"pending": "associating", "available": "succeeded"}[n.stateAt(c.now, c.t)]
	if status == "" {
		status = "disassociating"
	}
	at := []wire.Node{wire.Str("networkInterfaceId", n.Interface), wire.Str("privateIp", n.PrivateIP), wire.Bool("isPrimary", true), wire.Str("status", status)}
	if n.Connectivity == "public" {
		at = append(at, wire.Str("allocationId", n.Allocation), wire.Str("publicIp", n.PublicIP))
		if a, ok := c.st.addresses.get(n.Allocation); ok {
			at = append(at, wire.Str("associationId", a.associationID()))
		}
	}
	out := []wire.Node{wire.Str("natGatewayId", n.ID), wire.Str("vpcId", n.VPCID), wire.Str("subnetId", n.SubnetID), wire.Str("state", n.stateAt(c.now, c.t)),
		wire.Str("connectivityType", n.Connectivity), wire.Time("createTime", n.CreatedAt), wire.El("natGatewayAddressSet", wire.El("item", at...)), ec2Tags(n.Tags)}
	return append(out, wire.Optional(!n.DeletedAt.IsZero(), wire.Time("deleteTime", n.DeletedAt))...)
}
