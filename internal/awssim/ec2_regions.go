package awssim

import (
	"maps"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

func describeAvailabilityZones(c *call) ([]wire.Node, error) {
	names := c.q.List("ZoneName")
	for _, z := range names {
		if !slices.Contains(c.zones(), z) {
			return nil, wire.BadRequest("InvalidParameterValue", "Invalid availability zone: [%s]", z)
		}
	}
	kept, err := c.filtered(c.zones(), func(z string) []wire.Node {
		return []wire.Node{wire.Str("zoneName", z), wire.Str("zoneId", c.zoneID(z)), wire.Str("zoneState", "available"),
			wire.Str("regionName", c.region), wire.Str("groupName", c.region), wire.Str("optInStatus", "opt-in-not-required"),
			wire.Str("networkBorderGroup", c.region), wire.Str("zoneType", "availability-zone"), {Name: "messageSet"}}
	}, func(z string) bool { return len(names) == 0 || slices.Contains(names, z) })
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("availabilityZoneInfo", kept...)}, nil
}

// optIn are Regions that an account has to turn on; here every one has.
var optIn = []string{"ap-east-1", "eu-south-2", "me-south-1"}

// describeRegions names those of the partition that VPC links are known of.
func describeRegions(c *call) ([]wire.Node, error) {
	known, names := slices.Sorted(maps.Keys(linkZones)), c.q.List("RegionName")
	known = slices.DeleteFunc(known, func(r string) bool { return strings.HasPrefix(r, "us-gov-") })
	for _, r := range names {
		if !slices.Contains(known, r) {
			return nil, wire.BadRequest("InvalidParameterValue", "Invalid region provided: [%s]", r)
		}
	}
	kept, err := c.filtered(known, func(r string) []wire.Node {
		status := "opt-in-not-required"
		if slices.Contains(optIn, r) {
			status = "opted-in"
		}
		return []wire.Node{wire.Str("regionName", r), wire.Str("regionEndpoint", "ec2."+r+".amazonaws.com"), wire.Str("optInStatus", status)}
	}, func(r string) bool { return len(names) == 0 || slices.Contains(names, r) })
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("regionInfo", kept...)}, nil
}

// filtered renders the named things that keep and the call's filters let pass.
func (c *call) filtered(names []string, xml func(string) []wire.Node, keep func(string) bool) ([]wire.Node, error) {
	var out []wire.Node
	for _, name := range names {
		item := xml(name)
		ok, err := wire.Match(c.q.Filters(), nil, func(filter string) ([]string, bool) {
			return shown(c.q.Str("Action"), filter, func() []wire.Node { return item })
		})
		if err != nil {
			return nil, err
		}
		if ok && keep(name) {
			out = append(out, wire.El("item", item...))
		}
	}
	return out, nil
}
