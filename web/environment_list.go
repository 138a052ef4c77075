package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// environmentView is one place to provision in.
type environmentView struct {
	ID          string
	Name        string
	Description string
	StatusURL   string
	CallsURL    string // "" when it hands out no record, or not to this actor
	OrphansURL  string // "" when not for this actor
	Orphans     string // label of the link, with the newest count
	Facts       []fact
	Cost        *costSumView // nil when not for this actor
}

// statusView is what an environment answered.
type statusView struct {
	ID      string
	Name    string
	State   ui.State
	Note    string
	Facts   []fact
	Subnets []model.Subnet
	Problem *ui.Problem
	BackURL string
}

// listEnvironments shows the places; whether they answer is asked afterwards.
func (w *Web) listEnvironments(c echo.Context) error {
	all, err := w.panel.Environments(c.Request().Context(), actorOf(c))
	if err != nil {
		return err
	}
	costs, err := w.environmentCosts(c)
	if err != nil {
		return err
	}
	views := make([]environmentView, 0, len(all))
	for i := range all {
		v := newEnvironmentView(&all[i])
		ttl, most := w.panel.SandboxTTLs(&all[i])
		v.Facts = append(v.Facts, fact{"Sandboxes live for", timeWords(ttl) + ", " + timeWords(most) + " at most"})
		if panel.MayAnywhere(actorOf(c), panel.SeeCalls) && w.panel.HasActivity(&all[i]) {
			v.CallsURL = pathEnvironmentCalls(all[i].ID)
		}
		if panel.MayAnywhere(actorOf(c), panel.SeeOrphans) {
			v.OrphansURL, v.Orphans = pathEnvironmentOrphans(all[i].ID), orphansLabel(&all[i])
		}
		if sum, ok := costs[all[i].ID]; ok {
			cost := newCostSumView(sum)
			v.Cost = &cost
		}
		views = append(views, v)
	}
	return w.page(c, w.layoutView(c, "", "environments"), environmentListPage(views))
}

// environmentCosts are the sums by environment, for whom they are.
func (w *Web) environmentCosts(c echo.Context) (map[string]model.CostSum, error) {
	if !panel.MayAnywhere(actorOf(c), panel.SeeCosts) {
		return nil, nil
	}
	list, err := w.panel.EnvironmentCosts(c.Request().Context(), actorOf(c))
	by := map[string]model.CostSum{}
	for _, e := range list {
		by[e.EnvironmentID] = e.CostSum
	}
	return by, err
}

func newEnvironmentView(e *model.Environment) environmentView {
	v := environmentView{ID: e.ID, Name: e.Name, Description: e.Description, StatusURL: pathEnvironmentStatus(e.ID)}
	v.Facts = []fact{{"Region", e.Region}, {"VPC", e.VPCID}, {"Subnets", strings.Join(e.SubnetIDs, ", ")}}
	if e.Endpoint != "" {
		v.Facts = append(v.Facts, fact{"Endpoint", e.Endpoint})
	} else {
		v.Facts = append(v.Facts, fact{"Endpoint", "AWS"})
	}
	if e.RoleARN != "" {
		v.Facts = append(v.Facts, fact{"Role", e.RoleARN})
	}
	return v
}

// environmentStatus asks the environment; without scripts it is a page.
func (w *Web) environmentStatus(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	all, err := w.panel.Environments(ctx, actor)
	if err != nil {
		return err
	}
	s, err := w.panel.EnvironmentStatus(ctx, actor, id)
	if err != nil {
		return err
	}
	v := newStatusView(id, s)
	for i := range all {
		if all[i].ID == id {
			v.Name = all[i].Name
		}
	}
	if isFragment(c) {
		return w.fragment(c, http.StatusOK, environmentStatusPart(v))
	}
	return w.page(c, w.layoutView(c, v.Name, "environments"), environmentStatusPage(v))
}

func newStatusView(id string, s *model.EnvironmentStatus) statusView {
	v := statusView{ID: id, Name: id, Subnets: s.Subnets, BackURL: pathEnvironments, Note: "the question took " + seconds(time.Duration(s.Seconds*float64(time.Second)))}
	switch {
	case s.Answers && s.Problem == nil:
		v.State = ui.State{Value: "answers", Word: "Answers", Tone: ui.ToneOK, Icon: "check"}
	case s.Answers:
		v.State = ui.State{Value: "unfit", Word: "Answers, but does not fit", Tone: ui.ToneWarn, Icon: "alert"}
	default:
		v.State = ui.State{Value: "silent", Word: "Does not answer", Tone: ui.ToneBad, Icon: "x"}
	}
	if s.Account != "" {
		v.Facts = append(v.Facts, fact{"Account", s.Account})
	}
	if s.VPCName != "" {
		v.Facts = append(v.Facts, fact{"VPC name", s.VPCName})
	}
	if s.Problem != nil {
		v.Problem = newProblem(v.State.Word, s.Problem)
	}
	return v
}

// environmentName is the name of the environment that the page is about.
func (w *Web) environmentName(c echo.Context) (string, error) {
	all, err := w.panel.Environments(c.Request().Context(), actorOf(c))
	for _, e := range all {
		if e.ID == c.Param("id") {
			return e.Name, nil
		}
	}
	return c.Param("id"), err
}

// environmentCrumbs lead to a page of one environment.
func environmentCrumbs(id, name string) []ui.Crumb {
	return []ui.Crumb{{Label: "Environments", URL: pathEnvironments}, {Label: name, URL: pathEnvironment(id)}}
}
