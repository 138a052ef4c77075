package store

import (
	"context"
	"strings"

	"drawbridge/internal/model"
)

const webhookColumns = `id, team_id, name, format, target, events, enabled, disabled_why, failing_since, old_secret_until,
	created_by, created_at, updated_at, sealed, key_id`

func scanWebhook(s scanner) (*model.Webhook, error) {
	var w model.Webhook
	err := s.Scan(webhookFields(&w)...)
	return &w, err
}

func webhookFields(w *model.Webhook) []any {
	return []any{&w.ID, &w.TeamID, &w.Name, &w.Format, &w.Target, eventList{&w.Events}, &w.Enabled, &w.DisabledWhy,
		millis{&w.FailingSince}, millis{&w.OldSecretUntil}, &w.CreatedBy, millis{&w.CreatedAt}, millis{&w.UpdatedAt}, &w.Sealed, &w.KeyID}
}

// eventText is a list of types as it is kept: "" for none, which means all.
// The spaces around each let LIKE find it.
func eventText(events []model.NoticeType) string {
	if len(events) == 0 {
		return ""
	}
	text := " "
	for _, e := range events {
		text += string(e) + " "
	}
	return text
}

// eventList scans such a list.
type eventList struct{ dst *[]model.NoticeType }

func (l eventList) Scan(src any) error {
	text, _ := src.(string)
	*l.dst = []model.NoticeType{}
	for _, word := range strings.Fields(text) {
		*l.dst = append(*l.dst, model.NoticeType(word))
	}
	return nil
}

// InsertWebhook saves a new webhook. An empty id or time is filled in. A name
// that the team uses already is a conflict.
func (q *Queries) InsertWebhook(ctx context.Context, w *model.Webhook) error {
	q.fresh(&w.ID, model.PrefixWebhook, &w.CreatedAt)
	w.UpdatedAt = w.CreatedAt
	_, err := q.exec(ctx, "insert webhook",
		`INSERT INTO webhooks (`+webhookColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		w.ID, w.TeamID, w.Name, w.Format, w.Target, eventText(w.Events), w.Enabled, w.DisabledWhy, ms(w.FailingSince),
		ms(w.OldSecretUntil), w.CreatedBy, ms(w.CreatedAt), ms(w.UpdatedAt), w.Sealed, w.KeyID)
	return webhookNameTaken(err, w)
}

// UpdateWebhook saves everything that can change. Read it with
// WebhookForUpdate before.
func (q *Queries) UpdateWebhook(ctx context.Context, w *model.Webhook) error {
	w.UpdatedAt = q.now()
	_, err := q.exec(ctx, "update webhook",
		`UPDATE webhooks SET name = $2, target = $3, events = $4, enabled = $5, disabled_why = $6, failing_since = $7,
			old_secret_until = $8, updated_at = $9, sealed = $10, key_id = $11, held_until = 0 WHERE id = $1`,
		w.ID, w.Name, w.Target, eventText(w.Events), w.Enabled, w.DisabledWhy, ms(w.FailingSince),
		ms(w.OldSecretUntil), ms(w.UpdatedAt), w.Sealed, w.KeyID)
	if w.Enabled {
		q.notify(NoticeDelivery, "") // what waited meanwhile can be sent
	}
	return webhookNameTaken(err, w)
}

func webhookNameTaken(err error, w *model.Webhook) error {
	return taken(err, "Your team has a webhook named %q already. Choose another name.", w.Name)
}

// WebhookByID returns a webhook of the team.
func (q *Queries) WebhookByID(ctx context.Context, teamID, id string) (*model.Webhook, error) {
	w, err := scanWebhook(q.row(ctx, "read webhook", `SELECT `+webhookColumns+` FROM webhooks WHERE team_id = $1 AND id = $2`, teamID, id))
	return found(w, err, "webhook", id)
}

// WebhookForUpdate is WebhookByID, and locks the row until the transaction ends.
func (q *Queries) WebhookForUpdate(ctx context.Context, teamID, id string) (*model.Webhook, error) {
	if q.tx == nil {
		return nil, errNoTx
	}
	w, err := scanWebhook(q.row(ctx, "lock webhook",
		`SELECT `+webhookColumns+` FROM webhooks WHERE team_id = $1 AND id = $2`+q.forUpdate(), teamID, id))
	return found(w, err, "webhook", id)
}

// Webhooks lists a team's webhooks by name.
func (q *Queries) Webhooks(ctx context.Context, teamID string) ([]model.Webhook, error) {
	return collect(q.rows(ctx, "list webhooks",
		`SELECT `+webhookColumns+` FROM webhooks WHERE team_id = $1 ORDER BY name`, teamID), scanWebhook)
}

// DeleteWebhook deletes a webhook of the team with all that was, or was to be,
// sent to it. Deliveries come before their webhook, as in NextDelivery.
func (q *Queries) DeleteWebhook(ctx context.Context, teamID, id string) error {
	if _, err := q.WebhookByID(ctx, teamID, id); err != nil {
		return err
	}
	for op, query := range map[string]string{
		"delete deliveries": `DELETE FROM webhook_deliveries WHERE webhook_id = $1`,
		"delete attempts":   `DELETE FROM webhook_attempts WHERE webhook_id = $1`,
	} {
		if _, err := q.exec(ctx, op, query, id); err != nil {
			return err
		}
	}
	_, err := q.exec(ctx, "delete webhook", `DELETE FROM webhooks WHERE id = $1`, id)
	return err
}
