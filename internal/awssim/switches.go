package awssim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// Switches turn on what AWS does at times, and choose where what is known of
// AWS contradicts itself or leaves something open. The zero value turns
// nothing on and chooses the documented default. All of them can be changed
// while the simulator runs.
type Switches struct {
	// Throttle gives calls AWS's documented token buckets, for each account and Region.
	Throttle bool `json:"throttle"`
	// Visibility is for how long a service does not find what it has just made.
	Visibility time.Duration `json:"visibility_ns"`
	// VisibilityOf names the services that Visibility is for: ec2, elbv2,
	// apigatewayv2, iam. None = all of them.
	VisibilityOf []string `json:"visibility_of"`
	// WriteConflicts refuses a write to an API while another is under way.
	WriteConflicts bool `json:"write_conflicts"`
	// Quotas multiplies the quotas of ELB and API Gateway that AWS raises on
	// request. 0 = 1.
	Quotas int `json:"quotas"`
	// NoCapacity says where no instances of which type can be had.
	NoCapacity []Shortage `json:"no_capacity"`
	// VCPUs is the quota of vCPUs that run at once in a Region; 0 = none.
	VCPUs int `json:"vcpus"`
	// Zones gives Regions other Availability Zones: Region, name, id.
	Zones map[string]map[string]string `json:"zones"`
	// LinkZones gives Regions other zone ids in which VPC links can be made.
	LinkZones map[string][]string `json:"link_zones"`
	OpenFacts
}

// OpenFacts are the switches for what is open or contradictory in what is known
// of AWS. The zero value is the documented default of each.
type OpenFacts struct {
	// RefusePendingLink refuses an integration while its VPC link is PENDING.
	RefusePendingLink bool `json:"refuse_pending_link"`
	// RefuseProvisioningBalancer refuses a listener while its load balancer is
	// provisioning.
	RefuseProvisioningBalancer bool `json:"refuse_provisioning_balancer"`
	// TooLargeText and TooManyText are the messages of an HTTP API's 413 and 429.
	TooLargeText string `json:"too_large_text"`
	TooManyText  string `json:"too_many_text"`
	// AutoDeployTokens makes each automatic deployment take a token of
	// CreateDeployment's bucket; it needs Throttle.
	AutoDeployTokens bool `json:"auto_deploy_tokens"`
	// AutoDeployDelay is how long it takes until requests see an automatic
	// deployment. A change meanwhile begins it anew.
	AutoDeployDelay time.Duration `json:"auto_deploy_delay_ns"`
	// RemapHeaders gives some of an app's headers other names, as REST APIs do.
	RemapHeaders bool `json:"remap_headers"`
	// EC2Statuses are other HTTP statuses for EC2's error codes.
	EC2Statuses map[string]int `json:"ec2_statuses"`
	// TimeoutStatus is what API Gateway answers when an integration takes too
	// long: 503, as captured, or 504, as AWS's knowledge centre says.
	TimeoutStatus int `json:"timeout_status"`
	// TwoSubnetsCode is the code of "At least two subnets": ValidationError
	// or InvalidConfigurationRequest.
	TwoSubnetsCode string `json:"two_subnets_code"`
}

// Shortage is a zone and an instance type that cannot be had in it. "" and "*"
// stand for all.
type Shortage struct {
	Zone string `json:"zone"`
	Type string `json:"type"`
}

// ParseShortage reads ZONE:TYPE, as ap-northeast-1a:t3.micro or *:t3.micro.
func ParseShortage(s string) (Shortage, error) {
	zone, kind, ok := strings.Cut(s, ":")
	if !ok || zone == "" || kind == "" {
		return Shortage{}, fmt.Errorf("%q: write it as ZONE:TYPE, with * for all", s)
	}
	return Shortage{zone, kind}, nil
}

func (w Shortage) hits(zone, kind string) bool {
	return (w.Zone == "" || w.Zone == "*" || w.Zone == zone) && (w.Type == "" || w.Type == "*" || w.Type == kind)
}

// Switches returns the switches as they are.
func (sh *shared) Switches() Switches { return *sh.switches.Load() }

// SetSwitches changes all switches at once. Switches that make no sense are
// refused and change nothing.
func (sh *shared) SetSwitches(w Switches) error {
	if err := sh.setSwitches(w); err != nil {
		return fmt.Errorf("set switches: %w", err)
	}
	return nil
}

func (sh *shared) setSwitches(w Switches) error {
	w.OpenFacts.setDefaults()
	w.Quotas = max(w.Quotas, 1)
	if w.Visibility < 0 {
		return fmt.Errorf("visibility_ns %d is negative", w.Visibility)
	}
	if w.VCPUs < 0 {
		return fmt.Errorf("vcpus %d is negative", w.VCPUs)
	}
	for _, name := range w.VisibilityOf {
		if !slices.Contains(visibilityServices, name) {
			return fmt.Errorf("visibility_of %q: use %s", name, strings.Join(visibilityServices, ", "))
		}
	}
	for region, zones := range w.Zones {
		if err := checkZones(region, zones); err != nil {
			return err
		}
	}
	if err := w.OpenFacts.check(); err != nil {
		return err
	}
	sh.switches.Store(&w)
	return nil
}

func (o *OpenFacts) setDefaults() {
	o.TimeoutStatus = cmp.Or(o.TimeoutStatus, http.StatusServiceUnavailable)
	o.TwoSubnetsCode = cmp.Or(o.TwoSubnetsCode, "ValidationError")
	o.TooLargeText = cmp.Or(o.TooLargeText, http.StatusText(http.StatusRequestEntityTooLarge))
	o.TooManyText = cmp.Or(o.TooManyText, http.StatusText(http.StatusTooManyRequests))
}

func (o *OpenFacts) check() error {
	switch {
	case o.TimeoutStatus != http.StatusServiceUnavailable && o.TimeoutStatus != http.StatusGatewayTimeout:
		return fmt.Errorf("timeout_status %d: use 503 or 504", o.TimeoutStatus)
	case o.TwoSubnetsCode != "ValidationError" && o.TwoSubnetsCode != "InvalidConfigurationRequest":
		return fmt.Errorf("two_subnets_code %q: use ValidationError or InvalidConfigurationRequest", o.TwoSubnetsCode)
	case o.AutoDeployDelay < 0:
		return fmt.Errorf("auto_deploy_delay_ns %d is negative", o.AutoDeployDelay)
	}
	for code, status := range o.EC2Statuses {
		if status < 400 || status > 599 {
			return fmt.Errorf("ec2_statuses: %d is no status of an error, for %s", status, code)
		}
	}
	return nil
}

func checkZones(region string, zones map[string]string) error {
	if !regionRE.MatchString(region) || len(zones) < 2 {
		return fmt.Errorf("zones: %q needs to be a Region with two zones or more", region)
	}
	for name, id := range zones {
		if !strings.HasPrefix(name, region) || id == "" {
			return fmt.Errorf("zones: zone %q with the id %q is not of the Region %s", name, id, region)
		}
	}
	return nil
}

// switchedZones returns the Region's zones, ids by name, when a switch says them.
func (s *Sim) switchedZones() map[string]string { return s.switches.Load().Zones[s.region] }

// linkZones are the zone ids in which API Gateway makes VPC links V2. Regions
// that AWS's table does not name have them everywhere.
var linkZones = map[string]string{
	"us-east-1": "use1-az1 use1-az2 use1-az4 use1-az5 use1-az6", "us-east-2": "use2-az1 use2-az2 use2-az3",
	"us-west-1": "usw1-az1 usw1-az3", "us-west-2": "usw2-az1 usw2-az2 usw2-az3 usw2-az4",
	"ap-northeast-1": "apne1-az1 apne1-az2 apne1-az4", "ap-northeast-2": "apne2-az1 apne2-az2 apne2-az3",
	"ap-southeast-1": "apse1-az1 apse1-az2 apse1-az3", "ap-southeast-2": "apse2-az1 apse2-az2 apse2-az3",
	"ap-south-1": "aps1-az1 aps1-az2 aps1-az3", "ap-east-1": "ape1-az2 ape1-az3", "ca-central-1": "cac1-az1 cac1-az2",
	"eu-central-1": "euc1-az1 euc1-az2 euc1-az3", "eu-west-1": "euw1-az1 euw1-az2 euw1-az3", "eu-west-2": "euw2-az1 euw2-az2 euw2-az3",
	"eu-west-3": "euw3-az1 euw3-az3", "eu-north-1": "eun1-az1 eun1-az2 eun1-az3", "eu-south-2": "eus2-az1 eus2-az2 eus2-az3",
	"sa-east-1": "sae1-az1 sae1-az2 sae1-az3", "me-south-1": "mes1-az1 mes1-az2 mes1-az3", "us-gov-west-1": "usgw1-az1 usgw1-az2 usgw1-az3",
}

// linksIn says whether VPC links can be made in a zone.
func (s *Sim) linksIn(zoneID string) bool {
	if ids, ok := s.switches.Load().LinkZones[s.region]; ok {
		return slices.Contains(ids, zoneID)
	}
	ids, ok := linkZones[s.region]
	return !ok || slices.Contains(strings.Fields(ids), zoneID)
}

// capacity refuses a launch where a switch says that there is none.
func (s *Sim) capacity(zone, kind string) error {
	short := s.switches.Load().NoCapacity
	lacks := func(zone string) bool {
		return slices.ContainsFunc(short, func(w Shortage) bool { return w.hits(zone, kind) })
	}
	if !lacks(zone) {
		return nil
	}
	text := "We currently do not have sufficient " + kind + " capacity in the Availability Zone you requested (" + zone +
		"). Our system will be working on provisioning additional capacity."
	if others := slices.DeleteFunc(s.zones(), lacks); len(others) > 0 {
		text += " You can currently get " + kind + " capacity by not specifying an Availability Zone in your request or choosing " + strings.Join(others, ", ") + "."
	}
	return wire.Errorf(http.StatusInternalServerError, "InsufficientInstanceCapacity", "%s", text)
}
