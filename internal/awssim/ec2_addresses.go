package awssim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// address is an Elastic IP: one of 203.0.113.0/24, which leads nowhere.
type address struct {
	ID        string
	IP        string
	NAT       string // that holds it, "" = none
	Instance  string // that holds it, "" = none
	Interface string // of the one or the other, "" = free
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
	if a.Interface == "" {
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
	if a.Interface != "" {
		return nil, wire.BadRequest("InvalidIPAddress.InUse", "Address %s is in use.", a.IP)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	c.st.addresses.del(a.ID)
	return returned(), nil
}

// associateAddress gives an instance, or its interface, an address that leads
// nowhere. The one that it had before is free then.
func associateAddress(c *call) ([]wire.Node, error) {
	a, err := c.address(c.q.Str("AllocationId"))
	if err != nil {
		return nil, err
	}
	e, err := c.associable()
	if err != nil {
		return nil, err
	}
	switch {
	case a.NAT != "" || a.Interface != "" && a.Interface != e.ID && !c.q.Bool("AllowReassociation", true):
		return nil, wire.BadRequest("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", a.ID, a.associationID())
	case c.st.gateways.find(func(g *internetGateway) bool { return g.VPCID == e.VPCID }) == nil:
		return nil, wire.BadRequest("Gateway.NotAttached", "Network %s is not attached to any internet gateway", e.VPCID)
	}
	if err := cmp.Or(c.q.Err(), c.dryRun()); err != nil {
		return nil, err
	}
	if old := c.addressOf(e.ID); old != nil && old != a {
		if err := c.free(old); err != nil {
			return nil, err
		}
	}
	a.Instance, a.Interface, a.PrivateIP = e.instanceID(), e.ID, e.IP
	return append(returned(), wire.Str("associationId", a.associationID())), c.st.addresses.put(a)
}

// associable is the interface that a call names, itself or by its instance.
func (c *call) associable() (*networkInterface, error) {
	if id := c.q.Str("NetworkInterfaceId"); id != "" {
		e, ok := found(c.Sim, c.st.interfaces, id, c.now)
		switch {
		case !ok || e.goneAt(c.now):
			return nil, notFound("InvalidNetworkInterfaceID.NotFound", "networkInterface")(id)
		case e.RequesterID != "":
			return nil, wire.BadRequest("OperationNotPermitted", "You are not allowed to manage the network interface '%s': %s does.", id, e.RequesterID)
		}
		return e, nil
	}
	id := c.q.Str("InstanceId")
	if id == "" {
		return nil, wire.BadRequest("MissingParameter", "Either InstanceId or NetworkInterfaceId must be specified")
	}
	i, err := c.instance(id)
	if err != nil {
		return nil, err
	}
	own := c.interfacesOf(i.ID)
	if state := i.stateAt(c.now, c.t).name; len(own) == 0 || state != "running" && state != "stopped" {
		return nil, wire.BadRequest("InvalidInstanceID", "The instance '%s' is not in a valid state for this operation.", id)
	}
	return own[0], nil
}

// disassociateAddress takes an address off an instance. NAT gateways hold theirs
// to their end.
func disassociateAddress(c *call) ([]wire.Node, error) {
	id := c.q.Str("AssociationId")
	a := c.st.addresses.find(func(a *address) bool { return a.Interface != "" && a.associationID() == id })
	switch {
	case a == nil:
		return nil, wire.BadRequest("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
	case a.NAT != "":
		return nil, wire.BadRequest("OperationNotPermitted", "You are not allowed to manage the association %s: a NAT gateway holds it.", id)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	return returned(), c.free(a)
}

// addressOf is the address of an interface of an instance's; nil = it has none.
func (s *Sim) addressOf(interfaceID string) *address {
	for _, a := range s.st.addresses.rows {
		if a.Interface == interfaceID && a.NAT == "" {
			return a
		}
	}
	return nil
}

func (s *Sim) free(a *address) error {
	a.NAT, a.Instance, a.Interface, a.PrivateIP = "", "", "", ""
	return s.st.addresses.put(a)
}

// sweepAddresses gives back the addresses of NAT gateways and interfaces that
// are gone.
func (s *Sim) sweepAddresses(now time.Time) error {
	for _, a := range s.st.addresses.list(func(a *address) bool { return a.Interface != "" }) {
		e, ok := s.st.interfaces.get(a.Interface)
		held := ok && !e.goneAt(now) && e.instanceID() == a.Instance
		if a.NAT != "" {
			n, ok := s.st.nats.get(a.NAT)
			held = ok && n.stateAt(now, s.t) != "deleted"
		}
		if held {
			continue
		}
		if err := s.free(a); err != nil {
			return err
		}
	}
	return nil
}

// publicName is the host name of an address of the internet's.
func (s *Sim) publicName(ip string) string {
	domain := s.region + ".compute.amazonaws.com"
	if s.region == "us-east-1" {
		domain = "compute-1.amazonaws.com"
	}
	return "ec2-" + strings.ReplaceAll(ip, ".", "-") + "." + domain
}

func (c *call) associationXML(a *address) wire.Node {
	return wire.El("association", wire.Str("publicIp", a.IP), wire.Str("publicDnsName", c.publicName(a.IP)), wire.Str("ipOwnerId", c.account),
		wire.Str("allocationId", a.ID), wire.Str("associationId", a.associationID()))
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
		xml: c.addressXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("addressesSet", "item", page, c.addressXML)}, nil
}

func (c *call) addressXML(a *address) []wire.Node {
	out := []wire.Node{wire.Str("allocationId", a.ID), wire.Str("publicIp", a.IP), wire.Str("domain", "vpc"),
		wire.Str("publicIpv4Pool", "amazon"), wire.Str("networkBorderGroup", c.region), ec2Tags(a.Tags)}
	if a.Interface == "" {
		return out
	}
	out = append(out, wire.Optional(a.Instance != "", wire.Str("instanceId", a.Instance))...)
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
