package awssim

import "slices"

// index finds rows by what they belong to. It is made anew when a row has
// changed, used under Sim.mu only, and its slices are ordered by id.
type index struct {
	version    uint64
	groupRules map[string][]*groupRule        // by security group
	interfaces map[string][]*networkInterface // by owner
	targets    map[string][]*target           // by target group
	rules      map[string][]*listenerRule     // by listener, in the order of priority
	balancers  map[string][]string            // ARNs by target group that they forward to
	stages     map[string][]*stage            // by API
}

// index returns the index of the state as it is now.
func (st *state) index() *index {
	version := st.version.Load()
	if st.ix == nil || st.ix.version != version {
		st.ix = st.makeIndex(version)
	}
	return st.ix
}

func (st *state) makeIndex(version uint64) *index {
	ix := &index{version: version, balancers: map[string][]string{},
		groupRules: grouped(st.rules, func(r *groupRule) string { return r.GroupID }),
		interfaces: grouped(st.interfaces, func(r *networkInterface) string { return r.Owner }),
		targets:    grouped(st.targets, func(r *target) string { return r.Group }),
		rules:      grouped(st.listenerRules, func(r *listenerRule) string { return r.Listener }),
		stages:     grouped(st.stages, func(r *stage) string { return r.APIID })}
	for _, rules := range ix.rules {
		slices.SortFunc(rules, func(a, b *listenerRule) int { return a.Priority - b.Priority })
	}
	for _, l := range st.listeners.rows {
		ix.forwards(l.Default, l.LoadBalancer)
		for _, r := range ix.rules[l.ARN] {
			ix.forwards(r.Action, l.LoadBalancer)
		}
	}
	return ix
}

func (ix *index) forwards(a action, balancer string) {
	for _, g := range a.Groups {
		if !slices.Contains(ix.balancers[g.ARN], balancer) {
			ix.balancers[g.ARN] = append(ix.balancers[g.ARN], balancer)
			slices.Sort(ix.balancers[g.ARN])
		}
	}
}

func grouped[T any](t *table[T], by func(*T) string) map[string][]*T {
	out := map[string][]*T{}
	for _, r := range t.rows {
		k := by(r)
		out[k] = append(out[k], r)
	}
	for _, rows := range out {
		if len(rows) > 1 {
			slices.SortFunc(rows, byID(t.key))
		}
	}
	return out
}
