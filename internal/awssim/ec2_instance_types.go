package awssim

import (
	"cmp"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

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
		wire.Strings("supportedVirtualizationTypes", "item", []string{"hvm"}), wire.Bool("dedicatedHostsSupported", false), ebsInfoXML(), networkInfoXML(r),
		wire.El("placementGroupInfo", wire.Strings("supportedStrategies", "item", []string{"partition", "spread"})),
		wire.El("vCpuInfo", wire.Int("defaultVCpus", r.vcpus), wire.Int("defaultCores", r.cores()), wire.Int("defaultThreadsPerCore", r.vcpus/r.cores())), wire.El("memoryInfo", wire.Int("sizeInMiB", r.memory)),
		wire.El("processorInfo", wire.Strings("supportedArchitectures", "item", []string{r.arch}))}
}

func ebsInfoXML() wire.Node {
	return wire.El("ebsInfo", wire.Str("ebsOptimizedSupport", "default"), wire.Str("encryptionSupport", "supported"), wire.Str("nvmeSupport", "required"))
}

// interfaceLimits are how many interfaces a size has, and addresses on each.
var interfaceLimits = map[string][2]int{"nano": {2, 2}, "micro": {2, 2}, "small": {3, 4}, "medium": {3, 6}, "large": {3, 10}, "xlarge": {4, 15}, "2xlarge": {4, 15}, "4xlarge": {8, 30}}

func networkInfoXML(r *instanceType) wire.Node {
	_, size, _ := strings.Cut(r.name, ".")
	most := interfaceLimits[size]
	return wire.El("networkInfo", wire.Int("maximumNetworkInterfaces", most[0]), wire.Int("maximumNetworkCards", 1), wire.Int("defaultNetworkCardIndex", 0),
		wire.Int("ipv4AddressesPerInterface", most[1]), wire.Int("ipv6AddressesPerInterface", most[1]), wire.Bool("ipv6Supported", true),
		wire.Str("enaSupport", "required"), wire.Bool("efaSupported", false))
}

// offering is a type at a place where it can be had.
type offering struct{ kind, location string }

// describeInstanceTypeOfferings offers every type everywhere.
func describeInstanceTypeOfferings(c *call) ([]wire.Node, error) {
	kind := cmp.Or(c.q.Str("LocationType"), "region")
	places := map[string][]string{"region": {c.region}, "availability-zone": c.zones()}[kind]
	if kind == "availability-zone-id" {
		for _, z := range c.zones() {
			places = append(places, c.zoneID(z))
		}
	}
	if places == nil {
		return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter locationType is invalid.", kind)
	}
	var rows []*offering
	for _, t := range instanceTypes() {
		for _, p := range places {
			rows = append(rows, &offering{t.name, p})
		}
	}
	slices.SortFunc(rows, byID((*offering).id))
	xml := func(o *offering) []wire.Node {
		return []wire.Node{wire.Str("instanceType", o.kind), wire.Str("locationType", kind), wire.Str("location", o.location)}
	}
	page, next, err := describe[offering]{rows: rows, id: (*offering).id, tags: func(*offering) tags { return nil }, xml: xml}.run(c)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("instanceTypeOfferingSet", "item", page, xml)}, next...), nil
}

func (o *offering) id() string { return o.kind + " " + o.location }
