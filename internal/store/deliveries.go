package store

import (
	"context"

	"drawbridge/internal/model"
)

const deliveryColumns = `d.notice_id, d.webhook_id, d.type, n.title, d.state, d.attempts, d.status, d.error,
	CASE WHEN d.state = 'pending' THEN d.next_at ELSE 0 END, d.created_at, d.ended_at`

const deliveryTables = ` FROM webhook_deliveries d JOIN notices n ON n.id = d.notice_id `

func scanDelivery(s scanner) (*model.Delivery, error) {
	var d model.Delivery
	err := s.Scan(&d.ID, &d.WebhookID, &d.Type, &d.Title, &d.State, &d.Attempts, &d.Status, &d.Error,
		millis{&d.NextAt}, millis{&d.CreatedAt}, millis{&d.EndedAt})
	return &d, err
}

// DeliveryQuery narrows the list of a webhook's deliveries. Empty fields narrow nothing.
type DeliveryQuery struct {
	WebhookID   string
	State       model.DeliveryState
	Type        string // a type, or the noun before its dot
	OldestFirst bool
	After       string // id of the delivery that the list goes on after
	Limit       int
}

// Deliveries lists a webhook's deliveries, newest first unless OldestFirst is set.
func (q *Queries) Deliveries(ctx context.Context, query DeliveryQuery) ([]model.Delivery, error) {
	c := &condition{}
	c.add(`d.webhook_id = ?`, query.WebhookID)
	if query.State != "" {
		c.add(`d.state = ?`, query.State)
	}
	switch {
	case query.Type == string(model.NoticeWebhookTest):
		c.add(`d.type = ?`, query.Type)
	case query.Type != "":
		c.in(`d.type`, typesOf(query.Type))
	}
	if query.After != "" {
		c.add(`(d.created_at, d.notice_id) `+beyond(!query.OldestFirst)+` (SELECT at, id FROM notices WHERE id = ?)`, query.After)
	}
	c.args = append(c.args, query.Limit)
	return collect(q.rows(ctx, "list deliveries",
		`SELECT `+deliveryColumns+deliveryTables+`WHERE `+c.where()+orderBy(`d.created_at`, `d.notice_id`, !query.OldestFirst)+` LIMIT `+placeholders(len(c.args), 1), c.args...), scanDelivery)
}

// DeliveryByID returns one delivery of a webhook.
func (q *Queries) DeliveryByID(ctx context.Context, webhookID, id string) (*model.Delivery, error) {
	d, err := scanDelivery(q.row(ctx, "read delivery",
		`SELECT `+deliveryColumns+deliveryTables+`WHERE d.webhook_id = $1 AND d.notice_id = $2`, webhookID, id))
	return found(d, err, "delivery", id)
}

// CountDeliveries counts a webhook's deliveries by state.
func (q *Queries) CountDeliveries(ctx context.Context, webhookID string) (map[model.DeliveryState]int, error) {
	return pairs(q.rows(ctx, "count deliveries",
		`SELECT state, COUNT(*) FROM webhook_deliveries WHERE webhook_id = $1 GROUP BY state`, webhookID),
		func(s scanner, k *model.DeliveryState, v *int) error { return s.Scan(k, v) })
}

// attemptsShown bounds what is read of one delivery.
const attemptsShown = 50

// Attempts lists the newest attempts of some of a webhook's deliveries, by
// delivery, newest first.
func (q *Queries) Attempts(ctx context.Context, webhookID string, ids ...string) (map[string][]model.Attempt, error) {
	c := &condition{}
	c.add(`webhook_id = ?`, webhookID)
	c.in(`notice_id`, ids)
	byID := map[string][]model.Attempt{}
	_, err := collect(q.rows(ctx, "list attempts",
		`SELECT notice_id, number, at, millis, status, error, answer FROM webhook_attempts
		 WHERE `+c.where()+` ORDER BY notice_id, number DESC`, c.args...),
		func(s scanner) (*model.Attempt, error) {
			var id string
			var a model.Attempt
			err := s.Scan(&id, &a.Number, millis{&a.At}, &a.Millis, &a.Status, &a.Error, &a.Answer)
			if len(byID[id]) < attemptsShown {
				byID[id] = append(byID[id], a)
			}
			return &a, err
		})
	return byID, err
}

// Redeliver has a notice sent to the webhook once more, at once and with a new
// round of tries. One that is being sent at this moment is a conflict.
func (q *Queries) Redeliver(ctx context.Context, webhookID, id string) error {
	now, err := q.leaseNow(ctx)
	if err != nil {
		return err
	}
	n, err := q.exec(ctx, "deliver again",
		`UPDATE webhook_deliveries SET state = 'pending', tries = 0, claimed = false, next_at = $3, ended_at = 0
		 WHERE webhook_id = $1 AND notice_id = $2 AND NOT (claimed AND next_at > $3)`, webhookID, id, ms(now))
	if err != nil {
		return err
	}
	q.notify(NoticeDelivery, "")
	if n == 0 {
		return model.Errorf(model.CodeConflict, "This notice is being sent right now. Look at what comes of it first.")
	}
	return nil
}

// RedeliverFailed has everything that was given up sent once more, and tells
// how much that is.
func (q *Queries) RedeliverFailed(ctx context.Context, webhookID string) (int, error) {
	now, err := q.leaseNow(ctx)
	if err != nil {
		return 0, err
	}
	q.notify(NoticeDelivery, "")
	n, err := q.exec(ctx, "deliver what failed again",
		`UPDATE webhook_deliveries SET state = 'pending', tries = 0, claimed = false, next_at = $2, ended_at = 0
		 WHERE webhook_id = $1 AND state = 'failed'`, webhookID, ms(now))
	return int(n), err
}
