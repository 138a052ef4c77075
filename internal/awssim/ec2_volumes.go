package awssim

import (
	"cmp"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// volume is a disk of an instance, or one that has outlived its instance.
type volume struct {
	ID         string
	Zone       string
	Kind       string // "gp3"
	Size       int    // GiB
	IOPS       int
	Throughput int
	Encrypted  bool
	CreatedAt  time.Time
	Instance   string // that it is attached to, "" = none
	Device     string
	Root       bool // made from an image
	Keep       bool // outlives the instance
	Tags       tags
}

const (
	imageSnapshot = "snap-0a120230000000001" // of every image
	imageVolume   = 8                        // GiB
)

// rootVolume is what an instance of an earlier version has: it kept its volume
// within itself.
func (i *instance) rootVolume() *volume {
	return &volume{ID: "vol" + strings.TrimPrefix(i.ID, "i"), Zone: i.Zone, Kind: cmp.Or(i.VolumeType, "gp3"), Size: cmp.Or(i.VolumeSize, imageVolume),
		IOPS: 3000, Throughput: 125, Encrypted: i.Encrypted, CreatedAt: i.LaunchedAt, Instance: i.ID, Root: true, Device: rootDevice, Tags: i.VolumeTags}
}

func (s *Sim) volumesOf(i *instance) []*volume {
	return s.st.volumes.list(func(v *volume) bool { return v.Instance == i.ID })
}

// lostAt says whether the instance of a volume is terminated.
func (s *Sim) lostAt(v *volume, now time.Time) bool {
	i, ok := s.st.instances.get(v.Instance)
	return v.Instance != "" && (!ok || i.stateAt(now, s.t).name == "terminated")
}

// sweepVolumes takes volumes off terminated instances. One that goes with its
// instance is kept, unseen, for as long as that is listed: so long its tags are,
// as on AWS.
func (s *Sim) sweepVolumes(now time.Time) error {
	for _, v := range s.st.volumes.list(func(v *volume) bool { return s.lostAt(v, now) }) {
		if v.Keep {
			v.Instance, v.Device = "", ""
			if err := s.st.volumes.put(v); err != nil {
				return err
			}
		} else if _, listed := s.st.instances.get(v.Instance); !listed {
			s.st.volumes.del(v.ID)
		}
	}
	return nil
}

// launchVolumes are those of each instance of a launch: the image's, changed by
// the launch's mappings, and what they add.
func (c *call) launchVolumes(zone string) ([]volume, error) {
	all := []volume{{Root: true, Device: rootDevice, Kind: "gp3", Size: imageVolume}}
	for _, m := range c.q.Structs("BlockDeviceMapping") {
		device := m.Str("DeviceName")
		if m.Has("NoDevice") || m.Str("VirtualName") != "" {
			continue // nothing, or a disk that these types do not have
		}
		v := &all[0]
		if device != rootDevice {
			all = append(all, volume{Device: device, Kind: "gp2", Keep: true})
			v = &all[len(all)-1]
		}
		if err := v.read(m.Sub("Ebs")); err != nil {
			return nil, err
		}
	}
	for n := range all {
		v := &all[n]
		v.Zone = zone
		switch {
		case v.Root && v.Size < imageVolume:
			return nil, wire.BadRequest("InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than snapshot '%s', expect size >= %dGB", v.Size, imageSnapshot, imageVolume)
		case v.Size < 1:
			return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter size or snapshotId")
		}
	}
	return all, c.q.Err()
}

// read takes over what a mapping says of a volume.
func (v *volume) read(ebs wire.Query) error {
	v.Size, v.Encrypted = ebs.Int("VolumeSize", v.Size), ebs.Bool("Encrypted", v.Encrypted)
	v.Kind, v.Keep = cmp.Or(ebs.Str("VolumeType"), v.Kind), !ebs.Bool("DeleteOnTermination", !v.Keep)
	switch v.Kind {
	case "gp2":
		v.IOPS = min(max(100, 3*v.Size), 16_000)
	case "gp3":
		v.IOPS, v.Throughput = ebs.Int("Iops", 3000), ebs.Int("Throughput", 125)
	case "io1", "io2", "st1", "sc1", "standard":
		v.IOPS = ebs.Int("Iops", 0)
	default:
		return wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter volumeType is invalid.", v.Kind)
	}
	return nil
}

// addVolumes gives an instance its volumes. The root volume has the instance's
// own number, so that it is easily found.
func (c *call) addVolumes(i *instance, spec []volume, t tags) error {
	for _, v := range spec {
		v.ID, v.Instance, v.CreatedAt, v.Tags = ec2ID("vol"), i.ID, c.now, merged(t, nil)
		if v.Root {
			v.ID = i.rootVolume().ID
		}
		if v.IOPS == 0 && v.Kind == "gp3" {
			v.IOPS, v.Throughput = 3000, 125
		}
		if err := c.st.volumes.put(&v); err != nil {
			return err
		}
	}
	return nil
}

func missingVolume(id string) error {
	return notFound("InvalidVolume.NotFound", "volume")(id)
}

func describeVolumes(c *call) ([]wire.Node, error) {
	page, next, err := describe[volume]{
		idParam: "VolumeId", rows: c.st.volumes.list(func(v *volume) bool { return !c.lostAt(v, c.now) }), missing: missingVolume,
		id: func(v *volume) string { return v.ID }, tags: func(v *volume) tags { return v.Tags },
		xml: c.volumeXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("volumeSet", "item", page, c.volumeXML)}, next...), nil
}

func (c *call) volumeXML(v *volume) []wire.Node {
	status, attached := "available", wire.Node{Name: "attachmentSet"}
	if v.Instance != "" {
		status = "in-use"
		attached = wire.El("attachmentSet", wire.El("item", wire.Str("volumeId", v.ID), wire.Str("instanceId", v.Instance), wire.Str("device", v.Device),
			wire.Str("status", "attached"), wire.Time("attachTime", v.CreatedAt), wire.Bool("deleteOnTermination", !v.Keep)))
	}
	out := []wire.Node{wire.Str("volumeId", v.ID), wire.Int("size", v.Size), wire.Str("volumeType", v.Kind), wire.Str("availabilityZone", v.Zone),
		wire.Str("availabilityZoneId", c.zoneID(v.Zone)), wire.Bool("encrypted", v.Encrypted), wire.Str("status", status), wire.Str("snapshotId", v.snapshot()),
		wire.Bool("multiAttachEnabled", false), wire.Time("createTime", v.CreatedAt), attached, ec2Tags(v.Tags)}
	out = append(out, wire.Optional(v.IOPS > 0, wire.Int("iops", v.IOPS))...)
	return append(out, wire.Optional(v.Throughput > 0, wire.Int("throughput", v.Throughput))...)
}

// snapshot that the volume was made from, "" = none.
func (v *volume) snapshot() string {
	if v.Root {
		return imageSnapshot
	}
	return ""
}

// deleteVolume takes one that no instance uses.
func deleteVolume(c *call) ([]wire.Node, error) {
	id := c.q.Str("VolumeId")
	v, ok := found(c.Sim, c.st.volumes, id, c.now)
	switch {
	case !ok || c.lostAt(v, c.now):
		return nil, missingVolume(id)
	case v.Instance != "":
		return nil, wire.BadRequest("VolumeInUse", "Volume %s is currently attached to %s", id, v.Instance)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	c.st.volumes.del(id)
	return returned(), nil
}
