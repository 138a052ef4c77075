package panel

import (
	"context"
	"errors"
	"slices"
	"strings"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// CleanUp is what became of orphans that somebody wanted deleted.
type CleanUp struct {
	Jobs []model.Job  // that delete them, one for each backend in their tags
	Left []LeftOrphan // when all were asked for
}

// LeftOrphan is an orphan that cannot be deleted now.
type LeftOrphan struct {
	ID     string
	Why    string
	Holder string // the job that stands in the way
}

// DeleteOrphans queues the deletion of the orphans of those ids, or of none if
// one is refused; of all of this installation's when all is true, as far as
// they can be. A backend that nobody knows any more is recovered, destroyed,
// for its job to belong to. Asked again meanwhile, it returns the same jobs.
// An id of another installation is as good as absent. admin.
func (p *Panel) DeleteOrphans(ctx context.Context, a model.Actor, environmentID string, ids []string, all bool) (*CleanUp, error) {
	env, err := p.environment(ctx, a, DeleteOrphans, environmentID)
	if err != nil {
		return nil, err
	}
	if err := pickable(ids, all); err != nil {
		return nil, err
	}
	look, err := p.lookForOrphans(ctx, env)
	if err != nil {
		return nil, err
	}
	done := &CleanUp{}
	picked := look.ours()
	if !all {
		if picked, err = look.pick(ids, done); err != nil {
			return nil, err
		}
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		for _, some := range byBackend(picked) {
			job, err := cleanUp(ctx, q, a, env, some)
			if refusal := (*model.Error)(nil); all && errors.As(err, &refusal) && refusal.Code == model.CodeConflict {
				done.leave(some, refusal)
				continue
			}
			if err != nil {
				return err
			}
			done.add(*job)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.Worker.Wake()
	return done, nil
}

// pickable refuses a request that does not say what is meant.
func pickable(ids []string, all bool) error {
	switch {
	case all && len(ids) > 0:
		return invalid("ids", "Name ids or ask for all, not both.")
	case !all && len(ids) == 0:
		return invalid("ids", "Name at least one id.")
	}
	return nil
}

func (c *CleanUp) add(j model.Job) {
	if !slices.ContainsFunc(c.Jobs, func(known model.Job) bool { return known.ID == j.ID }) {
		c.Jobs = append(c.Jobs, j)
	}
}

func (c *CleanUp) leave(some []Tagged, why *model.Error) {
	for _, t := range some {
		c.Left = append(c.Left, LeftOrphan{ID: t.ID, Why: why.Message, Holder: why.Holder})
	}
}

// byBackend groups orphans by the backend in their tags, in the order of its
// id: backends are locked in that order.
func byBackend(list []Tagged) [][]Tagged {
	sorted := slices.SortedStableFunc(slices.Values(list), func(x, y Tagged) int { return strings.Compare(x.BackendID, y.BackendID) })
	var groups [][]Tagged
	for i, t := range sorted {
		if i == 0 || t.BackendID != sorted[i-1].BackendID {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], t)
	}
	return groups
}

// cleanUp queues the job that deletes one backend's orphans, or returns the
// one that does so already.
func cleanUp(ctx context.Context, q *store.Queries, a model.Actor, env *model.Environment, some []Tagged) (*model.Job, error) {
	b, err := q.BackendForUpdate(ctx, some[0].BackendID)
	if model.CodeOf(err) == model.CodeNotFound {
		b, err = recoverBackend(ctx, q, a, env, some[0].BackendID)
	}
	switch {
	case err != nil:
		return nil, err
	case b.EnvironmentID != env.ID:
		return nil, conflict("", "%s: its backend %s is in another environment, so it cannot be deleted from here.", some[0].ID, b.Name)
	case b.ActiveJobID != "":
		return deletesAlready(ctx, q, b, some)
	}
	have, err := q.Resources(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	var orphans []model.Orphan
	for _, t := range some {
		if t.In(have) {
			return nil, conflict("", "%s belongs to %s by now, so it stays.", t.ID, b.Name)
		}
		orphans = append(orphans, t.Orphan)
	}
	job := newJob(a, b, provision.CleanUpPlan(b, orphans))
	if err := insertJob(ctx, q, b, job); err != nil {
		return nil, err
	}
	return job, q.Audit(ctx, by(job, ofBackend(a, model.AuditOrphanDelete, b, auditedOrphans(orphans), auditedPlan(job.Plan))))
}

// deletesAlready returns the backend's job if it deletes all of them.
func deletesAlready(ctx context.Context, q *store.Queries, b *model.Backend, some []Tagged) (*model.Job, error) {
	job, err := q.JobByID(ctx, b.ActiveJobID)
	if err != nil {
		return nil, err
	}
	for _, t := range some {
		if job.Operation != model.OpCleanUp || !provision.Deletes(job.Plan, t.ID) {
			return nil, held(b)
		}
	}
	return job, nil
}

// recoverBackend makes the row of a backend that only tags know of: destroyed,
// so that it has no other use than to hold the job.
func recoverBackend(ctx context.Context, q *store.Queries, a model.Actor, env *model.Environment, id string) (*model.Backend, error) {
	if !plausible(id) {
		return nil, conflict("", "%q, which the tags name, is no id of a backend. Delete it in AWS's console.", id)
	}
	teams, err := q.Teams(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(teams, func(t model.Team) bool { return May(a, DeleteOrphans, t.ID) })
	if i < 0 {
		return nil, conflict("", "There is no team that could own the job.")
	}
	b := &model.Backend{
		ID: id, TeamID: teams[i].ID, EnvironmentID: env.ID, Name: "recovered-" + model.ShortID(id), SpecVersion: 1,
		Spec: model.Spec{Source: model.SourceLaunch, Port: 80}.WithDefaults(), Phase: model.PhaseDestroyed,
	}
	if err := q.InsertBackend(ctx, b); err != nil {
		return nil, err
	}
	return b, q.AppendBackend(ctx, b)
}

// plausible tells whether the text, which anybody can write into a tag, looks
// like a backend's id.
func plausible(id string) bool {
	rest, ok := strings.CutPrefix(id, model.PrefixBackend)
	return ok && rest != "" && len(rest) <= 32 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func auditedOrphans(orphans []model.Orphan) map[string]any {
	ids := make([]string, len(orphans))
	for i, o := range orphans {
		ids[i] = o.ID
	}
	return map[string]any{"orphans": ids}
}
