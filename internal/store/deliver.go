package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"drawbridge/internal/model"
)

// sendable is the condition under which a webhook may be sent to at $1, by
// whoever has the key $2.
const sendable = `w.enabled AND w.held_until <= $1 AND w.key_id = $2`

// DueWebhooks lists the webhooks that something can be sent to now, by those
// who have the key, and tells how long it is until there will be more: 0 when
// nothing waits.
func (s *Store) DueWebhooks(ctx context.Context, keyID string) (due []model.DueWebhook, more time.Duration, err error) {
	q := s.Read()
	now, err := q.leaseNow(ctx)
	if err != nil {
		return nil, 0, err
	}
	due, err = collect(q.rows(ctx, "list due webhooks",
		`SELECT w.id, w.failing_since > 0 FROM webhooks w WHERE `+sendable+` AND EXISTS (
			SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.next_at <= $1)
		 ORDER BY w.failing_since, w.id`, ms(now), keyID),
		func(s scanner) (*model.DueWebhook, error) {
			var w model.DueWebhook
			return &w, s.Scan(&w.ID, &w.Failing)
		})
	if err != nil {
		return nil, 0, err
	}
	var next int64
	err = q.row(ctx, "read when a delivery is due",
		`SELECT COALESCE(MIN(CASE WHEN held_until <= $1 THEN later WHEN held_until > first THEN held_until ELSE first END), 0) FROM (
			SELECT w.held_until,
				(SELECT MIN(d.next_at) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending') AS first,
				(SELECT MIN(d.next_at) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.next_at > $1) AS later
			FROM webhooks w WHERE w.enabled AND w.key_id = $2) AS waits`, ms(now), keyID).Scan(&next)
	if next > 0 {
		more = time.UnixMilli(next).Sub(now)
	}
	return due, more, err
}

// NextDelivery saves what became of the delivery before, when there was one,
// and claims the webhook's next, in one transaction: nil when nothing is due.
// A claim ends after the lease, and its delivery is sent again: by whom it was
// claimed it may have been sent.
func (s *Store) NextDelivery(ctx context.Context, due model.DueWebhook, keyID string, done *model.DeliveryOutcome, lease time.Duration) (*model.DeliveryClaim, error) {
	var claim *model.DeliveryClaim
	err := s.InTx(ctx, func(q *Queries) error {
		now, err := q.leaseNow(ctx)
		if err != nil {
			return err
		}
		if done != nil {
			if err := q.settle(ctx, done, now); err != nil {
				return err
			}
		}
		claim, err = q.claimDelivery(ctx, due.ID, keyID, now, lease)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("next delivery of %s: %w", due.ID, err)
	}
	return claim, nil
}

// SettleDelivery saves what became of a delivery and claims no other.
func (s *Store) SettleDelivery(ctx context.Context, done *model.DeliveryOutcome) error {
	return s.InTx(ctx, func(q *Queries) error {
		now, err := q.leaseNow(ctx)
		if err != nil {
			return err
		}
		return q.settle(ctx, done, now)
	})
}

func (q *Queries) claimDelivery(ctx context.Context, webhookID, keyID string, now time.Time, lease time.Duration) (*model.DeliveryClaim, error) {
	lock := ""
	if q.store.dialect == PostgreSQL {
		lock = ` FOR UPDATE OF d SKIP LOCKED`
	}
	c := &model.DeliveryClaim{}
	var noticeID string
	err := q.row(ctx, "claim a delivery",
		`UPDATE webhook_deliveries SET term = term + 1, claimed = true, next_at = $4
		 WHERE webhook_id = $3 AND state = 'pending' AND next_at <= $1 AND notice_id = (
			SELECT d.notice_id FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
			WHERE d.webhook_id = $3 AND d.state = 'pending' AND d.next_at <= $1 AND `+sendable+`
			ORDER BY d.next_at, d.notice_id LIMIT 1`+lock+`)
		 RETURNING notice_id, term, tries`, ms(now), keyID, webhookID, ms(now.Add(lease))).Scan(&noticeID, &c.Term, &c.Tries)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = q.row(ctx, "read the webhook of a delivery", `SELECT `+webhookColumns+` FROM webhooks WHERE id = $1`, webhookID).
		Scan(webhookFields(&c.Webhook)...)
	if err != nil {
		return nil, err
	}
	n, err := q.NoticeByID(ctx, noticeID)
	if err != nil {
		return nil, err
	}
	c.Notice = *n
	return c, nil
}

// settle saves what became of a claimed delivery. A claim that was lost since
// changes nothing: somebody else sends, or has sent, the same.
func (q *Queries) settle(ctx context.Context, o *model.DeliveryOutcome, now time.Time) error {
	c, a := o.Claim, o.Attempt
	if a == nil {
		_, err := q.exec(ctx, "give a delivery back",
			`UPDATE webhook_deliveries SET claimed = false, next_at = $4 WHERE webhook_id = $1 AND notice_id = $2 AND term = $3 AND claimed`,
			c.Webhook.ID, c.Notice.ID, c.Term, ms(now))
		q.notify(NoticeDelivery, "")
		return err
	}
	ended, failed := int64(0), 0
	if o.State != model.DeliveryPending {
		ended = ms(now)
	}
	if a.Error != "" {
		failed = 1
	}
	err := q.row(ctx, "settle a delivery",
		`UPDATE webhook_deliveries SET state = $4, claimed = false, attempts = attempts + 1, tries = tries + $5, status = $6,
			error = $7, next_at = $8, ended_at = $9
		 WHERE webhook_id = $1 AND notice_id = $2 AND term = $3 AND claimed RETURNING attempts`,
		c.Webhook.ID, c.Notice.ID, c.Term, o.State, failed, a.Status, a.Error, ms(now.Add(o.Delay)), ended).Scan(&a.Number)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, "insert attempt",
		`INSERT INTO webhook_attempts (webhook_id, notice_id, number, at, millis, status, error, answer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.Webhook.ID, c.Notice.ID, a.Number, ms(a.At), a.Millis, a.Status, a.Error, a.Answer)
	if err != nil {
		return err
	}
	return q.judgeWebhook(ctx, o, now)
}

// judgeWebhook notes how the webhook does, and switches one off that wants
// nothing any more or took nothing for too long.
func (q *Queries) judgeWebhook(ctx context.Context, o *model.DeliveryOutcome, now time.Time) error {
	w := &o.Claim.Webhook
	if o.Attempt.Error == "" {
		if w.FailingSince.IsZero() {
			return nil
		}
		_, err := q.exec(ctx, "note that a webhook works", `UPDATE webhooks SET failing_since = 0, held_until = 0 WHERE id = $1`, w.ID)
		return err
	}
	held := int64(0)
	if o.Hold > 0 {
		held = ms(now.Add(o.Hold))
	}
	var since time.Time
	err := q.row(ctx, "note that a webhook fails",
		`UPDATE webhooks SET failing_since = CASE WHEN failing_since = 0 THEN $2 ELSE failing_since END, held_until = $3
		 WHERE id = $1 AND enabled RETURNING failing_since`, w.ID, ms(now), held).Scan(millis{&since})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	switch told := "It took nothing for five days."; {
	case o.Disable != "":
		return q.disableWebhook(ctx, w, o.Disable, o.Disable, now)
	case now.Sub(since) >= model.WebhookGivenUp:
		return q.disableWebhook(ctx, w, told+" The last attempt: "+o.Attempt.Error, told+" Its page says what came of each attempt.", now)
	}
	return nil
}

// disableWebhook switches a webhook off, and tells the team. What waits to be
// sent to it waits until it is switched on again. why is for those who may see
// the webhook, told for everybody and for other people's servers: it must not say
// which address was asked and what was there.
func (q *Queries) disableWebhook(ctx context.Context, w *model.Webhook, why, told string, now time.Time) error {
	_, err := q.exec(ctx, "switch a webhook off",
		`UPDATE webhooks SET enabled = false, disabled_why = $2, updated_at = $3 WHERE id = $1`, w.ID, why, ms(now))
	if err != nil {
		return err
	}
	err = q.Audit(ctx, model.Change{Actor: model.System(), Action: model.AuditWebhookDisable, Noun: "webhook",
		ID: w.ID, Name: w.Name, TeamID: w.TeamID, Before: map[string]any{"enabled": true}, After: map[string]any{"enabled": false, "why": why}})
	if err != nil {
		return err
	}
	return q.Notify(ctx, &model.Notice{
		TeamID: w.TeamID, Type: model.NoticeWebhookDisabled, At: now, Title: fmt.Sprintf("The webhook %s was switched off", w.Name), Text: told,
		Data: map[string]string{"webhook_id": w.ID, "webhook_name": w.Name},
	})
}

// ReleaseDeliveries makes claims of a process that is gone void at once, where
// no other process has any.
func (s *Store) ReleaseDeliveries(ctx context.Context) (int, error) {
	var n int64
	err := s.InTx(ctx, func(q *Queries) error {
		now, err := q.leaseNow(ctx)
		if err != nil {
			return err
		}
		n, err = q.exec(ctx, "release deliveries",
			`UPDATE webhook_deliveries SET claimed = false, next_at = $1 WHERE state = 'pending' AND claimed`, ms(now))
		return err
	})
	return int(n), err
}

// DeliveryBacklog tells what waits to be sent now, whoever has the keys.
func (q *Queries) DeliveryBacklog(ctx context.Context) (model.DeliveryBacklog, error) {
	var b model.DeliveryBacklog
	err := q.row(ctx, "count due deliveries",
		`SELECT COUNT(*), COALESCE(MIN(d.next_at), 0) FROM webhooks w
		 JOIN webhook_deliveries d ON d.webhook_id = w.id AND d.state = 'pending' AND d.next_at <= $1 WHERE w.enabled`,
		ms(q.now())).Scan(&b.Due, millis{&b.Oldest})
	return b, err
}
