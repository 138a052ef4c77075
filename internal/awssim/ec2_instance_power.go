package awssim

import (
	"regexp"
	"time"

	"drawbridge/internal/awssim/wire"
)

// stateChanges answers as Start-, Stop- and TerminateInstances do.
func (c *call) stateChanges(all []*instance, before map[string]instanceState) []wire.Node {
	return []wire.Node{wire.List("instancesSet", "item", all, func(i *instance) []wire.Node {
		return []wire.Node{wire.Str("instanceId", i.ID), stateXML("currentState", i.stateAt(c.now, c.t)), stateXML("previousState", before[i.ID])}
	})}
}

// power changes instances when every one of them is in a state for it.
func (c *call) power(check func(*instance, string) error, change func(*instance)) ([]wire.Node, error) {
	var all []*instance
	for _, id := range c.q.List("InstanceId") {
		i, err := c.instance(id)
		if err != nil {
			return nil, err
		}
		if err := check(i, i.stateAt(c.now, c.t).name); err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	if len(all) == 0 {
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter InstanceId")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	before := map[string]instanceState{}
	for _, i := range all {
		before[i.ID] = i.stateAt(c.now, c.t)
		change(i)
		if err := c.st.instances.put(i); err != nil {
			return nil, err
		}
	}
	return c.stateChanges(all, before), nil
}

func wrongState(i *instance, what string) error {
	return wire.BadRequest("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i.ID, what)
}

// stopInstances may be repeated: the address and the volume stay.
func stopInstances(c *call) ([]wire.Node, error) {
	return c.power(func(i *instance, state string) error {
		switch {
		case state == "shutting-down" || state == "terminated" || state == "pending":
			return wrongState(i, "stopped")
		case i.NoStop && i.StoppedAt.IsZero():
			return wire.BadRequest("OperationNotPermitted", "The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.ID)
		}
		return nil
	}, func(i *instance) {
		if i.StoppedAt.IsZero() {
			i.StoppedAt = c.now
		}
	})
}

// startInstances needs room for an instance as a launch does: a stopped one
// keeps no place.
func startInstances(c *call) ([]wire.Node, error) {
	return c.power(func(i *instance, state string) error {
		switch state {
		case "running", "pending":
			return nil
		case "stopped":
			if err := c.capacity(i.Zone, i.Type); err != nil {
				return err
			}
			_, err := c.vcpuQuota(i.Type, 1)
			return err
		}
		return wrongState(i, "started")
	}, func(i *instance) {
		if !i.StoppedAt.IsZero() {
			i.StoppedAt, i.LaunchedAt, i.Existing, i.Restarted = time.Time{}, c.now, false, true
		}
	})
}

// rebootInstances takes no time here. Cloud-init runs most user data at the first
// boot only, so an app may not come back.
func rebootInstances(c *call) ([]wire.Node, error) {
	_, err := c.power(func(i *instance, state string) error {
		if state != "running" {
			return wrongState(i, "rebooted")
		}
		return nil
	}, func(i *instance) { i.Restarted = true })
	return returned(), err
}

// atEveryBoot finds in user data what makes an app outlive a stop: cloud-init
// runs the rest at the first boot only.
var atEveryBoot = regexp.MustCompile(`(?m)systemctl\b.*\benable\b|\bchkconfig\b|@reboot|/rc\.local|/per-boot\b|^#cloud-boothook|\bscripts-user\b.*\balways\b|--restart[ =](always|unless-stopped)`)

// oneBoot says whether user data starts an app for as long as the first boot
// lasts. Without user data the app is a part of the image.
func oneBoot(userData string) bool { return userData != "" && !atEveryBoot.MatchString(userData) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
