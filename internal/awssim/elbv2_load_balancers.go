package awssim

import (
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

type loadBalancer struct {
	ARN        string
	Name       string
	DNSName    string
	Scheme     string
	VPCID      string
	Subnets    []string
	Groups     []string
	Attributes map[string]string
	CreatedAt  time.Time
	Tags       tags
}

func (b *loadBalancer) activeAt(now time.Time, t timing) bool {
	return !now.Before(b.CreatedAt.Add(t.loadBalancerStart))
}

// path is the part of the ARN that names the balancer, as app/name/id.
func (b *loadBalancer) path() string {
	_, path, _ := strings.Cut(b.ARN, ":loadbalancer/")
	return path
}

func missingLoadBalancer(name string) error {
	return wire.BadRequest("LoadBalancerNotFound", "Load balancer '%s' not found", name)
}

func (c *call) loadBalancer(arn string) (*loadBalancer, error) {
	if err := elbARN(arn, ":loadbalancer/", "load balancer"); err != nil {
		return nil, err
	}
	b, ok := found(c.Sim, c.st.loadBalancers, arn, c.now)
	if !ok {
		return nil, missingLoadBalancer(arn)
	}
	return b, nil
}

func (s *Sim) balancerZones(b *loadBalancer) []string {
	var out []string
	for _, id := range b.Subnets {
		if sn, ok := s.st.subnets.get(id); ok {
			out = append(out, sn.Zone)
		}
	}
	return out
}

func defaultLoadBalancerAttributes() map[string]string {
	return map[string]string{
		"access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "",
		"connection_logs.s3.enabled": "false", "connection_logs.s3.bucket": "", "connection_logs.s3.prefix": "",
		"health_check_logs.s3.enabled": "false", "health_check_logs.s3.bucket": "", "health_check_logs.s3.prefix": "",
		deletionProtection: "false", idleTimeout: "60", "client_keep_alive.seconds": "3600",
		"ipv6.deny_all_igw_traffic": "true", "load_balancing.cross_zone.enabled": "true",
		"routing.http.desync_mitigation_mode": "defensive", "routing.http.drop_invalid_header_fields.enabled": "false",
		"routing.http.preserve_host_header.enabled": "false", "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
		"routing.http.xff_client_port.enabled": "false", xffMode: "append", "routing.http2.enabled": "true",
		"waf.fail_open.enabled": "false", "zonal_shift.config.enabled": "false",
	}
}

const (
	idleTimeout        = "idle_timeout.timeout_seconds"
	deletionProtection = "deletion_protection.enabled"
	xffMode            = "routing.http.xff_header_processing.mode"
)

// maxLoadBalancers per account and region.
const maxLoadBalancers = 50

func createLoadBalancer(c *call) ([]wire.Node, error) {
	b, err := c.newLoadBalancer()
	if err != nil {
		return nil, err
	}
	if old := c.st.loadBalancers.find(func(o *loadBalancer) bool { return o.Name == b.Name }); old != nil {
		if old.sameSettings(b) {
			return []wire.Node{wire.List("LoadBalancers", "member", []*loadBalancer{old}, c.loadBalancerXML)}, nil
		}
		return nil, wire.BadRequest("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with different settings", b.Name)
	}
	if len(c.st.loadBalancers.rows) >= c.quota(maxLoadBalancers) {
		return nil, wire.BadRequest("TooManyLoadBalancers", "The maximum number of load balancers has been reached")
	}
	for _, id := range b.Subnets {
		sn, _ := c.st.subnets.get(id)
		if _, err := c.addInterface(sn, interfaceSpec{owner: b.ARN, description: "ELB " + b.path(), kind: "interface",
			requester: "amazon-elb", attachedOwner: "amazon-elb", groups: b.Groups}); err != nil {
			return nil, err
		}
	}
	if err := c.st.loadBalancers.put(b); err != nil {
		return nil, err
	}
	return []wire.Node{wire.List("LoadBalancers", "member", []*loadBalancer{b}, c.loadBalancerXML)}, nil
}

func (b *loadBalancer) sameSettings(o *loadBalancer) bool {
	return b.Scheme == o.Scheme && slices.Equal(slices.Sorted(slices.Values(b.Subnets)), slices.Sorted(slices.Values(o.Subnets))) &&
		slices.Equal(slices.Sorted(slices.Values(b.Groups)), slices.Sorted(slices.Values(o.Groups)))
}

func (c *call) newLoadBalancer() (*loadBalancer, error) {
	name := c.q.Str("Name")
	if err := checkELBName("Load balancer", name); err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, "internal-") {
		return nil, wire.BadRequest("ValidationError", "Load balancer name '%s' cannot begin with 'internal-'", name)
	}
	if kind := c.q.Str("Type"); kind != "" && kind != "application" {
		return nil, wire.BadRequest("InvalidConfigurationRequest", "This simulator has no load balancers of the type '%s'; it has application", kind)
	}
	scheme := c.q.Str("Scheme")
	if scheme == "" {
		scheme = "internet-facing"
	}
	if scheme != "internal" {
		return nil, wire.BadRequest("InvalidSubnet", "VPC has no internet gateway. This simulator has load balancers of the scheme internal.")
	}
	subnets, vpcID, err := c.balancerSubnets()
	if err != nil {
		return nil, err
	}
	groups, err := c.balancerGroups(vpcID)
	if err != nil {
		return nil, err
	}
	t, err := c.elbTags()
	if err != nil {
		return nil, err
	}
	b := &loadBalancer{ARN: c.arn("elasticloadbalancing", "loadbalancer/app/"+name+"/"+randomHex(16)), Name: name, Scheme: scheme, VPCID: vpcID,
		DNSName: "internal-" + name + "-" + digits(10) + "." + c.region + ".elb.amazonaws.com", Subnets: subnets, Groups: groups,
		Attributes: defaultLoadBalancerAttributes(), CreatedAt: c.now, Tags: t}
	return b, nil
}

func digits(n int) string {
	return strings.Map(func(r rune) rune { return '0' + r%10 }, randomHex(n))
}

func (c *call) balancerSubnets() (ids []string, vpcID string, err error) {
	ids = c.q.List("Subnets")
	for _, m := range c.q.Structs("SubnetMappings") {
		ids = append(ids, m.Str("SubnetId"))
	}
	zones := map[string]bool{}
	for _, id := range ids {
		sn, ok := found(c.Sim, c.st.subnets, id, c.now)
		switch {
		case !ok:
			return nil, "", wire.BadRequest("SubnetNotFound", "The subnet ID '%s' does not exist", id)
		case vpcID != "" && sn.VPCID != vpcID:
			return nil, "", wire.BadRequest("InvalidConfigurationRequest", "All subnets must belong to the same VPC: '%s'", vpcID)
		case zones[sn.Zone]:
			return nil, "", wire.BadRequest("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		case prefix(sn.CIDR).Bits() > 27:
			return nil, "", wire.BadRequest("InvalidSubnet", "The subnet %s is too small: a load balancer needs a range of /27 or larger.", id)
		case c.freeAddresses(sn) < 8:
			return nil, "", wire.BadRequest("InvalidSubnet", "Not enough IP space available in %s. ELB requires at least 8 free IP addresses in each subnet.", id)
		}
		vpcID, zones[sn.Zone] = sn.VPCID, true
	}
	if len(zones) < 2 {
		return nil, "", wire.BadRequest(c.Switches().TwoSubnetsCode, "At least two subnets in two different Availability Zones must be specified")
	}
	return ids, vpcID, nil
}

func (c *call) balancerGroups(vpcID string) ([]string, error) {
	groups, err := c.groupsIn(vpcID, c.q.List("SecurityGroups"))
	if err != nil {
		return nil, wire.BadRequest("InvalidSecurityGroup", "%s", wire.AsError(err).Message)
	}
	return groups, nil
}

func describeLoadBalancers(c *call) ([]wire.Node, error) {
	arn, want := func(b *loadBalancer) string { return b.ARN }, wanted{c.q.List("LoadBalancerArns"), c.q.List("Names")}
	if err := elbARNs(want.arns, ":loadbalancer/", "load balancer", len(want.names) > 0); err != nil {
		return nil, err
	}
	rows, err := pick(visible(c.Sim, c.st.loadBalancers, nil, c.now), want, arn,
		func(b *loadBalancer) string { return b.Name }, missingLoadBalancer)
	if err != nil {
		return nil, err
	}
	page, next, err := elbPage(c, rows, arn)
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("LoadBalancers", "member", page, c.loadBalancerXML)}, next...), nil
}

func (c *call) loadBalancerXML(b *loadBalancer) []wire.Node {
	state := "provisioning"
	if b.activeAt(c.now, c.t) {
		state = "active"
	}
	return []wire.Node{wire.Str("LoadBalancerArn", b.ARN), wire.Str("LoadBalancerName", b.Name), wire.Str("DNSName", b.DNSName),
		wire.Str("CanonicalHostedZoneId", "Z14GRHDCWA56QT"), wire.Time("CreatedTime", b.CreatedAt), wire.Str("Scheme", b.Scheme),
		wire.Str("VpcId", b.VPCID), wire.El("State", wire.Str("Code", state)), wire.Str("Type", "application"), wire.Str("IpAddressType", "ipv4"),
		wire.List("AvailabilityZones", "member", b.Subnets, func(id string) []wire.Node {
			zone := ""
			if sn, ok := found(c.Sim, c.st.subnets, id, c.now); ok {
				zone = sn.Zone
			}
			return []wire.Node{wire.Str("ZoneName", zone), wire.Str("SubnetId", id), wire.Node{Name: "LoadBalancerAddresses"}}
		}), wire.Strings("SecurityGroups", "member", b.Groups)}
}

// deleteLoadBalancer takes the listeners along. The network interfaces linger,
// and hold their security groups.
func deleteLoadBalancer(c *call) ([]wire.Node, error) {
	b, ok := c.st.loadBalancers.get(c.q.Str("LoadBalancerArn"))
	if !ok {
		return nil, nil
	}
	if b.Attributes[deletionProtection] == "true" {
		return nil, wire.BadRequest("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", b.ARN)
	}
	for _, l := range c.st.listeners.list(func(l *listener) bool { return l.LoadBalancer == b.ARN }) {
		c.dropListener(l)
	}
	c.st.loadBalancers.del(b.ARN)
	return nil, c.releaseInterfaces(b.ARN, c.now.Add(c.t.interfaceLinger))
}

func setSecurityGroups(c *call) ([]wire.Node, error) {
	b, err := c.loadBalancer(c.q.Str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	groups, err := c.balancerGroups(b.VPCID)
	if err != nil {
		return nil, err
	}
	b.Groups = groups
	for _, e := range c.interfacesOf(b.ARN) {
		e.Groups = slices.Clone(groups)
		if err := c.st.interfaces.put(e); err != nil {
			return nil, err
		}
	}
	return []wire.Node{wire.Strings("SecurityGroupIds", "member", groups)}, c.st.loadBalancers.put(b)
}

func describeLoadBalancerAttributes(c *call) ([]wire.Node, error) {
	b, err := c.loadBalancer(c.q.Str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	return []wire.Node{elbAttributes(b.Attributes)}, nil
}

func modifyLoadBalancerAttributes(c *call) ([]wire.Node, error) {
	b, err := c.loadBalancer(c.q.Str("LoadBalancerArn"))
	if err != nil {
		return nil, err
	}
	attrs, err := c.changedAttributes(b.Attributes)
	if err != nil {
		return nil, err
	}
	b.Attributes = attrs
	if err := c.st.loadBalancers.put(b); err != nil {
		return nil, err
	}
	return []wire.Node{elbAttributes(attrs)}, nil
}
