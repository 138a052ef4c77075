package awssim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// World names what Seed has put there. The ids are the same in every simulator.
type World struct {
	VPCID      string   `json:"vpc_id"`
	SubnetIDs  []string `json:"subnet_ids"`
	InstanceID string   `json:"instance_id"`
}

const (
	seedVPC           = "vpc-05100000000000001"
	seedRouteTable    = "rtb-05100000000000001"
	seedNAT           = "nat-05100000000000001"
	seedDefaultGroup  = "sg-05100000000000000"
	seedSubnetA       = "subnet-0510000000000000a"
	seedSubnetC       = "subnet-0510000000000000c"
	seedInstanceGroup = "sg-05100000000000001"
	seedInstance      = "i-05100000000000148"
	seedInterface     = "eni-05100000000000148"
	seedAddress       = "10.0.10.148"
)

// Seed puts the article's surroundings in place: test-vpc with two private
// subnets in two zones, and test-ec2, which runs the sample app on port 8000.
// It puts back what is missing and changes nothing else.
func (s *Sim) Seed() (World, error) {
	w := World{VPCID: seedVPC, SubnetIDs: []string{seedSubnetA, seedSubnetC}, InstanceID: seedInstance}
	err := s.commit(func(now time.Time) error {
		if err := s.seedNetwork(); err != nil {
			return err
		}
		return s.seedInstance(now)
	})
	if err != nil {
		return World{}, fmt.Errorf("seed simulated AWS: %w", err)
	}
	return w, nil
}

func (s *Sim) seedNetwork() error {
	if _, ok := s.st.vpcs.get(seedVPC); !ok {
		v := &vpc{ID: seedVPC, CIDR: "10.0.0.0/16", Tags: tags{"Name": "test-vpc"}}
		if err := s.addVPC(v, seedDefaultGroup, seedRouteTable, seedNAT); err != nil {
			return err
		}
		nat := &natGateway{ID: seedNAT, VPCID: seedVPC, SubnetID: seedSubnetA, Connectivity: "public", PublicIP: "203.0.113.250", PrivateIP: "10.0.0.250"}
		if err := s.st.nats.put(nat); err != nil {
			return err
		}
	}
	zones := s.zones()
	for _, sn := range []*subnet{
		{ID: seedSubnetA, VPCID: seedVPC, Zone: zones[0], CIDR: "10.0.0.0/20", Tags: tags{"Name": "test-private1"}},
		{ID: seedSubnetC, VPCID: seedVPC, Zone: zones[1], CIDR: "10.0.16.0/20", Tags: tags{"Name": "test-private2"}},
	} {
		if _, ok := s.st.subnets.get(sn.ID); ok {
			continue
		}
		if err := s.st.subnets.put(sn); err != nil {
			return err
		}
	}
	if _, ok := s.st.groups.get(seedInstanceGroup); ok {
		return nil
	}
	return s.addGroup(&securityGroup{ID: seedInstanceGroup, Name: "test-existing-sg", Description: "Group of test-ec2", VPCID: seedVPC})
}

func (s *Sim) seedInstance(now time.Time) error {
	if old, ok := s.st.instances.get(seedInstance); ok && old.TerminatedAt.IsZero() {
		return nil
	}
	err := s.st.interfaces.put(&networkInterface{ID: seedInterface, SubnetID: seedSubnetA, VPCID: seedVPC, Zone: s.zones()[0], IP: seedAddress,
		Groups: []string{seedInstanceGroup}, Type: "interface", AttachedOwner: s.account, Owner: seedInstance, AttachedAt: now.Add(-time.Hour)})
	if err != nil {
		return err
	}
	i := &instance{ID: seedInstance, ReservationID: "r-05100000000000148", ImageID: imageX86, Arch: "x86_64", Type: "t3.micro",
		SubnetID: seedSubnetA, VPCID: seedVPC, Zone: s.zones()[0], IP: seedAddress, Groups: []string{seedInstanceGroup}, HTTPTokens: "required",
		HopLimit: 2, LaunchedAt: now.Add(-time.Hour), Existing: true, Tags: tags{"Name": "test-ec2"}}
	return errors.Join(s.st.instances.put(i), s.st.volumes.put(i.rootVolume()))
}

// Snapshot is everything that exists at a moment, comparable with ==. What is
// gone but still listed (a terminated instance) is not in it; what is on its
// way out is.
type Snapshot struct {
	VPCs, Subnets, SecurityGroups, Rules, Instances, NetworkInterfaces int
	TargetGroups, Targets, LoadBalancers, Listeners                    int
	VPCLinks, APIs, Integrations, Routes, Stages                       int
	IDs                                                                string // one line each: kind, id, tags
}

// Snapshot returns what exists now.
func (s *Sim) Snapshot() Snapshot {
	var out Snapshot
	// A failed write is shown by the next call that changes something.
	_ = s.commit(func(now time.Time) error {
		out = s.snapshot(now)
		return nil
	})
	return out
}

func (s *Sim) snapshot(now time.Time) Snapshot {
	st := s.st
	var lines []string
	live := st.instances.list(func(i *instance) bool { return i.stateAt(now, s.t).name != "terminated" })
	for _, i := range live {
		lines = append(lines, line("instance", i.ID, i.Tags))
	}
	out := Snapshot{Instances: len(live)}
	out.VPCs = addLines(&lines, st.vpcs, func(r *vpc) tags { return r.Tags })
	out.Subnets = addLines(&lines, st.subnets, func(r *subnet) tags { return r.Tags })
	out.SecurityGroups = addLines(&lines, st.groups, func(r *securityGroup) tags { return r.Tags })
	out.Rules = addLines(&lines, st.rules, func(r *groupRule) tags { return r.Tags })
	out.NetworkInterfaces = addLines(&lines, st.interfaces, func(r *networkInterface) tags { return r.Tags })
	out.TargetGroups = addLines(&lines, st.targetGroups, func(r *targetGroup) tags { return r.Tags })
	out.Targets = addLines(&lines, st.targets, func(*target) tags { return nil })
	out.LoadBalancers = addLines(&lines, st.loadBalancers, func(r *loadBalancer) tags { return r.Tags })
	out.Listeners = addLines(&lines, st.listeners, func(r *listener) tags { return r.Tags })
	addLines(&lines, st.listenerRules, func(r *listenerRule) tags { return r.Tags })
	out.VPCLinks = addLines(&lines, st.links, func(r *vpcLink) tags { return r.Tags })
	out.APIs = addLines(&lines, st.apis, func(r *api) tags { return r.Tags })
	for _, v := range st.volumes.list(func(v *volume) bool { return v.Instance == "" }) {
		lines = append(lines, line(st.volumes.kind, v.ID, v.Tags))
	}
	addLines(&lines, st.templates, func(r *launchTemplate) tags { return r.Tags })
	addLines(&lines, st.routeTables, func(r *routeTable) tags { return r.Tags })
	addLines(&lines, st.gateways, func(r *internetGateway) tags { return r.Tags })
	addLines(&lines, st.addresses, func(r *address) tags { return r.Tags })
	addLines(&lines, st.roles, func(r *role) tags { return r.Tags })
	addLines(&lines, st.profiles, func(r *instanceProfile) tags { return r.Tags })
	for _, n := range st.nats.list(func(n *natGateway) bool { return n.stateAt(now, s.t) != "deleted" }) {
		lines = append(lines, line(st.nats.kind, n.ID, n.Tags))
	}
	for _, e := range st.endpoints.list(func(e *vpcEndpoint) bool { return !e.goneAt(now) }) {
		lines = append(lines, line(st.endpoints.kind, e.ID, e.Tags))
	}
	out.Integrations = addLines(&lines, st.integrations, func(*integration) tags { return nil })
	out.Routes = addLines(&lines, st.routes, func(*route) tags { return nil })
	out.Stages = addLines(&lines, st.stages, func(r *stage) tags { return r.Tags })
	out.IDs = strings.Join(lines, "\n")
	return out
}

func addLines[T any](lines *[]string, t *table[T], of func(*T) tags) int {
	for _, r := range t.list(nil) {
		*lines = append(*lines, line(t.kind, t.key(r), of(r)))
	}
	return len(t.rows)
}

func line(kind, id string, t tags) string {
	text := kind + " " + id
	for _, k := range slices.Sorted(maps.Keys(t)) {
		text += fmt.Sprintf(" %q=%q", k, t[k])
	}
	return text
}
