package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// editBackend shows the form with the spec as it is.
func (w *Web) editBackend(c echo.Context) error {
	d, err := w.panel.BackendToEdit(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return w.editAgain(c, http.StatusOK, &edit{backend: d, form: formOfSpec(d.Spec), version: d.SpecVersion}, nil)
}

// edit is a spec on its way through the form and the plan.
type edit struct {
	backend *panel.BackendDetail
	form    backendForm
	version int // that it was made from
	asked   bool
}

// updateBackend shows the plan of what was typed, or carries it out. Nothing is
// kept in between: the plan sends the form again.
func (w *Web) updateBackend(c echo.Context) error {
	ctx, actor := c.Request().Context(), actorOf(c)
	d, err := w.panel.BackendToEdit(ctx, actor, c.Param("id"))
	if err != nil {
		return err
	}
	values, err := c.FormParams()
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The form could not be read: %w", err)
	}
	e := editOf(d, values)
	action := values.Get("action")
	if action == "instances" || action == "edit" {
		e.asked = action == "instances"
		return w.editAgain(c, http.StatusOK, e, nil)
	}
	registration, err := e.form.registration()
	if err != nil {
		return w.editAgain(c, http.StatusUnprocessableEntity, e, err)
	}
	did, err := w.panel.UpdateSpec(ctx, actor, d.ID, panel.SpecChange{Spec: e.form.untouched(registration.Spec, d.Spec), IfVersion: e.version, DryRun: action != "apply"})
	var refused *model.Error
	switch {
	case errors.As(err, &refused) && (refused.Code == model.CodeInvalid || refused.Code == model.CodeConflict || refused.Code == model.CodePrecondition):
		return w.editAgain(c, statusOf(refused.Code), e, refused)
	case err != nil:
		return err
	case action != "apply":
		v := newUpdateView(e, did, actor)
		return w.page(c, w.layoutView(c, v.Title+" of "+d.Name, "backends"), planPage(v))
	case did.Job != nil:
		return redirect(c, pathJob(did.Job.ID))
	case d.Phase == model.PhaseRegistered:
		return redirect(c, pathBackendPlan(d.ID, model.OpProvision))
	}
	return redirect(c, pathBackend(d.ID))
}

// editOf reads the form; what cannot be edited is as it is.
func editOf(d *panel.BackendDetail, values url.Values) *edit {
	e := &edit{backend: d, form: formOf(values), version: d.SpecVersion}
	if n, err := strconv.Atoi(values.Get("version")); err == nil && n > 0 {
		e.version = n
	}
	return e
}

// editAgain shows the form as it was typed, with refusals beside the fields.
func (w *Web) editAgain(c echo.Context, status int, e *edit, err error) error {
	ctx, actor, d := c.Request().Context(), actorOf(c), e.backend
	e.form.Name, e.form.TeamID, e.form.EnvironmentID = d.Name, d.TeamID, d.EnvironmentID
	v := newBackendNewView(e.form, []model.Environment{d.Environment})
	v.Backend, v.BackendURL, v.Version = d.Name, pathBackend(d.ID), e.version
	v.Action, v.CancelURL = pathBackendEdit(d.ID), pathBackend(d.ID)
	var refused *model.Error
	if errors.As(err, &refused) {
		v.Errors, v.Rest = fieldErrors(refused.Fields)
		if len(refused.Fields) == 0 {
			v.Rest = []string{refused.Message}
		}
		if refused.Code == model.CodePrecondition {
			v.Version = d.SpecVersion // who sends it once more has read that it was changed
		}
	}
	if e.asked || e.form.Source == string(model.SourceInstances) {
		v.Instances = w.instances(ctx, actor, e.form)
	}
	v.Instances.Error = v.Errors["instance_ids"]
	v.Cost = w.estimate(c, e.form)
	return w.pageWith(c, status, w.layoutView(c, "Edit "+d.Name, "backends"), backendNewPage(v))
}

// newUpdateView is the plan of an edited spec, with the form to send again.
func newUpdateView(e *edit, did *panel.Applied, actor model.Actor) planView {
	v := newPlanView(&did.Backend, did.Plan, actor)
	v.Cost.compare(e.backend)
	v.Form, v.Edit, v.EditURL = e.form, e.version, pathBackendEdit(e.backend.ID)
	switch {
	case v.ApplyURL == "":
	case !did.Changed && did.Plan.Idle():
		v.ApplyURL, v.Why = "", "This is the spec that the backend has already. Nothing would be done."
	case did.Backend.Phase == model.PhaseRegistered:
		v.Title, v.ApplyLabel, v.TestID = "Plan", "Save", "apply-update"
		v.Lead = "Nothing was made of this backend yet. Saving keeps the spec; provisioning makes what stands here."
	case did.Plan.Idle():
		v.Title, v.ApplyLabel, v.TestID = "Update plan", "Save", "apply-update"
		v.Lead = "Nothing changes in AWS: only the spec is saved."
	}
	return v
}

// sleepBackend puts a backend to sleep and shows the job that does.
func (w *Web) sleepBackend(c echo.Context) error {
	job, err := w.panel.Sleep(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathJob(job.ID))
}

// wakeBackend wakes a backend and shows the job that does.
func (w *Web) wakeBackend(c echo.Context) error {
	job, err := w.panel.Wake(c.Request().Context(), actorOf(c), c.Param("id"))
	if err != nil {
		return err
	}
	return redirect(c, pathJob(job.ID))
}
