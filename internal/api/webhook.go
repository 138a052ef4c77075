package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Webhook is where a team's notices are sent to, without its secrets.
type Webhook struct {
	ID             string    `json:"id" doc:"Its id." example:"whk_m3kx7q2fd5wa4nzp"`
	TeamID         string    `json:"team_id" doc:"The team whose notices it is sent." example:"team_h6c2v4yjq7sblm3d"`
	Name           string    `json:"name" doc:"What it is for." example:"deploy bot"`
	Format         string    `json:"format" enum:"standard,slack" doc:"standard: JSON, signed as Standard Webhooks has it. slack: a message for Slack or Mattermost." example:"standard"`
	Target         string    `json:"target" doc:"Its address without what may be a secret of it." example:"https://hooks.example.com/drawbridge"`
	Events         []string  `json:"events" nullable:"false" doc:"The types of notices that it is sent; none = all."`
	Enabled        bool      `json:"enabled" doc:"Whether it is sent anything." example:"true"`
	DisabledWhy    string    `json:"disabled_why,omitempty" doc:"Why the server itself switched it off." example:"It answered 410 Gone, which means that it wants nothing more."`
	FailingSince   time.Time `json:"failing_since,omitzero" doc:"Since when no attempt went well; absent while the last one did."`
	OldSecretUntil time.Time `json:"old_secret_until,omitzero" doc:"Until when the secret before this one signs, too."`
	CreatedBy      string    `json:"created_by" doc:"The id of the person who made it; empty when it goes back to the server's command line." example:"usr_m3kx7q2fd5wa4nzp"`
	CreatedAt      time.Time `json:"created_at" doc:"When it was made."`
	UpdatedAt      time.Time `json:"updated_at" doc:"When it was last changed."`
}

// NewWebhook says what webhook to make.
type NewWebhook struct {
	Name   string   `json:"name" doc:"What it is for, in 1 to 64 characters; no other webhook of the team has it." example:"deploy bot"`
	URL    string   `json:"url" doc:"Where to send to. It is kept encrypted and not told again." example:"https://hooks.example.com/drawbridge"`
	Format string   `json:"format,omitempty" enum:"standard,slack" default:"standard" doc:"What to send." example:"standard"`
	Events []string `json:"events,omitempty" doc:"The types of notices to send; none = all."`
}

// WebhookPatch says what to change; what is left out stays.
type WebhookPatch struct {
	Name    *string   `json:"name,omitempty" doc:"What it is for." example:"deploy bot"`
	URL     *string   `json:"url,omitempty" doc:"Where to send to; what waits to be sent goes there, too." example:"https://hooks.example.com/drawbridge"`
	Events  *[]string `json:"events,omitempty" doc:"The types of notices to send; an empty list = all."`
	Enabled *bool     `json:"enabled,omitempty" doc:"false keeps back what waits to be sent, and drops what happens meanwhile." example:"true"`
}

// MadeWebhook is a webhook with its new secret.
type MadeWebhook struct {
	Webhook
	Secret string `json:"secret,omitempty" doc:"What the signatures are checked with. It is told this once, and absent when a request is repeated by its Idempotency-Key, and for the format slack." example:"whsec_…"`
}

func webhookOf(w *model.Webhook) Webhook {
	events := make([]string, len(w.Events))
	for i, e := range w.Events {
		events[i] = string(e)
	}
	return Webhook{
		ID: w.ID, TeamID: w.TeamID, Name: w.Name, Format: string(w.Format), Target: w.Target, Events: events, Enabled: w.Enabled,
		DisabledWhy: w.DisabledWhy, FailingSince: w.FailingSince, OldSecretUntil: w.OldSecretUntil,
		CreatedBy: w.CreatedBy, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
}

func noticeTypes(names []string) []model.NoticeType {
	out := make([]model.NoticeType, len(names))
	for i, n := range names {
		out[i] = model.NoticeType(n)
	}
	return out
}

type createWebhookInput struct {
	BodyRead
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Body NewWebhook
}

type webhookInput struct {
	ID      string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Webhook string `path:"webhook" doc:"The webhook's id." example:"whk_m3kx7q2fd5wa4nzp"`
}

type changeWebhookInput struct {
	BodyRead
	Matching
	ID      string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Webhook string `path:"webhook" doc:"The webhook's id." example:"whk_m3kx7q2fd5wa4nzp"`
	Body    WebhookPatch
}

type madeWebhookOutput struct {
	Location string `header:"Location" doc:"The webhook's address."`
	Body     MadeWebhook
}

func webhookURL(w *model.Webhook) string { return Base + "/teams/" + w.TeamID + "/webhooks/" + w.ID }

type webhooksInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Paging
	ByName
	Name   string `query:"name" maxLength:"64" doc:"Only webhooks whose name contains this." example:"bot"`
	Format string `query:"format" enum:"standard,slack" doc:"Only webhooks of this format." example:"standard"`
}

var webhookOrders = orders[model.Webhook]{
	"id":         func(w *model.Webhook) string { return w.ID },
	"name":       func(w *model.Webhook) string { return w.Name },
	"created_at": func(w *model.Webhook) string { return at(w.CreatedAt) },
}

func (a *API) listWebhooks(ctx context.Context, actor model.Actor, in *webhooksInput) (*listOutput[Webhook], error) {
	list, err := a.panel.Webhooks(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(w *model.Webhook) bool { return has(w.Name, in.Name) && is(string(w.Format), in.Format) })
	return paged(in.Paging, in.Sort, list, webhookOrders, webhookOf)
}

func (a *API) registerWebhooks(h huma.API) {
	const all, each = "/teams/{id}/webhooks", "/teams/{id}/webhooks/{webhook}"
	tags := []string{"Webhooks"}
	route(a, h, huma.Operation{
		OperationID: "list-webhooks", Method: http.MethodGet, Path: all, Tags: tags,
		Summary: "List a team's webhooks", Description: "For owners. By name, without their secrets.",
	}, a.listWebhooks)
	route(a, h, huma.Operation{
		OperationID: "create-webhook", Method: http.MethodPost, Path: all, Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a webhook", Description: "For owners. It is sent the team's notices from now on. The answer has the secret that signs them, this once.",
	}, a.createWebhook)
	route(a, h, huma.Operation{
		OperationID: "get-webhook", Method: http.MethodGet, Path: each, Tags: tags,
		Summary: "Get a webhook", Description: "For owners. Without its secrets.",
	}, func(ctx context.Context, actor model.Actor, in *webhookInput) (*tagged[Webhook], error) {
		w, err := a.panel.Webhook(ctx, actor, in.ID, in.Webhook)
		return oneTagged(w, err, (*model.Webhook).Tag, webhookOf)
	})
	route(a, h, huma.Operation{
		OperationID: "change-webhook", Method: http.MethodPatch, Path: each, Tags: tags,
		Summary: "Change a webhook", Description: "For owners. What is left out stays as it is. Switched on again, it gets what waited to be sent.",
	}, a.changeWebhook)
	route(a, h, huma.Operation{
		OperationID: "delete-webhook", Method: http.MethodDelete, Path: each, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Delete a webhook", Description: "For owners. With the log of what was sent to it.",
	}, func(ctx context.Context, actor model.Actor, in *webhookInput) (*done, error) {
		return &done{}, a.panel.DeleteWebhook(ctx, actor, in.ID, in.Webhook)
	})
	route(a, h, huma.Operation{
		OperationID: "rotate-webhook-secret", Method: http.MethodPost, Path: each + "/rotate", Tags: tags,
		Summary: "Replace a webhook's secret", Description: "For owners. The answer has the new secret, this once. For 24 hours there are two signatures: the old secret's, too.",
	}, func(ctx context.Context, actor model.Actor, in *webhookInput) (*output[MadeWebhook], error) {
		secret, w, err := a.panel.RotateWebhook(ctx, actor, in.ID, in.Webhook)
		if err != nil {
			return nil, err
		}
		return &output[MadeWebhook]{MadeWebhook{webhookOf(w), secret}}, nil
	})
}

func (a *API) createWebhook(ctx context.Context, actor model.Actor, in *createWebhookInput) (*madeWebhookOutput, error) {
	b := in.Body
	secret, w, err := a.panel.CreateWebhook(ctx, actor, model.Webhook{
		TeamID: in.ID, Name: b.Name, Format: model.WebhookFormat(b.Format), Events: noticeTypes(b.Events),
	}, b.URL)
	if err != nil {
		return nil, err
	}
	return &madeWebhookOutput{Location: webhookURL(w), Body: MadeWebhook{webhookOf(w), secret}}, nil
}

func (a *API) changeWebhook(ctx context.Context, actor model.Actor, in *changeWebhookInput) (*tagged[Webhook], error) {
	c := panel.WebhookChange{Name: in.Body.Name, URL: in.Body.URL, Enabled: in.Body.Enabled}
	if in.Body.Events != nil {
		events := noticeTypes(*in.Body.Events)
		c.Events = &events
	}
	w, err := a.panel.ChangeWebhook(model.WithIfMatch(ctx, in.IfMatch), actor, in.ID, in.Webhook, c)
	return oneTagged(w, err, (*model.Webhook).Tag, webhookOf)
}
