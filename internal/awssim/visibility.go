package awssim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// visibilityServices are those that Switches.Visibility works on.
var visibilityServices = []string{"ec2", "elbv2", "apigatewayv2", "iam"}

// freshKey is what a row is known by while it is not to be seen yet. Ids are
// unique among all services, but names in IAM are not.
func freshKey(kind, id string) string {
	if strings.HasPrefix(kind, "iam.") {
		return kind + " " + id
	}
	return id
}

// conceal makes what a call has created unseen for as long as the switch says.
// It is called under mu.
func (s *Sim) conceal(created []createdRow, now time.Time) {
	maps.DeleteFunc(s.fresh, func(_ string, until time.Time) bool { return !now.Before(until) })
	w := s.switches.Load()
	if w.Visibility == 0 {
		return
	}
	for _, row := range created {
		service, _, _ := strings.Cut(row.kind, ".")
		if len(w.VisibilityOf) == 0 || slices.Contains(w.VisibilityOf, service) {
			s.fresh[freshKey(row.kind, row.id)] = now.Add(w.Visibility)
		}
	}
}

// concealed says whether a row was made too recently to be seen. What a client
// names or reads is subject to it; the simulator itself sees everything.
func (s *Sim) concealed(key string, now time.Time) bool {
	until, ok := s.fresh[key]
	return ok && now.Before(until)
}

// found is get for what a client names.
func found[T any](s *Sim, t *table[T], id string, now time.Time) (*T, bool) {
	r, ok := t.get(id)
	return r, ok && !s.concealed(freshKey(t.kind, id), now)
}

// visible is list for what a client reads.
func visible[T any](s *Sim, t *table[T], keep func(*T) bool, now time.Time) []*T {
	return slices.DeleteFunc(t.list(keep), func(r *T) bool { return s.concealed(freshKey(t.kind, t.key(r)), now) })
}
