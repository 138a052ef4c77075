package panel

import (
	"context"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Webhooks keeps what a webhook must tell nobody, and sends.
type Webhooks interface {
	// Check refuses an address that cannot be sent to; its text is for people.
	Check(rawURL string) error
	NewSecret() string
	// Seal puts the secrets into the webhook, Open takes them out again.
	// model.CodeUnavailable where this server cannot.
	Seal(w *model.Webhook, s model.WebhookSecrets) error
	Open(w *model.Webhook) (model.WebhookSecrets, error)
}

// WebhookChange says how a webhook is to be; nil leaves a thing as it is.
type WebhookChange struct {
	Name    *string
	URL     *string
	Events  *[]model.NoticeType
	Enabled *bool
}

// Webhooks lists a team's webhooks by name. owner.
func (p *Panel) Webhooks(ctx context.Context, a model.Actor, teamID string) ([]model.Webhook, error) {
	if _, err := p.team(ctx, a, SeeWebhooks, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().Webhooks(ctx, teamID)
}

// Webhook returns one of a team's webhooks. owner.
func (p *Panel) Webhook(ctx context.Context, a model.Actor, teamID, id string) (*model.Webhook, error) {
	return p.webhook(ctx, a, SeeWebhooks, teamID, id)
}

func (p *Panel) webhook(ctx context.Context, a model.Actor, need Permission, teamID, id string) (*model.Webhook, error) {
	if _, err := p.team(ctx, a, need, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().WebhookByID(ctx, teamID, id)
}

// CreateWebhook makes a webhook that is sent the team's notices from now on.
// The secret that signs them is returned here and never again; "" for a format
// that is not signed. owner.
func (p *Panel) CreateWebhook(ctx context.Context, a model.Actor, w model.Webhook, rawURL string) (string, *model.Webhook, error) {
	if _, err := p.team(ctx, a, ManageWebhooks, w.TeamID); err != nil {
		return "", nil, err
	}
	rawURL = strings.TrimSpace(rawURL)
	if err := p.validWebhook(&w, rawURL); err != nil {
		return "", nil, err
	}
	w.ID, w.Enabled, w.Target, w.CreatedBy, w.CreatedAt = model.NewID(model.PrefixWebhook), true, model.WebhookTarget(w.Format, rawURL), a.Maker(), p.Store.Now()
	secrets := model.WebhookSecrets{URL: rawURL}
	if w.Signs() {
		secrets.Secret = p.Deps.Webhooks.NewSecret()
	}
	if err := p.Deps.Webhooks.Seal(&w, secrets); err != nil {
		return "", nil, err
	}
	err := p.Store.InTx(ctx, func(q *store.Queries) error {
		if _, err := q.LockTeam(ctx, w.TeamID); err != nil {
			return err
		}
		have, err := q.Webhooks(ctx, w.TeamID)
		if err != nil {
			return err
		}
		if len(have) >= model.MaxWebhooksPerTeam {
			return model.Errorf(model.CodeConflict, "The team has %d webhooks, and that is the most. Delete one that nobody needs.", len(have))
		}
		if err := q.InsertWebhook(ctx, &w); err != nil {
			return err
		}
		return q.Audit(ctx, ofWebhook(a, model.AuditWebhookCreate, &w, nil, auditedWebhook(&w)))
	})
	if err != nil {
		return "", nil, err
	}
	return secrets.Secret, &w, nil
}

// validWebhook checks what people choose. rawURL "" with a target is one that stays.
func (p *Panel) validWebhook(w *model.Webhook, rawURL string) error {
	slices.Sort(w.Events)
	w.Events = slices.Compact(w.Events)
	var v model.Invalid
	v.Join(w.Validate())
	if rawURL == "" && w.Target != "" {
		return v.Err()
	}
	if problem := model.WebhookURLProblem(rawURL); problem != "" {
		v.Add("url", "%s", problem)
	} else if err := p.Deps.Webhooks.Check(rawURL); err != nil {
		v.Add("url", "%s", err)
	}
	return v.Err()
}

// ChangeWebhook changes a webhook. What waits to be sent goes to the new
// address; switched on again, it gets what waited meanwhile. owner.
func (p *Panel) ChangeWebhook(ctx context.Context, a model.Actor, teamID, id string, c WebhookChange) (*model.Webhook, error) {
	return p.updateWebhook(ctx, a, teamID, id, model.AuditWebhookUpdate, func(w *model.Webhook) error {
		rawURL := ""
		if c.URL != nil {
			if rawURL = strings.TrimSpace(*c.URL); rawURL == "" {
				return invalid("url", "%s", model.WebhookURLProblem(""))
			}
		}
		if c.Name != nil {
			w.Name = *c.Name
		}
		if c.Events != nil {
			w.Events = slices.Clone(*c.Events)
		}
		if c.Enabled != nil && *c.Enabled != w.Enabled {
			w.Enabled, w.DisabledWhy, w.FailingSince = *c.Enabled, "", time.Time{}
		}
		if err := p.validWebhook(w, rawURL); err != nil || rawURL == "" {
			return err
		}
		secrets, err := p.Deps.Webhooks.Open(w)
		if err != nil {
			return err
		}
		secrets.URL, w.Target, w.FailingSince = rawURL, model.WebhookTarget(w.Format, rawURL), time.Time{}
		return p.Deps.Webhooks.Seal(w, secrets)
	})
}

// RotateWebhook gives a webhook a new secret, which is returned here and never
// again. The old one signs, too, for a day. owner.
func (p *Panel) RotateWebhook(ctx context.Context, a model.Actor, teamID, id string) (string, *model.Webhook, error) {
	secret := ""
	w, err := p.updateWebhook(ctx, a, teamID, id, model.AuditWebhookRotate, func(w *model.Webhook) error {
		if !w.Signs() {
			return model.Errorf(model.CodeConflict, "What this webhook is sent is not signed, so there is no secret to replace. Its address is its secret: change that.")
		}
		secrets, err := p.Deps.Webhooks.Open(w)
		if err != nil {
			return err
		}
		secret = p.Deps.Webhooks.NewSecret()
		secrets.Secret, secrets.OldSecret = secret, secrets.Secret
		w.OldSecretUntil = p.Store.Now().Add(model.WebhookOldSecret)
		return p.Deps.Webhooks.Seal(w, secrets)
	})
	if err != nil {
		return "", nil, err
	}
	return secret, w, nil
}

func (p *Panel) updateWebhook(ctx context.Context, a model.Actor, teamID, id string, action model.AuditAction, change func(*model.Webhook) error) (*model.Webhook, error) {
	if _, err := p.webhook(ctx, a, ManageWebhooks, teamID, id); err != nil {
		return nil, err
	}
	var w *model.Webhook
	err := p.Store.InTx(ctx, func(q *store.Queries) (err error) {
		if w, err = q.WebhookForUpdate(ctx, teamID, id); err != nil {
			return err
		}
		if err := model.IfMatch(ctx, "webhook", w.Tag()); err != nil {
			return err
		}
		before := auditedWebhook(w)
		if err := change(w); err != nil {
			return err
		}
		if err := q.UpdateWebhook(ctx, w); err != nil {
			return err
		}
		return q.Audit(ctx, ofWebhook(a, action, w, before, auditedWebhook(w)))
	})
	return w, err
}

// DeleteWebhook deletes a webhook with the log of what was sent to it. owner.
func (p *Panel) DeleteWebhook(ctx context.Context, a model.Actor, teamID, id string) error {
	if _, err := p.webhook(ctx, a, ManageWebhooks, teamID, id); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		w, err := q.WebhookByID(ctx, teamID, id)
		if err != nil {
			return err
		}
		if err := q.DeleteWebhook(ctx, teamID, id); err != nil {
			return err
		}
		return q.Audit(ctx, ofWebhook(a, model.AuditWebhookDelete, w, auditedWebhook(w), nil))
	})
}

func ofWebhook(a model.Actor, action model.AuditAction, w *model.Webhook, before, after any) model.Change {
	return model.Change{Actor: a, Action: action, Noun: "webhook", ID: w.ID, Name: w.Name, TeamID: w.TeamID, Before: before, After: after}
}

// auditedWebhook is a webhook as the audit keeps it.
func auditedWebhook(w *model.Webhook) map[string]any {
	return map[string]any{"name": w.Name, "format": w.Format, "target": w.Target, "events": w.Events, "enabled": w.Enabled}
}
