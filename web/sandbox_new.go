package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// sandboxNewView is the short form of a new sandbox, with what was typed and refused.
type sandboxNewView struct {
	Action    string
	CancelURL string
	Once      string // so that a form that is sent twice makes one
	From      ui.Field
	Branch    ui.Field
	TTL       ui.Field
	Inputs    []ui.Field // of the template's parameters
	About     string     // the template's description
	Asks      bool       // a parameter must be filled in
	Rest      []string   // refusals of no input
	Refused   int
	Templates string    // where templates are made, when there is none
	Cost      *costView // nil when it is not known what it would be
}

// offered is a template that the actor may make a sandbox from, for a team.
type offered struct {
	team     model.Team
	template model.SandboxTemplate
	ttl      time.Duration // how long its sandboxes live, unless they say otherwise
	most     time.Duration
}

func (o offered) value() string { return o.team.ID + "/" + o.template.ID }

// newSandbox shows the form with everything filled in.
func (w *Web) newSandbox(c echo.Context) error {
	return w.sandboxForm(c, http.StatusOK, c.QueryParams(), nil)
}

// createSandbox makes it and shows the job, or the form again with what to mend.
func (w *Web) createSandbox(c echo.Context) error {
	values, err := c.FormParams()
	if err != nil {
		return model.Errorf(model.CodeInvalid, "The form could not be read: %w", err)
	}
	if values.Get("action") == "template" {
		return w.sandboxForm(c, http.StatusOK, values, nil)
	}
	all, err := w.offers(c)
	if err != nil {
		return err
	}
	o := chosen(all, values.Get("from"))
	if o == nil {
		return w.sandboxForm(c, http.StatusUnprocessableEntity, values, model.Errorf(model.CodeInvalid, "There is no template to make a sandbox from."))
	}
	r := panel.SandboxRequest{
		Once: values.Get("once"), Template: o.template.ID, Branch: strings.TrimSpace(values.Get("branch")), TTL: values.Get("ttl"), Parameters: map[string]string{},
	}
	for _, p := range o.template.Parameters {
		if value := values.Get("p_" + p.Name); value != "" {
			r.Parameters[p.Name] = value
		}
	}
	made, err := w.panel.MakeSandbox(c.Request().Context(), actorOf(c), o.team.ID, r)
	var refused *model.Error
	switch {
	case err == nil && made.Job != nil:
		return redirect(c, pathJob(made.Job.ID))
	case err == nil:
		return redirect(c, pathBackend(made.ID))
	case errors.As(err, &refused) && (refused.Code == model.CodeInvalid || refused.Code == model.CodeConflict):
		return w.sandboxForm(c, statusOf(refused.Code), values, refused)
	}
	return err
}

// sandboxForm shows the form as it was typed, with refusals beside the fields.
func (w *Web) sandboxForm(c echo.Context, status int, values url.Values, refused *model.Error) error {
	all, err := w.offers(c)
	if err != nil {
		return err
	}
	v := newSandboxNewView(all, values)
	if len(all) == 0 {
		if teams, err := w.teamOptions(c); err == nil && len(teams) > 0 {
			v.Templates = pathTemplates(teams[0].Value)
		}
	}
	if o := chosen(all, values.Get("from")); o != nil {
		v.Cost = w.sandboxCost(c, o)
	}
	if refused != nil {
		v.refuse(refused)
	}
	if isFragment(c) {
		return w.fragment(c, status, sandboxInputs(v))
	}
	return w.pageWith(c, status, w.layoutView(c, "", "sandboxes"), sandboxNewPage(v))
}

// sandboxCost is what a sandbox from the template would cost.
func (w *Web) sandboxCost(c echo.Context, o *offered) *costView {
	cost, err := w.panel.SpecCost(c.Request().Context(), actorOf(c), o.template.EnvironmentID, o.template.Spec)
	if err != nil {
		return nil // there is none to tell; making it says why
	}
	v := newCostView(cost, "")
	v.lives(cost, 0)
	return &v
}

// offers are the templates that the actor may make sandboxes from, by team.
func (w *Web) offers(c echo.Context) ([]offered, error) {
	ctx, actor := c.Request().Context(), actorOf(c)
	teams, err := w.panel.Teams(ctx, actor)
	if err != nil {
		return nil, err
	}
	environments, err := w.panel.Environments(ctx, actor)
	if err != nil {
		return nil, err
	}
	var all []offered
	for _, t := range teams {
		if !panel.May(actor, panel.MakeSandboxes, t.ID) {
			continue
		}
		templates, err := w.panel.SandboxTemplates(ctx, actor, t.ID)
		if err != nil {
			return nil, err
		}
		for _, tp := range templates {
			o := offered{team: t, template: tp}
			o.ttl, o.most = w.panel.TemplateTTLs(&tp, environments)
			all = append(all, o)
		}
	}
	return all, nil
}

// chosen is the template of that value; the first one for any other.
func chosen(all []offered, value string) *offered {
	for i := range all {
		if all[i].value() == value {
			return &all[i]
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

func newSandboxNewView(all []offered, values url.Values) sandboxNewView {
	v := sandboxNewView{Action: pathSandboxNew(""), CancelURL: pathSandboxes, Once: values.Get("once")}
	if v.Once == "" {
		v.Once = model.NewID("page-")
	}
	v.From = ui.Field{Name: "from", Label: "Template", Attrs: map[string]any{
		"hx-get": pathSandboxNew(""), "hx-target": "#sandbox-inputs", "hx-swap": "outerHTML", "hx-trigger": "change", "hx-include": "closest form",
	}}
	teams := map[string]bool{}
	for _, o := range all {
		teams[o.team.ID] = true
	}
	for _, o := range all {
		label := o.template.Name
		if len(teams) > 1 {
			label += " for " + o.team.Name
		}
		v.From.Options = append(v.From.Options, ui.Option{Value: o.value(), Label: label})
	}
	v.Branch = ui.Field{Name: "branch", Label: "Branch or pull request", Value: values.Get("branch"), Optional: true,
		Help: "The sandbox is named after it.", Attrs: map[string]any{"placeholder": "feature/login", "maxlength": "255"}}
	v.TTL = ui.Field{Name: "ttl", Label: "Lives for", Value: values.Get("ttl"), Optional: true,
		Help: "As 90m, 8h or 2d12h."}
	o := chosen(all, values.Get("from"))
	if o == nil {
		return v
	}
	v.From.Value, v.About = o.value(), o.template.Description
	v.TTL.Help, v.TTL.Attrs = "As 90m, 8h or 2d12h; "+model.TTLText(o.most)+" at most. It can be extended until then.", map[string]any{"placeholder": model.TTLText(o.ttl)}
	for _, p := range o.template.Parameters {
		f := ui.Field{Name: "p_" + p.Name, Label: p.Name, Value: values.Get("p_" + p.Name), Optional: !p.Required || p.Default != "",
			Help: p.Description, Attrs: map[string]any{"placeholder": p.Default}}
		if !f.Optional {
			f.Attrs["required"], v.Asks = true, true
		}
		if p.Pattern != "" {
			f.Help = strings.TrimSpace(f.Help + " It must fit " + p.Pattern + ".")
		}
		v.Inputs = append(v.Inputs, f)
	}
	return v
}

// refuse puts refusals beside their inputs.
func (v *sandboxNewView) refuse(e *model.Error) {
	inputs := map[string]*ui.Field{"branch": &v.Branch, "ttl": &v.TTL, "template": &v.From}
	for i := range v.Inputs {
		inputs["parameters."+strings.TrimPrefix(v.Inputs[i].Name, "p_")] = &v.Inputs[i]
	}
	v.Refused = max(len(e.Fields), 1)
	if len(e.Fields) == 0 {
		v.Rest = []string{e.Message}
	}
	for _, f := range e.Fields {
		if input, ok := inputs[f.Path]; ok && input.Error == "" {
			input.Error = f.Message
			continue
		}
		v.Rest = append(v.Rest, f.Message)
	}
}
