package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// DeliveryDetail is a delivery with its newest attempts, newest first.
type DeliveryDetail struct {
	model.Delivery
	Tries []model.Attempt `json:"tries"`
}

// DeliveryFilter narrows Deliveries. Empty fields narrow nothing.
type DeliveryFilter struct {
	State       model.DeliveryState
	Type        string // a type, or the noun before its dot
	OldestFirst bool
	After       string // id of the delivery that the list goes on after
	Limit       int
}

// Deliveries lists what was, and is to be, sent to a webhook, newest first
// unless the filter says otherwise. owner.
func (p *Panel) Deliveries(ctx context.Context, a model.Actor, teamID, webhookID string, f DeliveryFilter) ([]DeliveryDetail, error) {
	if _, err := p.webhook(ctx, a, SeeWebhooks, teamID, webhookID); err != nil {
		return nil, err
	}
	q := p.Store.Read()
	if f.After != "" {
		if _, err := q.DeliveryByID(ctx, webhookID, f.After); err != nil {
			return nil, err
		}
	}
	list, err := q.Deliveries(ctx, store.DeliveryQuery{
		WebhookID: webhookID, State: f.State, Type: f.Type, OldestFirst: f.OldestFirst, After: f.After, Limit: f.Limit,
	})
	if err != nil {
		return nil, err
	}
	return detailed(ctx, q, list)
}

// detailed adds the attempts.
func detailed(ctx context.Context, q *store.Queries, list []model.Delivery) ([]DeliveryDetail, error) {
	out := make([]DeliveryDetail, len(list))
	if len(list) == 0 {
		return out, nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	tries, err := q.Attempts(ctx, list[0].WebhookID, ids...)
	for i := range list {
		out[i] = DeliveryDetail{list[i], tries[ids[i]]}
	}
	return out, err
}

// CountDeliveries counts a webhook's deliveries by state. owner.
func (p *Panel) CountDeliveries(ctx context.Context, a model.Actor, teamID, webhookID string) (map[model.DeliveryState]int, error) {
	if _, err := p.webhook(ctx, a, SeeWebhooks, teamID, webhookID); err != nil {
		return nil, err
	}
	return p.Store.Read().CountDeliveries(ctx, webhookID)
}

// Delivery returns one delivery of a webhook. owner.
func (p *Panel) Delivery(ctx context.Context, a model.Actor, teamID, webhookID, id string) (*DeliveryDetail, error) {
	if _, err := p.webhook(ctx, a, SeeWebhooks, teamID, webhookID); err != nil {
		return nil, err
	}
	return p.delivery(ctx, webhookID, id)
}

func (p *Panel) delivery(ctx context.Context, webhookID, id string) (*DeliveryDetail, error) {
	q := p.Store.Read()
	d, err := q.DeliveryByID(ctx, webhookID, id)
	if err != nil {
		return nil, err
	}
	list, err := detailed(ctx, q, []model.Delivery{*d})
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// TestWebhook sends a test to a webhook, and returns its delivery as it begins. owner.
func (p *Panel) TestWebhook(ctx context.Context, a model.Actor, teamID, webhookID string) (*DeliveryDetail, error) {
	id := ""
	err := p.sendNow(ctx, a, teamID, webhookID, func(q *store.Queries, w *model.Webhook) error {
		n := &model.Notice{
			TeamID: teamID, Type: model.NoticeWebhookTest, Title: "A test of the webhook " + w.Name,
			Text: "Nothing has happened: " + a.Name + " asked for this test.",
			Data: map[string]string{"webhook_id": w.ID, "webhook_name": w.Name},
		}
		if err := q.NotifyOne(ctx, n, w.ID); err != nil {
			return err
		}
		id = n.ID
		return q.Audit(ctx, ofWebhook(a, model.AuditWebhookTest, w, nil, map[string]any{"delivery": id}))
	})
	if err != nil {
		return nil, err
	}
	return p.delivery(ctx, webhookID, id)
}

// Redeliver sends a notice to a webhook once more, whatever became of it. owner.
func (p *Panel) Redeliver(ctx context.Context, a model.Actor, teamID, webhookID, id string) (*DeliveryDetail, error) {
	err := p.sendNow(ctx, a, teamID, webhookID, func(q *store.Queries, w *model.Webhook) error {
		if _, err := q.DeliveryByID(ctx, webhookID, id); err != nil {
			return err
		}
		if err := q.Redeliver(ctx, webhookID, id); err != nil {
			return err
		}
		return q.Audit(ctx, ofWebhook(a, model.AuditWebhookRedeliver, w, nil, map[string]any{"delivery": id}))
	})
	if err != nil {
		return nil, err
	}
	return p.delivery(ctx, webhookID, id)
}

// RedeliverFailed sends everything once more that a webhook did not take, and
// tells how much that is. owner.
func (p *Panel) RedeliverFailed(ctx context.Context, a model.Actor, teamID, webhookID string) (n int, err error) {
	err = p.sendNow(ctx, a, teamID, webhookID, func(q *store.Queries, w *model.Webhook) error {
		if n, err = q.RedeliverFailed(ctx, webhookID); err != nil {
			return err
		}
		return q.Audit(ctx, ofWebhook(a, model.AuditWebhookRedeliver, w, nil, map[string]any{"deliveries": n}))
	})
	return n, err
}

// sendNow has something sent to a webhook that is on.
func (p *Panel) sendNow(ctx context.Context, a model.Actor, teamID, webhookID string, send func(*store.Queries, *model.Webhook) error) error {
	if _, err := p.webhook(ctx, a, SendWebhooks, teamID, webhookID); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		w, err := q.WebhookByID(ctx, teamID, webhookID)
		if err != nil {
			return err
		}
		if !w.Enabled {
			return model.Errorf(model.CodeConflict, "The webhook %s is switched off. Switch it on first.", w.Name)
		}
		return send(q, w)
	})
}
