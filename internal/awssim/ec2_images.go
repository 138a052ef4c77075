package awssim

import (
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// image is an AMI: Amazon Linux 2023 exists in both architectures.
type image struct{ id, name, arch string }

const (
	imageX86   = "ami-0a12023000000086a"
	imageARM   = "ami-0a1202300000a4640"
	rootDevice = "/dev/xvda"
)

func images() []*image {
	return []*image{
		{imageX86, "al2023-ami-2023.8.20250818.0-kernel-6.1-x86_64", "x86_64"},
		{imageARM, "al2023-ami-2023.8.20250818.0-kernel-6.1-arm64", "arm64"},
	}
}

func findImage(id string) *image {
	for _, i := range images() {
		if i.id == id {
			return i
		}
	}
	return nil
}

func describeImages(c *call) ([]wire.Node, error) {
	rows := images()
	if o := c.q.List("Owner"); len(o) > 0 && !slices.Contains(o, "amazon") && !slices.Contains(o, amazonOwner) {
		rows = nil
	}
	slices.SortFunc(rows, byID(func(i *image) string { return i.id }))
	page, next, err := describe[image]{
		idParam: "ImageId", rows: rows, missing: missingImage,
		id: func(r *image) string { return r.id }, tags: func(*image) tags { return nil },
		xml: imageXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("imagesSet", "item", page, imageXML)}, next...), nil
}

const amazonOwner = "137112412989"

func missingImage(id string) error {
	return wire.BadRequest("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
}

func imageXML(r *image) []wire.Node {
	return []wire.Node{wire.Str("imageId", r.id), wire.Str("name", r.name), wire.Str("architecture", r.arch),
		wire.Str("imageState", "available"), wire.Str("imageOwnerId", amazonOwner), wire.Str("imageOwnerAlias", "amazon"),
		wire.Bool("isPublic", true), wire.Str("imageType", "machine"), wire.Str("rootDeviceType", "ebs"), wire.Str("rootDeviceName", rootDevice),
		wire.Str("virtualizationType", "hvm"), wire.Str("hypervisor", "xen"), wire.Str("creationDate", "2025-08-18T00:00:00.000Z"),
		wire.El("blockDeviceMapping", wire.El("item", wire.Str("deviceName", rootDevice),
			wire.El("ebs", wire.Bool("deleteOnTermination", true), wire.Int("volumeSize", 8), wire.Str("volumeType", "gp3"), wire.Bool("encrypted", false))))}
}

// imageParameter resolves an SSM public parameter of Amazon Linux 2023.
func imageParameter(name string) (string, bool) {
	short, ok := strings.CutPrefix(name, "/aws/service/ami-amazon-linux-latest/al2023-ami-")
	if !ok {
		return "", false
	}
	switch short {
	case "kernel-default-x86_64", "kernel-6.1-x86_64", "kernel-6.12-x86_64", "minimal-kernel-default-x86_64":
		return imageX86, true
	case "kernel-default-arm64", "kernel-6.1-arm64", "kernel-6.12-arm64", "minimal-kernel-default-arm64":
		return imageARM, true
	}
	return "", false
}
