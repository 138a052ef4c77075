package awssim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"drawbridge/internal/awssim/journal"
)

// table holds the rows of one noun by id. Rows are changed in place and then
// put, which notes the whole row for the journal.
type table[T any] struct {
	kind    string
	rows    map[string]*T
	key     func(*T) string
	changes *[]journal.Change
	version *atomic.Uint64
	created *[]createdRow
}

// createdRow names a row that was not there before.
type createdRow struct{ kind, id string }

func newTable[T any](st *state, kind string, key func(*T) string) *table[T] {
	t := &table[T]{kind: kind, rows: map[string]*T{}, key: key, changes: &st.changes, version: &st.version, created: &st.created}
	st.loaders[kind] = t.load
	return t
}

func (t *table[T]) get(id string) (*T, bool) {
	r, ok := t.rows[id]
	return r, ok
}

// put stores r, or what has changed in it.
func (t *table[T]) put(r *T) error {
	id := t.key(r)
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", t.kind, id, err)
	}
	if _, old := t.rows[id]; !old {
		*t.created = append(*t.created, createdRow{t.kind, id})
	}
	t.rows[id] = r
	t.version.Add(1)
	*t.changes = append(*t.changes, journal.Change{Kind: t.kind, ID: id, Value: raw})
	return nil
}

func (t *table[T]) del(id string) {
	if _, ok := t.rows[id]; ok {
		delete(t.rows, id)
		t.version.Add(1)
		*t.changes = append(*t.changes, journal.Change{Kind: t.kind, ID: id})
	}
}

// list returns the rows that keep says yes to, ordered by id. keep may be nil.
func (t *table[T]) list(keep func(*T) bool) []*T {
	ids := make([]string, 0, 8)
	for id, r := range t.rows {
		if keep == nil || keep(r) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	out := make([]*T, len(ids))
	for n, id := range ids {
		out[n] = t.rows[id]
	}
	return out
}

// find returns the first row that is says yes to, or nil.
func (t *table[T]) find(is func(*T) bool) *T {
	if l := t.list(is); len(l) > 0 {
		return l[0]
	}
	return nil
}

func (t *table[T]) load(raw json.RawMessage) error {
	r := new(T)
	if err := json.Unmarshal(raw, r); err != nil {
		return err
	}
	t.rows[t.key(r)] = r
	return nil
}

// state is everything that exists. It is guarded by Sim.mu.
type state struct {
	changes []journal.Change // since the last commit
	created []createdRow     // since the last call
	loaders map[string]func(json.RawMessage) error
	version atomic.Uint64 // changes with every row; may be read without Sim.mu
	ix      *index        // see index()
	traffic traffic       // of the data plane; needs no lock

	vpcs        *table[vpc]
	subnets     *table[subnet]
	routeTables *table[routeTable]
	groups      *table[securityGroup]
	rules       *table[groupRule]
	instances   *table[instance]
	interfaces  *table[networkInterface]
	volumes     *table[volume]
	templates   *table[launchTemplate]

	gateways  *table[internetGateway]
	addresses *table[address]
	nats      *table[natGateway]
	endpoints *table[vpcEndpoint]
	roles     *table[role]
	profiles  *table[instanceProfile]

	targetGroups  *table[targetGroup]
	targets       *table[target]
	loadBalancers *table[loadBalancer]
	listeners     *table[listener]
	listenerRules *table[listenerRule]

	links        *table[vpcLink]
	apis         *table[api]
	integrations *table[integration]
	routes       *table[route]
	stages       *table[stage]
	deployments  *table[deployment]
}

func newState() *state {
	st := &state{loaders: map[string]func(json.RawMessage) error{}}
	st.vpcs = newTable(st, "ec2.vpc", func(r *vpc) string { return r.ID })
	st.subnets = newTable(st, "ec2.subnet", func(r *subnet) string { return r.ID })
	st.routeTables = newTable(st, "ec2.route_table", func(r *routeTable) string { return r.ID })
	st.groups = newTable(st, "ec2.security_group", func(r *securityGroup) string { return r.ID })
	st.rules = newTable(st, "ec2.security_group_rule", func(r *groupRule) string { return r.ID })
	st.instances = newTable(st, "ec2.instance", func(r *instance) string { return r.ID })
	st.interfaces = newTable(st, "ec2.network_interface", func(r *networkInterface) string { return r.ID })
	st.volumes = newTable(st, "ec2.volume", func(r *volume) string { return r.ID })
	st.templates = newTable(st, "ec2.launch_template", func(r *launchTemplate) string { return r.ID })
	st.gateways = newTable(st, "ec2.internet_gateway", func(r *internetGateway) string { return r.ID })
	st.addresses = newTable(st, "ec2.address", func(r *address) string { return r.ID })
	st.nats = newTable(st, "ec2.nat_gateway", func(r *natGateway) string { return r.ID })
	st.endpoints = newTable(st, "ec2.vpc_endpoint", func(r *vpcEndpoint) string { return r.ID })
	st.roles = newTable(st, "iam.role", func(r *role) string { return r.Name })
	st.profiles = newTable(st, "iam.instance_profile", func(r *instanceProfile) string { return r.Name })
	st.targetGroups = newTable(st, "elbv2.target_group", func(r *targetGroup) string { return r.ARN })
	st.targets = newTable(st, "elbv2.target", func(r *target) string { return r.key() })
	st.loadBalancers = newTable(st, "elbv2.load_balancer", func(r *loadBalancer) string { return r.ARN })
	st.listeners = newTable(st, "elbv2.listener", func(r *listener) string { return r.ARN })
	st.listenerRules = newTable(st, "elbv2.listener_rule", func(r *listenerRule) string { return r.ARN })
	st.links = newTable(st, "apigatewayv2.vpc_link", func(r *vpcLink) string { return r.ID })
	st.apis = newTable(st, "apigatewayv2.api", func(r *api) string { return r.ID })
	st.integrations = newTable(st, "apigatewayv2.integration", func(r *integration) string { return r.APIID + "/" + r.ID })
	st.routes = newTable(st, "apigatewayv2.route", func(r *route) string { return r.APIID + "/" + r.ID })
	st.stages = newTable(st, "apigatewayv2.stage", func(r *stage) string { return r.APIID + "/" + r.Name })
	st.deployments = newTable(st, "apigatewayv2.deployment", func(r *deployment) string { return r.APIID + "/" + r.ID })
	return st
}

func (st *state) load(rows []journal.Change) error {
	for _, row := range rows {
		load, ok := st.loaders[row.Kind]
		if !ok {
			return fmt.Errorf("load state: a newer version wrote rows of the kind %q", row.Kind)
		}
		if err := load(row.Value); err != nil {
			return fmt.Errorf("load state: %s %s: %w", row.Kind, row.ID, err)
		}
	}
	st.addRootVolumes()
	return st.check()
}

// addRootVolumes gives instances of an earlier version their volume.
func (st *state) addRootVolumes() {
	has := map[string]bool{}
	for _, v := range st.volumes.rows {
		has[v.Instance] = true
	}
	for _, i := range st.instances.rows {
		if !has[i.ID] {
			v := i.rootVolume()
			st.volumes.rows[v.ID] = v
		}
	}
}

// check refuses what no call could have put in and what later code relies on.
func (st *state) check() error {
	for _, s := range st.subnets.list(nil) {
		p, err := netip.ParsePrefix(s.CIDR)
		if err != nil || !p.Addr().Is4() {
			return fmt.Errorf("load state: subnet %s has the range %q", s.ID, s.CIDR)
		}
	}
	return nil
}

// takeChanges hands over what has changed since the last call.
func (st *state) takeChanges() []journal.Change {
	c := st.changes
	st.changes = nil
	return c
}

// byID orders rows for answers and pages.
func byID[T any](key func(T) string) func(a, b T) int {
	return func(a, b T) int { return cmp.Compare(key(a), key(b)) }
}
