package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"drawbridge/internal/model"
)

const noticeColumns = `id, team_id, type, backend_id, job_id, title, text, data, at`

func scanNotice(s scanner) (*model.Notice, error) {
	var n model.Notice
	err := s.Scan(&n.ID, &n.TeamID, &n.Type, &n.BackendID, &n.JobID, &n.Title, &n.Text, jsonColumn{&n.Data}, millis{&n.At})
	return &n, err
}

// Longest texts of a notice: what AWS said of a failure is part of it.
const (
	maxNoticeTitle = 256
	maxNoticeText  = 2048
)

// Notify tells a team of what the transaction does: there is never one without
// the other. The intent to send it to each webhook that wants it is saved with
// it. An empty id or time is filled in. It must hold no secrets.
func (q *Queries) Notify(ctx context.Context, n *model.Notice) error {
	if err := q.insertNotice(ctx, n); err != nil {
		return err
	}
	sent, err := q.exec(ctx, "insert deliveries of a notice",
		`INSERT INTO webhook_deliveries (webhook_id, notice_id, type, state, next_at, created_at)
		 SELECT id, CAST($1 AS text), CAST($2 AS text), 'pending', CAST($3 AS bigint), CAST($3 AS bigint) FROM webhooks
		 WHERE team_id = $4 AND enabled AND (events = '' OR events LIKE $5)`,
		n.ID, n.Type, ms(n.At), n.TeamID, "% "+string(n.Type)+" %")
	if sent > 0 {
		q.notify(NoticeDelivery, "")
	}
	return err
}

// NotifyOne sends a notice to one webhook, whatever it wants.
func (q *Queries) NotifyOne(ctx context.Context, n *model.Notice, webhookID string) error {
	if err := q.insertNotice(ctx, n); err != nil {
		return err
	}
	q.notify(NoticeDelivery, "")
	_, err := q.exec(ctx, "insert a delivery",
		`INSERT INTO webhook_deliveries (webhook_id, notice_id, type, state, next_at, created_at) VALUES ($1, $2, $3, 'pending', $4, $4)`,
		webhookID, n.ID, n.Type, ms(n.At))
	return err
}

func (q *Queries) insertNotice(ctx context.Context, n *model.Notice) error {
	if q.tx == nil {
		return errNoTx
	}
	if !n.Type.Valid() {
		return model.Errorf(model.CodeInternal, "%q is no type of a notice", n.Type)
	}
	q.fresh(&n.ID, model.PrefixNotice, &n.At)
	n.Title, n.Text = clean(n.Title, maxNoticeTitle), clean(n.Text, maxNoticeText)
	data := map[string]string{} // without what is empty
	for key, value := range n.Data {
		if value != "" {
			data[key] = value
		}
	}
	n.Data = data
	text, err := jsonText(data)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert notice",
		`INSERT INTO notices (`+noticeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		n.ID, n.TeamID, n.Type, n.BackendID, n.JobID, n.Title, n.Text, text, ms(n.At))
	return err
}

// NoticeQuery narrows the list of notices. Empty fields narrow nothing.
type NoticeQuery struct {
	TeamIDs []string // nil = all, empty = none
	Type    string   // a type, or the noun before its dot
	// BackendIDs are of some backends only; nil = all.
	BackendIDs  []string
	JobID       string
	OldestFirst bool
	After       string // id of the notice that the list goes on after
	Limit       int
}

// Notices lists notices, newest first unless OldestFirst is set. Tests of
// webhooks are not among them.
func (q *Queries) Notices(ctx context.Context, query NoticeQuery) ([]model.Notice, error) {
	c := &condition{parts: []string{`type <> 'webhook.test'`}}
	if query.TeamIDs != nil {
		c.in(`team_id`, query.TeamIDs)
	}
	if query.Type != "" {
		c.in(`type`, typesOf(query.Type))
	}
	if query.BackendIDs != nil {
		c.in(`backend_id`, query.BackendIDs)
	}
	if query.JobID != "" {
		c.add(`job_id = ?`, query.JobID)
	}
	if query.After != "" {
		c.add(`(at, id) `+beyond(!query.OldestFirst)+` (SELECT at, id FROM notices WHERE id = ?)`, query.After)
	}
	c.args = append(c.args, query.Limit)
	return collect(q.rows(ctx, "list notices",
		`SELECT `+noticeColumns+` FROM notices WHERE `+c.where()+orderBy(`at`, `id`, !query.OldestFirst)+
			` LIMIT `+placeholders(len(c.args), 1), c.args...), scanNotice)
}

// typesOf are the type of that name and all of that noun.
func typesOf(name string) []string {
	var out []string
	for _, t := range model.NoticeTypes {
		if string(t) == name || t.Noun() == name {
			out = append(out, string(t))
		}
	}
	return out
}

// NoticeByID returns one notice.
func (q *Queries) NoticeByID(ctx context.Context, id string) (*model.Notice, error) {
	n, err := scanNotice(q.row(ctx, "read notice", `SELECT `+noticeColumns+` FROM notices WHERE id = $1`, id))
	return found(n, err, "notice", id)
}

// notifyEnded tells of a job that has ended, and of the phase that its backend
// is in since.
func (q *Queries) notifyEnded(ctx context.Context, j *model.Job, b *model.Backend, before model.Phase) error {
	text := endWords(j)
	data := map[string]string{"backend_name": b.Name, "operation": string(j.Operation), "state": string(j.State),
		"phase": string(b.Phase), "invoke_url": b.InvokeURL}
	about := model.Notice{TeamID: b.TeamID, BackendID: b.ID, JobID: j.ID, Data: data, Text: text, At: q.now()}
	of := about
	of.Type = map[model.JobState]model.NoticeType{
		model.JobSucceeded: model.NoticeJobSucceeded, model.JobFailed: model.NoticeJobFailed, model.JobCancelled: model.NoticeJobCancelled,
	}[j.State]
	of.Title = fmt.Sprintf("%s: %s %s", b.Name, operationWords(j.Operation), j.State)
	if err := q.Notify(ctx, &of); err != nil {
		return err
	}
	became := about
	became.Type = map[model.Phase]model.NoticeType{
		model.PhaseReady: model.NoticeBackendReady, model.PhaseFailed: model.NoticeBackendFailed, model.PhaseDestroyed: model.NoticeBackendDestroyed,
	}[b.Phase]
	if became.Type == "" || b.Phase == before {
		return nil
	}
	became.Title = b.Name + " is " + string(b.Phase)
	if b.Phase == model.PhaseFailed {
		became.Title = b.Name + " has failed"
	}
	return q.Notify(ctx, &became)
}

func operationWords(op model.Operation) string { return strings.ReplaceAll(string(op), "_", " ") }

// endWords say who asked for the job, how long it took and why it failed.
func endWords(j *model.Job) string {
	text := fmt.Sprintf("The job %q", operationWords(j.Operation))
	if j.Actor != "" {
		text += " that " + j.Actor + " asked for"
	}
	switch j.State {
	case model.JobSucceeded:
		text += " succeeded"
	case model.JobCancelled:
		text += " was cancelled"
	default:
		text += " failed"
	}
	if took := j.FinishedAt.Sub(j.StartedAt).Round(time.Second); !j.StartedAt.IsZero() && took >= time.Second {
		text += " after " + took.String()
	}
	text += "."
	if p := j.Problem; p != nil {
		for _, more := range []string{p.Message, p.Advice} {
			if more != "" {
				text += " " + strings.TrimSuffix(more, ".") + "."
			}
		}
	}
	return text
}

// PruneNotices forgets notices and deliveries whose time is over, a batch in a
// transaction, so that nothing else waits long.
func (s *Store) PruneNotices(ctx context.Context) error {
	const batch = 1000
	deliveries, notices := ms(s.Now().Add(-model.DeliveriesKept)), ms(s.Now().Add(-model.NoticesKept))
	for _, old := range []struct {
		op, query string
		before    int64
	}{
		{"drop old deliveries", `DELETE FROM webhook_deliveries WHERE (webhook_id, notice_id) IN (
			SELECT d.webhook_id, d.notice_id FROM webhook_deliveries d LEFT JOIN webhooks w ON w.id = d.webhook_id
			WHERE w.id IS NULL OR d.created_at < $1 AND (d.state <> 'pending' OR NOT w.enabled) LIMIT $2)`, deliveries},
		{"drop old attempts", `DELETE FROM webhook_attempts WHERE (webhook_id, notice_id, number) IN (
			SELECT a.webhook_id, a.notice_id, a.number FROM webhook_attempts a
			WHERE a.at < $1 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = a.webhook_id AND d.notice_id = a.notice_id) LIMIT $2)`, ms(s.Now())},
		{"drop old notices", `DELETE FROM notices WHERE id IN (
			SELECT n.id FROM notices n WHERE (n.at < $1 OR n.type = 'webhook.test')
			AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.notice_id = n.id) LIMIT $2)`, notices},
	} {
		for dropped := int64(batch); dropped == batch; {
			err := s.InTx(ctx, func(q *Queries) (err error) {
				dropped, err = q.exec(ctx, old.op, old.query, old.before, batch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
