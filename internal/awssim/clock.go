package awssim

import (
	"fmt"
	"time"
)

// Profile says how long AWS takes for things. The zero value is Instant.
type Profile string

const (
	Instant Profile = "instant" // no waiting at all: tests
	Demo    Profile = "demo"    // a chain in some eight seconds: worth watching
	Real    Profile = "real"    // what AWS takes, as measured by its users
)

// ParseProfile reads a profile's name.
func ParseProfile(s string) (Profile, error) {
	switch p := Profile(s); p {
	case Instant, Demo, Real:
		return p, nil
	}
	return "", fmt.Errorf("%q is not a time profile; use instant, demo or real", s)
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
	healthInterval    time.Duration // 0 = as configured in the target group
	healthTimeout     time.Duration // 0 = as configured in the target group
	drain             time.Duration // at most; 0 = at once
	connectTimeout    time.Duration // a packet that a security group drops
	tick              time.Duration // how often due health checks are looked for
}

func (p Profile) timing() timing {
	switch p {
	case Real:
		return timing{
			instanceStart: 25 * time.Second, appStart: 20 * time.Second, instanceStop: 30 * time.Second,
			terminatedVisible: time.Hour, loadBalancerStart: 150 * time.Second,
			linkStart: 120 * time.Second, linkStop: 90 * time.Second, interfaceLinger: 90 * time.Second,
			drain: time.Hour, connectTimeout: 10 * time.Second, tick: 250 * time.Millisecond,
		}
	case Demo:
		return timing{
			instanceStart: 3 * time.Second, appStart: time.Second, instanceStop: 1500 * time.Millisecond,
			terminatedVisible: 10 * time.Minute, loadBalancerStart: 7500 * time.Millisecond,
			linkStart: 6 * time.Second, linkStop: 2 * time.Second, interfaceLinger: 1500 * time.Millisecond,
			healthInterval: time.Second, healthTimeout: time.Second, drain: time.Second,
			connectTimeout: 500 * time.Millisecond, tick: 50 * time.Millisecond,
		}
	}
	return timing{
		terminatedVisible: 10 * time.Minute, healthInterval: 20 * time.Millisecond, healthTimeout: time.Second,
		connectTimeout: 5 * time.Millisecond, tick: 5 * time.Millisecond,
	}
}
