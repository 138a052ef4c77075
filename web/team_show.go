package web

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// teamView is a team's page.
type teamView struct {
	Name         string
	BackendsURL  string
	QuotaURL     string
	TemplatesURL string
	WebhooksURL  string // "" for whom they are not
	Members      []memberRow
	Manages      bool // the actor is an owner
	Roles        []ui.Option
	Invitations  []invitationRow
	Tokens       []tokenRow
	Trusts       []trustRow
	Invite       formView
	Token        formView
	Trust        formView
	Secret       *secretView // what was just made, shown this once
	Cost         costSumView
}

// formView is one of the page's forms with what was typed and refused.
type formView struct {
	Action string
	Values map[string]string
	Errors map[string]string
}

// field fills a field with what was typed and what is wrong with it.
func (f formView) field(x ui.Field) ui.Field {
	x.Value, x.Error = f.Values[x.Name], f.Errors[x.Name]
	return x
}

// secretView is a link or a token that is told once.
type secretView struct{ Title, Text, Value, TestID string }

type memberRow struct {
	Name, Email, Role string
	Note              string // why the role is not changed here
	SaveURL           string // "" when the actor may not, or it follows a group
	RemoveURL         string
}

type invitationRow struct {
	Email, Role string
	Expires     ui.Time
	RevokeURL   string
}

type tokenRow struct {
	Name, Role    string
	Used, Expires ui.Time
	RevokeURL     string
}

type trustRow struct {
	Name, Role, Issuer, Audience string
	Claims                       []string
	DeleteURL                    string
}

func (w *Web) showTeam(c echo.Context) error {
	return w.team(c, http.StatusOK, func(*teamView) {})
}

// team shows the page of the team in the address, with what change adds to it.
func (w *Web) team(c echo.Context, status int, change func(v *teamView)) error {
	d, err := w.panel.Team(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	cost, err := w.panel.TeamCost(c.Request().Context(), actorOf(c), d.ID)
	if err != nil {
		return err
	}
	v := newTeamView(d, actorOf(c), w.now())
	v.Cost = newTeamCostView(cost)
	change(&v)
	return w.pageWith(c, status, w.layoutView(c, v.Name, "teams"), teamPage(v))
}

// refusedForm shows the page again with what is wrong beside the fields of one
// of its forms; other errors go on.
func (w *Web) refusedForm(c echo.Context, err error, form func(v *teamView) *formView) error {
	refused := refusal(err)
	if refused == nil {
		return err
	}
	return w.team(c, http.StatusUnprocessableEntity, func(v *teamView) {
		f := form(v)
		values, _ := c.FormParams()
		for name := range values {
			f.Values[name] = values.Get(name)
		}
		for _, field := range refused.Fields {
			f.Errors[field.Path] = field.Message
		}
	})
}

func newTeamView(d *panel.TeamDetail, actor model.Actor, now time.Time) teamView {
	v := teamView{
		Name: d.Name, BackendsURL: pathBackendsOf(d.ID), QuotaURL: pathTeamQuota(d.ID), TemplatesURL: pathTemplates(d.ID), Manages: panel.May(actor, panel.ManageMembers, d.ID),
		Roles: []ui.Option{{Value: "viewer", Label: "viewer: sees"}, {Value: "developer", Label: "developer: registers, provisions, tests"}, {Value: "owner", Label: "owner: destroys, people, tokens"}},
	}
	if panel.May(actor, panel.SeeWebhooks, d.ID) {
		v.WebhooksURL = pathWebhooks(d.ID)
	}
	for f, path := range map[*formView]string{&v.Invite: pathInvitations(d.ID), &v.Token: pathTokens(d.ID), &v.Trust: pathTrusts(d.ID)} {
		*f = formView{Action: path, Values: map[string]string{"role": string(model.RoleDeveloper), "ttl": "90"}, Errors: map[string]string{}}
	}
	for _, m := range d.Members {
		v.Members = append(v.Members, newMemberRow(&m, v.Manages))
	}
	for _, i := range d.Invitations {
		v.Invitations = append(v.Invitations, invitationRow{i.Email, string(i.Role), until(i.ExpiresAt, now), pathInvitationRevoke(d.ID, i.ID)})
	}
	for _, t := range d.Tokens {
		row := tokenRow{Name: t.Name, Role: string(t.Role), Used: ui.Time{Words: "never"}, Expires: until(t.ExpiresAt, now), RevokeURL: pathTokenRevoke(d.ID, t.ID)}
		if !t.LastUsedAt.IsZero() {
			row.Used = ago(t.LastUsedAt, now)
		}
		v.Tokens = append(v.Tokens, row)
	}
	for _, t := range d.Trusts {
		row := trustRow{Name: t.Name, Role: string(t.Role), Issuer: t.Issuer, Audience: t.Audience, DeleteURL: pathTrustDelete(d.ID, t.ID)}
		for _, name := range slices.Sorted(maps.Keys(t.Claims)) {
			row.Claims = append(row.Claims, name+"="+t.Claims[name])
		}
		v.Trusts = append(v.Trusts, row)
	}
	return v
}

func newMemberRow(m *model.TeamMember, manages bool) memberRow {
	row := memberRow{Name: m.Name, Email: m.Email, Role: string(m.Role)}
	if m.Disabled {
		row.Note = "switched off"
	}
	if m.ByGroup {
		row.Note = "follows their groups"
	}
	if manages {
		row.RemoveURL = pathMemberRemove(m.TeamID, m.UserID)
		if !m.ByGroup {
			row.SaveURL = pathMember(m.TeamID, m.UserID)
		}
	}
	return row
}

// until says how far away a moment is, rounded: what was just made for a week
// ends in 7 days.
func until(t, now time.Time) ui.Time {
	x, left := ago(t, now), t.Sub(now)
	switch hours := int(left.Round(time.Hour).Hours()); {
	case left <= 0:
		x.Words = "expired"
	case hours < 24:
		x.Words = "in " + count(max(hours, 1), "hour")
	default:
		x.Words = "in " + count((hours+12)/24, "day")
	}
	return x
}
