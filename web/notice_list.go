package web

import (
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// noticeRows is how many notices a page shows.
const noticeRows = 50

// noticeListView is the page of notices.
type noticeListView struct {
	Filter   noticeForm
	Rows     []noticeRow
	OlderURL string     // "" on the last page
	Hooks    []ui.Crumb // the webhooks of the teams that the actor owns
}

// noticeForm is the filter as it is chosen.
type noticeForm struct {
	Type, Backend, TeamID string
	Types, Teams          []ui.Option
}

// noticeRow is one thing that happened: a notice, or the two that tell of one
// job's end and of what became of its backend.
type noticeRow struct {
	Type, Also  string // Also is the second's type
	State       ui.State
	Title, Text string
	At          ui.Time
	Team        string // "" when there is only one
	BackendName string
	BackendURL  string
	JobURL      string
	InvokeURL   string
	WebhookURL  string
}

// listNotices shows what happened in the actor's teams.
func (w *Web) listNotices(c echo.Context) error {
	ctx, actor := c.Request().Context(), actorOf(c)
	form := noticeForm{Type: c.QueryParam("type"), Backend: c.QueryParam("backend"), TeamID: c.QueryParam("team")}
	list, err := w.panel.Notices(ctx, actor, panel.NoticeFilter{
		TeamID: form.TeamID, Type: form.Type, Backend: form.Backend, After: c.QueryParam("after"), Limit: noticeRows + 1,
	})
	if err != nil {
		return err
	}
	teams, err := w.panel.Teams(ctx, actor)
	if err != nil {
		return err
	}
	form.Types, form.Teams = noticeTypeOptions(form.Type), teamOptions(teams)
	v := noticeListView{Filter: form}
	if len(list) > noticeRows {
		list = list[:noticeRows]
		v.OlderURL = pathNoticesAfter(form.query(), list[noticeRows-1].ID)
	}
	names := map[string]string{}
	for _, t := range teams {
		if len(teams) > 1 {
			names[t.ID] = t.Name
		}
		if panel.May(actor, panel.SeeWebhooks, t.ID) {
			v.Hooks = append(v.Hooks, ui.Crumb{Label: t.Name, URL: pathWebhooks(t.ID)})
		}
	}
	v.Rows = newNoticeRows(list, names, w.now())
	return w.page(c, w.layoutView(c, "", "notices"), noticesPage(v))
}

// query is the filter as an address holds it.
func (f noticeForm) query() url.Values {
	q := url.Values{}
	for name, text := range map[string]string{"type": f.Type, "backend": f.Backend, "team": f.TeamID} {
		if text != "" {
			q.Set(name, text)
		}
	}
	return q
}

// noticeTypeOptions are the types, and their nouns for all of each.
func noticeTypeOptions(chosen string) []ui.Option {
	options := []ui.Option{{Value: "", Label: "all"}}
	noun, known := "", chosen == ""
	for _, t := range model.NoticeTypes {
		if t.Noun() != noun {
			noun = t.Noun()
			options = append(options, ui.Option{Value: noun, Label: "all of " + noun})
			known = known || chosen == noun
		}
		options = append(options, ui.Option{Value: string(t), Label: string(t)})
		known = known || chosen == string(t)
	}
	if !known { // from an address that somebody wrote
		options = append(options, ui.Option{Value: chosen, Label: chosen})
	}
	return options
}

func teamOptions(teams []model.Team) []ui.Option {
	options := []ui.Option{{Value: "", Label: "all"}}
	for _, t := range teams {
		options = append(options, ui.Option{Value: t.ID, Label: t.Name})
	}
	return options
}

// newNoticeRows draws notices, newest first. A job's end and what its backend
// became with it are one row.
func newNoticeRows(list []model.Notice, teams map[string]string, now time.Time) []noticeRow {
	var rows []noticeRow
	for i := 0; i < len(list); i++ {
		n := &list[i]
		also := ""
		if i+1 < len(list) && oneEnd(n, &list[i+1]) {
			also = string(list[i+1].Type)
			if n.Type.Noun() == "job" {
				n, also = &list[i+1], string(n.Type)
			}
			i++
		}
		rows = append(rows, newNoticeRow(n, also, teams[n.TeamID], now))
	}
	return rows
}

// oneEnd tells whether two notices tell of the same end of a job.
func oneEnd(a, b *model.Notice) bool {
	return a.JobID != "" && a.JobID == b.JobID && a.At.Equal(b.At) && a.Type.Noun() != b.Type.Noun()
}

func newNoticeRow(n *model.Notice, also, team string, now time.Time) noticeRow {
	r := noticeRow{
		Type: string(n.Type), Also: also, State: ui.NoticeState(n.Type), Title: n.Title, Text: n.Text, At: ago(n.At, now), Team: team,
		BackendName: n.Data["backend_name"], InvokeURL: n.Data["invoke_url"],
	}
	if n.BackendID != "" {
		r.BackendURL = pathBackend(n.BackendID)
	}
	if n.JobID != "" {
		r.JobURL = pathJob(n.JobID)
	}
	if id := n.Data["webhook_id"]; id != "" {
		r.WebhookURL = pathWebhook(n.TeamID, id)
	}
	return r
}
