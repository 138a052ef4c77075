package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/web/ui"
)

// webhookListView is the page of a team's webhooks.
type webhookListView struct {
	Team   teamLink
	NewURL string
	Rows   []webhookRow
}

// teamLink is a team and its page.
type teamLink struct{ Name, URL string }

type webhookRow struct {
	Name, URL, Target, Format string
	Events                    string
	State                     ui.State
	Note                      string
	Changed                   ui.Time
}

// listWebhooks shows where a team's notices are sent to.
func (w *Web) listWebhooks(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	list, err := w.panel.Webhooks(ctx, actor, id)
	if err != nil {
		return err
	}
	team, err := w.teamLink(c)
	if err != nil {
		return err
	}
	v := webhookListView{Team: team, NewURL: pathWebhookNew(id)}
	for i := range list {
		v.Rows = append(v.Rows, newWebhookRow(&list[i], w.now()))
	}
	return w.page(c, w.layoutView(c, "Webhooks of "+team.Name, "teams"), webhooksPage(v))
}

func (w *Web) teamLink(c echo.Context) (teamLink, error) {
	t, err := w.panel.Team(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return teamLink{}, err
	}
	return teamLink{t.Name, pathTeam(t.ID)}, nil
}

func newWebhookRow(h *model.Webhook, now time.Time) webhookRow {
	r := webhookRow{
		Name: h.Name, URL: pathWebhook(h.TeamID, h.ID), Target: h.Target, Format: formatLabel(h.Format), Events: eventWords(h.Events),
		State: ui.WebhookState(h), Changed: ago(h.UpdatedAt, now),
	}
	if h.Enabled && !h.FailingSince.IsZero() {
		r.Note = "since " + agoWords(now.Sub(h.FailingSince))
	}
	return r
}

func formatLabel(f model.WebhookFormat) string {
	if f == model.WebhookSlack {
		return "Slack"
	}
	return "Standard Webhooks"
}

func eventWords(events []model.NoticeType) string {
	if len(events) == 0 {
		return "all notices"
	}
	if len(events) == 1 {
		return string(events[0])
	}
	return count(len(events), "type")
}
