package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// SandboxTemplate is what sandboxes are made from.
type SandboxTemplate struct {
	ID            string              `json:"id" doc:"Its id." example:"tpl_m3kx7q2fd5wa4nzp"`
	TeamID        string              `json:"team_id" doc:"The team that owns it; empty for one that every team may use." example:"team_h6c2v4yjq7sblm3d"`
	Name          string              `json:"name" doc:"Its name." example:"Sample app"`
	Description   string              `json:"description" doc:"What it is for." example:"The sample app of the article."`
	EnvironmentID string              `json:"environment_id" doc:"Where its sandboxes are made." example:"env_w5tq3nz7kd2m4xja"`
	Spec          Spec                `json:"spec" doc:"The spec of its sandboxes, in whose texts placeholders stand: {{name}}, {{key}}, {{branch}} and the parameters."`
	Parameters    []TemplateParameter `json:"parameters" nullable:"false" doc:"Placeholders of its own."`
	TTL           string              `json:"ttl,omitempty" doc:"How long its sandboxes live unless asked otherwise; absent for the environment's default." example:"8h"`
	CreatedBy     string              `json:"created_by" doc:"The id of the person to whom it goes back; empty when that is the server." example:"usr_m3kx7q2fd5wa4nzp"`
	CreatedAt     time.Time           `json:"created_at" doc:"When it was made." example:"2026-01-02T03:04:05Z"`
	UpdatedAt     time.Time           `json:"updated_at" doc:"When it last changed." example:"2026-01-02T03:04:05Z"`
}

// TemplateParameter is a placeholder of a template's own.
type TemplateParameter struct {
	Name        string `json:"name" doc:"Its name, as in {{version}}: lower-case letters, digits and _." example:"version"`
	Description string `json:"description,omitempty" doc:"What it is." example:"The release to run."`
	Default     string `json:"default,omitempty" doc:"Its value when none is given." example:"1.4.2"`
	Required    bool   `json:"required,omitempty" doc:"A value must be given, unless there is a default." example:"true"`
	Pattern     string `json:"pattern,omitempty" doc:"Regular expression (RE2) that the whole value must fit." example:"[0-9]+(\\.[0-9]+)*"`
}

// NewSandboxTemplate says what a template is made or changed to.
type NewSandboxTemplate struct {
	Name          string              `json:"name" doc:"Its name, in 1 to 64 characters." example:"Our app"`
	Description   string              `json:"description,omitempty" doc:"What it is for." example:"The shop's API at a branch."`
	EnvironmentID string              `json:"environment_id,omitempty" doc:"Where its sandboxes are made; may be left out while there is only one environment." example:"env_w5tq3nz7kd2m4xja"`
	Spec          Spec                `json:"spec" doc:"The spec of its sandboxes. In its texts {{name}}, {{key}}, {{branch}} and the parameters stand for what differs; see docs/sandboxes.md for what a value may be in user data."`
	Parameters    []TemplateParameter `json:"parameters,omitempty" doc:"Placeholders of its own."`
	TTL           string              `json:"ttl,omitempty" maxLength:"32" doc:"How long its sandboxes live unless asked otherwise, as 8h; the environment's default when left out." example:"8h"`
}

// CreatedSandboxTemplate is a new template.
type CreatedSandboxTemplate struct {
	NewSandboxTemplate
	Everybody bool `json:"everybody,omitempty" doc:"Every team may use it. For admins." example:"false"`
}

func sandboxTemplateOf(t *model.SandboxTemplate) SandboxTemplate {
	return SandboxTemplate{
		ID: t.ID, TeamID: t.TeamID, Name: t.Name, Description: t.Description, EnvironmentID: t.EnvironmentID, Spec: specOf(t.Spec),
		Parameters: listOf(t.Parameters, templateParameterOf).Items, CreatedBy: t.CreatedBy, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
		TTL: ttlText(t.TTL),
	}
}

func templateParameterOf(p *model.TemplateParameter) TemplateParameter { return TemplateParameter(*p) }

func (t *NewSandboxTemplate) input(everybody bool) panel.TemplateInput {
	in := panel.TemplateInput{Name: t.Name, Description: t.Description, EnvironmentID: t.EnvironmentID, Spec: t.Spec.model(), TTL: t.TTL, Everybody: everybody}
	for _, p := range t.Parameters {
		in.Parameters = append(in.Parameters, model.TemplateParameter(p))
	}
	return in
}

type createSandboxTemplateInput struct {
	BodyRead
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Body CreatedSandboxTemplate
}

type sandboxTemplateInput struct {
	ID       string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Template string `path:"template" doc:"The template's id." example:"tpl_m3kx7q2fd5wa4nzp"`
}

type updateSandboxTemplateInput struct {
	BodyRead
	Matching
	ID       string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Template string `path:"template" doc:"The template's id." example:"tpl_m3kx7q2fd5wa4nzp"`
	Body     NewSandboxTemplate
}

type sandboxTemplatesInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Paging
	Sort string `query:"sort" enum:"choice,-choice,name,-name,created_at,-created_at" default:"choice" doc:"By what the list is sorted; choice has first what a sandbox is made from that names no template; with - from the last to the first."`
	Name string `query:"name" maxLength:"64" doc:"Only templates whose name contains this." example:"app"`
}

func (a *API) listSandboxTemplates(ctx context.Context, actor model.Actor, in *sandboxTemplatesInput) (*listOutput[SandboxTemplate], error) {
	list, err := a.panel.SandboxTemplates(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	choice := map[string]string{}
	for i := range list {
		choice[list[i].ID] = fmt.Sprintf("%06d", i)
	}
	list = keep(list, func(t *model.SandboxTemplate) bool { return has(t.Name, in.Name) })
	return paged(in.Paging, in.Sort, list, orders[model.SandboxTemplate]{
		"id":         func(t *model.SandboxTemplate) string { return t.ID },
		"choice":     func(t *model.SandboxTemplate) string { return choice[t.ID] },
		"name":       func(t *model.SandboxTemplate) string { return t.Name },
		"created_at": func(t *model.SandboxTemplate) string { return at(t.CreatedAt) },
	}, sandboxTemplateOf)
}

func (a *API) registerSandboxTemplates(h huma.API) {
	tags, address := []string{"Sandboxes"}, "/teams/{id}/sandbox-templates/{template}"
	route(a, h, huma.Operation{
		OperationID: "list-sandbox-templates", Method: http.MethodGet, Path: "/teams/{id}/sandbox-templates", Tags: tags,
		Summary: "List a team's sandbox templates", Description: "The team's own, oldest first, then those that every team may use. The first one is what a sandbox is made from that names none.",
	}, a.listSandboxTemplates)
	route(a, h, huma.Operation{
		OperationID: "create-sandbox-template", Method: http.MethodPost, Path: "/teams/{id}/sandbox-templates", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a sandbox template", Description: "For owners.",
	}, func(ctx context.Context, actor model.Actor, in *createSandboxTemplateInput) (*output[SandboxTemplate], error) {
		t, err := a.panel.CreateSandboxTemplate(ctx, actor, in.ID, in.Body.input(in.Body.Everybody))
		return one(t, err, sandboxTemplateOf)
	})
	route(a, h, huma.Operation{
		OperationID: "get-sandbox-template", Method: http.MethodGet, Path: address, Tags: tags,
		Summary: "Get a sandbox template",
	}, func(ctx context.Context, actor model.Actor, in *sandboxTemplateInput) (*tagged[SandboxTemplate], error) {
		t, err := a.panel.SandboxTemplate(ctx, actor, in.ID, in.Template)
		return oneTagged(t, err, (*model.SandboxTemplate).Tag, sandboxTemplateOf)
	})
	route(a, h, huma.Operation{
		OperationID: "update-sandbox-template", Method: http.MethodPut, Path: address, Tags: tags,
		Summary: "Change a sandbox template", Description: "For owners; for admins when every team may use it. What was made from it stays as it is.",
	}, func(ctx context.Context, actor model.Actor, in *updateSandboxTemplateInput) (*tagged[SandboxTemplate], error) {
		t, err := a.panel.UpdateSandboxTemplate(model.WithIfMatch(ctx, in.IfMatch), actor, in.ID, in.Template, in.Body.input(false))
		return oneTagged(t, err, (*model.SandboxTemplate).Tag, sandboxTemplateOf)
	})
	route(a, h, huma.Operation{
		OperationID: "delete-sandbox-template", Method: http.MethodDelete, Path: address, Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Delete a sandbox template", Description: "For owners; for admins when every team may use it. What was made from it stays.",
	}, func(ctx context.Context, actor model.Actor, in *sandboxTemplateInput) (*done, error) {
		return &done{}, a.panel.DeleteSandboxTemplate(ctx, actor, in.ID, in.Template)
	})
}
