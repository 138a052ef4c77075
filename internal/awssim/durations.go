package awssim

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Durations take the place of the profile's, by name. The factors of profile
// and scale apply to them as to the profile's own.
type Durations map[string]time.Duration

// named are the durations that can be replaced.
func (t *timing) named() map[string]*time.Duration {
	return map[string]*time.Duration{
		"instance":      &t.instanceStart,     // pending -> running
		"app":           &t.appStart,          // running -> the app listens
		"instance-stop": &t.instanceStop,      // shutting-down -> terminated
		"load-balancer": &t.loadBalancerStart, // provisioning -> active
		"interfaces":    &t.interfaceLinger,   // of a deleted load balancer
		"vpc-link":      &t.linkStart,         // PENDING -> AVAILABLE
		"vpc-link-stop": &t.linkStop,          // DELETING -> gone
		"health":        &t.firstCheck,        // a target can be checked -> its first check
		"drain":         &t.drain,             // at most
		"call-min":      &t.callMin,           // the quickest call of the control plane
		"call-max":      &t.callMax,           // the slowest
	}
}

// replace puts d in place of the profile's durations.
func (t *timing) replace(d Durations) error {
	fields := t.named()
	for name, value := range d {
		field := fields[name]
		if field == nil {
			return fmt.Errorf("there is no duration %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
		if value < 0 {
			return fmt.Errorf("the duration %s is negative", name)
		}
		*field = value
	}
	t.callMax = max(t.callMin, t.callMax)
	return nil
}

// travel is how long half a call takes: its way there or its answer's way back.
func (t timing) travel() time.Duration {
	spread := t.callMax - t.callMin
	if spread > 0 {
		spread = rand.N(spread + 1)
	}
	return (t.callMin + spread) / 2
}

// rest waits for d, or until nobody waits for the answer any more.
func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
