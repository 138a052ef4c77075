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

// Orphan is a thing in AWS that carries owner tags and that no resource
// accounts for.
type Orphan struct {
	Type      string    `json:"type" doc:"What it is." example:"load balancer"`
	ID        string    `json:"id" doc:"Its id or ARN." example:"sg-0a1b2c3d4e5f67890"`
	Name      string    `json:"name,omitempty" doc:"Its name." example:"orders-api-wa4nzp-alb"`
	InstallID string    `json:"install_id" doc:"The installation that its tags name." example:"ins_m3kq7x2vd5wa4nzp"`
	BackendID string    `json:"backend_id" doc:"The backend that its tags name." example:"be_k3x7q2mfd5wa4nzp"`
	Key       string    `json:"key" doc:"Its place in that backend's chain." example:"alb"`
	Kind      string    `json:"kind,omitempty" doc:"Its kind as a resource of a chain; absent for what goes with one, as a volume does." example:"ec2.security_group"`
	JobID     string    `json:"job_id,omitempty" doc:"The job that deletes it now." example:"job_4q7hmk2xv6pzd3wa"`
	Foreign   bool      `json:"foreign,omitempty" doc:"It is another installation's and is never touched."`
	Adoptable bool      `json:"adoptable,omitempty" doc:"Its backend has nothing at its place, so it can be adopted."`
	Why       string    `json:"why" doc:"Why nothing accounts for it."`
	CreatedAt time.Time `json:"created_at,omitzero" doc:"When it was made, where AWS tells."`
}

func orphanOf(o *model.Orphan) Orphan {
	return Orphan{
		Type: o.Type, ID: o.ID, Name: o.Name, InstallID: o.InstallID, BackendID: o.BackendID, Key: o.Key,
		Kind: string(o.Kind), JobID: o.JobID, Foreign: o.Foreign, Adoptable: o.Adoptable, Why: o.Why, CreatedAt: o.CreatedAt,
	}
}

func (a *API) registerOrphans(h huma.API) {
	route(a, h, huma.Operation{
		OperationID: "list-orphans", Method: http.MethodGet, Path: "/environments/{id}/orphans", Tags: []string{"Environments"},
		Summary: "List an environment's orphans", Description: "What carries owner tags in AWS and has no resource here that accounts for it: this installation's first, then other installations'. AWS is asked at once.",
	}, a.listOrphans)
	route(a, h, huma.Operation{
		OperationID: "delete-orphans", Method: http.MethodPost, Path: "/environments/{id}/orphans:delete", Tags: []string{"Environments"}, DefaultStatus: http.StatusAccepted,
		Summary: "Delete orphans",
		Description: "Queues a job for each backend in their tags. Named by ids, all are taken or none; with all, what stands in the way is told. " +
			"Each is looked at again right before it is deleted. Sending the same again returns the same jobs.",
	}, a.deleteOrphans)
	route(a, h, huma.Operation{
		OperationID: "adopt-orphan", Method: http.MethodPost, Path: "/environments/{id}/orphans:adopt", Tags: []string{"Environments"}, DefaultStatus: http.StatusOK,
		Summary: "Adopt an orphan",
		Description: "Gives it back to the backend in its tags, as the resource at its place in the chain. Nothing changes in AWS: " +
			"the backend's next provisioning goes on from it, and destroying the backend deletes it. Sending the same again returns the same resource.",
	}, a.adoptOrphan)
}

// OrphansDeletion says which orphans are to be deleted.
type OrphansDeletion struct {
	IDs []string `json:"ids,omitempty" maxItems:"1000" doc:"Their ids or ARNs."`
	All bool     `json:"all,omitempty" doc:"All of this installation's, instead of ids."`
}

// CleanUp tells what is done about orphans.
type CleanUp struct {
	Jobs []Job        `json:"jobs" nullable:"false" doc:"The jobs that delete them."`
	Left []LeftOrphan `json:"left" nullable:"false" doc:"What cannot be deleted now."`
}

// LeftOrphan is an orphan that cannot be deleted now.
type LeftOrphan struct {
	ID     string `json:"id" doc:"Its id or ARN." example:"sg-0a1b2c3d4e5f67890"`
	Why    string `json:"why" doc:"Why it stays."`
	Holder string `json:"holder,omitempty" doc:"The job that stands in the way." example:"job_4q7hmk2xv6pzd3wa"`
}

type deleteOrphansInput struct {
	BodyRead
	ID   string `path:"id" doc:"The environment's id." example:"env_w5tq3nz7kd2m4xja"`
	Body OrphansDeletion
}

func (a *API) deleteOrphans(ctx context.Context, actor model.Actor, in *deleteOrphansInput) (*output[CleanUp], error) {
	done, err := a.panel.DeleteOrphans(ctx, actor, in.ID, in.Body.IDs, in.Body.All)
	if err != nil {
		return nil, err
	}
	return &output[CleanUp]{CleanUp{Jobs: listOf(done.Jobs, jobOf).Items, Left: listOf(done.Left, leftOrphanOf).Items}}, nil
}

// OrphanAdoption says which orphan is to be adopted.
type OrphanAdoption struct {
	ID string `json:"id" maxLength:"2048" doc:"Its id or ARN." example:"sg-0a1b2c3d4e5f67890"`
}

type adoptOrphanInput struct {
	BodyRead
	ID   string `path:"id" doc:"The environment's id." example:"env_w5tq3nz7kd2m4xja"`
	Body OrphanAdoption
}

func (a *API) adoptOrphan(ctx context.Context, actor model.Actor, in *adoptOrphanInput) (*output[Resource], error) {
	r, err := a.panel.AdoptOrphan(ctx, actor, in.ID, in.Body.ID)
	if err != nil {
		return nil, err
	}
	return &output[Resource]{resourceOf(r)}, nil
}

func leftOrphanOf(o *panel.LeftOrphan) LeftOrphan { return LeftOrphan(*o) }

type orphansInput struct {
	ID string `path:"id" doc:"The environment's id." example:"env_w5tq3nz7kd2m4xja"`
	Paging
	Sort      string `query:"sort" enum:"ours,-ours,type,-type,id,-id" default:"ours" doc:"By what the list is sorted; ours has this installation's first; with - from the last to the first."`
	BackendID string `query:"backend_id" maxLength:"64" doc:"Only those whose tags name this backend." example:"be_k3x7q2mfd5wa4nzp"`
	Type      string `query:"type" maxLength:"64" doc:"Only things of this type." example:"load balancer"`
	Adoptable YesNo  `query:"adoptable" doc:"Only those that can be adopted, or, with false, only others."`
}

var orphanOrders = orders[model.Orphan]{
	"id":   func(o *model.Orphan) string { return o.ID },
	"type": func(o *model.Orphan) string { return o.Type },
	"ours": func(o *model.Orphan) string { return fmt.Sprint(o.Foreign, " ", o.BackendID) },
}

func (a *API) listOrphans(ctx context.Context, actor model.Actor, in *orphansInput) (*listOutput[Orphan], error) {
	list, err := a.panel.Orphans(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(o *model.Orphan) bool {
		return is(o.BackendID, in.BackendID) && is(o.Type, in.Type) && in.Adoptable.of(o.Adoptable)
	})
	return paged(in.Paging, in.Sort, list, orphanOrders, orphanOf)
}
