package awssim

import (
	"strconv"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// volumeID names an instance's root volume, the only one that it has. The
// volume lives and dies with the instance.
func (i *instance) volumeID() string { return "vol" + strings.TrimPrefix(i.ID, "i") }

func (c *call) missingVolume(id string) error {
	return wire.BadRequest("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
}

func describeVolumes(c *call) ([]wire.Node, error) {
	rows := c.st.instances.list(func(i *instance) bool { return i.stateAt(c.now, c.t).name != "terminated" })
	page, next, err := describe[instance]{
		idParam: "VolumeId", rows: rows, missing: c.missingVolume,
		id: (*instance).volumeID, tags: func(i *instance) tags { return i.VolumeTags },
		attr: func(i *instance, name string) ([]string, bool) {
			switch name {
			case "volume-id":
				return one(i.volumeID())
			case "attachment.instance-id":
				return one(i.ID)
			case "attachment.status":
				return one("attached")
			case "availability-zone":
				return one(i.Zone)
			case "encrypted":
				return one(strconv.FormatBool(i.Encrypted))
			case "volume-type":
				return one(i.VolumeType)
			case "size":
				return one(strconv.Itoa(i.VolumeSize))
			case "status":
				return one("in-use")
			}
			return nil, false
		},
	}.run(c)
	if err != nil {
		return nil, err
	}
	set := wire.List("volumeSet", "item", page, func(i *instance) []wire.Node {
		return []wire.Node{wire.Str("volumeId", i.volumeID()), wire.Int("size", i.VolumeSize), wire.Str("volumeType", i.VolumeType),
			wire.Str("availabilityZone", i.Zone), wire.Bool("encrypted", i.Encrypted), wire.Str("status", "in-use"), wire.Int("iops", volumeIOPS(i)),
			wire.Int("throughput", 125), wire.Str("snapshotId", "snap-0a120230000000001"), wire.Bool("multiAttachEnabled", false), wire.Time("createTime", i.LaunchedAt),
			wire.El("attachmentSet", wire.El("item", wire.Str("volumeId", i.volumeID()), wire.Str("instanceId", i.ID), wire.Str("device", rootDevice),
				wire.Str("status", "attached"), wire.Bool("deleteOnTermination", true))), ec2Tags(i.VolumeTags)}
	})
	return append([]wire.Node{set}, next...), nil
}

// deleteVolume refuses: the only volumes are those that instances use.
func deleteVolume(c *call) ([]wire.Node, error) {
	id := c.q.Str("VolumeId")
	for _, i := range c.st.instances.list(func(i *instance) bool { return i.volumeID() == id }) {
		if i.stateAt(c.now, c.t).name != "terminated" {
			return nil, wire.BadRequest("VolumeInUse", "Volume %s is currently attached to %s", id, i.ID)
		}
	}
	return nil, c.missingVolume(id)
}

// volumeIOPS is what a volume of this type has when nothing was asked for.
func volumeIOPS(i *instance) int {
	if i.VolumeType == "gp2" {
		return min(max(100, 3*i.VolumeSize), 16_000)
	}
	return 3000
}
