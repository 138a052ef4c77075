package awssim

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"drawbridge/internal/awssim/wire"
)

type vpc struct {
	ID           string
	CIDR         string
	NoDNS        bool // enableDnsSupport was turned off
	DNSHostnames bool
	UsageMetrics bool
	Tags         tags
}

// maxVPCs per region.
const maxVPCs = 5

// zones of the region: as in Tokyo, where the article's chain stands, or the first three.
func (s *Sim) zones() []string {
	if switched := s.switchedZones(); switched != nil {
		return slices.Sorted(maps.Keys(switched))
	}
	letters := "abc"
	if s.region == "ap-northeast-1" {
		letters = "acd"
	}
	var out []string
	for _, l := range letters {
		out = append(out, s.region+string(l))
	}
	return out
}

// zoneID gives the id that is the same in every account, as apne1-az4.
func (s *Sim) zoneID(zone string) string {
	if id, ok := s.switchedZones()[zone]; ok {
		return id
	}
	parts := strings.Split(s.region, "-")
	short := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c", "gov", "g")
	id := parts[0]
	for _, p := range parts[1:] {
		id += short.Replace(p)
	}
	if s.region == "ap-northeast-1" {
		return id + "-az" + map[string]string{"a": "4", "c": "1", "d": "2"}[zone[len(zone)-1:]]
	}
	return id + "-az" + strconv.Itoa(slices.Index(s.zones(), zone)+1)
}

func describeVpcs(c *call) ([]wire.Node, error) {
	page, next, err := describe[vpc]{
		idParam: "VpcId", rows: c.st.vpcs.list(nil), missing: notFound("InvalidVpcID.NotFound", "vpc"),
		id: func(r *vpc) string { return r.ID }, tags: func(r *vpc) tags { return r.Tags },
		xml: c.vpcXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("vpcSet", "item", page, c.vpcXML)}, next...), nil
}

func (c *call) vpcXML(r *vpc) []wire.Node {
	return []wire.Node{wire.Str("vpcId", r.ID), wire.Str("ownerId", c.account), wire.Str("state", "available"),
		wire.Str("cidrBlock", r.CIDR), wire.Str("instanceTenancy", "default"), wire.Bool("isDefault", false),
		wire.Str("dhcpOptionsId", "dopt"+strings.TrimPrefix(seedVPC, "vpc")), wire.Node{Name: "ipv6CidrBlockAssociationSet"},
		wire.El("cidrBlockAssociationSet", wire.El("item", wire.Str("associationId", "vpc-cidr-assoc"+strings.TrimPrefix(r.ID, "vpc")), wire.Str("cidrBlock", r.CIDR),
			wire.El("cidrBlockState", wire.Str("state", "associated")))), ec2Tags(r.Tags)}
}

func (s *Sim) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + s.region + ":" + s.account + ":" + resource
}

func createVpc(c *call) ([]wire.Node, error) {
	p, err := netip.ParsePrefix(c.q.Str("CidrBlock"))
	if err != nil || !p.Addr().Is4() || p.Bits() < 16 || p.Bits() > 28 {
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block of /16 to /28.", c.q.Str("CidrBlock"))
	}
	t, err := c.tagSpecs("vpc")
	if err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	if len(c.st.vpcs.rows) >= maxVPCs {
		return nil, wire.BadRequest("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
	}
	v := &vpc{ID: ec2ID("vpc"), CIDR: p.Masked().String(), Tags: t}
	if err := c.addVPC(v, ec2ID("sg"), ec2ID("rtb"), ""); err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("vpc", c.vpcXML(v)...)}, nil
}

// addVPC stores a VPC with what AWS makes along with it.
func (s *Sim) addVPC(v *vpc, groupID, routeTableID, natID string) error {
	if err := s.st.vpcs.put(v); err != nil {
		return err
	}
	main := &routeTable{ID: routeTableID, VPCID: v.ID, VPCNet: v.CIDR,
		Associations: []tableAssociation{{ID: "rtbassoc" + strings.TrimPrefix(routeTableID, "rtb"), Main: true}}}
	if natID != "" {
		main.Routes = []tableRoute{{CIDR: "0.0.0.0/0", NAT: natID}}
	}
	if err := s.st.routeTables.put(main); err != nil {
		return err
	}
	g := &securityGroup{ID: groupID, Name: "default", Description: "default VPC security group", VPCID: v.ID}
	if err := s.addGroup(g); err != nil {
		return err
	}
	// The default group lets its own members in.
	return s.st.rules.put(&groupRule{ID: "sgr" + strings.TrimPrefix(groupID, "sg"), GroupID: g.ID, Protocol: "-1", From: -1, To: -1, RefGroup: g.ID})
}
