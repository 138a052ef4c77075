package panel

import (
	"context"
	"fmt"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// MaxBatch is how many backends one batch may hold.
const MaxBatch = 1000

// Batch is the input of RegisterBatch: registrations for one team.
type Batch struct {
	TeamID    string // "" = the actor's team, or the only one
	Items     []BatchItem
	Provision bool // queue the jobs, too
	DryRun    bool // only say what would be done
}

// BatchItem is one registration of a batch.
type BatchItem struct {
	EnvironmentID string // id or name; "" = the only one
	Name          string
	Spec          model.Spec
	// Refused is what the caller found wrong already; it makes the item invalid.
	Refused []model.Field
}

// Outcome is what a batch does, or would do, with one item.
type Outcome string

const (
	OutcomeNew       Outcome = "new"       // it is registered
	OutcomeUnchanged Outcome = "unchanged" // a backend of this name and spec exists
	OutcomeConflict  Outcome = "conflict"  // a backend of this name and another spec exists
	OutcomeInvalid   Outcome = "invalid"   // the registration is refused
)

// BatchRow tells of one item of a batch, in the batch's order.
type BatchRow struct {
	Name            string
	EnvironmentName string
	Outcome         Outcome
	Provision       bool // its job is queued with the batch
	Fields          []model.Field
	Backend         *model.Backend // nil when there is none (yet)
	Job             *model.Job     // nil when none was queued
}

// BatchResult tells what a batch did, or would do.
type BatchResult struct {
	ID     string // "" for a dry run and when there was nothing to do
	DryRun bool
	Rows   []BatchRow
}

// Count counts the rows with the outcome.
func (r *BatchResult) Count(o Outcome) int {
	n := 0
	for i := range r.Rows {
		if r.Rows[i].Outcome == o {
			n++
		}
	}
	return n
}

// Queued counts the jobs that are queued, or would be.
func (r *BatchResult) Queued() int {
	n := 0
	for i := range r.Rows {
		if r.Rows[i].Provision {
			n++
		}
	}
	return n
}

// RegisterBatch registers many backends at once and, when asked, queues their
// provisioning: all of it in one transaction, or nothing. Sending a batch again
// changes nothing that is as it says; what was registered and not provisioned
// is provisioned then. When items are in the way, the error names their fields
// ("backends[6].spec.port") and the result tells of every row all the same.
// A dry run never returns that error. developer.
func (p *Panel) RegisterBatch(ctx context.Context, a model.Actor, batch Batch) (*BatchResult, error) {
	if err := member(a, RegisterBackends); err != nil {
		return nil, err
	}
	if err := batchSize(len(batch.Items)); err != nil {
		return nil, err
	}
	teamID, err := p.teamFor(ctx, a, batch.TeamID)
	if err != nil {
		return nil, err
	}
	if batch.Provision {
		if err := allow(a, ProvisionBackends, teamID, "team", teamID); err != nil {
			return nil, err
		}
	}
	w := &batchWork{panel: p, actor: a, batch: batch, teamID: teamID}
	for try := 1; ; try++ {
		if err := w.look(ctx); err != nil {
			return nil, err
		}
		if batch.DryRun {
			return w.result(""), nil
		}
		if err := w.inTheWay(); err != nil {
			return w.result(""), err
		}
		id, err := w.write(ctx)
		if model.CodeOf(err) == model.CodeConflict && try == 1 {
			continue // somebody registered one of the names meanwhile: look again
		}
		if err != nil {
			return nil, err
		}
		return w.result(id), nil
	}
}

func batchSize(n int) error {
	switch {
	case n == 0:
		return invalid("backends", "The list holds no backend. Name at least one.")
	case n > MaxBatch:
		return invalid("backends", "The list holds %d backends; one batch takes %d. Divide it.", n, MaxBatch)
	}
	return nil
}

// inTheWay is the error that names the fields of invalid and conflicting rows.
func (w *batchWork) inTheWay() error {
	refused := &model.Error{Code: model.CodeConflict, Message: "Some of these names belong to backends with other settings. Nothing was registered."}
	for i := range w.rows {
		if w.rows[i].Outcome == OutcomeInvalid {
			refused.Code, refused.Message = model.CodeInvalid, "Some fields need another value. Nothing was registered."
		}
		for _, f := range w.rows[i].Fields {
			path := fmt.Sprintf("backends[%d]", i)
			if f.Path != "" {
				path += "." + f.Path
			}
			refused.Fields = append(refused.Fields, model.Field{Path: path, Message: f.Message})
		}
	}
	if len(refused.Fields) == 0 {
		return nil
	}
	return refused
}

// write saves the new backends and queues the jobs in one transaction.
func (w *batchWork) write(ctx context.Context) (id string, err error) {
	if !w.anythingToDo() {
		return "", nil
	}
	id = model.NewID(model.PrefixBatch)
	err = w.panel.Store.InTx(ctx, func(q *store.Queries) error {
		if err := w.panel.room(ctx, q, w.teamID, w.takes()); err != nil {
			return err
		}
		for i := range w.rows {
			if err := w.writeRow(ctx, q, id, i); err != nil {
				return fmt.Errorf("batch, item %d: %w", i, err)
			}
		}
		return nil
	})
	if err == nil {
		w.panel.Worker.Wake()
	}
	return id, err
}

// takes is what the batch adds to what its team has.
func (w *batchWork) takes() model.Quota {
	var more model.Quota
	for i := range w.rows {
		if w.rows[i].Outcome == OutcomeNew {
			more.Backends++
		}
		if w.rows[i].Provision {
			one := takes(w.backends[i], model.OpProvision, w.plans[i].Cost)
			more.Instances += one.Instances
			more.MonthlyUSD += one.MonthlyUSD
		}
	}
	return more
}

func (w *batchWork) anythingToDo() bool {
	for i := range w.rows {
		if w.rows[i].Outcome == OutcomeNew || w.rows[i].Provision {
			return true
		}
	}
	return false
}

func (w *batchWork) writeRow(ctx context.Context, q *store.Queries, batchID string, i int) error {
	row := &w.rows[i]
	b := w.backends[i]
	switch {
	case row.Outcome == OutcomeNew:
		b.BatchID = batchID
		if err := insert(ctx, q, w.actor, b); err != nil {
			return err
		}
	case row.Provision:
		now, err := q.BackendForUpdate(ctx, b.ID)
		if err != nil {
			return err
		}
		if !startable(now) {
			row.Provision = false // somebody started it meanwhile
			return nil
		}
		now.BatchID = batchID
		if err := q.UpdateBackend(ctx, now); err != nil {
			return err
		}
	}
	row.Backend = b
	if !row.Provision {
		return nil
	}
	var err error
	if row.Job, err = queue(ctx, q, w.actor, b, w.plans[i]); err == nil {
		b.ActiveJobID, b.Phase = row.Job.ID, model.PhaseAfter(model.OpProvision, model.JobQueued, model.Holdings{})
	}
	return err
}

// startable tells whether a batch provisions a backend that exists: one whose
// chain was never made whole and that nothing holds.
func startable(b *model.Backend) bool {
	return b.ActiveJobID == "" && (b.Phase == model.PhaseRegistered || b.Phase == model.PhaseFailed)
}
