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

// Backend is a team's HTTP app: spec and state.
type Backend struct {
	ID            string    `json:"id" doc:"Its id." example:"be_k3x7q2mfd5wa4nzp"`
	TeamID        string    `json:"team_id" doc:"The team that owns it." example:"team_h6c2v4yjq7sblm3d"`
	EnvironmentID string    `json:"environment_id" doc:"Where it is provisioned." example:"env_w5tq3nz7kd2m4xja"`
	Name          string    `json:"name" doc:"Its name, part of the names of its AWS resources." example:"orders-api"`
	Phase         string    `json:"phase" doc:"Where it is in its life." enum:"registered,provisioning,ready,degraded,updating,asleep,rolling_back,destroying,destroyed,failed" example:"ready"`
	Spec          Spec      `json:"spec" doc:"What the team asked for."`
	SpecVersion   int       `json:"spec_version" doc:"Counts the spec's changes, from 1." example:"1"`
	InvokeURL     string    `json:"invoke_url" doc:"Where clients call it; empty until its stage exists." example:"https://a1b2c3d4e5.execute-api.ap-northeast-1.amazonaws.com/"`
	ActiveJobID   string    `json:"active_job_id,omitempty" doc:"The job that holds it." example:"job_4q7hmk2xv6pzd3wa"`
	EventSeq      int64     `json:"event_seq" doc:"Number of its newest event." example:"42"`
	BatchID       string    `json:"batch_id,omitempty" doc:"The batch that registered or last provisioned it." example:"bat_m3qzt6wdxk4n2hva"`
	CreatedAt     time.Time `json:"created_at" doc:"When it was registered."`
	UpdatedAt     time.Time `json:"updated_at" doc:"When it last changed."`
}

// BackendSummary is a backend as lists show it.
type BackendSummary struct {
	Backend
	EnvironmentName string   `json:"environment_name" doc:"The environment's name." example:"local"`
	LastTest        *TestRun `json:"last_test,omitempty" doc:"Its newest route test run, without the answer: headers and body are in the list of runs."`
	ActiveJob       *Job     `json:"active_job,omitempty" doc:"The job that holds it."`
	QueuePosition   int      `json:"queue_position,omitempty" doc:"The queued job's place in the queue, from 1." example:"12"`
	StepsDone       int      `json:"steps_done,omitempty" doc:"How many steps of the job need nothing more." example:"7"`
	StepsAll        int      `json:"steps_all,omitempty" doc:"How many steps the job has." example:"18"`
	Sandbox         *Sandbox `json:"sandbox,omitempty" doc:"When it is a sandbox: when it ends, and who made it."`
}

// BackendDetail is a backend with what belongs to it.
type BackendDetail struct {
	BackendSummary
	Resources []Resource `json:"resources" nullable:"false" doc:"What it has in AWS, in the plan's order."`
	Runs      []TestRun  `json:"runs" nullable:"false" doc:"The newest run of each of its route tests."`
	Cost      *Cost      `json:"cost,omitempty" doc:"What its chain costs a month at list prices, while it is there."`
}

func backendOf(b *model.Backend) Backend {
	return Backend{
		ID: b.ID, TeamID: b.TeamID, EnvironmentID: b.EnvironmentID, Name: b.Name,
		Phase: string(b.Phase), Spec: specOf(b.Spec), SpecVersion: b.SpecVersion,
		InvokeURL: b.InvokeURL, ActiveJobID: b.ActiveJobID, EventSeq: b.EventSeq, BatchID: b.BatchID,
		CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt,
	}
}

func backendSummaryOf(b *panel.BackendSummary) BackendSummary {
	return BackendSummary{
		Backend:         backendOf(&b.Backend),
		EnvironmentName: b.EnvironmentName,
		LastTest:        optional(b.LastRun, testRunOf),
		ActiveJob:       optional(b.ActiveJob, jobOf),
		QueuePosition:   b.QueuePosition,
		StepsDone:       b.StepsDone,
		StepsAll:        b.StepsAll,
		Sandbox:         optional(b.Sandbox, sandboxOf),
	}
}

func backendDetailOf(d *panel.BackendDetail) BackendDetail {
	return BackendDetail{
		BackendSummary: backendSummaryOf(&d.BackendSummary),
		Resources:      listOf(d.Resources, resourceOf).Items,
		Runs:           listOf(d.Runs, testRunOf).Items,
		Cost:           optional(d.Cost, costOf),
	}
}

// optional maps a thing that may be absent.
func optional[M, W any](in *M, wire func(*M) W) *W {
	if in == nil {
		return nil
	}
	out := wire(in)
	return &out
}

// Registration is what a new backend is registered with.
type Registration struct {
	Name          string `json:"name" doc:"1 to 20 lower-case letters, digits and single hyphens." example:"orders-api"`
	TeamID        string `json:"team_id,omitempty" doc:"The team that will own it; the token's team when left out." example:"team_h6c2v4yjq7sblm3d"`
	EnvironmentID string `json:"environment_id,omitempty" doc:"Where to provision it; may be left out while there is only one environment." example:"env_w5tq3nz7kd2m4xja"`
	Spec          Spec   `json:"spec" doc:"What is asked for."`
}

type registerInput struct {
	BodyRead
	Body Registration
}

type registerOutput struct {
	Location string `header:"Location" doc:"The backend's address."`
	Body     Backend
}

type backendsInput struct {
	Destroyed     bool   `query:"destroyed" doc:"Include destroyed backends, which are kept for their history."`
	Name          string `query:"name" doc:"Only backends whose name contains this." example:"orders"`
	Phase         string `query:"phase" enum:"registered,provisioning,ready,degraded,updating,asleep,rolling_back,destroying,destroyed,failed" doc:"Only backends in this phase."`
	EnvironmentID string `query:"environment_id" doc:"Only backends of this environment." example:"env_w5tq3nz7kd2m4xja"`
	BatchID       string `query:"batch_id" doc:"Only backends of this batch." example:"bat_m3qzt6wdxk4n2hva"`
	TeamID        string `query:"team_id" doc:"Only backends of this team." example:"team_h6c2v4yjq7sblm3d"`
	Sort          string `query:"sort" enum:"created_at,-created_at,name,-name" default:"-created_at" doc:"By what the list is sorted; with - from the last to the first."`
	Limit         int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"How many at most."`
	Cursor        string `query:"cursor" doc:"next_cursor of the page before." example:"be_k3x7q2mfd5wa4nzp"`
}

// backendPage is one page of backends.
type backendPage struct {
	Items      []BackendSummary `json:"items" nullable:"false" doc:"What was asked for."`
	NextCursor string           `json:"next_cursor,omitempty" doc:"Ask for the next page with it; absent on the last one." example:"be_k3x7q2mfd5wa4nzp"`
}

type backendInput struct {
	ID string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
}

type resourcesInput struct {
	ID string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	Paging
	Sort  string `query:"sort" enum:"plan,-plan,kind,-kind,updated_at,-updated_at" default:"plan" doc:"By what the list is sorted; with - from the last to the first."`
	Kind  string `query:"kind" maxLength:"64" doc:"Only resources of this kind." example:"elbv2.load_balancer"`
	State string `query:"state" enum:"planned,pending,ready,failed,deleting,gone" doc:"Only resources in this state."`
}

type planInput struct {
	ID        string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	Operation string `query:"operation" default:"provision" enum:"provision,update,sleep,wake,destroy" doc:"What would be done."`
}

type backendWorkInput struct {
	ID string `path:"id" doc:"The backend's id." example:"be_k3x7q2mfd5wa4nzp"`
	Waiting
}

func (a *API) registerBackends(h huma.API) {
	tags := []string{"Backends"}
	route(a, h, huma.Operation{
		OperationID: "register-backend", Method: http.MethodPost, Path: "/backends", DefaultStatus: http.StatusCreated, Tags: tags,
		Summary: "Register a backend", Description: "Saves a backend. Nothing is made in AWS until it is provisioned.",
	}, a.registerBackend)
	route(a, h, huma.Operation{
		OperationID: "list-backends", Method: http.MethodGet, Path: "/backends", Tags: tags,
		Summary: "List backends", Description: "Newest first, page by page.",
	}, a.listBackends)
	route(a, h, huma.Operation{
		OperationID: "get-backend", Method: http.MethodGet, Path: "/backends/{id}", Tags: tags,
		Summary: "Get a backend", Description: "With its resources and the newest run of each of its route tests.",
	}, a.getBackend)
	a.registerPut(h)
	route(a, h, huma.Operation{
		OperationID: "plan-backend", Method: http.MethodGet, Path: "/backends/{id}/plan", Tags: tags,
		Summary: "Look at the plan", Description: "What would be made or deleted, in which order, and what was found that forbids it. Changes nothing.",
	}, a.planBackend)
	route(a, h, huma.Operation{
		OperationID: "provision-backend", Method: http.MethodPost, Path: "/backends/{id}/provision", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "Provision a backend", Description: "Queues a job that makes the whole chain, from security groups to invoke URL.",
	}, func(ctx context.Context, actor model.Actor, in *backendWorkInput) (*jobOutput, error) {
		job, err := a.panel.Provision(ctx, actor, in.ID)
		return a.accepted(ctx, actor, in.Waiting, job, err)
	})
	route(a, h, huma.Operation{
		OperationID: "sleep-backend", Method: http.MethodPost, Path: "/backends/{id}/sleep", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "Put a backend to sleep", Description: "Queues a job that takes its targets out and stops its instances. All else stays, the invoke URL too: it answers 503 until the backend wakes. Only launched instances can sleep.",
	}, func(ctx context.Context, actor model.Actor, in *backendWorkInput) (*jobOutput, error) {
		job, err := a.panel.Sleep(ctx, actor, in.ID)
		return a.accepted(ctx, actor, in.Waiting, job, err)
	})
	route(a, h, huma.Operation{
		OperationID: "wake-backend", Method: http.MethodPost, Path: "/backends/{id}/wake", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "Wake a backend", Description: "Queues a job that starts its instances, has them join again when they are healthy, and waits for the first answer through the invoke URL, which is the same as before.",
	}, func(ctx context.Context, actor model.Actor, in *backendWorkInput) (*jobOutput, error) {
		job, err := a.panel.Wake(ctx, actor, in.ID)
		return a.accepted(ctx, actor, in.Waiting, job, err)
	})
	route(a, h, huma.Operation{
		OperationID: "destroy-backend", Method: http.MethodDelete, Path: "/backends/{id}", DefaultStatus: http.StatusAccepted, Tags: tags,
		Summary: "Destroy a backend", Description: "Queues a job that deletes what Drawbridge made for it, in AWS's legal order. What it only used is never touched.",
	}, func(ctx context.Context, actor model.Actor, in *backendWorkInput) (*jobOutput, error) {
		job, err := a.panel.Destroy(ctx, actor, in.ID)
		return a.accepted(ctx, actor, in.Waiting, job, err)
	})
	route(a, h, huma.Operation{
		OperationID: "list-resources", Method: http.MethodGet, Path: "/backends/{id}/resources", Tags: tags,
		Summary: "List a backend's resources", Description: "What it has in AWS, in the plan's order.",
	}, a.listResources)
}

func (a *API) registerBackend(ctx context.Context, actor model.Actor, in *registerInput) (*registerOutput, error) {
	b, err := a.panel.RegisterBackend(ctx, actor, panel.Registration{
		TeamID: in.Body.TeamID, EnvironmentID: in.Body.EnvironmentID, Name: in.Body.Name, Spec: in.Body.Spec.model(),
	})
	if err != nil {
		return nil, err
	}
	return &registerOutput{Location: Base + "/backends/" + b.ID, Body: backendOf(b)}, nil
}

func (a *API) listBackends(ctx context.Context, actor model.Actor, in *backendsInput) (*output[backendPage], error) {
	list, err := a.panel.Backends(ctx, actor, panel.BackendFilter{
		Destroyed: in.Destroyed, Name: in.Name, Phase: model.Phase(in.Phase), EnvironmentID: in.EnvironmentID,
		BatchID: in.BatchID, TeamID: in.TeamID, Sort: in.Sort, After: in.Cursor, Limit: in.Limit + 1, // one more tells whether there is another page
	})
	if err != nil {
		return nil, err
	}
	list, next := more(list, in.Limit, func(b *panel.BackendSummary) string { return b.ID })
	return &output[backendPage]{backendPage{listOf(list, backendSummaryOf).Items, next}}, nil
}

func (a *API) getBackend(ctx context.Context, actor model.Actor, in *backendInput) (*backendOutput, error) {
	d, err := a.panel.Backend(ctx, actor, in.ID)
	return backendWithTag(d, err)
}

func (a *API) planBackend(ctx context.Context, actor model.Actor, in *planInput) (*output[Plan], error) {
	p, err := a.panel.Plan(ctx, actor, in.ID, model.Operation(in.Operation))
	return one(p, err, planOf)
}

func (a *API) listResources(ctx context.Context, actor model.Actor, in *resourcesInput) (*listOutput[Resource], error) {
	d, err := a.panel.Backend(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	position := map[string]string{}
	for i, r := range d.Resources {
		position[r.Key] = fmt.Sprintf("%06d", i)
	}
	by := orders[model.Resource]{
		"id":         func(r *model.Resource) string { return r.Key },
		"plan":       func(r *model.Resource) string { return position[r.Key] },
		"kind":       func(r *model.Resource) string { return string(r.Kind) },
		"updated_at": func(r *model.Resource) string { return at(r.UpdatedAt) },
	}
	list := keep(d.Resources, func(r *model.Resource) bool { return is(string(r.Kind), in.Kind) && is(string(r.State), in.State) })
	return paged(in.Paging, in.Sort, list, by, resourceOf)
}
