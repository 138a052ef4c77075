package awssim

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

const (
	maxUserData        = 16 << 10
	maxInterfaceGroups = 5
	maxLaunch          = 100 // instances in one call
)

var imageID = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)

// runInstances launches instances, or answers with those that the same client
// token launched before.
func runInstances(c *call) ([]wire.Node, error) {
	proto, err := c.launchSpec()
	if err != nil {
		return nil, err
	}
	volumes, err := c.launchVolumes(proto.Zone)
	if err != nil {
		return nil, err
	}
	nic, err := c.launchInterface(proto)
	if err != nil {
		return nil, err
	}
	low, high := c.q.Int("MinCount", 1), c.q.Int("MaxCount", 1)
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	if low < 1 || high < low || high > maxLaunch {
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%d) for parameter maxCount is invalid.", high)
	}
	if nic.ip != "" && high > 1 {
		return nil, wire.BadRequest("InvalidParameterCombination", "A private IP address can be given to one instance only.")
	}
	volumeTags, err := c.tagSpecs("volume")
	if err != nil {
		return nil, err
	}
	proto.Fingerprint = fingerprint(proto, low, high, volumes, volumeTags, nic.ip, nic.keep)
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	if again, err := c.launchedBefore(proto); again != nil || err != nil {
		return again, err
	}
	if err := c.capacity(proto.Zone, proto.Type); err != nil {
		return nil, err
	}
	sn, _ := c.st.subnets.get(proto.SubnetID)
	if free := c.freeAddresses(sn); free < low {
		return nil, wire.BadRequest("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", sn.ID)
	}
	room, err := c.vcpuQuota(proto.Type, low)
	if err != nil {
		return nil, err
	}
	var launched []*instance
	for n := range min(high, room, c.freeAddresses(sn)) {
		i := *proto
		i.ID, i.LaunchIndex, i.LaunchedAt = ec2ID("i"), n, c.now
		i.Tags = merged(proto.Tags, nil)
		if err := c.addInstance(&i, sn, nic); err != nil {
			return nil, err
		}
		if err := c.addVolumes(&i, volumes, volumeTags); err != nil {
			return nil, err
		}
		launched = append(launched, &i)
	}
	return c.reservationXML(launched), nil
}

// launchInterface is the interface of each instance of a launch.
func (c *call) launchInterface(i *instance) (interfaceSpec, error) {
	spec := interfaceSpec{kind: "interface", attachedOwner: c.account, groups: i.Groups, ip: c.q.Str("PrivateIpAddress")}
	if nics := c.q.Structs("NetworkInterface"); len(nics) > 0 {
		spec.description, spec.keep = nics[0].Str("Description"), !nics[0].Bool("DeleteOnTermination", true)
		spec.ip = cmp.Or(nics[0].Str("PrivateIpAddress"), spec.ip)
	}
	if spec.ip != "" {
		sn, _ := c.st.subnets.get(i.SubnetID)
		if err := c.freeAddress(sn, spec.ip); err != nil {
			return spec, err
		}
	}
	var err error
	spec.tags, err = c.tagSpecs("network-interface")
	return spec, err
}

// addInstance gives i its interface and stores it.
func (s *Sim) addInstance(i *instance, sn *subnet, nic interfaceSpec) error {
	nic.owner, nic.tags = i.ID, merged(nic.tags, nil)
	e, err := s.addInterface(sn, nic)
	if err != nil {
		return err
	}
	i.IP = e.IP
	return s.st.instances.put(i)
}

// launchSpec checks a launch and returns what the instances have in common.
func (c *call) launchSpec() (*instance, error) {
	template, version, err := c.useTemplate()
	if err != nil {
		return nil, err
	}
	img, kind, err := c.launchImage()
	if err != nil {
		return nil, err
	}
	sn, groups, err := c.launchNetwork()
	if err != nil {
		return nil, err
	}
	data, err := c.launchUserData()
	if err != nil {
		return nil, err
	}
	t, err := c.tagSpecs("instance")
	if err != nil {
		return nil, err
	}
	i := &instance{ReservationID: ec2ID("r"), ImageID: img.id, Arch: img.arch, Type: kind.name, SubnetID: sn.ID, VPCID: sn.VPCID, Zone: sn.Zone,
		Groups: groups, UserData: data, OneBoot: oneBoot(data), HTTPTokens: "required", HopLimit: c.q.Int("MetadataOptions.HttpPutResponseHopLimit", 2),
		ClientToken: c.q.Str("ClientToken"), Tags: t, Template: template, TemplateVersion: version}
	if tokens := c.q.Str("MetadataOptions.HttpTokens"); tokens != "" {
		i.HTTPTokens = tokens
	}
	if len(i.ClientToken) > 64 {
		return nil, wire.BadRequest("InvalidParameterValue", "Client token is too long, it must be at most 64 ASCII characters.")
	}
	if err := c.launchRefused(i); err != nil {
		return nil, err
	}
	if i.Profile, err = c.launchProfile(); err != nil {
		return nil, err
	}
	return i, c.readLaunchAttributes(i)
}

// launchRefused says what a launch asks for that there is not.
func (c *call) launchRefused(i *instance) error {
	if key := c.q.Str("KeyName"); key != "" {
		return wire.BadRequest("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", key)
	}
	if zone := c.q.Str("Placement.AvailabilityZone"); zone != "" && zone != i.Zone {
		return wire.BadRequest("InvalidParameterValue", "The subnet %s is in the Availability Zone %s, not in %s.", i.SubnetID, i.Zone, zone)
	}
	if kind := c.q.Str("InstanceMarketOptions.MarketType"); kind != "" {
		return wire.BadRequest("Unsupported", "This simulator has On-Demand Instances, none of the market %s.", kind)
	}
	return nil
}

func (c *call) launchImage() (*image, *instanceType, error) {
	id := c.q.Str("ImageId")
	if name, ok := strings.CutPrefix(id, "resolve:ssm:"); ok {
		if id, ok = imageParameter(name); !ok {
			return nil, nil, wire.BadRequest("InvalidParameterValue", "The parameter '%s' could not be resolved to an image.", name)
		}
	}
	switch {
	case id == "":
		return nil, nil, wire.BadRequest("MissingParameter", "The request must contain the parameter ImageId")
	case !imageID.MatchString(id):
		return nil, nil, wire.BadRequest("InvalidAMIID.Malformed", "Invalid id: \"%s\" (expecting \"ami-...\")", id)
	}
	img := findImage(id)
	if img == nil {
		return nil, nil, missingImage(id)
	}
	name := c.q.Str("InstanceType")
	if name == "" {
		name = "m5.large"
	}
	t, err := findInstanceType(name)
	if err != nil {
		return nil, nil, err
	}
	if t.arch != img.arch {
		return nil, nil, wire.BadRequest("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.", t.arch, img.arch)
	}
	return img, t, nil
}

func (c *call) launchNetwork() (*subnet, []string, error) {
	id, groups := c.q.Str("SubnetId"), c.q.List("SecurityGroupId")
	if nics := c.q.Structs("NetworkInterface"); len(nics) > 0 {
		switch {
		case id != "":
			return nil, nil, wire.BadRequest("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID may not be specified on the same request")
		case len(groups) > 0:
			return nil, nil, wire.BadRequest("InvalidParameterCombination", "Network interfaces and an instance-level security groups may not be specified on the same request")
		case len(nics) > 1 || nics[0].Str("NetworkInterfaceId") != "":
			return nil, nil, wire.BadRequest("Unsupported", "This simulator gives each instance one new network interface.")
		}
		id, groups = nics[0].Str("SubnetId"), nics[0].List("SecurityGroupId")
	}
	if id == "" {
		return nil, nil, wire.BadRequest("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
	}
	sn, ok := found(c.Sim, c.st.subnets, id, c.now)
	if !ok {
		return nil, nil, notFound("InvalidSubnetID.NotFound", "subnet")(id)
	}
	groups, err := c.groupsIn(sn.VPCID, groups)
	return sn, groups, err
}

// groupsIn checks that groups belong to a VPC; none means its default group.
func (c *call) groupsIn(vpcID string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		if g := c.st.groups.find(func(g *securityGroup) bool { return g.VPCID == vpcID && g.Name == "default" }); g != nil {
			return []string{g.ID}, nil
		}
	}
	if len(ids) > maxInterfaceGroups {
		return nil, wire.BadRequest("SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached.")
	}
	for _, id := range ids {
		g, err := c.group(id)
		if err != nil {
			return nil, err
		}
		if g.VPCID != vpcID {
			return nil, wire.BadRequest("InvalidParameter", "Security group %s and subnet belong to different networks.", id)
		}
	}
	return slices.Clone(ids), nil
}

func (c *call) launchUserData() (string, error) { return decodeUserData(c.q.Str("UserData")) }

func decodeUserData(text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", wire.BadRequest("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	}
	if len(raw) > maxUserData {
		return "", wire.BadRequest("InvalidParameterValue", "User data is limited to 16384 bytes")
	}
	return string(raw), nil
}

// fingerprint tells two requests of one client token apart. Ids that are made
// up for each request are no part of it.
func fingerprint(i *instance, more ...any) string {
	same := *i
	same.ReservationID = ""
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v %+v", more, same))
	return hex.EncodeToString(sum[:])
}

func (c *call) launchedBefore(proto *instance) ([]wire.Node, error) {
	if proto.ClientToken == "" {
		return nil, nil
	}
	old := c.st.instances.list(func(i *instance) bool { return i.ClientToken == proto.ClientToken })
	if len(old) == 0 {
		return nil, nil
	}
	if old[0].Fingerprint != proto.Fingerprint {
		return nil, wire.BadRequest("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	slices.SortFunc(old, func(a, b *instance) int { return a.LaunchIndex - b.LaunchIndex })
	return c.reservationXML(old), nil
}
