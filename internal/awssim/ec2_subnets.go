package awssim

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

type subnet struct {
	ID         string
	VPCID      string
	Zone       string
	CIDR       string
	PublicIP   bool // mapPublicIpOnLaunch
	ByResource bool // host names by resource-name instead of ip-name
	ARecords   bool // resource name DNS A records
	Tags       tags
}

// maxSubnets per VPC.
const maxSubnets = 200

// reservedAddresses of every subnet: the first four and the last.
const reservedAddresses = 5

func describeSubnets(c *call) ([]wire.Node, error) {
	page, next, err := describe[subnet]{
		idParam: "SubnetId", rows: c.st.subnets.list(nil), missing: notFound("InvalidSubnetID.NotFound", "subnet"),
		id: func(r *subnet) string { return r.ID }, tags: func(r *subnet) tags { return r.Tags },
		attr: func(r *subnet, name string) ([]string, bool) {
			switch name {
			case "subnet-id":
				return one(r.ID)
			case "vpc-id":
				return one(r.VPCID)
			case "availability-zone", "availabilityZone":
				return one(r.Zone)
			case "availability-zone-id":
				return one(c.zoneID(r.Zone))
			case "cidr-block", "cidr", "cidrBlock":
				return one(r.CIDR)
			case "state":
				return one("available")
			case "default-for-az", "defaultForAz", "ipv6-native":
				return one("false")
			case "map-public-ip-on-launch":
				return one(boolText(r.PublicIP))
			case "owner-id":
				return one(c.account)
			}
			return nil, false
		},
		xml: c.subnetXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("subnetSet", "item", page, c.subnetXML)}, next...), nil
}

func (c *call) subnetXML(r *subnet) []wire.Node {
	return []wire.Node{wire.Str("subnetId", r.ID), wire.Str("subnetArn", c.arn("ec2", "subnet/"+r.ID)), wire.Str("state", "available"),
		wire.Str("ownerId", c.account), wire.Str("vpcId", r.VPCID), wire.Str("cidrBlock", r.CIDR),
		wire.Int("availableIpAddressCount", c.freeAddresses(r)), wire.Str("availabilityZone", r.Zone),
		wire.Str("availabilityZoneId", c.zoneID(r.Zone)), wire.Bool("defaultForAz", false),
		wire.Bool("mapPublicIpOnLaunch", r.PublicIP), wire.Bool("assignIpv6AddressOnCreation", false), wire.Bool("ipv6Native", false), wire.Node{Name: "ipv6CidrBlockAssociationSet"},
		wire.Bool("enableDns64", false), wire.Bool("mapCustomerOwnedIpOnLaunch", false), wire.El("privateDnsNameOptionsOnLaunch",
			wire.Str("hostnameType", hostnameType(r.ByResource)), wire.Bool("enableResourceNameDnsARecord", r.ARecords),
			wire.Bool("enableResourceNameDnsAAAARecord", false)), ec2Tags(r.Tags)}
}

func hostnameType(byResource bool) string {
	if byResource {
		return "resource-name"
	}
	return "ip-name"
}

func createSubnet(c *call) ([]wire.Node, error) {
	v, ok := found(c.Sim, c.st.vpcs, c.q.Str("VpcId"), c.now)
	if !ok {
		return nil, notFound("InvalidVpcID.NotFound", "vpc")(c.q.Str("VpcId"))
	}
	p, err := netip.ParsePrefix(c.q.Str("CidrBlock"))
	if err != nil || !p.Addr().Is4() || p.Bits() > 28 {
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid.", c.q.Str("CidrBlock"))
	}
	whole := prefix(v.CIDR)
	if p = p.Masked(); !whole.Contains(p.Addr()) || p.Bits() < whole.Bits() {
		return nil, wire.BadRequest("InvalidSubnet.Range", "The CIDR '%s' is invalid.", p)
	}
	if other := c.st.subnets.find(func(o *subnet) bool { return o.VPCID == v.ID && prefix(o.CIDR).Overlaps(p) }); other != nil {
		return nil, wire.BadRequest("InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", p)
	}
	if len(c.st.subnets.list(func(o *subnet) bool { return o.VPCID == v.ID })) >= maxSubnets {
		return nil, wire.BadRequest("SubnetLimitExceeded", "The maximum number of subnets has been reached.")
	}
	zone, err := c.subnetZone()
	if err != nil {
		return nil, err
	}
	t, err := c.tagSpecs("subnet")
	if err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	sn := &subnet{ID: ec2ID("subnet"), VPCID: v.ID, Zone: zone, CIDR: p.String(), Tags: t}
	if err := c.st.subnets.put(sn); err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("subnet", c.subnetXML(sn)...)}, nil
}

// subnetZone reads the zone by its name or its id; the first by default.
func (c *call) subnetZone() (string, error) {
	zones, zone := c.zones(), c.q.Str("AvailabilityZone")
	if id := c.q.Str("AvailabilityZoneId"); zone == "" && id != "" {
		zone = id
		if i := slices.IndexFunc(zones, func(z string) bool { return c.zoneID(z) == id }); i >= 0 {
			zone = zones[i]
		}
	}
	if zone == "" {
		zone = zones[0]
	}
	if !slices.Contains(zones, zone) {
		return "", wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %s.", zone, strings.Join(zones, ", "))
	}
	return zone, nil
}

// deleteSubnet refuses while an interface is in the subnet.
func deleteSubnet(c *call) ([]wire.Node, error) {
	sn, err := c.subnet(c.q.Str("SubnetId"))
	if err != nil {
		return nil, err
	}
	if c.st.interfaces.find(func(e *networkInterface) bool { return e.SubnetID == sn.ID }) != nil {
		return nil, wire.BadRequest("DependencyViolation", "The subnet '%s' has dependencies and cannot be deleted.", sn.ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, t := range c.st.routeTables.list(nil) {
		kept := slices.DeleteFunc(slices.Clone(t.Associations), func(a tableAssociation) bool { return a.SubnetID == sn.ID })
		if len(kept) == len(t.Associations) {
			continue
		}
		t.Associations = kept
		if err := c.st.routeTables.put(t); err != nil {
			return nil, err
		}
	}
	c.st.subnets.del(sn.ID)
	return returned(), nil
}

func (c *call) subnet(id string) (*subnet, error) {
	sn, ok := found(c.Sim, c.st.subnets, id, c.now)
	if !ok {
		return nil, notFound("InvalidSubnetID.NotFound", "subnet")(id)
	}
	return sn, nil
}

// modifySubnetAttribute changes one attribute at a time, as AWS does.
func modifySubnetAttribute(c *call) ([]wire.Node, error) {
	sn, err := c.subnet(c.q.Str("SubnetId"))
	if err != nil {
		return nil, err
	}
	public, records := c.q.Bool("MapPublicIpOnLaunch.Value", sn.PublicIP), c.q.Bool("EnableResourceNameDnsARecordOnLaunch.Value", sn.ARecords)
	named := c.q.Str("PrivateDnsHostnameTypeOnLaunch")
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	switch named {
	case "":
	case "ip-name", "resource-name":
		sn.ByResource = named == "resource-name"
	default:
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter privateDnsHostnameTypeOnLaunch is invalid.", named)
	}
	for _, name := range []string{"AssignIpv6AddressOnCreation", "EnableDns64", "EnableResourceNameDnsAAAARecordOnLaunch", "MapCustomerOwnedIpOnLaunch"} {
		if c.q.Bool(name+".Value", false) {
			return nil, wire.BadRequest("InvalidParameterValue", "Invalid value 'true' for %s. The subnet '%s' does not have an IPv6 CIDR block or a customer-owned pool.", name, sn.ID)
		}
	}
	sn.PublicIP, sn.ARecords = public, records
	return returned(), c.st.subnets.put(sn)
}

func (s *Sim) usedAddresses(subnetID string) map[string]bool {
	used := map[string]bool{}
	for _, e := range s.st.interfaces.list(func(e *networkInterface) bool { return e.SubnetID == subnetID }) {
		used[e.IP] = true
	}
	return used
}

func (s *Sim) freeAddresses(r *subnet) int {
	bits := prefix(r.CIDR).Bits()
	return 1<<(32-bits) - reservedAddresses - len(s.usedAddresses(r.ID))
}

// nextAddress returns the lowest free address of a subnet.
func (s *Sim) nextAddress(r *subnet) (string, error) {
	p, used := prefix(r.CIDR), s.usedAddresses(r.ID)
	first := binary.BigEndian.Uint32(p.Addr().AsSlice())
	for i := uint32(4); i < 1<<(32-p.Bits())-1; i++ {
		var raw [4]byte
		binary.BigEndian.PutUint32(raw[:], first+i)
		if ip := netip.AddrFrom4(raw).String(); !used[ip] {
			return ip, nil
		}
	}
	return "", wire.BadRequest("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", r.ID)
}

// freeAddress checks an address that a launch asks for.
func (s *Sim) freeAddress(r *subnet, ip string) error {
	a, err := netip.ParseAddr(ip)
	p := prefix(r.CIDR)
	if err != nil || !p.Contains(a) {
		return wire.BadRequest("InvalidParameterValue", "Address %s does not fall within the subnet's address range", ip)
	}
	if s.usedAddresses(r.ID)[ip] {
		return wire.BadRequest("InvalidIPAddress.InUse", "Address %s is in use.", ip)
	}
	first, raw := binary.BigEndian.Uint32(p.Addr().AsSlice()), binary.BigEndian.Uint32(a.AsSlice())
	if n := raw - first; n < 4 || n == 1<<(32-p.Bits())-1 {
		return wire.BadRequest("InvalidParameterValue", "Address %s is in subnet's reserved address range", ip)
	}
	return nil
}

// prefix reads a range that was checked when it came in or was loaded.
func prefix(cidr string) netip.Prefix {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 32)
	}
	return p
}
