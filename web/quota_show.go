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
	Team    string
	TeamURL string
	Bars    []quotaBar
	Form    *quotaForm // nil for whom it is not to change
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
	Action string
	Fields []ui.Field
}

// showQuota shows a team's quota.
func (w *Web) showQuota(c echo.Context) error {
	q, err := w.panel.Quota(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	v := newQuotaView(q, actorOf(c))
	return w.page(c, w.layoutView(c, "Quota of "+q.Team.Name, "teams"), quotaPage(v))
}

// setQuota sets a team's own limits.
func (w *Web) setQuota(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	texts := map[string]string{}
	for _, l := range limitInputs {
		texts[l.name] = c.FormValue(l.name)
	}
	texts["monthly_usd"] = c.FormValue("monthly_usd")
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
	return w.pageWith(c, http.StatusUnprocessableEntity, w.layoutView(c, "Quota of "+q.Team.Name, "teams"), quotaPage(v))
}

// readLimits reads the form's numbers; empty is nil.
func readLimits(texts map[string]string) (model.QuotaLimits, error) {
	var limits model.QuotaLimits
	var v model.Invalid
	for _, l := range limitInputs {
		name, into := l.name, l.limit(&limits)
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
	for i := range f.Fields {
		field := &f.Fields[i]
		field.Value = texts[field.Name]
		for _, refused := range fields {
			if refused.Path == field.Name {
				field.Error = refused.Message
			}
		}
	}
}

// limitInput is one limit as the page shows it.
type limitInput struct {
	name, label, help string
	limit             func(*model.QuotaLimits) **int
	amount            func(model.Quota) int
}

var limitInputs = []limitInput{
	{"backends", "Backends", "0 is no limit; empty is the installation's default.",
		func(l *model.QuotaLimits) **int { return &l.Backends }, func(q model.Quota) int { return q.Backends }},
	{"instances", "Instances", "Only those that Drawbridge launches count.",
		func(l *model.QuotaLimits) **int { return &l.Instances }, func(q model.Quota) int { return q.Instances }},
	{"sandboxes", "Sandboxes", "At once, of the whole team.",
		func(l *model.QuotaLimits) **int { return &l.Sandboxes }, func(q model.Quota) int { return q.Sandboxes }},
	{"sandboxes_each", "Sandboxes of one person", "At once; those of their tokens count for them.",
		func(l *model.QuotaLimits) **int { return &l.SandboxesEach }, func(q model.Quota) int { return q.SandboxesEach }},
}

func newQuotaView(q *panel.TeamQuota, actor model.Actor) quotaView {
	v := quotaView{Team: q.Team.Name, TeamURL: pathTeam(q.Team.ID)}
	own := q.Own
	for _, l := range limitInputs {
		label := l.label
		if l.name == "sandboxes_each" {
			label = "Your own sandboxes"
		}
		v.Bars = append(v.Bars, newQuotaBar(label, l.amount(q.Used), l.amount(q.Allowed), *l.limit(&own)))
	}
	v.Bars = append(v.Bars, newBudgetBar(q.QuotaUse))
	if !panel.May(actor, panel.ManageTeams, q.Team.ID) {
		return v
	}
	v.Form = &quotaForm{Action: pathTeamQuota(q.Team.ID)}
	for _, l := range limitInputs {
		v.Form.Fields = append(v.Form.Fields, ui.Field{Name: l.name, Label: l.label + " at most", Value: limitText(*l.limit(&own)), Optional: true,
			Help: l.help, Attrs: map[string]any{"inputmode": "numeric"}})
	}
	v.Form.Fields = append(v.Form.Fields, ui.Field{Name: "monthly_usd", Label: "Dollars a month at most", Value: budgetText(own.MonthlyUSD), Optional: true,
		Help: "At list prices, without traffic.", Attrs: map[string]any{"inputmode": "decimal"}})
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
