package web

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// planRollBack shows what rolling a job back would delete.
func (w *Web) planRollBack(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	d, err := w.panel.Job(ctx, actor, id)
	if err != nil {
		return err
	}
	plan, err := w.panel.RollBackPlan(ctx, actor, id)
	if err != nil {
		return err
	}
	v := newRollBackView(d, plan, actor)
	return w.page(c, w.layoutView(c, v.Title+" of "+d.Backend.Name, "backends"), planPage(v))
}

func newRollBackView(d *panel.JobDetail, p *model.Plan, actor model.Actor) planView {
	v := newPlanView(&d.Backend, p, actor)
	v.ApplyURL, v.Why = "", ""
	switch {
	case p.Blocked():
		v.Lead = ""
	case !panel.May(actor, panel.ProvisionBackends, d.TeamID):
		v.Why = fmt.Sprintf("This needs the role %s; yours is %s.", panel.ProvisionBackends.Role(), actor.RoleIn(d.TeamID))
	default:
		v.ApplyURL = pathJobRollBack(d.ID)
	}
	if !d.State.Ended() {
		v.ApplyLabel = "Cancel and roll back"
	}
	return v
}

// rollBackJob starts the roll back and shows it, or the job that stops first.
func (w *Web) rollBackJob(c echo.Context) error {
	job, err := w.panel.RollBack(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathJob(job.ID))
}
