package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Definition is a backend as it is to be.
type Definition struct {
	Environment string `json:"environment,omitempty" doc:"Name or id of the environment; may be left out while there is only one, and for a backend that exists: it cannot move." example:"local"`
	Spec        Spec   `json:"spec" doc:"What is asked for, as a whole: what is left out gets its default."`
}

// Applied tells what a definition that was put did, or would do.
type Applied struct {
	Backend Backend `json:"backend" doc:"The backend as it is now, or, for a dry run, as it would be."`
	Created bool    `json:"created" doc:"It is new."`
	Changed bool    `json:"changed" doc:"Its spec is another one than before."`
	InSync  bool    `json:"in_sync" doc:"There was nothing to do: neither the spec nor anything in AWS changes."`
	Plan    Plan    `json:"plan" doc:"What it takes."`
	Job     *Job    `json:"job,omitempty" doc:"The job that does it; absent when there is nothing to do, and for a dry run."`
}

// NamedInput names a backend within its team. It is exported for Huma's sake.
type NamedInput struct {
	Team string `path:"id" doc:"The team's id or name." example:"team_h6c2v4yjq7sblm3d"`
	Name string `path:"name" doc:"The backend's name." example:"orders-api"`
}

type putInput struct {
	BodyRead
	NamedInput
	DryRun      bool   `query:"dry_run" doc:"Only say what would be done."`
	IfMatch     string `header:"If-Match" doc:"ETag of the backend that the change was made from, or * for any; 412 when its spec was changed since." example:"\"spec-3\""`
	IfNoneMatch string `header:"If-None-Match" doc:"With *: 412 when there is such a backend." example:"*"`
	Waiting
	Body Definition
}

type putOutput struct {
	Status     int
	Location   string `header:"Location" doc:"The job's address, or, without a job, the backend's."`
	RetryAfter string `header:"Retry-After" doc:"Seconds until it is worth asking for the job."`
	ETag       string `header:"ETag" doc:"The version of the spec."`
	Body       Applied
}

type backendOutput struct {
	ETag string `header:"ETag" doc:"The version of the spec, for If-Match."`
	Body BackendDetail
}

func backendWithTag(d *panel.BackendDetail, err error) (*backendOutput, error) {
	if err != nil {
		return nil, err
	}
	return &backendOutput{ETag: specTag(d.SpecVersion), Body: backendDetailOf(d)}, nil
}

// specTag is an entity tag of a spec: what it names can be changed, the rest of
// a backend changes by itself.
func specTag(version int) string { return fmt.Sprintf(`"spec-%d"`, version) }

// versionOf reads If-Match; 0 = any.
func versionOf(ifMatch string) (int, error) {
	tag := strings.TrimSpace(ifMatch)
	if tag == "" || tag == "*" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(tag, `"spec-`), `"`))
	if err != nil || n < 1 || tag != specTag(n) {
		return 0, model.Errorf(model.CodePrecondition, "If-Match: %s is no ETag of a backend; they read as \"spec-3\". Send the one that the backend came with.", tag)
	}
	return n, nil
}

func (a *API) registerPut(h huma.API) {
	tags := []string{"Backends"}
	route(a, h, huma.Operation{
		OperationID: "get-named-backend", Method: http.MethodGet, Path: "/teams/{id}/backends/{name}", Tags: tags,
		Summary: "Get a team's backend by its name", Description: "The same as by its id. A destroyed one has no address here.",
	}, func(ctx context.Context, actor model.Actor, in *NamedInput) (*backendOutput, error) {
		return backendWithTag(a.panel.BackendNamed(ctx, actor, in.Team, in.Name))
	})
	schema := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Applied](), true, "")
	answer := func(description string) *huma.Response {
		return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	}
	route(a, h, huma.Operation{
		OperationID: "put-backend", Method: http.MethodPut, Path: "/teams/{id}/backends/{name}", Tags: tags,
		Summary:     "Put a backend",
		Description: "Says what a backend is to be. It is registered and provisioned, or brought in line with what changed, by a job whose plan is in the answer; sent again, nothing is done. What sleeps is woken only if something has to change in AWS.",
		Responses: map[string]*huma.Response{
			"201": answer("It was registered; its job is queued."), "202": answer("The job that changes it is queued."),
		},
	}, a.putBackend)
}

func (a *API) putBackend(ctx context.Context, actor model.Actor, in *putInput) (*putOutput, error) {
	version, err := versionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if in.IfNoneMatch != "" && in.IfNoneMatch != "*" {
		return nil, model.Errorf(model.CodeInvalid, "If-None-Match takes * alone here: only put it when there is no such backend.")
	}
	if in.IfMatch != "" && version == 0 { // any, but one
		if _, err := a.panel.BackendNamed(ctx, actor, in.Team, in.Name); err != nil {
			return nil, model.Errorf(model.CodePrecondition, "There is no backend %q, and If-Match asks for one.", in.Name)
		}
	}
	applied, err := a.panel.Apply(ctx, actor, panel.Application{
		Team: in.Team, Name: in.Name, EnvironmentID: in.Body.Environment, IfAbsent: in.IfNoneMatch == "*",
		SpecChange: panel.SpecChange{Spec: in.Body.Spec.model(), IfVersion: version, DryRun: in.DryRun},
	})
	if err != nil {
		return nil, err
	}
	return a.applied(ctx, actor, in, applied)
}

// applied answers, at the job's end when the caller waits for it.
func (a *API) applied(ctx context.Context, actor model.Actor, in *putInput, did *panel.Applied) (*putOutput, error) {
	out := &putOutput{Status: http.StatusOK, ETag: specTag(did.Backend.SpecVersion), Location: Base + "/backends/" + did.Backend.ID}
	if in.DryRun {
		out.Location, out.ETag = "", "" // there is nothing new at either
	}
	if did.Job != nil {
		out.Status, out.Location = http.StatusAccepted, jobURL(did.Job.ID)
		if in.time > 0 {
			job, err := a.panel.WaitJob(ctx, actor, did.Job.ID, in.time)
			if err != nil {
				return nil, err
			}
			now, err := a.panel.Backend(context.WithoutCancel(ctx), actor, did.Backend.ID)
			if err != nil {
				return nil, err
			}
			did.Job, did.Backend = job, now.Backend
		}
		if !did.Job.State.Ended() {
			out.RetryAfter = retryAfter
		}
	}
	if did.Created && !in.DryRun {
		out.Status = http.StatusCreated
	}
	out.Body = Applied{
		Backend: backendOf(&did.Backend), Created: did.Created, Changed: did.Changed, Plan: planOf(did.Plan), Job: optional(did.Job, jobOf),
		InSync: !did.Created && !did.Changed && did.Job == nil && did.Plan.Idle(),
	}
	return out, nil
}
