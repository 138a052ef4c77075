package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// quotaView is what a team has of what it may have.
type quotaView struct {
	Team      string
	Backends  quotaBar
	Instances quotaBar
	Budget    quotaBar
	Form      *quotaForm // nil for whom it is not to change
}

// quotaBar is one amount against its limit.
type quotaBar struct {
	Label string
	Words string // "3 of 10"
	Note  string // where the limit comes from
	Used  int
	Limit int // 0 = none
	Full  bool
}

// quotaForm sets the limits; empty is the installation's default.
type quotaForm struct {
	Action              string
	Backends, Instances ui.Field
	Budget              ui.Field
}

// showQuota shows a team's quota.
func (w *Web) showQuota(c echo.Context) error {
	q, err := w.panel.Quota(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	v := newQuotaView(q, actorOf(c))
	return w.page(c, w.layoutView(c, "Quota of "+q.Team.Name, ""), quotaPage(v))
}

// setQuota sets a team's own limits.
func (w *Web) setQuota(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	texts := map[string]string{"backends": c.FormValue("backends"), "instances": c.FormValue("instances"), "monthly_usd": c.FormValue("monthly_usd")}
	limits, err := readLimits(texts)
	if err == nil {
		_, err = w.panel.SetQuota(ctx, actor, id, limits)
	}
	refused := refusal(err)
	switch {
	case err == nil:
		return redirect(c, pathTeamQuota(id))
	case refused == nil:
		return err
	}
	q, err := w.panel.Quota(ctx, actor, id)
	if err != nil {
		return err
	}
	v := newQuotaView(q, actor)
	if v.Form != nil {
		v.Form.refuse(texts, refused.Fields)
	}
	return w.pageWith(c, http.StatusUnprocessableEntity, w.layoutView(c, "Quota of "+q.Team.Name, ""), quotaPage(v))
}

// readLimits reads the form's numbers; empty is nil.
func readLimits(texts map[string]string) (model.QuotaLimits, error) {
	var limits model.QuotaLimits
	var v model.Invalid
	for name, into := range map[string]**int{"backends": &limits.Backends, "instances": &limits.Instances} {
		text := strings.TrimSpace(texts[name])
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			v.Add(name, "Write a number in digits, or leave it empty.")
			continue
		}
		*into = &n
	}
	if text := strings.TrimSpace(texts["monthly_usd"]); text != "" {
		budget, err := model.ParseUSD(strings.TrimPrefix(text, "$"))
		if err != nil {
			v.Add("monthly_usd", "Write a number of dollars, such as 250, or leave it empty.")
		}
		limits.MonthlyUSD = &budget
	}
	return limits, v.Err()
}

func (f *quotaForm) refuse(texts map[string]string, fields []model.Field) {
	for name, field := range map[string]*ui.Field{"backends": &f.Backends, "instances": &f.Instances, "monthly_usd": &f.Budget} {
		field.Value = texts[name]
		for _, refused := range fields {
			if refused.Path == name {
				field.Error = refused.Message
			}
		}
	}
}

func newQuotaView(q *panel.TeamQuota, actor model.Actor) quotaView {
	v := quotaView{
		Team:      q.Team.Name,
		Backends:  newQuotaBar("Backends", q.Used.Backends, q.Allowed.Backends, q.Own.Backends),
		Instances: newQuotaBar("Instances", q.Used.Instances, q.Allowed.Instances, q.Own.Instances),
		Budget:    newBudgetBar(q.QuotaUse),
	}
	if panel.May(actor, panel.ManageTeams, q.Team.ID) {
		v.Form = &quotaForm{
			Action: pathTeamQuota(q.Team.ID),
			Backends: ui.Field{Name: "backends", Label: "Backends at most", Value: limitText(q.Own.Backends), Optional: true,
				Help: "0 is no limit; empty is the installation's default.", Attrs: map[string]any{"inputmode": "numeric"}},
			Instances: ui.Field{Name: "instances", Label: "Instances at most", Value: limitText(q.Own.Instances), Optional: true,
				Help: "Only those that Drawbridge launches count.", Attrs: map[string]any{"inputmode": "numeric"}},
			Budget: ui.Field{Name: "monthly_usd", Label: "Dollars a month at most", Value: budgetText(q.Own.MonthlyUSD), Optional: true,
				Help: "At list prices, without traffic.", Attrs: map[string]any{"inputmode": "decimal"}},
		}
	}
	return v
}

func newQuotaBar(label string, used, limit int, own *int) quotaBar {
	b := quotaBar{Label: label, Used: used, Limit: limit, Words: strconv.Itoa(used), Note: "no limit", Full: limit > 0 && used >= limit}
	if limit > 0 {
		b.Words, b.Note = strconv.Itoa(used)+" of "+strconv.Itoa(limit), "the installation's default"
	}
	if own != nil && limit > 0 {
		b.Note = "set for this team"
	}
	return b
}

// newBudgetBar is what the team's backends cost against its budget.
func newBudgetBar(q model.QuotaUse) quotaBar {
	used, limit := q.Used.MonthlyUSD, q.Allowed.MonthlyUSD
	b := newQuotaBar("Cost a month", int(used/model.Dollar), int(limit/model.Dollar), nil)
	b.Words, b.Full = used.String(), limit > 0 && used >= limit
	if limit > 0 {
		b.Words += " of " + limit.String()
		if q.Own.MonthlyUSD != nil {
			b.Note = "set for this team"
		}
	}
	return b
}

func budgetText(u *model.USD) string {
	if u == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(u.Exact(), "$"), ".00")
}

func limitText(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
