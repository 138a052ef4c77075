package panel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// AuditPage is part of the audit, newest first.
type AuditPage struct {
	Entries []model.AuditEntry
	Next    int64 // the cursor of the next page; 0 when there is none
}

// auditBatch is how many rows an export reads at once.
const auditBatch = 500

// Audit lists what was changed and who signed in, newest first unless f says
// otherwise, at most limit rows beyond the cursor (0 = from the first of them).
// An owner sees the own team's rows, an admin all. owner.
func (p *Panel) Audit(ctx context.Context, a model.Actor, f model.AuditFilter, cursor int64, limit int) (*AuditPage, error) {
	if err := member(a, ReadAudit); err != nil {
		return nil, err
	}
	query := store.AuditQuery{AuditFilter: f, TeamIDs: teamsWhere(a, ReadAudit), Before: cursor, Limit: limit + 1}
	if f.OldestFirst {
		query.Before, query.After, query.Oldest = 0, cursor, true
	}
	rows, err := p.Store.Read().AuditEntries(ctx, query)
	if err != nil {
		return nil, err
	}
	page := &AuditPage{Entries: rows}
	if len(rows) > limit {
		page.Entries = rows[:limit]
		page.Next = rows[limit-1].Seq
	}
	return page, nil
}

// ExportAudit calls send for each row that Audit would list, oldest first,
// until the end or until send fails. owner.
func (p *Panel) ExportAudit(ctx context.Context, a model.Actor, f model.AuditFilter, send func(*model.AuditEntry) error) error {
	if err := member(a, ReadAudit); err != nil {
		return err
	}
	q := store.AuditQuery{AuditFilter: f, TeamIDs: teamsWhere(a, ReadAudit), Oldest: true, Limit: auditBatch}
	for {
		rows, err := p.Store.Read().AuditEntries(ctx, q)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := send(&rows[i]); err != nil {
				return fmt.Errorf("send audit row %d: %w", rows[i].Seq, err)
			}
		}
		if len(rows) < auditBatch {
			return nil
		}
		q.After = rows[len(rows)-1].Seq
	}
}

// ofBackend is a change of a backend.
func ofBackend(a model.Actor, action model.AuditAction, b *model.Backend, before, after any) model.Change {
	return model.Change{Actor: a, Action: action, Noun: "backend", ID: b.ID, Name: b.Name, TeamID: b.TeamID, Before: before, After: after}
}

// by says that a job carries the change out. The job's steps have the ids of
// the AWS requests that it sends.
func by(j *model.Job, c model.Change) model.Change {
	c.JobID = j.ID
	return c
}

// auditJob records what was done with a job; before is how it was.
func auditJob(ctx context.Context, q *store.Queries, a model.Actor, action model.AuditAction, before *model.Job) error {
	now, err := q.JobByID(ctx, before.ID)
	if err != nil {
		return err
	}
	return q.Audit(ctx, model.Change{
		Actor: a, Action: action, Noun: "job", ID: now.ID, Name: string(now.Operation), TeamID: now.TeamID, JobID: now.ID,
		Before: auditedJob(before), After: auditedJob(now),
	})
}

func auditedJob(j *model.Job) map[string]any {
	return map[string]any{"backend_id": j.BackendID, "state": j.State, "cancel_requested": !j.CancelRequestedAt.IsZero()}
}

// auditedBackend is a backend as the audit keeps it. User data may hold a
// secret against all advice, so only its hash is kept.
func auditedBackend(b *model.Backend) map[string]any {
	spec := b.Spec
	if spec.Launch != nil && spec.Launch.UserData != "" {
		l := *spec.Launch
		sum := sha256.Sum256([]byte(l.UserData))
		l.UserData = "sha256:" + hex.EncodeToString(sum[:])
		spec.Launch = &l
	}
	return map[string]any{"name": b.Name, "environment_id": b.EnvironmentID, "spec_version": b.SpecVersion, "spec": spec}
}

// auditedPlan says how many resources the plan makes, changes and deletes.
func auditedPlan(p *model.Plan) map[string]any {
	count := map[model.Action]int{}
	for _, it := range p.Items {
		count[it.Action]++
	}
	return map[string]any{"operation": p.Operation, "spec_version": p.SpecVersion, "resources": count}
}

// auditedRuns says what was asked and how it ended, without the answers.
func auditedRuns(runs []model.TestRun) []map[string]any {
	out := make([]map[string]any, len(runs))
	for i, r := range runs {
		out[i] = map[string]any{"method": r.Method, "url": r.URL, "status": r.Status, "passed": r.Passed}
	}
	return out
}
