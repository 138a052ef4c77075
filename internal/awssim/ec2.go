package awssim

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"drawbridge/internal/awssim/wire"
)

// tags of any resource.
type tags = map[string]string

const maxTags = 50

func ec2Ops() map[string]queryOp {
	ops := networkOps()
	maps.Copy(ops, map[string]queryOp{
		"DescribeAvailabilityZones":     describeAvailabilityZones,
		"DescribeRegions":               describeRegions,
		"DescribeVpcs":                  describeVpcs,
		"DescribeSubnets":               describeSubnets,
		"DescribeImages":                describeImages,
		"DescribeInstanceTypes":         describeInstanceTypes,
		"DescribeInstanceTypeOfferings": describeInstanceTypeOfferings,
		"CreateSecurityGroup":           createSecurityGroup,
		"DeleteSecurityGroup":           deleteSecurityGroup,
		"DescribeSecurityGroups":        describeSecurityGroups,
		"DescribeSecurityGroupRules":    describeSecurityGroupRules,
		"AuthorizeSecurityGroupIngress": func(c *call) ([]wire.Node, error) { return authorize(c, false) },
		"AuthorizeSecurityGroupEgress":  func(c *call) ([]wire.Node, error) { return authorize(c, true) },
		"RevokeSecurityGroupIngress":    func(c *call) ([]wire.Node, error) { return revoke(c, false) },
		"RevokeSecurityGroupEgress":     func(c *call) ([]wire.Node, error) { return revoke(c, true) },
		"RunInstances":                  runInstances,
		"DescribeInstances":             describeInstances,
		"DescribeInstanceStatus":        describeInstanceStatus,
		"TerminateInstances":            terminateInstances,
		"DescribeVolumes":               describeVolumes,
		"DeleteVolume":                  deleteVolume,
		"GetConsoleOutput":              getConsoleOutput,
		"DescribeNetworkInterfaces":     describeNetworkInterfaces,
		"DeleteNetworkInterface":        deleteNetworkInterface,
		"CreateTags":                    createTags,
		"DeleteTags":                    deleteTags,
		"DescribeTags":                  describeTags,

		"ModifySecurityGroupRules":                   modifySecurityGroupRules,
		"UpdateSecurityGroupRuleDescriptionsIngress": func(c *call) ([]wire.Node, error) { return updateRuleDescriptions(c, false) },
		"UpdateSecurityGroupRuleDescriptionsEgress":  func(c *call) ([]wire.Node, error) { return updateRuleDescriptions(c, true) },
		"StopInstances":                              stopInstances,
		"StartInstances":                             startInstances,
		"RebootInstances":                            rebootInstances,
		"DescribeInstanceAttribute":                  describeInstanceAttribute,
		"ModifyInstanceAttribute":                    modifyInstanceAttribute,
		"ModifyInstanceMetadataOptions":              modifyInstanceMetadataOptions,
		"DescribeInstanceCreditSpecifications":       describeInstanceCreditSpecifications,
		"CreateLaunchTemplate":                       createLaunchTemplate,
		"CreateLaunchTemplateVersion":                createLaunchTemplateVersion,
		"ModifyLaunchTemplate":                       modifyLaunchTemplate,
		"DeleteLaunchTemplate":                       deleteLaunchTemplate,
		"DeleteLaunchTemplateVersions":               deleteLaunchTemplateVersions,
		"DescribeLaunchTemplates":                    describeLaunchTemplates,
		"DescribeLaunchTemplateVersions":             describeLaunchTemplateVersions,
		"GetInstanceUefiData":                        getInstanceUefiData,
	})
	return ops
}

// networkOps are the operations on what lies around the chain: all that a
// client needs to make its VPC as well.
func networkOps() map[string]queryOp {
	return map[string]queryOp{
		"CreateVpc":                    createVpc,
		"DeleteVpc":                    deleteVpc,
		"ModifyVpcAttribute":           modifyVpcAttribute,
		"DescribeVpcAttribute":         describeVpcAttribute,
		"DescribeNetworkAcls":          describeNetworkAcls,
		"CreateSubnet":                 createSubnet,
		"DeleteSubnet":                 deleteSubnet,
		"ModifySubnetAttribute":        modifySubnetAttribute,
		"DescribeRouteTables":          describeRouteTables,
		"CreateRouteTable":             createRouteTable,
		"DeleteRouteTable":             deleteRouteTable,
		"CreateRoute":                  createTableRoute,
		"ReplaceRoute":                 replaceTableRoute,
		"DeleteRoute":                  deleteTableRoute,
		"AssociateRouteTable":          associateRouteTable,
		"DisassociateRouteTable":       disassociateRouteTable,
		"ReplaceRouteTableAssociation": replaceRouteTableAssociation,
		"CreateInternetGateway":        createInternetGateway,
		"AttachInternetGateway":        attachInternetGateway,
		"DetachInternetGateway":        detachInternetGateway,
		"DeleteInternetGateway":        deleteInternetGateway,
		"DescribeInternetGateways":     describeInternetGateways,
		"AllocateAddress":              allocateAddress,
		"ReleaseAddress":               releaseAddress,
		"AssociateAddress":             associateAddress,
		"DisassociateAddress":          disassociateAddress,
		"DescribeAddresses":            describeAddresses,
		"DescribeAddressesAttribute":   describeAddressesAttribute,
		"CreateNatGateway":             createNATGateway,
		"DeleteNatGateway":             deleteNATGateway,
		"DescribeNatGateways":          describeNATGateways,
		"CreateVpcEndpoint":            createVPCEndpoint,
		"ModifyVpcEndpoint":            modifyVPCEndpoint,
		"DeleteVpcEndpoints":           deleteVPCEndpoints,
		"DescribeVpcEndpoints":         describeVPCEndpoints,
		"DescribePrefixLists":          describePrefixLists,
	}
}

// dryRun ends an EC2 call that only asks whether it would be allowed.
func (c *call) dryRun() error {
	if c.q.Bool("DryRun", false) {
		return wire.Errorf(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}

// describe is the common part of every Describe of EC2: rows by id (one that
// is missing is an error), then the filters, then a page.
type describe[T any] struct {
	idParam string // "InstanceId"
	rows    []*T
	id      func(*T) string
	tags    func(*T) tags
	missing func(id string) error
	attr    func(row *T, name string) ([]string, bool) // what filters ask for beside what xml shows; may be nil
	xml     func(*T) []wire.Node                       // of the answer
}

func (d describe[T]) run(c *call) ([]*T, []wire.Node, error) {
	ids := c.q.List(d.idParam)
	size, err := pageSize(c.q)
	if err != nil {
		return nil, nil, err
	}
	if len(ids) > 0 && size > 0 {
		return nil, nil, wire.BadRequest("InvalidParameterCombination", "The parameter MaxResults cannot be used with %ss.", d.idParam)
	}
	d.rows = slices.DeleteFunc(d.rows, func(r *T) bool { return c.concealed(d.id(r), c.now) })
	have := map[string]bool{}
	for _, r := range d.rows {
		have[d.id(r)] = true
	}
	for _, id := range ids {
		if !have[id] {
			return nil, nil, d.missing(id)
		}
	}
	filters := c.q.Filters()
	var out []*T
	for _, r := range d.rows {
		if len(ids) > 0 && !slices.Contains(ids, d.id(r)) {
			continue
		}
		ok, err := wire.Match(filters, d.tags(r), func(name string) ([]string, bool) { return d.value(c, r, name) })
		if err != nil {
			return nil, nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	page, next, err := wire.Page(out, d.id, c.q.Str("NextToken"), size)
	if err != nil {
		return nil, nil, err
	}
	return page, wire.Optional(next != "", wire.Str("nextToken", next)), nil
}

// value is what a filter compares: an attribute, or what the answer shows.
func (d describe[T]) value(c *call, r *T, name string) ([]string, bool) {
	if d.attr != nil {
		if v, ok := d.attr(r, name); ok {
			return v, true
		}
	}
	return shown(c.q.Str("Action"), name, func() []wire.Node { return d.xml(r) })
}

func pageSize(q wire.Query) (int, error) {
	size := q.Int("MaxResults", 0)
	if err := q.Err(); err != nil {
		return 0, err
	}
	if q.Str("MaxResults") != "" && (size < 5 || size > 1000) {
		return 0, wire.BadRequest("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.", size)
	}
	return size, nil
}

var ec2ResourceID = regexp.MustCompile(`^[a-z]+-[0-9a-f]{8,17}$`)

func notFound(code, noun string) func(string) error {
	return func(id string) error {
		if kind, ok := strings.CutSuffix(code, ".NotFound"); ok && !ec2ResourceID.MatchString(id) {
			return wire.BadRequest(kind+".Malformed", "Invalid id: \"%s\"", id)
		}
		return wire.BadRequest(code, "The %s ID '%s' does not exist", noun, id)
	}
}

// tagSpecs reads TagSpecification.N for one resource type.
func (c *call) tagSpecs(resourceType string) (tags, error) {
	out := tags{}
	for _, spec := range c.q.Structs("TagSpecification") {
		if spec.Str("ResourceType") != resourceType {
			continue
		}
		for _, t := range spec.Structs("Tag") {
			out[t.Str("Key")] = t.Str("Value")
		}
	}
	return out, checkTags(out)
}

// checkTags applies the rules that hold for every service.
func checkTags(t tags) error {
	if len(t) > maxTags {
		return wire.BadRequest("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	for k, v := range t {
		switch {
		case k == "" || utf8.RuneCountInString(k) > 128:
			return wire.BadRequest("InvalidParameterValue", "Tag key length should be between 1 and 128 characters.")
		case utf8.RuneCountInString(v) > 256:
			return wire.BadRequest("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters")
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return wire.BadRequest("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		}
		if k == forwardTag {
			if err := checkForward(v); err != nil {
				return wire.BadRequest("InvalidParameterValue", "%s", err)
			}
		}
	}
	return nil
}

func ec2Tags(t tags) wire.Node { return wire.Tags("tagSet", "item", "key", "value", t) }

func one(v string) ([]string, bool) { return []string{v}, true }
