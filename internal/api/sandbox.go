package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Sandbox is a backend with an end.
type Sandbox struct {
	BackendID  string            `json:"backend_id" doc:"Its id, and the id of the backend that it is." example:"be_k3x7q2mfd5wa4nzp"`
	TeamID     string            `json:"team_id" doc:"The team that owns it." example:"team_h6c2v4yjq7sblm3d"`
	Key        string            `json:"key" doc:"Its maker's name for it; while it lives, making one of this key again returns it." example:"pr-42"`
	State      string            `json:"state" enum:"lives,ending,gone" doc:"Where it is in its life: ending means being destroyed, gone that nothing of it is left." example:"lives"`
	TemplateID string            `json:"template_id" doc:"The template that it was made from." example:"tpl_m3kx7q2fd5wa4nzp"`
	Template   string            `json:"template" doc:"The template's name when it was made." example:"Sample app"`
	Branch     string            `json:"branch,omitempty" doc:"The branch or pull request that it is for." example:"feature/login"`
	Parameters map[string]string `json:"parameters,omitempty" doc:"The values of the template's parameters that were given." example:"{\"version\":\"1.4.2\"}"`
	MadeBy     string            `json:"made_by" doc:"The id of the person to whom it goes back; empty when that is the server's command line." example:"usr_m3kx7q2fd5wa4nzp"`
	MadeByName string            `json:"made_by_name" doc:"Who asked for it." example:"ci"`
	CreatedAt  time.Time         `json:"created_at" doc:"When it was made." example:"2026-01-02T03:04:05Z"`
	EndsAt     time.Time         `json:"ends_at" doc:"When it ends." example:"2026-01-02T11:04:05Z"`
	MaxEndsAt  time.Time         `json:"max_ends_at" doc:"How far it can be extended." example:"2026-01-09T03:04:05Z"`
	EndingAt   time.Time         `json:"ending_at,omitzero" doc:"When its end began." example:"2026-01-02T11:04:06Z"`
	EndedBy    string            `json:"ended_by,omitempty" doc:"Who ended it; Drawbridge when its time had come." example:"Drawbridge"`
	GoneAt     time.Time         `json:"gone_at,omitzero" doc:"When nothing of it was left." example:"2026-01-02T11:06:40Z"`
	Tries      int               `json:"tries" doc:"How many jobs were queued to destroy it." example:"1"`
	Problem    *Problem          `json:"problem,omitempty" doc:"Why the newest of them failed; it is tried again until nothing is left."`
}

// SandboxBackend is a sandbox with the backend that it is.
type SandboxBackend struct {
	Sandbox
	Name            string `json:"name" doc:"The backend's name, made from the branch or key." example:"feature-login"`
	EnvironmentID   string `json:"environment_id" doc:"Where it is." example:"env_w5tq3nz7kd2m4xja"`
	EnvironmentName string `json:"environment_name" doc:"The environment's name." example:"simulated"`
	Phase           string `json:"phase" doc:"Where its backend is in its life." enum:"registered,provisioning,ready,degraded,updating,asleep,rolling_back,destroying,destroyed,failed" example:"ready"`
	InvokeURL       string `json:"invoke_url" doc:"Where clients call it; empty until its stage exists." example:"https://a1b2c3d4e5.execute-api.ap-northeast-1.amazonaws.com/"`
	ActiveJobID     string `json:"active_job_id,omitempty" doc:"The job that holds it." example:"job_4q7hmk2xv6pzd3wa"`
}

// MadeSandbox is the answer to making a sandbox.
type MadeSandbox struct {
	SandboxBackend
	Created bool `json:"created" doc:"It was made by this request; otherwise the key had one already." example:"true"`
	Job     *Job `json:"job,omitempty" doc:"The newest job of its backend: the one that provisions it."`
}

func sandboxOf(s *model.Sandbox) Sandbox {
	return Sandbox{
		BackendID: s.BackendID, TeamID: s.TeamID, Key: s.Key, State: string(s.State()), TemplateID: s.TemplateID, Template: s.Template,
		Branch: s.Branch, Parameters: s.Parameters, MadeBy: s.MadeBy, MadeByName: s.MadeByName, CreatedAt: s.CreatedAt, EndsAt: s.EndsAt,
		MaxEndsAt: s.MaxEndsAt, EndingAt: s.EndingAt, EndedBy: s.EndedBy, GoneAt: s.GoneAt, Tries: s.Tries, Problem: optional(s.Problem, problemOf),
	}
}

func sandboxBackendOf(b *panel.BackendSummary) SandboxBackend {
	return SandboxBackend{
		Sandbox: sandboxOf(b.Sandbox), Name: b.Name, EnvironmentID: b.EnvironmentID, EnvironmentName: b.EnvironmentName,
		Phase: string(b.Phase), InvokeURL: b.InvokeURL, ActiveJobID: b.ActiveJobID,
	}
}

// NewSandbox says what sandbox to make.
type NewSandbox struct {
	Key        string            `json:"key,omitempty" maxLength:"255" doc:"Your name for it, such as the pull request's: while a sandbox of the team has it, that one is the answer. Left out: always a new one." example:"pr-42"`
	Template   string            `json:"template,omitempty" doc:"Id or name of the template; the team's first one when left out." example:"Sample app"`
	Branch     string            `json:"branch,omitempty" maxLength:"255" doc:"The branch or pull request; the backend's name is made from it, or else from the key." example:"feature/login"`
	TTL        string            `json:"ttl,omitempty" maxLength:"32" doc:"How long it lives, as in 90m, 8h or 2d12h; the template's or the environment's default when left out." example:"8h"`
	Parameters map[string]string `json:"parameters,omitempty" doc:"Values of the template's parameters." example:"{\"version\":\"1.4.2\"}"`
}

// SandboxTTL says how long a sandbox shall live.
type SandboxTTL struct {
	TTL string `json:"ttl,omitempty" maxLength:"32" doc:"How long from now, as in 90m, 8h or 2d12h, or max for as long as it may; the environment's default when left out." example:"8h"`
}

type makeSandboxInput struct {
	BodyRead
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Waiting
	Body NewSandbox
}

type makeSandboxOutput struct {
	Status     int
	Location   string `header:"Location" doc:"The sandbox's address."`
	RetryAfter string `header:"Retry-After" doc:"Seconds until it is worth asking for the job; absent once it has ended."`
	Body       MadeSandbox
}

// SandboxFilter narrows and sorts a list of sandboxes. It is exported for Huma's sake.
type SandboxFilter struct {
	Key        string `query:"key" doc:"Only the sandboxes of this key." example:"pr-42"`
	State      string `query:"state" enum:"lives,ending,gone" doc:"Only those in this state."`
	TemplateID string `query:"template_id" maxLength:"64" doc:"Only those that were made from this template." example:"tpl_m3kx7q2fd5wa4nzp"`
	MadeBy     string `query:"made_by" maxLength:"64" doc:"Only those that go back to this person, by id." example:"usr_m3kx7q2fd5wa4nzp"`
	Gone       bool   `query:"gone" doc:"Those of which nothing is left, instead of the others: the same as the state gone."`
	Sort       string `query:"sort" enum:"created_at,-created_at,ends_at,-ends_at,key,-key" default:"-created_at" doc:"By what the list is sorted; with - from the last to the first."`
	Limit      int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"How many at most."`
	Cursor     string `query:"cursor" doc:"next_cursor of the page before, with the same sort and filters." example:"be_k3x7q2mfd5wa4nzp"`
}

func (f SandboxFilter) of(teamID string) panel.SandboxFilter {
	return panel.SandboxFilter{
		TeamID: teamID, Key: f.Key, State: model.SandboxState(f.State), TemplateID: f.TemplateID, MadeBy: f.MadeBy, Gone: f.Gone,
		Sort: f.Sort, After: f.Cursor, Limit: f.Limit + 1, // one more tells whether there is another page
	}
}

type sandboxesInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	SandboxFilter
}

type allSandboxesInput struct {
	TeamID string `query:"team_id" maxLength:"64" doc:"Only sandboxes of this team." example:"team_h6c2v4yjq7sblm3d"`
	SandboxFilter
}

// sandboxPage is one page of sandboxes.
type sandboxPage struct {
	Items      []SandboxBackend `json:"items" nullable:"false" doc:"What was asked for."`
	NextCursor string           `json:"next_cursor,omitempty" doc:"Ask for the next page with it; absent on the last one." example:"be_k3x7q2mfd5wa4nzp"`
}

type sandboxInput struct {
	ID string `path:"id" doc:"The sandbox's id, which is its backend's." example:"be_k3x7q2mfd5wa4nzp"`
}

type extendSandboxInput struct {
	BodyRead
	ID   string `path:"id" doc:"The sandbox's id, which is its backend's." example:"be_k3x7q2mfd5wa4nzp"`
	Body SandboxTTL
}

func (a *API) registerSandboxes(h huma.API) {
	tags := []string{"Sandboxes"}
	route(a, h, huma.Operation{
		OperationID: "make-sandbox", Method: http.MethodPost, Path: "/teams/{id}/sandboxes", DefaultStatus: http.StatusCreated, Tags: tags,
		Summary:     "Make a sandbox",
		Description: "Registers a backend from a template and provisions it, in one step. It ends by itself. Asked again with the same key while that sandbox lives, the answer is 200 and that sandbox; one that has no chain and at which nothing is at work is provisioned again. With `?wait=60s` the answer comes when the job has ended or that time has passed.",
		Responses:   map[string]*huma.Response{"200": a.sameSandbox(h)},
	}, a.makeSandbox)
	route(a, h, huma.Operation{
		OperationID: "list-sandboxes", Method: http.MethodGet, Path: "/teams/{id}/sandboxes", Tags: tags,
		Summary: "List a team's sandboxes", Description: "Newest first, page by page: those of which something is left, or, with `gone`, the others.",
	}, a.listSandboxes)
	route(a, h, huma.Operation{
		OperationID: "list-all-sandboxes", Method: http.MethodGet, Path: "/sandboxes", Tags: tags,
		Summary: "List sandboxes", Description: "Those of all teams that the token sees, as a team's.",
	}, a.listAllSandboxes)
	route(a, h, huma.Operation{
		OperationID: "get-sandbox", Method: http.MethodGet, Path: "/sandboxes/{id}", Tags: tags,
		Summary: "Get a sandbox",
	}, func(ctx context.Context, actor model.Actor, in *sandboxInput) (*output[SandboxBackend], error) {
		s, err := a.panel.Sandbox(ctx, actor, in.ID)
		return one(s, err, sandboxBackendOf)
	})
	route(a, h, huma.Operation{
		OperationID: "extend-sandbox", Method: http.MethodPost, Path: "/sandboxes/{id}/extend", Tags: tags,
		Summary: "Extend a sandbox", Description: "Has it end that long from now: later than it would, and not later than max_ends_at.",
	}, func(ctx context.Context, actor model.Actor, in *extendSandboxInput) (*output[SandboxBackend], error) {
		s, err := a.panel.ExtendSandbox(ctx, actor, in.ID, in.Body.TTL)
		return one(s, err, sandboxBackendOf)
	})
	route(a, h, huma.Operation{
		OperationID: "end-sandbox", Method: http.MethodPost, Path: "/sandboxes/{id}/end", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "End a sandbox", Description: "Now. What is at work on it is cancelled, and it is destroyed until nothing of it is left. Asked again, meanwhile or afterwards, it changes nothing.",
	}, func(ctx context.Context, actor model.Actor, in *sandboxInput) (*output[SandboxBackend], error) {
		s, err := a.panel.EndSandbox(ctx, actor, in.ID)
		return one(s, err, sandboxBackendOf)
	})
}

// sameSandbox describes the answer to a second request with a key.
func (a *API) sameSandbox(h huma.API) *huma.Response {
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[MadeSandbox](), true, "")
	return &huma.Response{Description: "The key had a sandbox already.", Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

func (a *API) makeSandbox(ctx context.Context, actor model.Actor, in *makeSandboxInput) (*makeSandboxOutput, error) {
	b := in.Body
	made, err := a.panel.MakeSandbox(ctx, actor, in.ID, panel.SandboxRequest{
		Key: b.Key, Template: b.Template, Branch: b.Branch, TTL: b.TTL, Parameters: b.Parameters,
	})
	if err != nil {
		return nil, err
	}
	if made.Job != nil && in.time > 0 {
		job, err := a.panel.WaitJob(ctx, actor, made.Job.ID, in.time)
		if err != nil {
			return nil, err
		}
		now, err := a.panel.Sandbox(context.WithoutCancel(ctx), actor, made.ID)
		if err != nil {
			return nil, err
		}
		made.Job, made.BackendSummary = job, *now
	}
	out := &makeSandboxOutput{Status: http.StatusOK, Location: Base + "/sandboxes/" + made.ID, Body: MadeSandbox{
		SandboxBackend: sandboxBackendOf(&made.BackendSummary), Created: made.Created, Job: optional(made.Job, jobOf),
	}}
	if made.Created {
		out.Status = http.StatusCreated
	}
	if made.Job != nil && !made.Job.State.Ended() {
		out.RetryAfter = retryAfter
	}
	return out, nil
}

func (a *API) listSandboxes(ctx context.Context, actor model.Actor, in *sandboxesInput) (*output[sandboxPage], error) {
	list, err := a.panel.TeamSandboxes(ctx, actor, in.of(in.ID))
	return sandboxPageOf(list, in.Limit, err)
}

func (a *API) listAllSandboxes(ctx context.Context, actor model.Actor, in *allSandboxesInput) (*output[sandboxPage], error) {
	list, err := a.panel.Sandboxes(ctx, actor, in.of(in.TeamID))
	return sandboxPageOf(list, in.Limit, err)
}

func sandboxPageOf(list []panel.BackendSummary, limit int, err error) (*output[sandboxPage], error) {
	if err != nil {
		return nil, err
	}
	list, next := more(list, limit, func(b *panel.BackendSummary) string { return b.ID })
	return &output[sandboxPage]{sandboxPage{listOf(list, sandboxBackendOf).Items, next}}, nil
}

// ttlText is a length of time as people write it, "" for none.
func ttlText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return model.TTLText(d)
}
