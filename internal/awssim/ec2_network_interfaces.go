package awssim

import (
	"errors"
	"slices"
	"time"

	"drawbridge/internal/awssim/wire"
)

// networkInterface holds an address and security groups of an instance, a load
// balancer or a VPC link, and may outlive it.
type networkInterface struct {
	ID            string
	SubnetID      string
	VPCID         string
	Zone          string
	IP            string
	Groups        []string
	Description   string
	Type          string // "interface" or "api_gateway_managed"
	RequesterID   string // "" = made for an instance
	AttachedOwner string
	Owner         string // instance id, load balancer ARN or VPC link id
	AttachedAt    time.Time
	ReleaseAt     time.Time // zero = lives as long as its owner
	Keep          bool      // outlives its instance
	Tags          tags
}

func (e *networkInterface) goneAt(now time.Time) bool {
	return !e.ReleaseAt.IsZero() && !now.Before(e.ReleaseAt)
}

// interfaceSpec is what differs between the kinds of interfaces.
type interfaceSpec struct {
	owner, description, kind, requester, attachedOwner string
	ip                                                 string // "" = the next free one
	keep                                               bool
	groups                                             []string
	tags                                               tags
}

// addInterface gives owner an interface with the next address of a subnet.
func (s *Sim) addInterface(in *subnet, spec interfaceSpec) (*networkInterface, error) {
	ip := spec.ip
	if ip == "" {
		var err error
		if ip, err = s.nextAddress(in); err != nil {
			return nil, err
		}
	}
	e := &networkInterface{ID: ec2ID("eni"), AttachedAt: s.now(), SubnetID: in.ID, VPCID: in.VPCID, Zone: in.Zone, IP: ip, Groups: slices.Clone(spec.groups),
		Description: spec.description, Type: spec.kind, RequesterID: spec.requester, AttachedOwner: spec.attachedOwner,
		Owner: spec.owner, Keep: spec.keep, Tags: spec.tags}
	return e, s.st.interfaces.put(e)
}

// interfacesOf returns the interfaces of an instance, load balancer or link.
func (s *Sim) interfacesOf(owner string) []*networkInterface {
	return s.st.interfaces.list(func(e *networkInterface) bool { return e.Owner == owner })
}

// releaseInterfaces lets the interfaces of owner go at a moment.
func (s *Sim) releaseInterfaces(owner string, at time.Time) error {
	for _, e := range s.interfacesOf(owner) {
		if e.Keep {
			continue
		}
		e.ReleaseAt = at
		if err := s.st.interfaces.put(e); err != nil {
			return err
		}
	}
	return nil
}

// sweep forgets what has been gone for long enough.
func (s *Sim) sweep(now time.Time) error {
	for _, e := range s.st.interfaces.list(func(e *networkInterface) bool { return e.goneAt(now) }) {
		s.st.interfaces.del(e.ID)
	}
	for _, i := range s.st.instances.list(func(i *instance) bool { return i.forgottenAt(now, s.t) }) {
		s.st.instances.del(i.ID)
	}
	for _, l := range s.st.links.list(func(l *vpcLink) bool { return l.goneAt(now, s.t) }) {
		s.st.links.del(l.ID)
	}
	for _, n := range s.st.nats.list(func(n *natGateway) bool { return n.forgottenAt(now, s.t) }) {
		s.st.nats.del(n.ID)
	}
	for _, e := range s.st.endpoints.list(func(e *vpcEndpoint) bool { return e.goneAt(now) }) {
		s.st.endpoints.del(e.ID)
	}
	if err := errors.Join(s.sweepVolumes(now), s.sweepInterfaces(now), s.sweepAddresses(now)); err != nil {
		return err
	}
	s.sleepLinks(now)
	return s.dropDrained(now)
}

func describeNetworkInterfaces(c *call) ([]wire.Node, error) {
	page, next, err := describe[networkInterface]{
		idParam: "NetworkInterfaceId", rows: c.st.interfaces.list(nil),
		missing: notFound("InvalidNetworkInterfaceID.NotFound", "networkInterface"),
		id:      func(r *networkInterface) string { return r.ID }, tags: func(r *networkInterface) tags { return r.Tags },
		attr: c.interfaceAttr,
		xml:  c.interfaceXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("networkInterfaceSet", "item", page, c.interfaceXML)}, next...), nil
}

// sweepInterfaces takes those that outlive their instance off it.
func (s *Sim) sweepInterfaces(now time.Time) error {
	left := func(e *networkInterface) bool {
		i, ok := s.st.instances.get(e.Owner)
		return e.Keep && e.Owner != "" && (!ok || i.stateAt(now, s.t).name == "terminated")
	}
	for _, e := range s.st.interfaces.list(left) {
		e.Owner, e.AttachedOwner = "", ""
		if err := s.st.interfaces.put(e); err != nil {
			return err
		}
	}
	return nil
}

// deleteNetworkInterface takes one that nothing uses.
func deleteNetworkInterface(c *call) ([]wire.Node, error) {
	id := c.q.Str("NetworkInterfaceId")
	r, ok := found(c.Sim, c.st.interfaces, id, c.now)
	switch {
	case !ok:
		return nil, notFound("InvalidNetworkInterfaceID.NotFound", "networkInterface")(id)
	case r.RequesterID != "":
		return nil, wire.BadRequest("OperationNotPermitted", "You are not allowed to manage the network interface '%s': %s does.", id, r.RequesterID)
	case r.status() == "in-use":
		return nil, wire.BadRequest("InvalidParameterValue", "Network interface '%s' is currently in use.", id)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	c.st.interfaces.del(id)
	return returned(), nil
}

func (c *call) interfaceAttr(r *networkInterface, name string) ([]string, bool) {
	switch name {
	case "network-interface-id":
		return one(r.ID)
	case "subnet-id":
		return one(r.SubnetID)
	case "vpc-id":
		return one(r.VPCID)
	case "availability-zone":
		return one(r.Zone)
	case "group-id":
		return r.Groups, true
	case "group-name":
		var names []string
		for _, id := range r.Groups {
			if g, ok := c.st.groups.get(id); ok {
				names = append(names, g.Name)
			}
		}
		return names, true
	case "description":
		return one(r.Description)
	case "interface-type":
		return one(r.Type)
	case "requester-id":
		return one(r.RequesterID)
	case "requester-managed":
		return one(boolText(r.RequesterID != ""))
	case "attachment.instance-owner-id":
		return one(r.AttachedOwner)
	case "attachment.instance-id":
		return one(r.instanceID())
	case "status":
		return one(r.status())
	case "private-ip-address", "addresses.private-ip-address":
		return one(r.IP)
	}
	return nil, false
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (e *networkInterface) instanceID() string {
	if e.RequesterID == "" {
		return e.Owner
	}
	return ""
}

// status is "available" once the owner has let go.
func (e *networkInterface) status() string {
	if e.Owner == "" || !e.ReleaseAt.IsZero() && e.RequesterID != "" {
		return "available"
	}
	return "in-use"
}

func (c *call) interfaceXML(r *networkInterface) []wire.Node {
	out := []wire.Node{wire.Str("networkInterfaceId", r.ID), wire.Str("subnetId", r.SubnetID), wire.Str("vpcId", r.VPCID),
		wire.Str("availabilityZone", r.Zone), wire.Str("description", r.Description), wire.Str("ownerId", c.account),
		wire.Bool("requesterManaged", r.RequesterID != ""), wire.Str("status", r.status()),
		wire.Str("privateIpAddress", r.IP), wire.Str("privateDnsName", c.privateName(r.IP)), wire.Bool("sourceDestCheck", true),
		wire.Str("macAddress", r.mac()), wire.Node{Name: "ipv6AddressesSet"},
		wire.El("privateIpAddressesSet", wire.El("item", wire.Str("privateIpAddress", r.IP), wire.Str("privateDnsName", c.privateName(r.IP)), wire.Bool("primary", true))),
		wire.Str("interfaceType", r.Type), c.groupSet(r.Groups), ec2Tags(r.Tags)}
	if r.RequesterID != "" {
		out = append(out, wire.Str("requesterId", r.RequesterID))
	}
	if a := c.addressOf(r.ID); a != nil {
		out = append(out, c.associationXML(a))
	}
	if r.status() == "in-use" {
		out = append(out, wire.El("attachment", append([]wire.Node{wire.Str("attachmentId", "eni-attach"+r.ID[3:]), wire.Int("deviceIndex", 0),
			wire.Int("networkCardIndex", 0), wire.Time("attachTime", r.AttachedAt), wire.Str("instanceOwnerId", r.AttachedOwner), wire.Str("status", "attached"), wire.Bool("deleteOnTermination", !r.Keep)},
			wire.Optional(r.instanceID() != "", wire.Str("instanceId", r.instanceID()))...)...))
	}
	return out
}

// mac makes an address out of the id.
func (e *networkInterface) mac() string {
	d := e.ID[len(e.ID)-10:]
	return "06:" + d[:2] + ":" + d[2:4] + ":" + d[4:6] + ":" + d[6:8] + ":" + d[8:]
}

func (c *call) groupSet(ids []string) wire.Node {
	return wire.List("groupSet", "item", ids, func(id string) []wire.Node {
		name := ""
		if g, ok := c.st.groups.get(id); ok {
			name = g.Name
		}
		return []wire.Node{wire.Str("groupId", id), wire.Str("groupName", name)}
	})
}
