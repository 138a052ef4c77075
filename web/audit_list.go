package web

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/web/ui"
)

// auditRows is how many rows a page of the audit shows.
const auditRows = 50

// auditView is the page of the audit.
type auditView struct {
	Filter  auditForm
	Rows    []auditRow
	NextURL string // of the older rows, "" on the last page
}

// auditForm is the filter as it was typed.
type auditForm struct {
	Actor, Action, Target, From, To string
	Problem                         string // what is wrong with a time
}

// auditRow is one row of the audit.
type auditRow struct {
	Seq       string
	At        ui.Time
	Actor     string
	Kind      string
	From      string // address
	UserAgent string
	Action    string
	Target    string
	TargetURL string
	JobURL    string
	State     ui.State
	Before    string
	After     string
	RequestID string
	Hash      string
}

// listAudit shows what was changed and who signed in.
func (w *Web) listAudit(c echo.Context) error {
	form, filter := readAuditForm(c)
	before, _ := strconv.ParseInt(c.QueryParam("before"), 10, 64) // what is no number is the first page
	v := auditView{Filter: form}
	if form.Problem == "" {
		page, err := w.panel.Audit(c.Request().Context(), actorOf(c), filter, max(before, 0), auditRows)
		if err != nil {
			return err
		}
		for i := range page.Entries {
			v.Rows = append(v.Rows, newAuditRow(&page.Entries[i], w.now()))
		}
		if page.Next > 0 {
			v.NextURL = pathAuditBefore(form.query(), page.Next)
		}
	}
	return w.page(c, w.layoutView(c, "", "audit"), auditPage(v))
}

// readAuditForm reads the filter. Days are UTC; the last day counts whole.
func readAuditForm(c echo.Context) (auditForm, model.AuditFilter) {
	form := auditForm{
		Actor: c.QueryParam("actor"), Action: c.QueryParam("action"), Target: c.QueryParam("target"),
		From: c.QueryParam("from"), To: c.QueryParam("to"),
	}
	filter := model.AuditFilter{Actor: form.Actor, Action: form.Action, Target: form.Target}
	for _, day := range []struct {
		text string
		add  int
		into *time.Time
	}{{form.From, 0, &filter.From}, {form.To, 1, &filter.To}} {
		if day.text == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, day.text)
		if err != nil {
			form.Problem = "Write days as 2026-01-31."
			continue
		}
		*day.into = t.AddDate(0, 0, day.add)
	}
	return form, filter
}

// query is the filter as an address holds it.
func (f auditForm) query() url.Values {
	q := url.Values{}
	for name, text := range map[string]string{"actor": f.Actor, "action": f.Action, "target": f.Target, "from": f.From, "to": f.To} {
		if text != "" {
			q.Set(name, text)
		}
	}
	return q
}

// actions are the choices of the filter.
func (f auditForm) actions() []ui.Option {
	options := []ui.Option{{Value: "", Label: "all"}}
	known := f.Action == ""
	for _, a := range model.AuditActions {
		options = append(options, ui.Option{Value: string(a), Label: string(a)})
		known = known || string(a) == f.Action
	}
	if !known { // a noun, from an address that somebody wrote
		options = append(options, ui.Option{Value: f.Action, Label: f.Action})
	}
	return options
}

func newAuditRow(e *model.AuditEntry, now time.Time) auditRow {
	r := auditRow{
		Seq: strconv.FormatInt(e.Seq, 10), At: clock(e.At, now), Actor: e.ActorName, Kind: e.ActorKind, From: e.IP,
		UserAgent: e.UserAgent, Action: string(e.Action), Target: e.TargetName, State: ui.AuditState(e.Outcome),
		Before: indented(e.Before), After: indented(e.After), RequestID: e.RequestID, Hash: e.Hash,
	}
	if r.Actor == "" {
		r.Actor = e.ActorKind
	}
	if r.Target == "" {
		r.Target = e.TargetID
	}
	if e.Noun == "backend" {
		r.TargetURL = pathBackend(e.TargetID)
	}
	if e.JobID != "" {
		r.JobURL = pathJob(e.JobID)
	}
	return r
}

// indented is JSON for people.
func indented(text json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return string(text)
	}
	return b.String()
}
