package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// deliveryRows is how many deliveries a page of the log shows.
const deliveryRows = 25

// webhookView is a webhook's page.
type webhookView struct {
	Team     teamLink
	ListURL  string
	Name     string
	State    ui.State
	Why      string // it is off, or fails
	Facts    []fact
	Secret   *secretView // what was just made, shown this once
	Enabled  bool
	Signed   bool
	Actions  webhookActions
	Settings webhookFormView
	Open     bool // the settings have something to mend
	Log      deliveryLog
}

// webhookActions are the addresses of the page's buttons.
type webhookActions struct{ Test, Switch, Rotate, Delete, Redeliver string }

// deliveryLog is what was and is to be sent.
type deliveryLog struct {
	Action   string // of the filter
	State    string
	Type     string
	Types    []ui.Option
	Summary  string
	Rows     []deliveryRow
	OlderURL string
	LiveURL  string // asked again while something is being sent; "" = all is at rest
	Failed   bool   // something was given up, and can be sent once more
}

type deliveryRow struct {
	ID, Type, Title string
	State           ui.State
	At              ui.Time
	Next            string // of a pending one: when it is tried again
	Error           string
	RedeliverURL    string // "" when it cannot be
	Tries           []tryRow
	More            string // attempts that are not shown
}

type tryRow struct {
	Number, Took, Error, Answer string
	Status                      ui.State
	At                          ui.Time
}

func (w *Web) showWebhook(c echo.Context) error {
	return w.webhook(c, http.StatusOK, c.Param("webhook"), func(*webhookView) {})
}

// webhook shows the page, with what change adds to it.
func (w *Web) webhook(c echo.Context, status int, id string, change func(*webhookView)) error {
	h, err := w.panel.Webhook(c.Request().Context(), actorOf(c), c.Param("id"), id)
	if err != nil {
		return err
	}
	team, err := w.teamLink(c)
	if err != nil {
		return err
	}
	v := newWebhookView(h, team, w.now())
	if v.Log, err = w.deliveryLog(c, h); err != nil {
		return err
	}
	change(&v)
	return w.pageWith(c, status, w.layoutView(c, "Webhook "+v.Name, "teams"), webhookPage(v))
}

func newWebhookView(h *model.Webhook, team teamLink, now time.Time) webhookView {
	v := webhookView{
		Team: team, ListURL: pathWebhooks(h.TeamID), Name: h.Name, State: ui.WebhookState(h), Enabled: h.Enabled, Signed: h.Signs(), Why: h.DisabledWhy,
		Actions: webhookActions{
			pathWebhookTest(h.TeamID, h.ID), pathWebhookSwitch(h.TeamID, h.ID), pathWebhookRotate(h.TeamID, h.ID),
			pathWebhookDelete(h.TeamID, h.ID), pathWebhookRedeliver(h.TeamID, h.ID),
		},
		Facts: []fact{{"Address", h.Target}, {"Format", formatLabel(h.Format)}, {"Gets", eventWords(h.Events)}, {"Made", agoWords(now.Sub(h.CreatedAt))}},
	}
	if h.Enabled && !h.FailingSince.IsZero() {
		v.Why = "It has taken nothing since " + h.FailingSince.UTC().Format("2006-01-02 15:04 UTC") + ". After five days it is switched off."
	}
	if now.Before(h.OldSecretUntil) {
		v.Facts = append(v.Facts, fact{"The secret before signs, too", "until " + h.OldSecretUntil.UTC().Format("2006-01-02 15:04 UTC")})
	}
	form := url.Values{"name": {h.Name}, "format": {string(h.Format)}, "events": texts(h.Events)}
	if len(h.Events) == 0 {
		form.Set("which", "all")
	}
	v.Settings = settingsForm(newWebhookForm(form, nil), h.TeamID, h.ID)
	return v
}

func (w *Web) deliveryLog(c echo.Context, h *model.Webhook) (deliveryLog, error) {
	ctx, actor := c.Request().Context(), actorOf(c)
	log := deliveryLog{Action: pathWebhook(h.TeamID, h.ID), State: c.QueryParam("state"), Type: c.QueryParam("type"), Types: noticeTypeOptions(c.QueryParam("type"))}
	counts, err := w.panel.CountDeliveries(ctx, actor, h.TeamID, h.ID)
	if err != nil {
		return log, err
	}
	log.Summary, log.Failed = deliveryWords(counts), counts[model.DeliveryFailed] > 0 && h.Enabled
	list, err := w.panel.Deliveries(ctx, actor, h.TeamID, h.ID, panel.DeliveryFilter{
		State: model.DeliveryState(log.State), Type: log.Type, After: c.QueryParam("after"), Limit: deliveryRows + 1,
	})
	if err != nil {
		return log, err
	}
	query := url.Values{}
	for name, value := range map[string]string{"state": log.State, "type": log.Type, "after": c.QueryParam("after")} {
		if value != "" {
			query.Set(name, value)
		}
	}
	here := pathDeliveries(h.TeamID, h.ID, query)
	if len(list) > deliveryRows {
		list = list[:deliveryRows]
		query.Set("after", list[deliveryRows-1].ID)
		log.OlderURL = pathDeliveries(h.TeamID, h.ID, query)
	}
	for i := range list {
		log.Rows = append(log.Rows, newDeliveryRow(&list[i], h, w.now()))
		if list[i].State == model.DeliveryPending && h.Enabled && list[i].NextAt.Before(w.now().Add(time.Minute)) {
			log.LiveURL = here
		}
	}
	return log, nil
}

func deliveryWords(counts map[model.DeliveryState]int) string {
	var parts []string
	for _, s := range []model.DeliveryState{model.DeliveryDelivered, model.DeliveryPending, model.DeliveryFailed} {
		if n := counts[s]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+strings.ToLower(ui.DeliveryState(s).Word))
		}
	}
	return strings.Join(parts, ", ")
}

func newDeliveryRow(d *panel.DeliveryDetail, h *model.Webhook, now time.Time) deliveryRow {
	r := deliveryRow{ID: d.ID, Type: string(d.Type), Title: d.Title, State: ui.DeliveryState(d.State), At: ago(d.CreatedAt, now), Error: d.Error}
	if h.Enabled {
		r.RedeliverURL = pathRedeliver(h.TeamID, h.ID, d.ID)
	}
	switch {
	case d.State != model.DeliveryPending:
	case !h.Enabled:
		r.Next = "waits until the webhook is switched on"
	case d.NextAt.After(now) && d.Attempts > 0:
		r.Next = "again in " + seconds(d.NextAt.Sub(now))
		if left := d.NextAt.Sub(now); left > time.Hour {
			r.Next = until(d.NextAt, now).Words
		}
	default:
		r.Next = "is being sent"
	}
	for _, a := range d.Tries {
		t := tryRow{Number: strconv.Itoa(a.Number), Took: millis(a.Millis), Error: a.Error, Answer: a.Answer, Status: ui.StatusState(a.Status, ""), At: clock(a.At, now)}
		r.Tries = append(r.Tries, t)
	}
	if hidden := d.Attempts - len(d.Tries); hidden > 0 {
		r.More = count(hidden, "earlier attempt")
	}
	return r
}
