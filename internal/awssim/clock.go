package awssim

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Profile says how long AWS takes for things. The zero value is Instant. A
// factor may follow the name, as in "real/10" or "demo*2".
type Profile string

const (
	Instant Profile = "instant" // no waiting at all: tests
	Demo    Profile = "demo"    // a chain in some eight seconds: worth watching
	Real    Profile = "real"    // what AWS takes, as measured by its users
)

// ParseProfile reads a profile's name and its factor.
func ParseProfile(s string) (Profile, error) {
	_, _, err := Profile(s).parts()
	return Profile(s), err
}

var profileRE = regexp.MustCompile(`^(instant|demo|real)(?:([*/])(\d{1,6}(?:\.\d{1,6})?))?$`)

// parts divides a profile into its name and what durations are multiplied by.
func (p Profile) parts() (name Profile, factor float64, err error) {
	m := profileRE.FindStringSubmatch(string(p))
	if m == nil {
		return "", 0, fmt.Errorf("%q is not a time profile; use instant, demo or real, with a factor as in real/10 if you like", string(p))
	}
	factor = 1
	if m[3] != "" {
		if factor, err = strconv.ParseFloat(m[3], 64); err != nil || factor == 0 {
			return "", 0, fmt.Errorf("the factor of the time profile %q is not a number above 0", string(p))
		}
	}
	if m[2] == "/" {
		factor = 1 / factor
	}
	return Profile(m[1]), factor, nil
}

// timing holds the durations of a profile.
type timing struct {
	instanceStart     time.Duration // pending -> running
	appStart          time.Duration // running -> the app listens
	instanceStop      time.Duration // shutting-down -> terminated
	terminatedVisible time.Duration // how long a terminated instance is listed
	loadBalancerStart time.Duration // provisioning -> active
	linkStart         time.Duration // PENDING -> AVAILABLE
	linkStop          time.Duration // DELETING -> gone
	interfaceLinger   time.Duration // a deleted load balancer's network interfaces
	gatewayStart      time.Duration // NAT gateways and interface endpoints: pending -> available
	gatewayStop       time.Duration // deleting -> deleted
	profileVisible    time.Duration // until EC2 knows a new instance profile
	healthInterval    time.Duration // 0 = as configured in the target group
	healthTimeout     time.Duration // 0 = as configured in the target group
	firstCheck        time.Duration // a target can be checked -> its first check
	drain             time.Duration // at most; 0 = at once
	connectTimeout    time.Duration // a packet that a security group drops
	callMin, callMax  time.Duration // a call of the control plane, there and back
	tick              time.Duration // how often due health checks are looked for
	scale             float64       // of the durations that resources are configured with
}

// scaled is how long something lasts that a resource says itself, as the
// interval of its health checks.
func (t timing) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * t.scale) }

// timing gives a profile's durations with others in their place, times scale
// and the profile's factor.
func (p Profile) timing(scale float64, others Durations) (timing, error) {
	name, factor, err := p.parts()
	if err != nil {
		return timing{}, err
	}
	t := name.unscaled()
	if err := t.replace(others); err != nil {
		return timing{}, err
	}
	t.scale = scale * factor
	for _, d := range []*time.Duration{&t.instanceStart, &t.appStart, &t.instanceStop, &t.terminatedVisible, &t.loadBalancerStart, &t.linkStart,
		&t.linkStop, &t.interfaceLinger, &t.gatewayStart, &t.gatewayStop, &t.profileVisible, &t.healthInterval, &t.healthTimeout, &t.firstCheck, &t.drain, &t.connectTimeout, &t.callMin, &t.callMax} {
		*d = t.scaled(*d)
	}
	t.tick = max(time.Millisecond, min(t.tick, t.scaled(t.tick))) // a slow clock is no reason to look seldom
	if t.firstCheck > 0 {
		t.tick = max(time.Millisecond, min(t.tick, t.firstCheck/100))
	}
	return t, nil
}

func (p Profile) unscaled() timing {
	switch p {
	case Real:
		return timing{
			instanceStart: 25 * time.Second, appStart: 20 * time.Second, instanceStop: 30 * time.Second,
			terminatedVisible: time.Hour, loadBalancerStart: 150 * time.Second,
			linkStart: 120 * time.Second, linkStop: 90 * time.Second, interfaceLinger: 90 * time.Second,
			gatewayStart: 90 * time.Second, gatewayStop: 60 * time.Second, profileVisible: 10 * time.Second,
			drain: time.Hour, connectTimeout: 10 * time.Second, tick: 250 * time.Millisecond,
		}
	case Demo:
		return timing{
			instanceStart: 3 * time.Second, appStart: time.Second, instanceStop: 1500 * time.Millisecond,
			terminatedVisible: 10 * time.Minute, loadBalancerStart: 7500 * time.Millisecond,
			linkStart: 6 * time.Second, linkStop: 2 * time.Second, interfaceLinger: 1500 * time.Millisecond,
			gatewayStart: 2 * time.Second, gatewayStop: time.Second, profileVisible: time.Second,
			healthInterval: time.Second, healthTimeout: time.Second, drain: time.Second,
			connectTimeout: 500 * time.Millisecond, tick: 50 * time.Millisecond,
		}
	}
	return timing{
		terminatedVisible: 10 * time.Minute, healthInterval: 20 * time.Millisecond, healthTimeout: time.Second,
		connectTimeout: 5 * time.Millisecond, tick: 5 * time.Millisecond,
	}
}
