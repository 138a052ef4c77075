package panel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Orphans lists what carries owner tags in the environment and has no
// resource that accounts for it, this installation's first, and keeps how
// many of those there are. AWS is asked before the database: what a job makes
// meanwhile is then known already. admin.
func (p *Panel) Orphans(ctx context.Context, a model.Actor, environmentID string) ([]model.Orphan, error) {
	env, err := p.environment(ctx, a, SeeOrphans, environmentID)
	if err != nil {
		return nil, err
	}
	tagged, err := p.Cloud.Tagged(ctx, env)
	if err != nil {
		return nil, err
	}
	orphans := []model.Orphan{}
	ours := 0
	for _, t := range tagged {
		o := t.Orphan
		if o.Foreign = o.InstallID != p.InstallID; o.Foreign {
			o.Why = "It is another Drawbridge installation's, which shares this account."
		} else if o.Why, err = p.unaccounted(ctx, env, t); err != nil {
			return nil, err
		}
		if o.Why == "" {
			continue
		}
		if !o.Foreign {
			ours++
		}
		orphans = append(orphans, o)
	}
	slices.SortStableFunc(orphans, func(x, y model.Orphan) int {
		if x.Foreign != y.Foreign {
			return map[bool]int{false: -1, true: 1}[x.Foreign]
		}
		return cmp.Compare(x.BackendID, y.BackendID)
	})
	return orphans, p.Store.InTx(ctx, func(q *store.Queries) error { return q.SetOrphans(ctx, env.ID, ours) })
}

// unaccounted says why nothing of ours accounts for the thing, "" if something does.
func (p *Panel) unaccounted(ctx context.Context, env *model.Environment, t Tagged) (string, error) {
	q := p.Store.Read()
	b, err := q.BackendByID(ctx, t.BackendID)
	if model.CodeOf(err) == model.CodeNotFound {
		return "This installation does not know the backend that its tags name.", nil
	}
	if err != nil {
		return "", err
	}
	have, err := q.Resources(ctx, b.ID)
	switch {
	case err != nil:
		return "", err
	case b.EnvironmentID != env.ID:
		other, err := q.EnvironmentByID(ctx, b.EnvironmentID)
		if err != nil {
			return "", err
		}
		if sameAccount(env, other) && t.In(have) {
			return "", nil // listed, if at all, in the environment of its own backend
		}
		return fmt.Sprintf("Its backend %s is in another environment.", b.Name), nil
	case t.In(have):
		return "", nil
	case b.Phase == model.PhaseDestroyed:
		return fmt.Sprintf("Its backend %s is destroyed.", b.Name), nil
	}
	return fmt.Sprintf("Its backend %s has nothing at %s, or something else.", b.Name, t.Key), nil
}

// sameAccount tells whether two environments look at the same things.
func sameAccount(x, y *model.Environment) bool {
	return x.Region == y.Region && x.Endpoint == y.Endpoint && x.RoleARN == y.RoleARN
}
