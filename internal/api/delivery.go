package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Delivery is a notice on its way to a webhook.
type Delivery struct {
	ID        string    `json:"id" doc:"The notice's id, which is sent as webhook-id." example:"ntc_m3kx7q2fd5wa4nzp"`
	WebhookID string    `json:"webhook_id" doc:"The webhook's id." example:"whk_m3kx7q2fd5wa4nzp"`
	Type      string    `json:"type" doc:"What the notice tells of." example:"backend.ready"`
	Title     string    `json:"title" doc:"What happened, in a line." example:"orders-api is ready"`
	State     string    `json:"state" enum:"pending,delivered,failed" doc:"pending: it is, or will be, tried. delivered: it was answered with 2xx. failed: it was given up." example:"delivered"`
	Attempts  int       `json:"attempts" doc:"How often it was tried." example:"1"`
	Status    int       `json:"status,omitempty" doc:"HTTP status of the last attempt's answer; absent when none came." example:"204"`
	Error     string    `json:"error,omitempty" doc:"Why the last attempt failed, in words." example:"It answered 500 Internal Server Error."`
	NextAt    time.Time `json:"next_at,omitzero" doc:"When it is tried next, or until when it is being tried."`
	CreatedAt time.Time `json:"created_at" doc:"When the notice was made."`
	EndedAt   time.Time `json:"ended_at,omitzero" doc:"When it was delivered or given up."`
	Tries     []Attempt `json:"tries" nullable:"false" doc:"The newest attempts, newest first."`
}

// Attempt is one try to deliver.
type Attempt struct {
	Number int       `json:"number" doc:"Its number, from 1." example:"1"`
	At     time.Time `json:"at" doc:"When it began."`
	Millis float64   `json:"millis" doc:"How long it took, in milliseconds." example:"41.3"`
	Status int       `json:"status,omitempty" doc:"HTTP status of the answer; absent when none came." example:"204"`
	Error  string    `json:"error,omitempty" doc:"Why it failed, in words." example:"It answered 500 Internal Server Error."`
	Answer string    `json:"answer,omitempty" doc:"The first KiB of the answer's body." example:"ok"`
}

func deliveryOf(d *panel.DeliveryDetail) Delivery {
	return Delivery{
		ID: d.ID, WebhookID: d.WebhookID, Type: string(d.Type), Title: d.Title, State: string(d.State), Attempts: d.Attempts,
		Status: d.Status, Error: d.Error, NextAt: d.NextAt, CreatedAt: d.CreatedAt, EndedAt: d.EndedAt,
		Tries: listOf(d.Tries, func(a *model.Attempt) Attempt { return Attempt(*a) }).Items,
	}
}

type deliveriesInput struct {
	ID      string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Webhook string `path:"webhook" doc:"The webhook's id." example:"whk_m3kx7q2fd5wa4nzp"`
	State   string `query:"state" enum:"pending,delivered,failed" doc:"Only deliveries in this state." example:"failed"`
	Type    string `query:"type" maxLength:"64" doc:"Only notices of this type, or all of a noun." example:"backend"`
	ByTime
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"How many at most."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before, with the same sort and filters." example:"ntc_m3kx7q2fd5wa4nzp"`
}

// deliveryPage is one page of deliveries.
type deliveryPage struct {
	Items      []Delivery `json:"items" nullable:"false" doc:"What was asked for."`
	NextCursor string     `json:"next_cursor,omitempty" doc:"Ask for the next page with it; absent on the last one." example:"ntc_m3kx7q2fd5wa4nzp"`
}

type deliveryInput struct {
	ID       string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Webhook  string `path:"webhook" doc:"The webhook's id." example:"whk_m3kx7q2fd5wa4nzp"`
	Delivery string `path:"delivery" doc:"The delivery's id, which is the notice's." example:"ntc_m3kx7q2fd5wa4nzp"`
}

// redelivered tells how much is sent once more.
type redelivered struct {
	Deliveries int `json:"deliveries" doc:"How many notices are sent once more." example:"12"`
}

func (a *API) registerDeliveries(h huma.API) {
	const each = "/teams/{id}/webhooks/{webhook}"
	tags := []string{"Webhooks"}
	route(a, h, huma.Operation{
		OperationID: "test-webhook", Method: http.MethodPost, Path: each + "/test", Tags: tags, DefaultStatus: http.StatusAccepted,
		Summary: "Send a test to a webhook", Description: "For owners. A webhook.test; ask for its delivery to see what came of it.",
	}, func(ctx context.Context, actor model.Actor, in *webhookInput) (*output[Delivery], error) {
		d, err := a.panel.TestWebhook(ctx, actor, in.ID, in.Webhook)
		return one(d, err, deliveryOf)
	})
	route(a, h, huma.Operation{
		OperationID: "redeliver-failed", Method: http.MethodPost, Path: each + "/redeliver", Tags: tags, DefaultStatus: http.StatusAccepted,
		Summary: "Send once more all that failed", Description: "For owners. After an outage of the receiver. Each comes with the webhook-id that it had.",
	}, func(ctx context.Context, actor model.Actor, in *webhookInput) (*output[redelivered], error) {
		n, err := a.panel.RedeliverFailed(ctx, actor, in.ID, in.Webhook)
		return one(&n, err, func(n *int) redelivered { return redelivered{*n} })
	})
	route(a, h, huma.Operation{
		OperationID: "list-deliveries", Method: http.MethodGet, Path: each + "/deliveries", Tags: tags,
		Summary: "List a webhook's deliveries", Description: "For owners. What was, and is to be, sent to it, with the attempts. Newest first, page by page, of the last 30 days.",
	}, a.listDeliveries)
	route(a, h, huma.Operation{
		OperationID: "get-delivery", Method: http.MethodGet, Path: each + "/deliveries/{delivery}", Tags: tags,
		Summary: "Get a delivery", Description: "For owners. With its attempts.",
	}, func(ctx context.Context, actor model.Actor, in *deliveryInput) (*output[Delivery], error) {
		d, err := a.panel.Delivery(ctx, actor, in.ID, in.Webhook, in.Delivery)
		return one(d, err, deliveryOf)
	})
	route(a, h, huma.Operation{
		OperationID: "redeliver", Method: http.MethodPost, Path: each + "/deliveries/{delivery}/redeliver", Tags: tags, DefaultStatus: http.StatusAccepted,
		Summary: "Send a notice once more", Description: "For owners. At once, whatever became of it, with the webhook-id that it had.",
	}, func(ctx context.Context, actor model.Actor, in *deliveryInput) (*output[Delivery], error) {
		d, err := a.panel.Redeliver(ctx, actor, in.ID, in.Webhook, in.Delivery)
		return one(d, err, deliveryOf)
	})
}

func (a *API) listDeliveries(ctx context.Context, actor model.Actor, in *deliveriesInput) (*output[deliveryPage], error) {
	list, err := a.panel.Deliveries(ctx, actor, in.ID, in.Webhook, panel.DeliveryFilter{
		State: model.DeliveryState(in.State), Type: in.Type, OldestFirst: in.Sort == "created_at", After: in.Cursor, Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	list, next := more(list, in.Limit, func(d *panel.DeliveryDetail) string { return d.ID })
	return &output[deliveryPage]{deliveryPage{listOf(list, deliveryOf).Items, next}}, nil
}
