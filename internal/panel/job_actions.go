package panel

import (
	"context"
	"errors"
	"slices"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// JobAction tells whether something can be asked of a job now.
type JobAction struct {
	Allowed bool   `json:"allowed"`
	Why     string `json:"why,omitempty"`    // why not
	Holder  string `json:"holder,omitempty"` // the job that stands in the way
}

// JobActions are what can be asked of a job by the actor who looks at it.
type JobActions struct {
	Cancel   JobAction `json:"cancel"`
	Retry    JobAction `json:"retry"`
	RollBack JobAction `json:"roll_back"`
}

// PermissionFor is what it takes to start an operation, or to retry it.
func PermissionFor(op model.Operation) Permission {
	switch op {
	case model.OpDestroy:
		return DestroyBackends
	case model.OpCleanUp:
		return DeleteOrphans
	}
	return ProvisionBackends
}

// jobFacts are what decides about a job: every rule below is about them alone.
type jobFacts struct {
	job       *model.Job
	backend   *model.Backend
	newer     []model.Job // of the backend, newest first
	resources []model.Resource
}

// maxNewer is how many newer jobs of a backend are looked at. A job with more
// of them than that counts as built upon by the newest.
const maxNewer = 100

func factsOf(ctx context.Context, q *store.Queries, j *model.Job) (*jobFacts, error) {
	b, err := q.BackendByID(ctx, j.BackendID)
	if err != nil {
		return nil, err
	}
	return gather(ctx, q, j, b)
}

// lockFacts is factsOf under the backend's lock, so that they stay true until
// the transaction ends.
func lockFacts(ctx context.Context, q *store.Queries, id string) (*jobFacts, error) {
	j, err := q.JobByID(ctx, id) // a job's backend never changes
	if err != nil {
		return nil, err
	}
	b, err := q.BackendForUpdate(ctx, j.BackendID)
	if err != nil {
		return nil, err
	}
	if j, err = q.JobByID(ctx, id); err != nil {
		return nil, err
	}
	return gather(ctx, q, j, b)
}

func gather(ctx context.Context, q *store.Queries, j *model.Job, b *model.Backend) (*jobFacts, error) {
	f := &jobFacts{job: j, backend: b}
	jobs, err := q.JobsByBackend(ctx, b.ID, maxNewer)
	if err != nil {
		return nil, err
	}
	for _, other := range jobs {
		if other.ID == j.ID {
			break
		}
		f.newer = append(f.newer, other)
	}
	f.resources, err = q.Resources(ctx, b.ID)
	return f, err
}

// actions says what the actor can ask for. What takes a higher role is not
// allowed either, and why says which.
func (f *jobFacts) actions(a model.Actor) JobActions {
	door := func(need Permission, refusal error) error {
		return errors.Join(could(a, need, f.job.TeamID, "job", f.job.ID), refusal)
	}
	return JobActions{
		Cancel:   actionOf(door(ProvisionBackends, f.refuseCancel())),
		Retry:    actionOf(door(PermissionFor(f.job.Operation), f.refuseRetry())),
		RollBack: actionOf(door(ProvisionBackends, f.refuseRollBack())),
	}
}

func actionOf(refusal error) JobAction {
	var e *model.Error
	if errors.As(refusal, &e) {
		return JobAction{Why: e.Message, Holder: e.Holder}
	}
	return JobAction{Allowed: true}
}

func conflict(holder, format string, args ...any) error {
	e := model.Errorf(model.CodeConflict, format, args...)
	e.Holder = holder
	return e
}

// held refuses what a backend cannot take while a job holds it.
func held(b *model.Backend) error {
	return conflict(b.ActiveJobID, "Another job holds %s. Wait for it or cancel it, then start again.", b.Name)
}

// refuseCancel says why the job cannot be cancelled, or nil. Asking twice is
// no error.
func (f *jobFacts) refuseCancel() error {
	if f.job.State.Ended() {
		return conflict("", "The job has ended already (%s), so there is nothing to cancel.", f.job.State)
	}
	return nil
}

// refuseRetry says why the job cannot go on from where it stopped, or nil.
func (f *jobFacts) refuseRetry() error {
	b := f.backend
	switch {
	case !f.job.State.Ended():
		return conflict("", "The job is still under way, so there is nothing to retry.")
	case f.job.State == model.JobSucceeded:
		return conflict("", "The job succeeded, so there is nothing to retry.")
	case b.ActiveJobID != "":
		return held(b)
	case len(f.newer) > 0:
		return conflict(f.newer[0].ID, "A newer job has changed %s since. Start a new one instead.", b.Name)
	case f.job.Plan != nil && builds(f.job.Operation) && f.job.Plan.SpecVersion != b.SpecVersion:
		return conflict("", "The spec of %s was changed since. Start a new job instead: it carries out the new one.", b.Name)
	}
	if key := f.unknown(); f.job.Operation == model.OpDestroy && key != "" {
		return conflict("", "%s has %s by now, which this job does not know of and would leave. Destroy it anew instead.", b.Name, key)
	}
	return nil
}

// unknown is the key of a resource that is there and not in the job's plan: one
// that was adopted since; "" for none.
func (f *jobFacts) unknown() string {
	for _, r := range f.resources {
		planned := f.job.Plan != nil && slices.ContainsFunc(f.job.Plan.Items, func(i model.PlanItem) bool { return i.Key == r.Key })
		if r.State != model.ResourceGone && !planned {
			return r.Key
		}
	}
	return ""
}

// refuseRollBack says why what the job made cannot be deleted, or nil. A job
// that is under way can: it is cancelled first.
func (f *jobFacts) refuseRollBack() error {
	b := f.backend
	switch {
	case f.job.Operation == model.OpUpdate:
		return conflict("", "Only what a provision made can be rolled back. To undo an update, put the earlier spec again: the audit has it.")
	case f.job.Operation == model.OpSleep, f.job.Operation == model.OpWake:
		return conflict("", "Only what a provision made can be rolled back. To undo this, wake %s or put it to sleep.", b.Name)
	case f.job.Operation == model.OpProvision && replaces(f.job.Plan):
		return conflict("", "Only what a provision made can be rolled back; this one changed or deleted what was there before. Put the earlier spec again instead.")
	case f.job.Operation != model.OpProvision:
		return conflict("", "Only what a provision made can be rolled back; this job deletes. Provision makes the chain again.")
	case !f.job.State.Ended():
		return nil
	case f.job.State == model.JobSucceeded:
		return conflict("", "The job succeeded, so there is nothing to roll back. Destroy deletes the whole chain.")
	case b.ActiveJobID != "" && b.ActiveJobID == f.rolledBackBy():
		return conflict(b.ActiveJobID, "The job is being rolled back already.")
	case b.ActiveJobID != "":
		return held(b)
	case b.Phase == model.PhaseDestroyed:
		return conflict("", "%s was destroyed since, so nothing is left to roll back.", b.Name)
	}
	return f.refuseBuiltUpon()
}

// refuseBuiltUpon looks at what came after the job.
func (f *jobFacts) refuseBuiltUpon() error {
	for _, n := range f.newer {
		switch {
		case n.Operation == model.OpRollBack && n.Undoes == f.job.ID && n.State == model.JobSucceeded:
			return conflict(n.ID, "The job was rolled back already.")
		case builds(n.Operation) && (n.State == model.JobSucceeded || f.madeBy(n.ID)):
			return conflict(n.ID, "A later job has built upon what this one made. Roll that one back first, or destroy %s.", f.backend.Name)
		}
	}
	if len(f.newer) == maxNewer {
		return conflict(f.newer[0].ID, "Too much has happened to %s since. Destroy deletes the whole chain.", f.backend.Name)
	}
	return nil
}

// builds tells whether the operation brings a chain in line with its spec.
func builds(op model.Operation) bool {
	switch op {
	case model.OpProvision, model.OpUpdate, model.OpSleep, model.OpWake:
		return true
	}
	return false
}

// replaces tells whether the plan does more than make what is missing.
func replaces(p *model.Plan) bool {
	return p != nil && slices.ContainsFunc(p.Items, func(i model.PlanItem) bool { return i.Action.Changes() && i.Action != model.ActionCreate })
}

// madeBy tells whether something exists that the job made.
func (f *jobFacts) madeBy(jobID string) bool {
	for _, r := range f.resources {
		if r.MadeBy == jobID && r.State != model.ResourceGone && r.Ownership == model.OwnershipManaged {
			return true
		}
	}
	return false
}

// next is the job that came after this one, nil for none.
func (f *jobFacts) next() *model.Job {
	if len(f.newer) == 0 {
		return nil
	}
	return &f.newer[len(f.newer)-1]
}

// rolledBackBy is the newest job that rolls this one back, or did.
func (f *jobFacts) rolledBackBy() string {
	for _, n := range f.newer {
		if n.Operation == model.OpRollBack && n.Undoes == f.job.ID {
			return n.ID
		}
	}
	return ""
}
