package awssim

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// rate is a token bucket's size and what it gets back in a second.
type rate struct{ capacity, refill float64 }

type bucket struct {
	tokens float64
	at     time.Time
}

// limit is a bucket that a call takes tokens from.
type limit struct {
	bucket string
	rate   rate
	cost   float64
}

// admit takes a call's tokens out of its buckets, all or none, and refuses the
// call when one of them has too few.
func (s *Sim) admit(op operation) error {
	if !s.switches.Load().Throttle {
		return nil
	}
	now, limits := s.now(), limitsOf(op)
	if s.deploysItself(op) {
		limits = append(limits, gatewayLimits("CreateDeployment")[1:]...)
	}
	s.paceMu.Lock()
	defer s.paceMu.Unlock()
	for _, l := range limits {
		if s.filled(l, now).tokens < l.cost {
			return throttled(op.service)
		}
	}
	for _, l := range limits {
		s.buckets[l.bucket].tokens -= l.cost
	}
	return nil
}

var deploying = regexp.MustCompile(`^(Create|Update|Delete)(Route|Integration)$`)

// deploysItself says whether a call makes an automatic deployment that takes a
// token of CreateDeployment's: AWS does not say that it does.
func (s *Sim) deploysItself(op operation) bool {
	if !s.switches.Load().AutoDeployTokens || op.service != "apigatewayv2" || !deploying.MatchString(op.name) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.st.stages.find(func(st *stage) bool { return st.APIID == op.writes && st.AutoDeploy }) != nil
}

// filled returns a limit's bucket with what has come back since it was last
// looked at. A fast clock fills faster.
func (s *Sim) filled(l limit, now time.Time) *bucket {
	b := s.buckets[l.bucket]
	if b == nil {
		b = &bucket{tokens: l.rate.capacity, at: now}
		s.buckets[l.bucket] = b
	}
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens = min(l.rate.capacity, b.tokens+elapsed/s.t.scale*l.rate.refill)
		b.at = now
	}
	return b
}

func throttled(service string) error {
	switch service {
	case "ec2":
		return wire.Errorf(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case "apigatewayv2":
		return &wire.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Too Many Requests",
			Members: map[string]string{"limitType": "ACCOUNT"}}
	}
	return wire.BadRequest("ThrottlingException", "Rate exceeded")
}

func limitsOf(op operation) []limit {
	switch op.service {
	case "apigatewayv2":
		return gatewayLimits(op.name)
	case "elbv2":
		return elbLimits(op.name)
	case "ec2":
		return ec2Limits(op)
	}
	return nil // AWS documents none for the others
}

func gatewayLimits(op string) []limit {
	out := []limit{{"apigatewayv2", rate{40, 10}, 1}}
	own := map[string]float64{"CreateVpcLink": 1.0 / 15, "DeleteVpcLink": 1.0 / 30, "CreateDeployment": 1.0 / 5}
	if refill, ok := own[op]; ok {
		out = append(out, limit{"apigatewayv2:" + op, rate{1, refill}, 1})
	}
	return out
}

func elbLimits(op string) []limit {
	out := []limit{{"elbv2", rate{40, 10}, 1}}
	switch {
	case op == "CreateLoadBalancer", op == "SetSubnets":
		return append(out, limit{"elbv2:intensive", rate{10, 0.2}, 1})
	case op == "RegisterTargets", op == "DeregisterTargets":
		return append(out, limit{"elbv2:registration", rate{20, 4}, 1})
	case strings.HasPrefix(op, "Describe"):
		return append(out, limit{"elbv2:read", rate{40, 10}, 1})
	}
	return append(out, limit{"elbv2:write", rate{20, 3}, 1})
}

// ec2Rates are those that differ from their kind's.
var ec2Rates = map[string]rate{
	"RunInstances": {5, 2}, "StartInstances": {5, 2}, "TerminateInstances": {100, 5}, "CreateTags": {100, 10},
	"AssociateIamInstanceProfile": {100, 5}, "ModifyInstanceMetadataOptions": {100, 5}, "CreateNatGateway": {10, 1}, "CreateVpcEndpoint": {4, 0.3},
}

// wideReads cost more when they are neither filtered nor paged.
var wideReads = []string{"DescribeInstances", "DescribeInstanceStatus", "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeVolumes", "DescribeSnapshots"}

var ec2Read = regexp.MustCompile(`^(Describe|Get|List|Search)`)

func ec2Limits(op operation) []limit {
	r, ok := ec2Rates[op.name]
	name := "ec2:" + op.name
	switch {
	case ok:
	case slices.Contains(wideReads, op.name) && !narrowed(op.query):
		r, name = rate{50, 10}, name+":unfiltered"
	case ec2Read.MatchString(op.name):
		r = rate{100, 20}
	default:
		r = rate{50, 5}
	}
	out := []limit{{name, r, 1}}
	switch op.name {
	case "RunInstances":
		out = append(out, limit{name + ":instances", rate{1000, 2}, float64(max(1, op.query.Int("MaxCount", 1)))})
	case "TerminateInstances":
		out = append(out, limit{name + ":instances", rate{1000, 20}, float64(len(op.query.List("InstanceId")))})
	}
	return out
}

// narrowed says whether a Describe asks for some rows only.
func narrowed(q wire.Query) bool {
	for _, p := range []string{"MaxResults", "NextToken", "Filter", "InstanceId", "NetworkInterfaceId", "GroupId", "GroupName", "VolumeId", "SnapshotId"} {
		if q.Has(p) {
			return true
		}
	}
	return false
}

// beginWrite marks an API as being written to and returns what ends that. With
// the switch on, a second write meanwhile is refused as on AWS.
func (s *Sim) beginWrite(api string) (end func(), err error) {
	if api == "" || !s.switches.Load().WriteConflicts {
		return func() {}, nil
	}
	s.paceMu.Lock()
	defer s.paceMu.Unlock()
	if s.writing[api] {
		return func() {}, conflict("Unable to complete operation due to concurrent modification. Please try again later.")
	}
	s.writing[api] = true
	return func() {
		s.paceMu.Lock()
		defer s.paceMu.Unlock()
		maps.DeleteFunc(s.writing, func(id string, _ bool) bool { return id == api })
	}, nil
}
