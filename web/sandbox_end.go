package web

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// planSandboxEnd shows what ending the sandbox deletes, and asks.
func (w *Web) planSandboxEnd(c echo.Context) error {
	ctx, actor, id := c.Request().Context(), actorOf(c), c.Param("id")
	plan, err := w.panel.EndSandboxPlan(ctx, actor, id)
	if err != nil {
		return err
	}
	s, err := w.panel.Sandbox(ctx, actor, id)
	if err != nil {
		return err
	}
	v := newPlanView(&s.Backend, plan, actor)
	deleted := 0
	for _, item := range plan.Items {
		if item.Action == model.ActionDelete {
			deleted++
		}
	}
	v.Title, v.ApplyLabel, v.TestID = "End "+s.Name, "End it now", "confirm-end"
	v.Lead = fmt.Sprintf("%s of this sandbox will be deleted, in this order, and what is at work on it is cancelled first. It %s by itself.", count(deleted, "resource"), countdown(s.Sandbox, w.now()).Words)
	v.ApplyURL, v.Why = "", ""
	switch {
	case s.Sandbox.State() != model.SandboxLives:
		v.Why = "This sandbox has ended already."
	case !panel.May(actor, panel.EndSandboxes, s.TeamID):
		v.Why = fmt.Sprintf("This needs the role %s; yours is %s.", panel.EndSandboxes.Role(), actor.RoleIn(s.TeamID))
	default:
		v.ApplyURL = pathSandboxEnd(id)
	}
	return w.page(c, w.layoutView(c, v.Title, "sandboxes"), planPage(v))
}

// endSandbox ends it and shows the job that does so.
func (w *Web) endSandbox(c echo.Context) error {
	s, err := w.panel.EndSandbox(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	if s.ActiveJobID != "" {
		return redirect(c, pathJob(s.ActiveJobID))
	}
	return redirect(c, pathBackend(s.ID))
}

// extendSandbox puts its end off and shows its backend.
func (w *Web) extendSandbox(c echo.Context) error {
	s, err := w.panel.ExtendSandbox(c.Request().Context(), actorOf(c), c.Param("id"), c.FormValue("ttl"))
	if err != nil {
		return err
	}
	return redirect(c, pathBackend(s.ID))
}
