package awssim

import (
	"cmp"
	"encoding/base64"
	"slices"

	"drawbridge/internal/awssim/wire"
)

// readLaunchAttributes reads what a launch says of an instance's own settings.
func (c *call) readLaunchAttributes(i *instance) error {
	i.Shutdown = cmp.Or(c.q.Str("InstanceInitiatedShutdownBehavior"), "stop")
	i.NoTermination, i.NoStop = c.q.Bool("DisableApiTermination", false), c.q.Bool("DisableApiStop", false)
	i.EBSOptimized = c.q.Bool("EbsOptimized", false)
	i.MetadataTags = c.q.Str("MetadataOptions.InstanceMetadataTags") == "enabled"
	i.Credits = cmp.Or(c.q.Str("CreditSpecification.CpuCredits"), defaultCredits(i.Type))
	if err := c.q.Err(); err != nil {
		return err
	}
	return checkShutdown(i.Shutdown)
}

// defaultCredits of a burstable type: T2 earns what it spends.
func defaultCredits(kind string) string {
	if len(kind) > 2 && kind[:3] == "t2." {
		return "standard"
	}
	return "unlimited"
}

func checkShutdown(v string) error {
	if v != "stop" && v != "terminate" {
		return wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid.", v)
	}
	return nil
}

func metadataXML(name string, i *instance) wire.Node {
	shown := "disabled"
	if i.MetadataTags {
		shown = "enabled"
	}
	return wire.El(name, wire.Str("state", "applied"), wire.Str("httpTokens", i.HTTPTokens), wire.Str("httpEndpoint", "enabled"),
		wire.Int("httpPutResponseHopLimit", i.HopLimit), wire.Str("httpProtocolIpv6", "disabled"), wire.Str("instanceMetadataTags", shown))
}

// hardwareXML shows what follows from the type, and what nobody can choose here.
func (c *call) hardwareXML(i *instance) []wire.Node {
	out := []wire.Node{wire.Bool("enaSupport", true), wire.El("hibernationOptions", wire.Bool("configured", false)),
		wire.El("enclaveOptions", wire.Bool("enabled", false)), wire.El("maintenanceOptions", wire.Str("autoRecovery", "default")),
		wire.El("capacityReservationSpecification", wire.Str("capacityReservationPreference", "open")),
		wire.El("privateDnsNameOptions", wire.Str("hostnameType", "ip-name"), wire.Bool("enableResourceNameDnsARecord", false),
			wire.Bool("enableResourceNameDnsAAAARecord", false)), wire.Str("platformDetails", "Linux/UNIX"), wire.Str("bootMode", "uefi-preferred")}
	if t, err := findInstanceType(i.Type); err == nil {
		out = append(out, wire.El("cpuOptions", wire.Int("coreCount", t.cores()), wire.Int("threadsPerCore", t.vcpus/t.cores())))
	}
	return out
}

func describeInstanceAttribute(c *call) ([]wire.Node, error) {
	i, err := c.instance(c.q.Str("InstanceId"))
	if err != nil {
		return nil, err
	}
	value := func(name, v string) []wire.Node {
		return []wire.Node{wire.Str("instanceId", i.ID), wire.El(name, wire.Optional(v != "", wire.Str("value", v))...)}
	}
	name := c.q.Str("Attribute")
	switch name {
	case "instanceType":
		return value(name, i.Type), nil
	case "userData":
		return value(name, base64.StdEncoding.EncodeToString([]byte(i.UserData))), nil
	case "disableApiTermination":
		return value(name, boolText(i.NoTermination)), nil
	case "disableApiStop":
		return value(name, boolText(i.NoStop)), nil
	case "instanceInitiatedShutdownBehavior":
		return value(name, cmp.Or(i.Shutdown, "stop")), nil
	case "rootDeviceName":
		return value(name, rootDevice), nil
	case "ebsOptimized":
		return value(name, boolText(i.EBSOptimized)), nil
	case "sourceDestCheck":
		return value(name, boolText(!i.NoSourceCheck)), nil
	case "enaSupport":
		return value(name, "true"), nil
	case "groupSet":
		return []wire.Node{wire.Str("instanceId", i.ID), c.groupSet(i.Groups)}, nil
	}
	return nil, wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter attribute is invalid. Unknown attribute.", name)
}

// modifyInstanceAttribute changes a copy, so that a refused call changes nothing.
func modifyInstanceAttribute(c *call) ([]wire.Node, error) {
	old, err := c.instance(c.q.Str("InstanceId"))
	if err != nil {
		return nil, err
	}
	i := *old
	if name := c.q.Str("Attribute"); name != "" {
		return nil, wire.BadRequest("InvalidParameterCombination", "This simulator takes attributes by name, as in %s.Value, not as Attribute and Value.", name)
	}
	i.NoTermination, i.NoStop = c.q.Bool("DisableApiTermination.Value", i.NoTermination), c.q.Bool("DisableApiStop.Value", i.NoStop)
	i.NoSourceCheck, i.EBSOptimized = !c.q.Bool("SourceDestCheck.Value", !i.NoSourceCheck), c.q.Bool("EbsOptimized.Value", i.EBSOptimized)
	i.Shutdown = cmp.Or(c.q.Str("InstanceInitiatedShutdownBehavior.Value"), i.Shutdown, "stop")
	if err := cmp.Or(c.q.Err(), checkShutdown(i.Shutdown), c.modifyStopped(&i)); err != nil {
		return nil, err
	}
	if groups := c.q.List("GroupId"); len(groups) > 0 {
		if i.Groups, err = c.groupsIn(i.VPCID, groups); err != nil {
			return nil, err
		}
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	for _, e := range c.interfacesOf(i.ID) {
		e.Groups = slices.Clone(i.Groups)
		if err := c.st.interfaces.put(e); err != nil {
			return nil, err
		}
	}
	return returned(), c.st.instances.put(&i)
}

// modifyStopped changes what can be changed only while the instance stands.
func (c *call) modifyStopped(i *instance) error {
	kind, data := c.q.Str("InstanceType.Value"), c.q.Has("UserData.Value")
	if kind == "" && !data {
		return nil
	}
	if i.stateAt(c.now, c.t).name != "stopped" {
		return wire.BadRequest("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", i.ID)
	}
	if kind != "" {
		t, err := findInstanceType(kind)
		if err != nil {
			return err
		}
		if t.arch != i.Arch {
			return wire.BadRequest("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the instance.", t.arch, i.Arch)
		}
		i.Type = t.name
	}
	if !data {
		return nil
	}
	text, err := decodeUserData(c.q.Str("UserData.Value"))
	i.UserData = text
	return err
}

func modifyInstanceMetadataOptions(c *call) ([]wire.Node, error) {
	i, err := c.instance(c.q.Str("InstanceId"))
	if err != nil {
		return nil, err
	}
	hops := c.q.Int("HttpPutResponseHopLimit", i.HopLimit)
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	i.HopLimit, i.HTTPTokens = hops, cmp.Or(c.q.Str("HttpTokens"), i.HTTPTokens)
	if v := c.q.Str("InstanceMetadataTags"); v != "" {
		i.MetadataTags = v == "enabled"
	}
	return []wire.Node{wire.Str("instanceId", i.ID), metadataXML("instanceMetadataOptions", i)}, c.st.instances.put(i)
}

// describeInstanceCreditSpecifications shows burstable instances only; one that
// is asked for by id and is none is an error.
func describeInstanceCreditSpecifications(c *call) ([]wire.Node, error) {
	burstable := func(i *instance) bool {
		t, err := findInstanceType(i.Type)
		return err == nil && t.burstable()
	}
	for _, id := range c.q.List("InstanceId") {
		if i, ok := c.st.instances.get(id); ok && !burstable(i) {
			return nil, wire.BadRequest("InvalidParameterCombination", "The T2/T3/T4g unlimited option is not supported for instance %s.", id)
		}
	}
	page, next, err := c.describeInstanceRows(burstable)
	if err != nil {
		return nil, err
	}
	set := wire.List("instanceCreditSpecificationSet", "item", page, func(i *instance) []wire.Node {
		return []wire.Node{wire.Str("instanceId", i.ID), wire.Str("cpuCredits", cmp.Or(i.Credits, defaultCredits(i.Type)))}
	})
	return append([]wire.Node{set}, next...), nil
}
