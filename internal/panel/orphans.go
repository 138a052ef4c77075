package panel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// Orphans lists what carries owner tags in the environment and has no
// resource that accounts for it, this installation's first, and keeps how
// many of those there are. admin.
func (p *Panel) Orphans(ctx context.Context, a model.Actor, environmentID string) ([]model.Orphan, error) {
	env, err := p.environment(ctx, a, SeeOrphans, environmentID)
	if err != nil {
		return nil, err
	}
	look, err := p.lookForOrphans(ctx, env)
	if err != nil {
		return nil, err
	}
	orphans := make([]model.Orphan, 0, len(look.orphans))
	for _, t := range look.orphans {
		orphans = append(orphans, t.Orphan)
	}
	return orphans, p.Store.InTx(ctx, func(q *store.Queries) error { return q.SetOrphans(ctx, env.ID, len(look.ours())) })
}

// maxCleanUps is how many of an environment's newest clean-ups are looked at.
const maxCleanUps = 50

// orphanLook is what one look at an environment found.
type orphanLook struct {
	tagged   []Tagged
	orphans  []Tagged // those of them that nothing accounts for, this installation's first
	cleanUps []model.Job
}

// lookForOrphans asks AWS before the database: what a job makes meanwhile is
// then known already.
func (p *Panel) lookForOrphans(ctx context.Context, env *model.Environment) (*orphanLook, error) {
	tagged, err := p.Cloud.Tagged(ctx, env)
	if err != nil {
		return nil, err
	}
	look := &orphanLook{tagged: tagged}
	if look.cleanUps, err = p.Store.Read().CleanUps(ctx, env.ID, maxCleanUps); err != nil {
		return nil, err
	}
	for _, t := range tagged {
		if t.Foreign = t.InstallID != p.InstallID; t.Foreign {
			t.Why = "It is another Drawbridge installation's, which shares this account."
		} else if t.Why, err = p.unaccounted(ctx, env, t); err != nil {
			return nil, err
		}
		if t.Why == "" {
			continue
		}
		if j := look.deletes(t.ID); j != nil && !j.State.Ended() && !t.Foreign {
			t.JobID = j.ID
		}
		look.orphans = append(look.orphans, t)
	}
	slices.SortStableFunc(look.orphans, func(x, y Tagged) int {
		if x.Foreign != y.Foreign {
			return map[bool]int{false: -1, true: 1}[x.Foreign]
		}
		return cmp.Compare(x.BackendID, y.BackendID)
	})
	return look, nil
}

// ours are this installation's.
func (l *orphanLook) ours() []Tagged {
	return slices.DeleteFunc(slices.Clone(l.orphans), func(t Tagged) bool { return t.Foreign })
}

// deletes is the newest clean-up that deletes the thing, or did; nil for none.
func (l *orphanLook) deletes(id string) *model.Job {
	for i := range l.cleanUps {
		if provision.Deletes(l.cleanUps[i].Plan, id) {
			return &l.cleanUps[i]
		}
	}
	return nil
}

// pick returns this installation's orphans of those ids. For one that is gone
// because a job deleted it, done gets that job.
func (l *orphanLook) pick(ids []string, done *CleanUp) ([]Tagged, error) {
	var picked []Tagged
	ours := l.ours()
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		i := slices.IndexFunc(ours, func(t Tagged) bool { return t.ID == id })
		if i >= 0 {
			picked = append(picked, ours[i])
			continue
		}
		j := l.deletes(id)
		if j == nil || slices.ContainsFunc(l.tagged, func(t Tagged) bool { return t.ID == id }) {
			return nil, model.NotFound("orphan", id)
		}
		done.add(*j)
	}
	return picked, nil
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
