package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// costView is what a chain costs a month.
type costView struct {
	Title    string
	Monthly  string // "$28.44"
	Words    string // what the amount is of
	Before   string // what it costs now, on the plan of a change
	Asleep   string // what it costs and saves when it sleeps; "" when it never does
	Schedule string // what its schedule saves
	Rows     []costRow
	ByUse    []costRow
	Unknown  string // what the amount leaves out
	URL      string // of the prices
}

// costRow is one thing that is paid for.
type costRow struct{ What, Quantity, Price, Monthly, Date string }

func newCostView(c *model.Cost, title string) costView {
	v := costView{
		Title: title, Monthly: c.Monthly.String(), URL: pathPricesOf(c.Region),
		Words: "a month in " + c.Region + ", at list prices. Traffic comes on top.",
	}
	for _, i := range c.Items {
		row := costRow{What: i.What, Quantity: strconv.Itoa(i.Quantity) + " " + i.Unit, Price: i.Price.Exact(), Monthly: i.Monthly.String(), Date: i.Date}
		if !i.Known {
			row.Price, row.Monthly = "not known", "not known"
		}
		if i.ByUse {
			row.Quantity, row.Monthly = "by use", "not counted"
			row.Price += " per " + strings.TrimSuffix(i.Unit, "s")
			if !i.Known {
				row.Price = "not known"
			}
			v.ByUse = append(v.ByUse, row)
			continue
		}
		v.Rows = append(v.Rows, row)
	}
	if !c.Known() {
		v.Unknown = "Without " + strings.Join(c.Unknown, " and ") + ": nobody has told the table of prices what that costs here."
	}
	if saves := c.Saves(); saves > 0 {
		v.Schedule = fmt.Sprintf("By its schedule it is awake %d of %d hours: %s a month less than if it never slept.", c.AwakeHours, model.HoursPerMonth, saves)
	}
	if slept := c.Awake - c.Asleep; slept > 0 {
		v.Asleep = fmt.Sprintf("While it sleeps it costs at the rate of %s a month, %s less: the root volumes and the load balancer stay.", c.Asleep, slept)
	}
	return v
}

// lives tells what a sandbox costs that has so much time left, or is not made yet.
func (v *costView) lives(c *model.Cost, left time.Duration) {
	v.Words = "a month while it lives, " + c.AwakeFor(time.Hour).String() + " an hour, at list prices. Traffic comes on top."
	if left > 0 {
		v.Words = fmt.Sprintf("a month, %s an hour: about %s more until it ends, if it stays awake, at list prices. Traffic comes on top.", c.AwakeFor(time.Hour), c.AwakeFor(left))
	}
}

// compare says what the backend costs as it is, where that is something else.
func (v *costView) compare(d *panel.BackendDetail) {
	if v == nil || d.Cost == nil || d.Phase == model.PhaseRegistered || d.Cost.Monthly.String() == v.Monthly {
		return
	}
	v.Before = "Now it is " + d.Cost.Monthly.String() + " a month."
}

// planCost is the cost on a plan, nil where there is none to tell.
func planCost(p *model.Plan) *costView {
	if p.Cost == nil {
		return nil
	}
	v := newCostView(p.Cost, "What it costs")
	if p.Operation == model.OpDestroy {
		v.Title, v.Asleep, v.Schedule = "What ends with it", "", ""
		v.Words = "a month in " + p.Cost.Region + ", at list prices, that is not spent any more."
	}
	return &v
}

// costSumView is what several backends cost together.
type costSumView struct {
	Monthly string
	Words   string
	Saved   []string // estimates of what was not spent
	URL     string
}

func newCostSumView(s model.CostSum) costSumView {
	v := costSumView{Monthly: s.Monthly.String(), Words: "a month for " + count(s.Backends, "backend") + " that " + areOrIs(s.Backends) + " in AWS, at list prices", URL: pathPrices}
	if s.Asleep > 0 {
		v.Words += fmt.Sprintf(", of which %d %s now", s.Asleep, sleepOrSleeps(s.Asleep))
	}
	if s.Incomplete > 0 {
		v.Words += fmt.Sprintf("; of %d some price is not known, and left out", s.Incomplete)
	}
	v.Words += "."
	return v
}

func areOrIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func sleepOrSleeps(n int) string {
	if n == 1 {
		return "sleeps"
	}
	return "sleep"
}

func newTeamCostView(c *panel.TeamCost) costSumView {
	v := newCostSumView(c.CostSum)
	if s := c.Savings; s.Ended > 0 {
		v.Saved = append(v.Saved, fmt.Sprintf("%s ended in the last 30 days: together %s a month less. Had they gone on, they would have cost about %s since.",
			count(s.Ended, "backend"), s.EndedMonthly, s.EndedSaved))
	}
	if s := c.Savings; s.SleptSaved > 0 {
		v.Saved = append(v.Saved, fmt.Sprintf("Sleep spared %s in the last 30 days, about %s.", count(s.SleptHours, "instance hour"), s.SleptSaved))
	}
	return v
}

// estimateCost is what the form's backend would cost, as a fragment.
func (w *Web) estimateCost(c echo.Context) error {
	v := w.estimate(c, formOf(c.QueryParams()))
	return w.fragment(c, http.StatusOK, costEstimate(v))
}

// estimate reckons with what was typed so far; nil while that is no spec.
func (w *Web) estimate(c echo.Context, form backendForm) *costView {
	registration, err := form.registration()
	if err != nil || registration.Spec.WithDefaults().Validate() != nil && registration.Spec.Source != model.SourceInstances {
		return nil
	}
	cost, err := w.panel.SpecCost(c.Request().Context(), actorOf(c), form.EnvironmentID, registration.Spec)
	if err != nil {
		return nil
	}
	v := newCostView(cost, "About")
	return &v
}
