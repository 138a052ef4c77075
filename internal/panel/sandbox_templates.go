package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TemplateInput is what a sandbox template is made or changed to.
type TemplateInput struct {
	Name          string
	Description   string
	EnvironmentID string // id or name; "" = the only one
	Spec          model.Spec
	Parameters    []model.TemplateParameter
	TTL           string // as 8h; "" = the environment's default
	Everybody     bool   // every team may use it; for admins, and only when it is made
}

// SandboxTemplates lists what a team may make sandboxes from: its own templates,
// then every team's. viewer.
func (p *Panel) SandboxTemplates(ctx context.Context, a model.Actor, teamID string) ([]model.SandboxTemplate, error) {
	if _, err := p.team(ctx, a, SeeTeams, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().SandboxTemplates(ctx, teamID)
}

// SandboxTemplate returns one of them. viewer.
func (p *Panel) SandboxTemplate(ctx context.Context, a model.Actor, teamID, id string) (*model.SandboxTemplate, error) {
	if _, err := p.team(ctx, a, SeeTeams, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().SandboxTemplateByID(ctx, teamID, id)
}

// templateFor finds the template of a new sandbox by id or name; "" is the first.
func (p *Panel) templateFor(ctx context.Context, teamID, wanted string) (*model.SandboxTemplate, error) {
	all, err := p.Store.Read().SandboxTemplates(ctx, teamID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if wanted == "" || all[i].ID == wanted || all[i].Name == wanted {
			return &all[i], nil
		}
	}
	if wanted == "" {
		return nil, invalid("template", "There is no template to make a sandbox from yet; an owner of the team can make one.")
	}
	return nil, invalid("template", "There is no template %q that the team may use. Leave it out for the first one.", wanted)
}

// CreateSandboxTemplate makes a template of the team, or, for an admin, of
// every team. owner.
func (p *Panel) CreateSandboxTemplate(ctx context.Context, a model.Actor, teamID string, in TemplateInput) (*model.SandboxTemplate, error) {
	if _, err := p.team(ctx, a, ManageTemplates, teamID); err != nil {
		return nil, err
	}
	t := &model.SandboxTemplate{TeamID: teamID, CreatedBy: a.Maker()}
	if in.Everybody {
		if err := allow(a, ManageTeams, teamID, "team", teamID); err != nil {
			return nil, err
		}
		t.TeamID = ""
	}
	if err := p.fillTemplate(ctx, t, in); err != nil {
		return nil, err
	}
	err := p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.InsertSandboxTemplate(ctx, t); err != nil {
			return err
		}
		return q.Audit(ctx, ofTemplate(a, model.AuditTemplateCreate, t, nil, auditedTemplate(t)))
	})
	return t, nameRefused(err)
}

// UpdateSandboxTemplate changes a template; what was made from it stays as it
// is. owner; admin for one that every team may use.
func (p *Panel) UpdateSandboxTemplate(ctx context.Context, a model.Actor, teamID, id string, in TemplateInput) (*model.SandboxTemplate, error) {
	before, err := p.ManagedSandboxTemplate(ctx, a, teamID, id)
	if err != nil {
		return nil, err
	}
	t := *before
	if err := p.fillTemplate(ctx, &t, in); err != nil {
		return nil, err
	}
	err = p.Store.InTx(ctx, func(q *store.Queries) error {
		now, err := q.SandboxTemplateForUpdate(ctx, teamID, id) // which may be every team's, so no team's lock will do
		if err == nil {
			err = model.IfMatch(ctx, "template", now.Tag())
		}
		if err != nil {
			return err
		}
		if err := q.UpdateSandboxTemplate(ctx, &t); err != nil {
			return err
		}
		return q.Audit(ctx, ofTemplate(a, model.AuditTemplateUpdate, &t, auditedTemplate(now), auditedTemplate(&t)))
	})
	return &t, nameRefused(err)
}

// DeleteSandboxTemplate forgets a template; what was made from it stays. owner;
// admin for one that every team may use.
func (p *Panel) DeleteSandboxTemplate(ctx context.Context, a model.Actor, teamID, id string) error {
	t, err := p.ManagedSandboxTemplate(ctx, a, teamID, id)
	if err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.DeleteSandboxTemplate(ctx, id); err != nil {
			return err
		}
		return q.Audit(ctx, ofTemplate(a, model.AuditTemplateDelete, t, auditedTemplate(t), nil))
	})
}

// CheckTemplates tells whether the actor may make templates of the team. owner.
func (p *Panel) CheckTemplates(ctx context.Context, a model.Actor, teamID string) error {
	_, err := p.team(ctx, a, ManageTemplates, teamID)
	return err
}

// ManagedSandboxTemplate loads a template for an actor who may change it. owner;
// admin for one that every team may use.
func (p *Panel) ManagedSandboxTemplate(ctx context.Context, a model.Actor, teamID, id string) (*model.SandboxTemplate, error) {
	if _, err := p.team(ctx, a, ManageTemplates, teamID); err != nil {
		return nil, err
	}
	t, err := p.Store.Read().SandboxTemplateByID(ctx, teamID, id)
	if err != nil {
		return nil, err
	}
	if t.TeamID == "" {
		return t, allow(a, ManageTeams, teamID, "sandbox template", id)
	}
	return t, nil
}

// fillTemplate takes the input over and checks it.
func (p *Panel) fillTemplate(ctx context.Context, t *model.SandboxTemplate, in TemplateInput) error {
	env, err := p.environmentFor(ctx, in.EnvironmentID)
	if err != nil {
		return err
	}
	t.Name, t.Description, t.EnvironmentID = in.Name, in.Description, env.ID
	t.Spec, t.Parameters, t.TTL = in.Spec.WithDefaults(), in.Parameters, 0
	if t.Parameters == nil {
		t.Parameters = []model.TemplateParameter{}
	}
	var v model.Invalid
	if in.TTL != "" {
		if t.TTL, err = model.ParseTTL(in.TTL); err != nil {
			v.Join(asField("ttl", err))
		} else if t.TTL == 0 {
			v.Add("ttl", "A sandbox lives for a minute at least; write how long, as in 90m, 8h or 2d12h.")
		}
	}
	_, most := p.SandboxTTLs(env)
	v.Join(t.Validate(most))
	return v.Err()
}

// nameRefused is a name that is taken as a refusal of that field.
func nameRefused(err error) error {
	if model.CodeOf(err) == model.CodeConflict {
		return invalid("name", "There is a template of this name already; choose another.")
	}
	return err
}

func ofTemplate(a model.Actor, action model.AuditAction, t *model.SandboxTemplate, before, after any) model.Change {
	return model.Change{Actor: a, Action: action, Noun: "sandbox_template", ID: t.ID, Name: t.Name, TeamID: t.TeamID, Before: before, After: after}
}

// auditedTemplate is a template as the audit keeps it, with a hash of its user data.
func auditedTemplate(t *model.SandboxTemplate) map[string]any {
	as := auditedBackend(&model.Backend{Spec: t.Spec})
	return map[string]any{"name": t.Name, "environment_id": t.EnvironmentID, "spec": as["spec"], "parameters": t.Parameters, "ttl": model.TTLText(t.TTL)}
}
