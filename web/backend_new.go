package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// backendNewView is the register form with what was typed and refused.
type backendNewView struct {
	Backend      string // whose spec is edited; "" for a new one
	BackendURL   string
	Version      int // of the spec that is edited
	Action       string
	InstancesURL string
	CancelURL    string
	Form         backendForm
	Environments []ui.Option
	Teams        []ui.Option
	Errors       map[string]string // by input
	Rest         []string          // refusals of no input
	Instances    instancesView
	CostURL      string
	Cost         *costView // nil while the form is not a spec
}

// instancesView is the choice of existing instances.
type instancesView struct {
	Loaded bool // asked for; without it a button offers to ask
	Rows   []instanceRow
	Error  string // beside the choice
	Why    string // why there is no choice
}

type instanceRow struct {
	ID, Name, Note string
	Chosen         bool
}

// newBackend shows the form with its defaults.
func (w *Web) newBackend(c echo.Context) error {
	environments, err := w.panel.Environments(c.Request().Context(), actorOf(c))
	if err != nil {
		return err
	}
	id := c.QueryParam("environment_id")
	if id == "" && len(environments) > 0 {
		id = environments[0].ID
	}
	v := newBackendNewView(defaultForm(id), environments)
	if v.Teams, err = w.teamOptions(c); err != nil {
		return err
	}
	v.Cost = w.estimate(c, v.Form)
	return w.page(c, w.layoutView(c, "", "backends"), backendNewPage(v))
}

// teamOptions are the teams in which the actor may register.
func (w *Web) teamOptions(c echo.Context) ([]ui.Option, error) {
	actor := actorOf(c)
	teams, err := w.panel.Teams(c.Request().Context(), actor)
	if err != nil {
		return nil, err
	}
	var options []ui.Option
	for _, t := range teams {
		if panel.May(actor, panel.RegisterBackends, t.ID) {
			options = append(options, ui.Option{Value: t.ID, Label: t.Name})
		}
	}
	return options, nil
}

func newBackendNewView(f backendForm, environments []model.Environment) backendNewView {
	v := backendNewView{
		Action: pathBackendNew(), InstancesURL: pathBackendInstances(), CancelURL: pathBackends, CostURL: pathBackendCost(),
		Form: f, Errors: map[string]string{},
	}
	for _, e := range environments {
		v.Environments = append(v.Environments, ui.Option{Value: e.ID, Label: e.Name + " (" + e.Region + ")"})
	}
	return v
}

// createBackend registers, or shows the form again with what to mend.
func (w *Web) createBackend(c echo.Context) error {
	ctx, actor := c.Request().Context(), actorOf(c)
	values, err := c.FormParams()
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The form could not be read: %w", err)
	}
	form := formOf(values)
	if values.Get("action") == "instances" {
		return w.backendFormAgain(c, http.StatusOK, form, nil)
	}
	registration, err := form.registration()
	if err != nil {
		return w.backendFormAgain(c, http.StatusUnprocessableEntity, form, err)
	}
	b, err := w.panel.RegisterBackend(ctx, actor, registration)
	var refused *model.Error
	switch {
	case err == nil:
		return redirect(c, pathBackendPlan(b.ID, model.OpProvision))
	case errors.As(err, &refused) && (refused.Code == model.CodeInvalid || refused.Code == model.CodeConflict):
		return w.backendFormAgain(c, statusOf(refused.Code), form, refused)
	}
	return err
}

// backendFormAgain shows the form as it was typed, with refusals beside the fields.
func (w *Web) backendFormAgain(c echo.Context, status int, form backendForm, err error) error {
	ctx, actor := c.Request().Context(), actorOf(c)
	environments, listErr := w.panel.Environments(ctx, actor)
	if listErr != nil {
		return listErr
	}
	v := newBackendNewView(form, environments)
	if v.Teams, listErr = w.teamOptions(c); listErr != nil {
		return listErr
	}
	var refused *model.Error
	if errors.As(err, &refused) {
		v.Errors, v.Rest = fieldErrors(refused.Fields)
		if len(v.Teams) < 2 && v.Errors["team_id"] != "" { // there is no such field to stand beside
			v.Rest = append(v.Rest, v.Errors["team_id"])
			delete(v.Errors, "team_id")
		}
		if len(refused.Fields) == 0 {
			v.Rest = []string{refused.Message}
		}
	}
	if form.Source == string(model.SourceInstances) || status == http.StatusOK {
		v.Instances = w.instances(ctx, actor, form)
	}
	v.Instances.Error = v.Errors["instance_ids"]
	v.Cost = w.estimate(c, form)
	return w.pageWith(c, status, w.layoutView(c, "", "backends"), backendNewPage(v))
}

// listInstances is the choice of instances of one environment, as a fragment.
func (w *Web) listInstances(c echo.Context) error {
	form := formOf(c.QueryParams())
	v := w.instances(c.Request().Context(), actorOf(c), form)
	return w.fragment(c, http.StatusOK, instanceChoice(v))
}

// instances asks the environment; what it says instead of a list stands in the form.
func (w *Web) instances(ctx context.Context, actor model.Actor, form backendForm) instancesView {
	all, err := w.panel.Instances(ctx, actor, form.EnvironmentID)
	if err != nil {
		if model.CodeOf(err) == model.CodeInternal {
			w.log.ErrorContext(ctx, "list instances", "environment_id", form.EnvironmentID, "error", err)
		}
		return instancesView{Loaded: true, Why: newErrorView(err, "").Message}
	}
	return newInstancesView(all, form.InstanceIDs)
}

func newInstancesView(all []model.Instance, chosen []string) instancesView {
	v := instancesView{Loaded: true}
	for _, i := range all {
		v.Rows = append(v.Rows, instanceRow{
			ID: i.ID, Name: i.Name, Note: i.Type + ", " + i.AZ + ", " + i.PrivateIP + ", " + i.State,
			Chosen: slices.Contains(chosen, i.ID),
		})
	}
	if len(v.Rows) == 0 {
		v.Why = "No instance is running in this environment's VPC. Launch new ones instead, or start one there."
	}
	return v
}
