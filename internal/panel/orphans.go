package panel

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	owners := map[string]*owner{}
	for _, t := range tagged {
		if t.Foreign = t.InstallID != p.InstallID; t.Foreign {
			t.Why = "It is another Drawbridge installation's, which shares this account."
		} else {
			if owners[t.BackendID] == nil {
				if owners[t.BackendID], err = p.ownerOf(ctx, env, t.BackendID); err != nil {
					return nil, err
				}
			}
			t.Why = owners[t.BackendID].unaccounted(t)
		}
		if t.Why == "" {
			continue
		}
		t.Adoptable = !t.Foreign && owners[t.BackendID].hasRoom(t)
		if j := look.deletes(t.ID); j != nil && !j.State.Ended() && !t.Foreign {
			t.JobID = j.ID
		}
		look.orphans = append(look.orphans, t)
	}
	slices.SortStableFunc(look.orphans, func(x, y Tagged) int {
		switch {
		case x.Foreign == y.Foreign:
			return strings.Compare(x.BackendID, y.BackendID)
		case y.Foreign:
			return -1
		}
		return 1
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

// owner is what is known of a backend that tags name.
type owner struct {
	backend   *model.Backend // nil when this installation does not know it
	have      []model.Resource
	elsewhere bool // it is in another environment
	seenHere  bool // and that one looks at the same things
}

func (p *Panel) ownerOf(ctx context.Context, env *model.Environment, backendID string) (*owner, error) {
	q := p.Store.Read()
	b, err := q.BackendByID(ctx, backendID)
	if model.CodeOf(err) == model.CodeNotFound {
		return &owner{}, nil
	}
	if err != nil {
		return nil, err
	}
	o := &owner{backend: b, elsewhere: b.EnvironmentID != env.ID}
	if o.have, err = q.Resources(ctx, b.ID); err != nil || !o.elsewhere {
		return o, err
	}
	other, err := q.EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return nil, err
	}
	o.seenHere = sameAccount(env, other)
	return o, nil
}

// unaccounted says why nothing of ours accounts for the thing, "" if something does.
func (o *owner) unaccounted(t Tagged) string {
	switch {
	case o.backend == nil:
		return "This installation does not know the backend that its tags name."
	case t.In(o.have) && (!o.elsewhere || o.seenHere):
		return "" // listed, if at all, in the environment of its own backend
	case o.elsewhere:
		return fmt.Sprintf("Its backend %s is in another environment.", o.backend.Name)
	case o.backend.Phase == model.PhaseDestroyed:
		return fmt.Sprintf("Its backend %s is destroyed.", o.backend.Name)
	}
	return fmt.Sprintf("Its backend %s has nothing at %s, or something else.", o.backend.Name, t.Key)
}

// hasRoom tells whether the thing can become the backend's resource at its place.
func (o *owner) hasRoom(t Tagged) bool {
	return o.backend != nil && !o.elsewhere && o.backend.Phase != model.PhaseDestroyed && t.Kind != "" &&
		!slices.ContainsFunc(o.have, func(r model.Resource) bool { return r.Key == t.Key && r.AWSID != "" && r.State != model.ResourceGone })
}

// sameAccount tells whether two environments look at the same things.
func sameAccount(x, y *model.Environment) bool {
	return x.Region == y.Region && x.Endpoint == y.Endpoint && x.RoleARN == y.RoleARN
}
