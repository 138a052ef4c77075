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

// instanceType is what the chain needs to know of a type.
type instanceType struct {
	name, arch string
	vcpus      int
	memory     int // MiB
}

// instanceTypes lists the families that people run small apps on.
func instanceTypes() []*instanceType {
	sizes := []struct {
		name          string
		vcpus, memory int
	}{{"nano", 2, 512}, {"micro", 2, 1024}, {"small", 2, 2048}, {"medium", 2, 4096}, {"large", 2, 8192}, {"xlarge", 4, 16384}, {"2xlarge", 8, 32768}, {"4xlarge", 16, 65536}}
	families := []struct {
		name, arch string
		from, to   int // sizes
	}{{"t2", "x86_64", 0, 7}, {"t3", "x86_64", 0, 7}, {"t3a", "x86_64", 0, 7}, {"t4g", "arm64", 0, 7}, {"m5", "x86_64", 4, 8}, {"m6i", "x86_64", 4, 8},
		{"m6g", "arm64", 3, 8}, {"m7i", "x86_64", 4, 8}, {"m7g", "arm64", 3, 8}, {"c5", "x86_64", 4, 8}, {"c6i", "x86_64", 4, 8}, {"c6g", "arm64", 3, 8},
		{"c7g", "arm64", 3, 8}, {"r5", "x86_64", 4, 8}, {"r6i", "x86_64", 4, 8}, {"r6g", "arm64", 3, 8}}
	var out []*instanceType
	for _, f := range families {
		for _, z := range sizes[f.from:f.to] {
			out = append(out, &instanceType{name: f.name + "." + z.name, arch: f.arch, vcpus: z.vcpus, memory: z.memory})
		}
	}
	slices.SortFunc(out, byID(func(t *instanceType) string { return t.name }))
	return out
}

func findInstanceType(name string) (*instanceType, error) {
	for _, t := range instanceTypes() {
		if t.name == name {
			return t, nil
		}
	}
	return nil, wire.BadRequest("InvalidParameterValue", "Invalid value '%s' for InstanceType.", name)
}

// burstable says whether the type earns CPU credits.
func (t *instanceType) burstable() bool { return strings.HasPrefix(t.name, "t") }

// cores have two threads each, but on ARM.
func (t *instanceType) cores() int {
	if t.arch == "arm64" {
		return t.vcpus
	}
	return t.vcpus / 2
}

func describeInstanceTypes(c *call) ([]wire.Node, error) {
	page, next, err := describe[instanceType]{
		idParam: "InstanceType", rows: instanceTypes(),
		missing: func(id string) error {
			return wire.BadRequest("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", id)
		},
		id: func(r *instanceType) string { return r.name }, tags: func(*instanceType) tags { return nil },
		xml: instanceTypeXML,
	}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("instanceTypeSet", "item", page, instanceTypeXML)}, next...), nil
}

func instanceTypeXML(r *instanceType) []wire.Node {
	return []wire.Node{wire.Str("instanceType", r.name), wire.Bool("currentGeneration", true), wire.Bool("bareMetal", false),
		wire.Str("hypervisor", "nitro"), wire.Bool("burstablePerformanceSupported", r.burstable()), wire.Bool("autoRecoverySupported", true),
		wire.Bool("hibernationSupported", false), wire.Bool("instanceStorageSupported", false), wire.Bool("freeTierEligible", r.name == "t3.micro"),
		wire.Strings("supportedRootDeviceTypes", "item", []string{"ebs"}), wire.Strings("supportedUsageClasses", "item", []string{"on-demand"}),
		wire.El("vCpuInfo", wire.Int("defaultVCpus", r.vcpus), wire.Int("defaultCores", r.cores()), wire.Int("defaultThreadsPerCore", r.vcpus/r.cores())), wire.El("memoryInfo", wire.Int("sizeInMiB", r.memory)),
		wire.El("processorInfo", wire.Strings("supportedArchitectures", "item", []string{r.arch}))}
}
