package awssim

import (
	"fmt"
	"slices"
	"time"

	"drawbridge/internal/awssim/wire"
)

// address is an Elastic IP: one of 203.0.113.0/24, which leads nowhere.
type address struct {
	ID        string
	IP        string
	NAT       string // that holds it, "" = free
	Interface string // of the NAT gateway
	PrivateIP string
	Tags      tags
}

// maxAddresses per region.
const maxAddresses = 5

func missingAllocation(id string) error {
	return wire.BadRequest("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", id)
}

func (c *call) address(id string) (*address, error) {
	a, ok := found(c.Sim, c.st.addresses, id, c.now)
	if !ok {
		return nil, missingAllocation(id)
	}
	return a, nil
}

func (a *address) associationID() string {
	if a.NAT == "" {
		return ""
	}
	return "eipassoc" + a.Interface[len("eni"):]
}

func allocateAddress(c *call) ([]wire.Node, error) {
	if d := c.q.Str("Domain"); d != "" && d != "vpc" {
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter domain is invalid. This simulator has addresses of the domain vpc.", d)
	}
	t, err := c.tagSpecs("elastic-ip")
	if err != nil {
		return nil, err
	}
	if len(c.st.addresses.rows) >= maxAddresses {
		return nil, wire.BadRequest("AddressLimitExceeded", "The maximum number of addresses has been reached.")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	a := &address{ID: ec2ID("eipalloc"), IP: c.freePublicIP(), Tags: t}
	return []wire.Node{wire.Str("allocationId", a.ID), wire.Str("publicIp", a.IP), wire.Str("domain", "vpc"),
		wire.Str("publicIpv4Pool", "amazon"), wire.Str("networkBorderGroup", c.region)}, c.st.addresses.put(a)
}

// freePublicIP finds one: there are far more than maxAddresses.
func (s *Sim) freePublicIP() string {
	for n := 1; ; n++ {
		ip := fmt.Sprintf("203.0.113.%d", n)
		if s.st.addresses.find(func(a *address) bool { return a.IP == ip }) == nil {
			return ip
		}
	}
}

func releaseAddress(c *call) ([]wire.Node, error) {
	a, err := c.address(c.q.Str("AllocationId"))
	if err != nil {
		return nil, err
	}
	if a.NAT != "" {
		return nil, wire.BadRequest("InvalidIPAddress.InUse", "Address %s is in use.", a.IP)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	c.st.addresses.del(a.ID)
	return returned(), nil
}

// disassociateAddress refuses: only NAT gateways hold addresses here, and those
// hold them to their end.
func disassociateAddress(c *call) ([]wire.Node, error) {
	id := c.q.Str("AssociationId")
	if c.st.addresses.find(func(a *address) bool { return a.NAT != "" && a.associationID() == id }) == nil {
		return nil, wire.BadRequest("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
	}
	return nil, wire.BadRequest("OperationNotPermitted", "You are not allowed to manage the association %s: a NAT gateway holds it.", id)
}

// freeAddressesOfNATs gives back the addresses of NAT gateways that are gone.
func (s *Sim) freeAddressesOfNATs(now time.Time) error {
	for _, a := range s.st.addresses.list(func(a *address) bool { return a.NAT != "" }) {
		if n, ok := s.st.nats.get(a.NAT); ok && n.stateAt(now, s.t) != "deleted" {
			continue
		}
		a.NAT, a.Interface, a.PrivateIP = "", "", ""
		if err := s.st.addresses.put(a); err != nil {
			return err
		}
	}
	return nil
}

func describeAddresses(c *call) ([]wire.Node, error) {
	ips := c.q.List("PublicIp")
	rows := c.st.addresses.list(func(a *address) bool { return len(ips) == 0 || slices.Contains(ips, a.IP) })
	if len(rows) < len(ips) {
		return nil, wire.BadRequest("InvalidAddress.NotFound", "One of the addresses %v was not found.", ips)
	}
	page, _, err := describe[address]{
		idParam: "AllocationId", rows: rows, missing: missingAllocation,
		id: func(r *address) string { return r.ID }, tags: func(r *address) tags { return r.Tags },
		attr: func(r *address, name string) ([]string, bool) {
			switch name {
			case "allocation-id":
				return one(r.ID)
			case "association-id":
				return one(r.associationID())
			case "domain":
				return one("vpc")
			case "public-ip":
				return one(r.IP)
			case "network-interface-id":
				return one(r.Interface)
			case "private-ip-address":
				return one(r.PrivateIP)
			case "instance-id":
				return nil, true
			}
			return nil, false
		},
	}.run(c)
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("addressesSet", "item", page, c.addressXML)}, nil
}

func (c *call) addressXML(a *address) []wire.Node {
	out := []wire.Node{wire.Str("allocationId", a.ID), wire.Str("publicIp", a.IP), wire.Str("domain", "vpc"),
		wire.Str("publicIpv4Pool", "amazon"), wire.Str("networkBorderGroup", c.region), ec2Tags(a.Tags)}
	if a.NAT == "" {
		return out
	}
	return append(out, wire.Str("associationId", a.associationID()), wire.Str("networkInterfaceId", a.Interface),
		wire.Str("networkInterfaceOwnerId", c.account), wire.Str("privateIpAddress", a.PrivateIP))
}

// describeAddressesAttribute knows of no reverse names: none can be set.
func describeAddressesAttribute(c *call) ([]wire.Node, error) {
	for _, id := range c.q.List("AllocationId") {
		if _, err := c.address(id); err != nil {
			return nil, err
		}
	}
	return []wire.Node{{Name: "addressSet"}}, nil
}
