package panel

import (
	"cmp"
	"context"
	"strings"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// SandboxRequest is the input of MakeSandbox. All may be left empty.
type SandboxRequest struct {
	Key        string // the maker's name for it; "" = one of its own
	Once       string // the key where there is none, which nobody reads: of a form that may be sent twice
	Template   string // id or name; "" = the first one that the team may use
	Branch     string // branch or pull request; its name is made from it, or else from the key
	TTL        string // how long it lives, as 8h; "" = the template's or the environment's default
	Parameters map[string]string
}

// MadeSandbox is what MakeSandbox made, or found.
type MadeSandbox struct {
	BackendSummary
	Job     *model.Job // that provisions it, or did
	Created bool
}

// Tries to find a name that nobody else takes meanwhile, and how many numbered
// ones are tried before a random one.
const (
	nameTries     = 8
	numberedNames = 16
)

// MakeSandbox registers a backend from a template and provisions it, in one
// transaction. While a sandbox of the team has the key, that one is returned,
// and provisioned again if it has no chain and nothing is at work on it.
// CodeInvalid names what to mend. developer.
func (p *Panel) MakeSandbox(ctx context.Context, a model.Actor, teamID string, r SandboxRequest) (*MadeSandbox, error) {
	if _, err := p.team(ctx, a, MakeSandboxes, teamID); err != nil {
		return nil, err
	}
	if key := cmp.Or(r.Key, r.Once); key != "" {
		living, err := p.Store.Read().LivingSandbox(ctx, teamID, key)
		if err != nil {
			return nil, err
		}
		if living != nil {
			return p.sameSandbox(ctx, a, living.BackendID)
		}
	}
	w := &sandboxWork{panel: p, actor: a, teamID: teamID, request: r}
	if err := w.look(ctx); err != nil {
		return nil, err
	}
	for try := range nameTries {
		if err := w.plan(ctx, try); err != nil {
			return nil, err
		}
		err := p.Store.InTx(ctx, func(q *store.Queries) error { return w.write(ctx, q) })
		if model.CodeOf(err) == model.CodeConflict && try < nameTries-1 {
			continue // somebody took the name meanwhile
		}
		if err != nil {
			return nil, err
		}
		if w.found != "" { // somebody else's call with the key was faster
			return p.sameSandbox(ctx, a, w.found)
		}
		break
	}
	p.Worker.Wake()
	return p.madeSandbox(ctx, a, w.backend.ID, true)
}

// sameSandbox is the answer to a second call with a key.
func (p *Panel) sameSandbox(ctx context.Context, a model.Actor, id string) (*MadeSandbox, error) {
	b, err := p.Store.Read().BackendByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if startable(b) {
		if _, err := p.Provision(ctx, a, id); err != nil && model.CodeOf(err) != model.CodeConflict {
			return nil, err
		}
	}
	return p.madeSandbox(ctx, a, id, false)
}

func (p *Panel) madeSandbox(ctx context.Context, a model.Actor, id string, created bool) (*MadeSandbox, error) {
	s, err := p.Sandbox(ctx, a, id)
	if err != nil {
		return nil, err
	}
	made := &MadeSandbox{BackendSummary: *s, Created: created}
	jobs, err := p.Store.Read().JobsByBackend(ctx, id, 1)
	if err == nil && len(jobs) > 0 {
		made.Job = &jobs[0]
	}
	return made, err
}

// sandboxWork makes one sandbox.
type sandboxWork struct {
	panel    *Panel
	actor    model.Actor
	teamID   string
	request  SandboxRequest
	template *model.SandboxTemplate
	env      *model.Environment

	backend *model.Backend
	sandbox *model.Sandbox
	planned *model.Plan
	found   string // the sandbox that has the key already
}

// look finds the template and its environment, and how long the sandbox lives.
func (w *sandboxWork) look(ctx context.Context) (err error) {
	if w.template, err = w.panel.templateFor(ctx, w.teamID, w.request.Template); err != nil {
		return err
	}
	if w.env, err = w.panel.Store.Read().EnvironmentByID(ctx, w.template.EnvironmentID); err != nil {
		return err
	}
	ttl, most := w.panel.TemplateTTLs(w.template, []model.Environment{*w.env})
	if text := strings.TrimSpace(w.request.TTL); text != "" {
		if ttl, err = model.ParseTTL(text); err != nil {
			return asField("ttl", err)
		}
		if err := model.CheckSandboxTTL("ttl", ttl, most); err != nil {
			return err
		}
	}
	now := w.panel.Store.Now()
	w.backend = newBackend(w.teamID, "", model.Spec{}, now)
	w.backend.EnvironmentID = w.env.ID
	w.sandbox = &model.Sandbox{
		BackendID: w.backend.ID, TeamID: w.teamID, Key: cmp.Or(w.request.Key, w.request.Once, w.backend.ID), TemplateID: w.template.ID, Template: w.template.Name,
		Branch: w.request.Branch, Parameters: w.request.Parameters, MadeBy: w.actor.Maker(), MadeByName: w.actor.Name,
		CreatedAt: now, MaxEndsAt: now.Add(most),
	}
	w.sandbox.EndAt(now.Add(ttl), now)
	return nil
}

// plan chooses a name that is free now, fills the template and asks AWS.
func (w *sandboxWork) plan(ctx context.Context, try int) error {
	b := w.backend
	name, err := w.freeName(ctx, try)
	if err != nil {
		return err
	}
	spec, err := w.template.Fill(model.Values{Name: name, Key: w.sandbox.Key, Branch: w.request.Branch, Parameters: w.request.Parameters})
	if err != nil {
		return err
	}
	b.Name, b.Spec = name, spec.WithDefaults()
	if err := validate(b); err != nil {
		return err
	}
	chain, findings, err := w.panel.Cloud.Chain(ctx, w.env, b)
	if err != nil {
		return err
	}
	if w.planned, err = w.panel.converge(b, provision.Wanted{Operation: model.OpProvision, Chain: chain, Findings: findings}, nil); err != nil {
		return err
	}
	w.panel.price(w.planned, b, w.env, nil)
	return refuse(w.planned.Findings)
}

// freeName is the first free one of the names that the sandbox could have.
func (w *sandboxWork) freeName(ctx context.Context, try int) (string, error) {
	name := model.SandboxName(cmp.Or(w.request.Branch, w.request.Key, w.template.Name))
	names := model.SandboxNames(name, numberedNames)
	taken, err := w.panel.Store.Read().Backends(ctx, store.BackendQuery{TeamIDs: []string{w.teamID}, Names: names})
	if err != nil {
		return "", err
	}
	inUse := map[string]bool{}
	for _, b := range taken {
		inUse[b.Name] = true
	}
	for _, n := range names {
		if !inUse[n] && try == 0 {
			return n, nil
		}
	}
	return model.NumberedSandboxName(name, model.ShortID(model.NewID(""))), nil
}

// write saves it all, unless the key has a sandbox by now.
func (w *sandboxWork) write(ctx context.Context, q *store.Queries) error {
	w.found = ""
	b, x, p := w.backend, w.sandbox, w.panel
	more := takes(b, model.OpProvision, w.planned.Cost)
	more.Backends, more.Sandboxes, more.SandboxesEach = 1, 1, 1
	if _, err := q.LockTeam(ctx, w.teamID); err != nil {
		return err
	}
	living, err := q.LivingSandbox(ctx, w.teamID, x.Key)
	if err != nil {
		return err
	}
	if living != nil {
		w.found = living.BackendID
		return nil
	}
	if err := p.roomFor(ctx, q, w.teamID, x.MadeBy, more); err != nil {
		return err
	}
	if err := insert(ctx, q, w.actor, b); err != nil {
		return err
	}
	if err := q.InsertSandbox(ctx, x); err != nil {
		return err
	}
	if err := q.AppendSandbox(ctx, x); err != nil {
		return err
	}
	job, err := queue(ctx, q, w.actor, b, w.planned)
	if err != nil {
		return err
	}
	if err := q.Notify(ctx, model.SandboxNotice(model.NoticeSandboxCreated, x, b)); err != nil {
		return err
	}
	return q.Audit(ctx, by(job, ofSandbox(w.actor, model.AuditSandboxCreate, b, nil, auditedSandbox(x))))
}

// auditedSandbox is a sandbox as the audit keeps it. A parameter may hold a
// secret against all advice, so only their names are kept.
func auditedSandbox(x *model.Sandbox) map[string]any {
	names := make([]string, 0, len(x.Parameters))
	for name := range x.Parameters {
		names = append(names, name)
	}
	return map[string]any{"key": x.Key, "template": x.Template, "template_id": x.TemplateID, "branch": x.Branch, "parameters": names,
		"ends_at": x.EndsAt, "max_ends_at": x.MaxEndsAt}
}
