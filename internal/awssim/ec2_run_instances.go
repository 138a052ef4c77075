package awssim

import (
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
	low, high := c.q.Int("MinCount", 1), c.q.Int("MaxCount", 1)
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	if low < 1 || high < low || high > maxLaunch {
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%d) for parameter maxCount is invalid.", high)
	}
	nicTags, err := c.tagSpecs("network-interface")
	if err != nil {
		return nil, err
	}
	proto.Fingerprint = fingerprint(proto, low, high)
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
		i.Tags, i.VolumeTags = merged(proto.Tags, nil), merged(proto.VolumeTags, nil)
		if err := c.addInstance(&i, sn, merged(nicTags, nil)); err != nil {
			return nil, err
		}
		launched = append(launched, &i)
	}
	return c.reservationXML(launched), nil
}

// addInstance gives i its interface, unless it has an address, and stores it.
func (s *Sim) addInstance(i *instance, sn *subnet, nicTags tags) error {
	e, err := s.addInterface(sn, interfaceSpec{owner: i.ID, kind: "interface", attachedOwner: s.account, groups: i.Groups, tags: nicTags})
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
	volumeTags, err := c.tagSpecs("volume")
	if err != nil {
		return nil, err
	}
	i := &instance{VolumeTags: volumeTags, ReservationID: ec2ID("r"), ImageID: img.id, Arch: img.arch, Type: kind.name, SubnetID: sn.ID, VPCID: sn.VPCID, Zone: sn.Zone,
		Groups: groups, UserData: data, OneBoot: oneBoot(data), HTTPTokens: "required", HopLimit: c.q.Int("MetadataOptions.HttpPutResponseHopLimit", 2),
		KeyName: c.q.Str("KeyName"), ClientToken: c.q.Str("ClientToken"), VolumeType: "gp3", VolumeSize: 8, Tags: t, Template: template, TemplateVersion: version}
	if tokens := c.q.Str("MetadataOptions.HttpTokens"); tokens != "" {
		i.HTTPTokens = tokens
	}
	if len(i.ClientToken) > 64 {
		return nil, wire.BadRequest("InvalidParameterValue", "Client token is too long, it must be at most 64 ASCII characters.")
	}
	if err := c.launchVolume(i); err != nil {
		return nil, err
	}
	if i.Profile, err = c.launchProfile(); err != nil {
		return nil, err
	}
	return i, c.readLaunchAttributes(i)
}

func (c *call) launchVolume(i *instance) error {
	for _, m := range c.q.Structs("BlockDeviceMapping") {
		if m.Str("DeviceName") != rootDevice {
			continue
		}
		i.VolumeSize, i.Encrypted = m.Int("Ebs.VolumeSize", 8), m.Bool("Ebs.Encrypted", false)
		if t := m.Str("Ebs.VolumeType"); t != "" {
			i.VolumeType = t
		}
		if i.VolumeSize < 8 {
			return wire.BadRequest("InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than snapshot 'snap-0a120230000000001', expect size >= 8GB", i.VolumeSize)
		}
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
	if nics := c.q.Structs("NetworkInterface"); len(nics) > 0 && id == "" {
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
func fingerprint(i *instance, low, high int) string {
	same := *i
	same.ReservationID = ""
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %+v", low, high, same))
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
