package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// pace is what the simulated AWS is configured with.
type pace struct {
	loadBalancer time.Duration // provisioning -> active
	link         time.Duration // PENDING -> AVAILABLE
	instance     time.Duration // pending -> running
	app          time.Duration // running -> the app listens
	health       time.Duration // a target can be checked -> its first check
	linkStop     time.Duration // DELETING -> gone, with its network interfaces
	interfaces   time.Duration // of a deleted load balancer
	instanceStop time.Duration // shutting-down -> terminated

	callMin, callMax time.Duration // a call of the control plane
	throttled        bool          // AWS's documented rates
	speed            float64       // of the simulator's clock: waits, calls and rates; 1 = real time
}

// realLife are durations as users of AWS measured them.
var realLife = pace{
	loadBalancer: 150 * time.Second, link: 120 * time.Second, instance: 25 * time.Second, app: 20 * time.Second,
	health: 30 * time.Second, linkStop: 90 * time.Second, interfaces: 90 * time.Second, instanceStop: 30 * time.Second,
	callMin: 60 * time.Millisecond, callMax: 120 * time.Millisecond, speed: 1,
}

// tenth divides the waits, and neither the calls nor the rates.
func (p pace) tenth() pace {
	for _, d := range []*time.Duration{&p.loadBalancer, &p.link, &p.instance, &p.app, &p.health, &p.linkStop, &p.interfaces, &p.instanceStop} {
		*d /= 10
	}
	return p
}

func (p pace) throttle() pace { p.throttled = true; return p }

// faster speeds the whole clock up.
func (p pace) faster(factor float64) pace { p.speed = factor; return p }

// flags are the simulator's.
func (p pace) flags() []string {
	if p == (pace{}) {
		return []string{"--sim-profile", "instant"}
	}
	var durations []string
	for name, d := range map[string]time.Duration{
		"load-balancer": p.loadBalancer, "vpc-link": p.link, "instance": p.instance, "app": p.app, "health": p.health,
		"vpc-link-stop": p.linkStop, "interfaces": p.interfaces, "instance-stop": p.instanceStop,
		"call-min": p.callMin, "call-max": p.callMax,
	} {
		durations = append(durations, name+"="+d.String())
	}
	flags := []string{"--sim-profile", fmt.Sprintf("real/%g", p.speed), "--sim-duration", strings.Join(durations, ";")}
	if p.throttled {
		flags = append(flags, "--sim-throttle")
	}
	return flags
}

// bucket is AWS's documented rate of a call: so many at once, so many a second.
type bucket struct{ burst, rate float64 }

var documented = map[string]bucket{
	"CreateSecurityGroup": {50, 5}, "DeleteSecurityGroup": {50, 5}, "RunInstances": {5, 2}, "TerminateInstances": {100, 5},
	"CreateLoadBalancer": {10, 0.2}, "DeleteLoadBalancer": {20, 3}, "RegisterTargets": {20, 4},
	"CreateVpcLink": {1, 1.0 / 15}, "DeleteVpcLink": {1, 1.0 / 30},
}

// path is one way through a chain: calls and a wait, one after the other.
type path struct {
	name  string
	calls []string // the look that sees the end of a wait is one of them
	wait  time.Duration
}

// provisionPaths are what the app's first answer cannot do without.
func (p pace) provisionPaths() []path {
	return []path{
		{"security group, load balancer, health check",
			[]string{"CreateSecurityGroup", "CreateLoadBalancer", "DescribeTargetHealth"}, p.loadBalancer + p.health},
		{"security group, VPC link, integration, route",
			[]string{"CreateSecurityGroup", "CreateVpcLink", "GetVpcLinks", "CreateIntegration", "CreateRoute"}, p.link},
		{"security group, instance, registration, health check",
			[]string{"CreateSecurityGroup", "RunInstances", "DescribeInstances", "RegisterTargets", "DescribeTargetHealth"}, p.instance + p.health},
	}
}

// destroyPaths end with the groups, which network interfaces hold, and with
// the look for what is left. A VPC link cannot go before what refers to it.
func (p pace) destroyPaths() []path {
	return []path{
		{"API, VPC link, security group", []string{"DeleteApi", "DeleteVpcLink", "GetVpcLinks", "DeleteSecurityGroup", "DescribeTags"}, p.linkStop},
		{"load balancer, security group", []string{"DeleteLoadBalancer", "DescribeNetworkInterfaces", "DeleteSecurityGroup", "DescribeTags"}, p.interfaces},
		{"instance, security group", []string{"TerminateInstances", "DescribeInstances", "DeleteSecurityGroup", "DescribeTags"}, p.instanceStop},
	}
}

// bound is the least time in which n chains can walk the paths, and the path
// that takes it. A path takes its wait and the mean latency of its calls.
// Under throttles the n-th call of a kind can be sent (n - burst) / rate after
// the first, however clever the sender is; the chain that sends it last walks
// the whole path after that. (Where a path has several throttled kinds, the
// slowest counts: the others' queues empty meanwhile.) A clock that is faster
// divides all of it.
func (p pace) bound(n int, paths []path) (time.Duration, string) {
	var most time.Duration
	var name string
	for _, path := range paths {
		took := path.wait + time.Duration(len(path.calls))*(p.callMin+p.callMax)/2
		if p.throttled {
			took += queue(n, path.calls)
		}
		if took > most {
			most, name = took, path.name
		}
	}
	return time.Duration(float64(most) / p.speed), name
}

// queue is how long the last of n calls of the slowest kind waits for its turn.
func queue(n int, calls []string) time.Duration {
	var longest float64
	for _, call := range calls {
		if b, ok := documented[call]; ok {
			longest = max(longest, (float64(n)-b.burst)/b.rate)
		}
	}
	return time.Duration(longest * float64(time.Second))
}

func TestBound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		pace  pace
		n     int
		paths func(pace) []path
		want  time.Duration
	}{
		{"one chain: 150 s + 30 s + 3 calls of 90 ms", realLife, 1, pace.provisionPaths, 180*time.Second + 270*time.Millisecond},
		{"a tenth: 18 s + 3 calls", realLife.tenth(), 20, pace.provisionPaths, 18*time.Second + 270*time.Millisecond},
		{"20 throttled: 19 x 15 s + 12 s + 5 calls", realLife.tenth().throttle(), 20, pace.provisionPaths, 297*time.Second + 450*time.Millisecond},
		{"100 throttled, ten times as fast: (99 x 15 s + 120 s + 5 calls) / 10", realLife.throttle().faster(10), 100, pace.provisionPaths, 160*time.Second + 545*time.Millisecond},
		{"destroy: 90 s + 5 calls", realLife, 1, pace.destroyPaths, 90*time.Second + 450*time.Millisecond},
	} {
		if got, _ := row.pace.bound(row.n, row.paths(row.pace)); got.Round(time.Microsecond) != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}
