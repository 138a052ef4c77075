package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// templateFormView is the form of a template: that of a backend with what is a
// template's own.
type templateFormView struct {
	backendNewView
	Title, Apply string
	ListURL      string
	About, TTL   ui.Field
	Parameters   []parameterRow
	Everybody    bool // may be asked for, as this is an admin
	ForAll       bool
	Refused      bool
}

// parameterRow is one parameter with its inputs.
type parameterRow struct {
	Legend                                string
	Name, Default, Pattern, Text, Require ui.Field
	Required                              bool
}

// Rows of parameters that a form offers beyond those that are filled in, and
// how many it reads.
const (
	emptyParameters = 2
	maxParameters   = 24
)

// newTemplate shows an empty form.
func (w *Web) newTemplate(c echo.Context) error {
	if err := w.panel.CheckTemplates(c.Request().Context(), actorOf(c), c.Param("id")); err != nil {
		return err
	}
	environments, err := w.panel.Environments(c.Request().Context(), actorOf(c))
	if err != nil {
		return err
	}
	id := ""
	if len(environments) > 0 {
		id = environments[0].ID
	}
	return w.templateForm(c, http.StatusOK, valuesOf(defaultForm(id), nil), nil)
}

// showTemplate shows a template's form.
func (w *Web) showTemplate(c echo.Context) error {
	t, err := w.panel.ManagedSandboxTemplate(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("template"))
	if err != nil {
		return err
	}
	form := formOfSpec(t.Spec)
	form.Name, form.EnvironmentID = t.Name, t.EnvironmentID
	return w.templateForm(c, http.StatusOK, valuesOf(form, t), nil)
}

// createTemplate makes a template, or shows the form again with what to mend.
func (w *Web) createTemplate(c echo.Context) error {
	may := func() error {
		return w.panel.CheckTemplates(c.Request().Context(), actorOf(c), c.Param("id"))
	}
	return w.writeTemplate(c, may, func(in panel.TemplateInput) error {
		_, err := w.panel.CreateSandboxTemplate(c.Request().Context(), actorOf(c), c.Param("id"), in)
		return err
	})
}

// saveTemplate changes it.
func (w *Web) saveTemplate(c echo.Context) error {
	may := func() error {
		_, err := w.panel.ManagedSandboxTemplate(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("template"))
		return err
	}
	return w.writeTemplate(c, may, func(in panel.TemplateInput) error {
		_, err := w.panel.UpdateSandboxTemplate(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("template"), in)
		return err
	})
}

// writeTemplate has write take what was typed. Who asks is decided before it is
// looked at.
func (w *Web) writeTemplate(c echo.Context, may func() error, write func(panel.TemplateInput) error) error {
	if err := may(); err != nil {
		return err
	}
	values, err := c.FormParams()
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The form could not be read: %w", err)
	}
	if values.Get("action") == "instances" {
		return w.templateForm(c, http.StatusOK, values, nil)
	}
	in, err := templateInputOf(values)
	if err == nil {
		err = write(in)
	}
	refused := refusal(err)
	switch {
	case err == nil:
		return redirect(c, pathTemplates(c.Param("id")))
	case refused != nil:
		return w.templateForm(c, http.StatusUnprocessableEntity, values, refused)
	}
	return err
}

// templateInputOf reads the form; what is not even a number comes as an error.
func templateInputOf(values url.Values) (panel.TemplateInput, error) {
	form := formOf(values)
	r, unread := form.registration()
	in := panel.TemplateInput{
		Name: form.Name, Description: strings.TrimSpace(values.Get("description")), EnvironmentID: form.EnvironmentID, Spec: r.Spec,
		TTL: strings.TrimSpace(values.Get("ttl")), Everybody: values.Get("everybody") != "",
	}
	for i := range maxParameters {
		get := func(name string) string { return strings.TrimSpace(values.Get(parameterInput(i, name))) }
		p := model.TemplateParameter{Name: get("name"), Default: get("default"), Pattern: get("pattern"), Description: get("description"), Required: get("required") != ""}
		if p != (model.TemplateParameter{}) {
			in.Parameters = append(in.Parameters, p)
		}
	}
	return in, unread
}

func parameterInput(i int, name string) string { return fmt.Sprintf("p%d_%s", i, name) }

// valuesOf are a form's texts as a browser would send them.
func valuesOf(f backendForm, t *model.SandboxTemplate) url.Values {
	v := url.Values{
		"name": {f.Name}, "environment_id": {f.EnvironmentID}, "source": {f.Source}, "port": {f.Port}, "health_path": {f.HealthPath},
		"count": {f.Count}, "instance_type": {f.InstanceType}, "ami": {f.AMI}, "user_data": {f.UserData}, "instance_profile": {f.InstanceProfile},
		"instance_ids": f.InstanceIDs, "tests": {f.Tests}, "tags": {f.Tags},
	}
	if f.AddRule {
		v.Set("add_rule", "1")
	}
	if t == nil {
		return v
	}
	v.Set("description", t.Description)
	if t.TTL > 0 {
		v.Set("ttl", model.TTLText(t.TTL))
	}
	for i, p := range t.Parameters {
		for name, value := range map[string]string{"name": p.Name, "default": p.Default, "pattern": p.Pattern, "description": p.Description} {
			v.Set(parameterInput(i, name), value)
		}
		if p.Required {
			v.Set(parameterInput(i, "required"), "1")
		}
	}
	return v
}

// templateForm shows the form with those texts, and refusals beside them.
func (w *Web) templateForm(c echo.Context, status int, values url.Values, refused *model.Error) error {
	ctx, actor, teamID := c.Request().Context(), actorOf(c), c.Param("id")
	environments, err := w.panel.Environments(ctx, actor)
	if err != nil {
		return err
	}
	v := templateFormView{backendNewView: newBackendNewView(formOf(values), environments), Title: "New template", Apply: "Make the template", ListURL: pathTemplates(teamID)}
	v.Action, v.CancelURL = pathTemplateNew(teamID), v.ListURL
	if id := c.Param("template"); id != "" {
		v.Title, v.Apply, v.Action = "Change the template", "Save the template", pathTemplate(teamID, id)
	} else {
		v.Everybody, v.ForAll = panel.May(actor, panel.ManageTeams, teamID), values.Get("everybody") != ""
	}
	v.About = ui.Field{Name: "description", Label: "Description", Value: values.Get("description"), Optional: true}
	v.TTL = ui.Field{Name: "ttl", Label: "Sandboxes live for", Value: values.Get("ttl"), Optional: true,
		Help: "As 90m, 8h or 2d12h. Empty is the environment's default.", Attrs: map[string]any{"placeholder": "8h"}}
	v.Parameters = parameterRows(values)
	if refused != nil {
		v.Refused = true
		v.refuse(refused)
	}
	if v.Form.Source == string(model.SourceInstances) || values.Get("action") == "instances" {
		v.Instances = w.instances(ctx, actor, v.Form)
	}
	v.Instances.Error = v.Errors["instance_ids"]
	return w.pageWith(c, status, w.layoutView(c, v.Title, "sandboxes"), templateFormPage(v))
}

func parameterRows(values url.Values) []parameterRow {
	last := 0
	for i := range maxParameters {
		for _, name := range []string{"name", "default", "pattern", "description"} {
			if values.Get(parameterInput(i, name)) != "" {
				last = i + 1
			}
		}
	}
	var rows []parameterRow
	for i := range min(last+emptyParameters, maxParameters) {
		field := func(name, label, help string) ui.Field {
			return ui.Field{Name: parameterInput(i, name), Label: label, Help: help, Value: values.Get(parameterInput(i, name)), Optional: true}
		}
		rows = append(rows, parameterRow{
			Legend: "Parameter " + strconv.Itoa(i+1), Name: field("name", "Name", ""), Default: field("default", "Default", ""),
			Pattern: field("pattern", "Pattern", ""), Text: field("description", "What it is", ""), Require: field("required", "A value is required", ""),
			Required: values.Get(parameterInput(i, "required")) != "",
		})
	}
	return rows
}

// refuse puts refusals beside their inputs.
func (v *templateFormView) refuse(e *model.Error) {
	inputs := map[string]*ui.Field{"description": &v.About, "ttl": &v.TTL}
	for i := range v.Parameters {
		at := fmt.Sprintf("parameters[%d].", i)
		p := &v.Parameters[i]
		inputs[at+"name"], inputs[at+"default"], inputs[at+"pattern"], inputs[at+"description"] = &p.Name, &p.Default, &p.Pattern, &p.Text
	}
	var rest []model.Field
	for _, f := range e.Fields {
		if input, ok := inputs[f.Path]; ok {
			input.Error = cmp.Or(input.Error, f.Message)
			continue
		}
		rest = append(rest, f)
	}
	v.Errors, v.Rest = fieldErrors(rest)
	if len(e.Fields) == 0 {
		v.Rest = []string{e.Message}
	}
}
