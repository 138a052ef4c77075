package store

import (
	"context"
	"slices"
	"strings"

	"drawbridge/internal/model"
)

const auditColumns = `seq, at, actor_kind, actor_id, actor_name, ip, user_agent, action, noun, target_id, target_name,
	team_id, job_id, was, became, request_id, outcome, prev, hash`

// Longest texts of a row that a client chooses.
const (
	maxAuditText      = 256
	maxAuditUserAgent = 256
)

func scanAudit(s scanner) (*model.AuditEntry, error) {
	var e model.AuditEntry
	var was, became string
	err := s.Scan(&e.Seq, millis{&e.At}, &e.ActorKind, &e.ActorID, &e.ActorName, &e.IP, &e.UserAgent, &e.Action, &e.Noun,
		&e.TargetID, &e.TargetName, &e.TeamID, &e.JobID, &was, &became, &e.RequestID, &e.Outcome, &e.Prev, &e.Hash)
	e.Before, e.After = rawJSON(was), rawJSON(became)
	return &e, err
}

func rawJSON(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// Audit records a change with the transaction that makes it: there is never
// one without the other. The row is numbered and written just before the
// commit, when all other locks are held, so that transactions wait for each
// other at the audit's end for a moment only and never in a circle. Where the
// request came from is taken from ctx.
func (q *Queries) Audit(ctx context.Context, c model.Change) error {
	if q.tx == nil {
		return errNoTx
	}
	if !slices.Contains(model.AuditActions, c.Action) {
		return model.Errorf(model.CodeInternal, "%q is no action of the audit", c.Action)
	}
	before, err := auditText(c.Before)
	if err != nil {
		return err
	}
	after, err := auditText(c.After)
	if err != nil {
		return err
	}
	from := model.OriginOf(ctx)
	e := model.AuditEntry{
		ActorKind: c.Actor.Kind(), ActorID: c.Actor.ID, ActorName: clean(c.Actor.Name, maxAuditText),
		IP: clean(from.IP, maxAuditText), UserAgent: clean(from.UserAgent, maxAuditUserAgent), RequestID: clean(from.RequestID, maxAuditText),
		Action: c.Action, Noun: c.Noun, TargetID: clean(c.ID, maxAuditText), TargetName: clean(c.Name, maxAuditText),
		TeamID: c.TeamID, JobID: c.JobID, Before: rawJSON(before), After: rawJSON(after), Outcome: c.Outcome,
	}
	if e.Outcome == "" {
		e.Outcome = model.AuditDone
	}
	q.tx.audit = append(q.tx.audit, e)
	return nil
}

// auditText is v as it is kept, "" for nothing.
func auditText(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	text, err := jsonText(v)
	return strings.ToValidUTF8(text, "\uFFFD"), err
}

// clean is text as both databases keep it, so that the hash is over what is
// read back, at most limit bytes of it.
func clean(text string, limit int) string {
	text = plain([]any{text})[0].(string)
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "")
	}
	return text
}

// appendAudit numbers, chains and writes what the transaction recorded.
func (q *Queries) appendAudit(ctx context.Context) error {
	if len(q.tx.audit) == 0 {
		return nil
	}
	head, err := q.auditHead(ctx, q.forUpdate())
	if err != nil {
		return err
	}
	for i := range q.tx.audit {
		e := &q.tx.audit[i]
		e.Seq, e.At, e.Prev = head.Seq+1, q.now(), head.Hash
		e.Hash = e.Digest()
		head = model.AuditHead{Seq: e.Seq, Hash: e.Hash}
		_, err := q.exec(ctx, "insert audit row",
			`INSERT INTO audit (`+auditColumns+`)
			 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
			e.Seq, ms(e.At), e.ActorKind, e.ActorID, e.ActorName, e.IP, e.UserAgent, e.Action, e.Noun, e.TargetID,
			e.TargetName, e.TeamID, e.JobID, string(e.Before), string(e.After), e.RequestID, e.Outcome, e.Prev, e.Hash)
		if err != nil {
			return err
		}
	}
	_, err = q.exec(ctx, "move the audit's head", `UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1`, head.Seq, head.Hash)
	return err
}

// AuditHead returns the number and hash of the newest row; zero while there is none.
func (q *Queries) AuditHead(ctx context.Context) (model.AuditHead, error) {
	return q.auditHead(ctx, "")
}

func (q *Queries) auditHead(ctx context.Context, lock string) (model.AuditHead, error) {
	var h model.AuditHead
	_, err := found(&h, q.row(ctx, "read the audit's head", `SELECT seq, hash FROM audit_head WHERE id = 1`+lock).Scan(&h.Seq, &h.Hash), "head", "")
	if err != nil && model.CodeOf(err) == model.CodeNotFound {
		return h, model.Errorf(model.CodeUnavailable, "The audit has lost its head, so nothing can be changed. Restore the database from a backup.")
	}
	return h, err
}

// AuditQuery is a filter, who asks, and which part of the answer.
type AuditQuery struct {
	model.AuditFilter
	TeamIDs []string // nil = all, with what belongs to no team; empty = none
	Before  int64    // newest first, below this number; 0 = from the newest
	After   int64    // with Oldest: above this number
	Oldest  bool     // oldest first
	Limit   int
}

func (a AuditQuery) where() (string, []any) {
	c := &condition{}
	c.add(`seq > ?`, a.After)
	if a.TeamIDs != nil {
		c.in(`team_id`, a.TeamIDs)
	}
	if a.Actor != "" {
		c.add(`(actor_id = ? OR actor_name = ?)`, a.Actor)
	}
	if a.Action != "" {
		c.in(`action`, actionsOf(a.Action))
	}
	if a.Target != "" {
		c.add(`(target_id = ? OR target_name = ?)`, a.Target)
	}
	if !a.From.IsZero() {
		c.add(`at >= ?`, ms(a.From))
	}
	if !a.To.IsZero() {
		c.add(`at < ?`, ms(a.To))
	}
	if a.Before > 0 {
		c.add(`seq < ?`, a.Before)
	}
	return c.where(), c.args
}

// actionsOf are the action of that name and all of that noun.
func actionsOf(name string) []string {
	var out []string
	for _, a := range model.AuditActions {
		if noun, _, _ := strings.Cut(string(a), "."); string(a) == name || noun == name {
			out = append(out, string(a))
		}
	}
	return out
}

// AuditEntries lists rows of the audit, newest first unless Oldest is set.
func (q *Queries) AuditEntries(ctx context.Context, query AuditQuery) ([]model.AuditEntry, error) {
	where, args := query.where()
	order := ` ORDER BY seq DESC`
	if query.Oldest {
		order = ` ORDER BY seq`
	}
	args = append(args, query.Limit)
	return collect(q.rows(ctx, "list audit rows",
		`SELECT `+auditColumns+` FROM audit WHERE `+where+order+` LIMIT `+placeholders(len(args), 1), args...), scanAudit)
}
