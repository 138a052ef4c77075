package panel

import (
	"context"
	"slices"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// AdoptOrphan gives the orphan of that id back to the backend in its tags, as
// the resource at its place in the chain, and returns that. Nothing changes in
// AWS. The next provisioning goes on from it, destroying deletes it, rolling a
// job back keeps it. Asked again, it returns the same. An id of another
// installation is as good as absent. admin.
func (p *Panel) AdoptOrphan(ctx context.Context, a model.Actor, environmentID, id string) (*model.Resource, error) {
	env, err := p.environment(ctx, a, AdoptOrphans, environmentID)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, invalid("id", "Name the orphan's id.")
	}
	look, err := p.lookForOrphans(ctx, env)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(look.tagged, func(t Tagged) bool { return t.ID == id && t.InstallID == p.InstallID })
	if i < 0 {
		return nil, model.NotFound("orphan", id)
	}
	t := look.tagged[i]
	place, err := p.placeOf(ctx, env, t)
	if err != nil {
		return nil, err
	}
	var r *model.Resource
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		r, err = adopt(ctx, q, a, t, place)
		return err
	})
	return r, err
}

// place is where in its backend's chain a thing belongs.
type place struct {
	item     model.PlanItem
	position int
}

// placeOf finds the thing's place. AWS is asked, so this comes before the transaction.
func (p *Panel) placeOf(ctx context.Context, env *model.Environment, t Tagged) (place, error) {
	b, err := p.Store.Read().BackendByID(ctx, t.BackendID)
	switch {
	case model.CodeOf(err) == model.CodeNotFound:
		return place{}, conflict("", "The tags of %s name the backend %s, which this installation does not know, so nothing can take it. Delete it instead.", t.ID, t.BackendID)
	case err != nil:
		return place{}, err
	case b.EnvironmentID != env.ID:
		return place{}, conflict("", "The backend of %s, %s, is in another environment, so it cannot be adopted from here.", t.ID, b.Name)
	case b.Phase == model.PhaseDestroyed:
		return place{}, conflict("", "The backend of %s, %s, is destroyed and takes nothing any more. Delete it instead.", t.ID, b.Name)
	}
	items, _, err := p.Cloud.Chain(ctx, env, b)
	if err != nil {
		return place{}, err
	}
	i := slices.IndexFunc(items, func(item model.PlanItem) bool {
		return item.Key == t.Key && item.Kind == t.Kind && item.Action == model.ActionCreate
	})
	if i < 0 {
		return place{}, conflict("", "The chain of %s has no place %q for a %s, so it cannot take %s. Delete it instead.", b.Name, t.Key, t.Type, t.ID)
	}
	return place{item: items[i], position: i}, nil
}

// adopt writes the thing down as its backend's resource, unless a job is at
// work there or something else has its place.
func adopt(ctx context.Context, q *store.Queries, a model.Actor, t Tagged, at place) (*model.Resource, error) {
	b, err := q.BackendForUpdate(ctx, t.BackendID)
	if err != nil {
		return nil, err
	}
	have, err := q.Resources(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(have, func(r model.Resource) bool { return r.Key == t.Key })
	switch {
	case i >= 0 && t.In(have[i:i+1]):
		return &have[i], nil
	case b.ActiveJobID != "":
		return nil, held(b)
	case b.Phase == model.PhaseDestroyed:
		return nil, conflict("", "The backend of %s, %s, is destroyed by now. Delete it instead.", t.ID, b.Name)
	case i >= 0 && have[i].AWSID != "" && have[i].State != model.ResourceGone:
		return nil, conflict("", "The place of %s, %q of %s, is taken by %s. Delete the orphan, or destroy the backend first.", t.ID, t.Key, b.Name, have[i].AWSID)
	}
	r := adopted(b, t, at)
	if err := q.RecordResource(ctx, r); err != nil {
		return nil, err
	}
	return r, q.Audit(ctx, ofBackend(a, model.AuditOrphanAdopt, b, auditedOrphans([]model.Orphan{t.Orphan}), map[string]any{"resource": r.Key, "aws_id": r.AWSID}))
}

// adopted is the row of a thing that no job of this installation is known to
// have made: pending, because only a look can tell whether it does its work.
func adopted(b *model.Backend, t Tagged, at place) *model.Resource {
	needs := make([]string, 0, len(at.item.Needs))
	for _, n := range at.item.Needs {
		if !n.Looks {
			needs = append(needs, n.Key)
		}
	}
	return &model.Resource{
		BackendID: b.ID, Key: t.Key, Kind: t.Kind, Title: at.item.Title, Position: at.position, Name: at.item.Name, AWSID: t.ID,
		Ownership: at.item.Ownership, State: model.ResourcePending, Detail: "Adopted; provision the backend to have it looked at.",
		Params: at.item.Params, Needs: needs,
	}
}
