package awssim

import (
	"slices"

	"drawbridge/internal/awssim/wire"
)

// Quotas of an account in a Region, as AWS's guides name them. Those that are
// looked at in one place stand there.
const (
	maxAPIs             = 600
	maxAPIRoutes        = 300 // per API
	maxIntegrations     = 300 // per API; AWS does not raise it
	maxStages           = 10  // per API
	maxStageVariables   = 100
	maxStageVariableKey = 64
	maxStageVariable    = 512

	maxTargetGroups      = 3000
	maxTargets           = 1000 // per target group, and per load balancer
	maxListeners         = 50   // per load balancer
	maxGroupsPerBalancer = 100  // AWS does not raise it
)

// quota is a quota that AWS raises on request, as high as the switch says.
func (sh *shared) quota(most int) int { return most * sh.switches.Load().Quotas }

// withinQuota refuses one more of what an API or an account has.
func withinQuota(have, most int, noun string) error {
	if have >= most {
		return badRequest("You have exceeded the limit of %d %s", most, noun)
	}
	return nil
}

func countOf[T any](t *table[T], is func(*T) bool) int {
	n := 0
	for _, r := range t.rows {
		if is(r) {
			n++
		}
	}
	return n
}

// vcpuQuota says how many more instances of a type the switch lets run.
func (c *call) vcpuQuota(kind string, low int) (room int, err error) {
	quota := c.Switches().VCPUs
	if quota == 0 {
		return maxLaunch, nil
	}
	used := 0
	for _, i := range c.st.instances.rows {
		if state := i.stateAt(c.now, c.t).name; state == "pending" || state == "running" {
			used += vcpusOf(i.Type)
		}
	}
	room = (quota - used) / max(1, vcpusOf(kind))
	if room < low {
		return 0, wire.BadRequest("VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of %d allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.", quota)
	}
	return room, nil
}

func vcpusOf(kind string) int {
	t, err := findInstanceType(kind)
	if err != nil {
		return 0 // it was launched by an older version
	}
	return t.vcpus
}

// balancerQuotas refuses a forward action with which a load balancer would
// have too many target groups or targets.
func (c *call) balancerQuotas(b *loadBalancer, add []weightedGroup) error {
	groups := map[string]bool{}
	for arn, users := range c.st.index().balancers {
		if slices.Contains(users, b.ARN) {
			groups[arn] = true
		}
	}
	for _, g := range add {
		groups[g.ARN] = true
	}
	if len(groups) > maxGroupsPerBalancer {
		return wire.BadRequest("TooManyUniqueTargetGroupsPerLoadBalancer", "You've reached the limit on the number of unique target groups per load balancer across all listeners. If a target group is used by multiple actions for a load balancer, it is counted as only one use.")
	}
	targets := 0
	for arn := range groups {
		targets += len(c.targetsOf(arn))
	}
	if targets > c.quota(maxTargets) {
		return tooManyTargets()
	}
	return nil
}

// targetQuotas refuses more targets than a group and its load balancer may have.
func (c *call) targetQuotas(g *targetGroup, add []*target) error {
	fresh := 0
	for _, t := range add {
		if _, ok := c.st.targets.get(t.key()); !ok {
			fresh++
		}
	}
	if len(c.targetsOf(g.ARN))+fresh > c.quota(maxTargets) {
		return tooManyTargets()
	}
	for _, arn := range c.balancersOf(g) {
		total := fresh
		for other, users := range c.st.index().balancers {
			if slices.Contains(users, arn) {
				total += len(c.targetsOf(other))
			}
		}
		if total > c.quota(maxTargets) {
			return tooManyTargets()
		}
	}
	return nil
}

func tooManyTargets() error {
	return wire.BadRequest("TooManyTargets", "You've reached the limit on the number of targets.")
}
