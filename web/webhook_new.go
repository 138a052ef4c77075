package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// webhookFormView is the form of a new webhook, or of one that is there.
type webhookFormView struct {
	Action  string
	Team    teamLink
	Name    ui.Field
	URL     ui.Field
	Format  string
	Formats []formatChoice
	All     bool // every type is sent
	Groups  []eventGroup
	Error   string // of the types
	New     bool
	Submit  string
}

type formatChoice struct{ Value, Label, Help string }

// eventGroup is the types of one noun.
type eventGroup struct {
	Label  string
	Events []eventChoice
}

type eventChoice struct {
	Value, Label string
	Checked      bool
}

// eventLabels say in words what each type tells of.
var eventLabels = map[model.NoticeType]string{
	model.NoticeBackendReady: "is ready", model.NoticeBackendFailed: "has failed", model.NoticeBackendDestroyed: "is destroyed",
	model.NoticeJobSucceeded: "succeeded", model.NoticeJobFailed: "failed", model.NoticeJobCancelled: "was cancelled",
	model.NoticeSandboxCreated: "was made", model.NoticeSandboxEnding: "ends soon", model.NoticeSandboxExtended: "was extended",
	model.NoticeSandboxEnded: "is over", model.NoticeSandboxEndFailed: "is over and not gone",
	model.NoticeQuotaNear: "is nearly used up", model.NoticeWebhookDisabled: "was switched off by the server",
}

var nounLabels = map[string]string{"backend": "A backend …", "job": "A job …", "sandbox": "A sandbox …", "quota": "A quota …", "webhook": "A webhook …"}

// newWebhook shows the form.
func (w *Web) newWebhook(c echo.Context) error {
	if _, err := w.panel.Webhooks(c.Request().Context(), actorOf(c), c.Param("id")); err != nil {
		return err
	}
	// The ends of jobs are left out at first: where they change a backend, that is told, too.
	if actorOf(c).Stale {
		return w.sendToConfirm(c) // before anything is typed: making it asks for that
	}
	chosen := slices.DeleteFunc(slices.Clone(model.NoticeTypes), func(t model.NoticeType) bool { return t.Noun() == "job" })
	return w.webhookForm(c, http.StatusOK, url.Values{"format": {"standard"}, "which": {"some"}, "events": texts(chosen)}, nil)
}

func texts(types []model.NoticeType) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = string(t)
	}
	return out
}

// createWebhook makes one, and shows its page with the secret, this once.
func (w *Web) createWebhook(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The form could not be read. Send it again.")
	}
	secret, h, err := w.panel.CreateWebhook(c.Request().Context(), actorOf(c), model.Webhook{
		TeamID: c.Param("id"), Name: form.Get("name"), Format: model.WebhookFormat(form.Get("format")), Events: chosenEvents(form),
	}, form.Get("url"))
	if refused := refusal(err); refused != nil {
		if _, err := w.panel.Webhooks(c.Request().Context(), actorOf(c), c.Param("id")); err != nil {
			return err
		}
		return w.webhookForm(c, http.StatusUnprocessableEntity, form, refused)
	}
	if err != nil {
		return err
	}
	if secret == "" {
		return redirect(c, pathWebhook(h.TeamID, h.ID))
	}
	return w.webhook(c, http.StatusCreated, h.ID, func(v *webhookView) { v.Secret = newSecretView(secret) })
}

func newSecretView(secret string) *secretView {
	return &secretView{
		Title: "The secret that signs what is sent", Value: secret, TestID: "webhook-secret",
		Text: "Copy it now: it is shown this once, and kept encrypted. The receiver checks the signatures with it.",
	}
}

// chosenEvents are the types that the form has ticked; no type stands for all,
// and an empty one, which is refused, for no tick.
func chosenEvents(form url.Values) []model.NoticeType {
	if form.Get("which") == "all" {
		return nil
	}
	var events []model.NoticeType
	for _, text := range form["events"] {
		events = append(events, model.NoticeType(text))
	}
	if len(events) == 0 {
		return []model.NoticeType{""}
	}
	return events
}

func (w *Web) webhookForm(c echo.Context, status int, form url.Values, refused *model.Error) error {
	team, err := w.teamLink(c)
	if err != nil {
		return err
	}
	v := newWebhookForm(form, refused)
	v.Action, v.Team, v.New, v.Submit = pathWebhooks(c.Param("id")), team, true, "Make the webhook"
	return w.pageWith(c, status, w.layoutView(c, "", "teams"), webhookNewPage(v))
}

// newWebhookForm is the form with what was chosen and what is wrong with it.
func newWebhookForm(form url.Values, refused *model.Error) webhookFormView {
	v := webhookFormView{
		Format: form.Get("format"), All: form.Get("which") == "all",
		Name: ui.Field{Name: "name", ID: "webhook-name", Label: "What it is for", Value: form.Get("name"), Attrs: map[string]any{"required": true, "maxlength": "64"}},
		URL: ui.Field{Name: "url", ID: "webhook-url", Label: "Address", Type: "url", Value: form.Get("url"), Attrs: map[string]any{"required": true, "maxlength": "2048"},
			Help: "As https://hooks.example.com/drawbridge, or the address of an incoming webhook of Slack. It is kept encrypted and not shown again."},
		Formats: []formatChoice{
			{"standard", "Standard Webhooks", "Signed JSON, for programs."},
			{"slack", "Slack", "A message for Slack, Mattermost and what takes the same."},
		},
	}
	noun := ""
	for _, t := range model.NoticeTypes {
		if t.Noun() != noun {
			noun = t.Noun()
			v.Groups = append(v.Groups, eventGroup{Label: nounLabels[noun]})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Events = append(g.Events, eventChoice{string(t), eventLabels[t], slices.Contains(form["events"], string(t))})
	}
	if refused == nil {
		return v
	}
	for _, f := range refused.Fields {
		switch f.Path {
		case "name":
			v.Name.Error = f.Message
		case "url":
			v.URL.Error = f.Message
		default:
			v.Error = f.Message
		}
	}
	return v
}

// saveWebhook changes name, address and types.
func (w *Web) saveWebhook(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The form could not be read. Send it again.")
	}
	name, events := form.Get("name"), chosenEvents(form)
	change := panel.WebhookChange{Name: &name, Events: &events}
	if to := form.Get("url"); to != "" {
		change.URL = &to
	}
	_, err = w.panel.ChangeWebhook(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("webhook"), change)
	if refused := refusal(err); refused != nil {
		return w.webhook(c, http.StatusUnprocessableEntity, c.Param("webhook"), func(v *webhookView) {
			v.Settings = settingsForm(newWebhookForm(form, refused), c.Param("id"), c.Param("webhook"))
			v.Open = true
		})
	}
	if err != nil {
		return err
	}
	return redirect(c, pathWebhook(c.Param("id"), c.Param("webhook")))
}

// settingsForm makes the form one of a webhook that is there.
func settingsForm(v webhookFormView, team, id string) webhookFormView {
	v.Action, v.Submit = pathWebhook(team, id), "Save"
	v.URL.Label, v.URL.Optional, v.URL.Help = "New address", true, "Empty keeps the one that it has."
	delete(v.URL.Attrs, "required")
	return v
}
