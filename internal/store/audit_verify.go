package store

import (
	"context"
	"fmt"

	"drawbridge/internal/model"
)

// auditBatch is how many rows a check or an export reads at once.
const auditBatch = 1000

// VerifyAudit reads the whole audit and finds the first row that is not as it
// was written: changed, removed or put elsewhere. anchors are heads that were
// kept elsewhere; with none, an audit that was written anew from some row to
// its end, head included, cannot be told from the real one. Rows that are
// written meanwhile are left to the next check.
func (s *Store) VerifyAudit(ctx context.Context, anchors ...model.AuditHead) (*model.AuditReport, error) {
	q := s.Read()
	head, err := q.AuditHead(ctx)
	if err != nil {
		return nil, err
	}
	c := auditCheck{report: model.AuditReport{Head: head}, anchors: map[int64]string{}}
	for _, a := range anchors {
		if other, known := c.anchors[a.Seq]; known && other != a.Hash {
			c.fault(a.Seq, "two different rows of this number were kept elsewhere: the audit was written anew between them")
		}
		c.anchors[a.Seq] = a.Hash
	}
	for c.report.Fault == nil && c.last.Seq < head.Seq {
		rows, err := q.AuditEntries(ctx, AuditQuery{After: c.last.Seq, Before: head.Seq + 1, Oldest: true, Limit: auditBatch})
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			c.fault(c.last.Seq+1, "it is missing, like all after it: the head is row %d", head.Seq)
		}
		for i := range rows {
			c.row(&rows[i])
		}
	}
	if c.report.Fault == nil {
		if err := c.end(ctx, q); err != nil {
			return nil, err
		}
	}
	return &c.report, nil
}

// auditCheck is how far a check has come.
type auditCheck struct {
	report  model.AuditReport
	last    model.AuditHead // the last good row
	anchors map[int64]string
}

func (c *auditCheck) fault(seq int64, format string, args ...any) {
	if c.report.Fault == nil {
		c.report.Fault = &model.AuditFault{Seq: seq, Why: fmt.Sprintf(format, args...)}
	}
}

// row checks the row that comes after the last good one.
func (c *auditCheck) row(e *model.AuditEntry) {
	anchor, anchored := c.anchors[e.Seq]
	switch {
	case c.report.Fault != nil:
		return
	case e.Seq != c.last.Seq+1:
		c.fault(c.last.Seq+1, "it is missing: row %d comes next", e.Seq)
	case e.Digest() != e.Hash:
		c.fault(e.Seq, "it was changed: its hash does not fit what it says")
	case e.Prev != c.last.Hash:
		c.fault(e.Seq, "it does not follow row %d: rows were changed, removed or put elsewhere here", c.last.Seq)
	case anchored && anchor != e.Hash:
		c.fault(e.Seq, "it is not the row that was kept elsewhere: it, or a row before it, was written anew")
	default:
		c.last = model.AuditHead{Seq: e.Seq, Hash: e.Hash}
		c.report.Rows++
	}
}

// end checks what stands after the last row.
func (c *auditCheck) end(ctx context.Context, q *Queries) error {
	if c.last != c.report.Head {
		c.fault(c.last.Seq, "it is not what the head says it is")
	}
	for seq := range c.anchors {
		if seq > c.last.Seq {
			c.fault(c.last.Seq+1, "it is missing: row %d was kept elsewhere", seq)
		}
	}
	var beyond int64 // in one statement, since the head may move meanwhile
	err := q.row(ctx, "look behind the audit's head",
		`SELECT COALESCE(MIN(seq), 0) FROM audit WHERE seq > (SELECT seq FROM audit_head WHERE id = 1)`).Scan(&beyond)
	if err == nil && beyond > 0 {
		c.fault(beyond, "it stands behind the head: it was not written by Drawbridge")
	}
	return err
}
