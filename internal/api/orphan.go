package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
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
	Foreign   bool      `json:"foreign,omitempty" doc:"It is another installation's and is never touched."`
	Why       string    `json:"why" doc:"Why nothing accounts for it."`
	CreatedAt time.Time `json:"created_at,omitzero" doc:"When it was made, where AWS tells."`
}

func orphanOf(o *model.Orphan) Orphan {
	return Orphan{
		Type: o.Type, ID: o.ID, Name: o.Name, InstallID: o.InstallID, BackendID: o.BackendID, Key: o.Key,
		Foreign: o.Foreign, Why: o.Why, CreatedAt: o.CreatedAt,
	}
}

func (a *API) registerOrphans(h huma.API) {
	route(a, h, huma.Operation{
		OperationID: "list-orphans", Method: http.MethodGet, Path: "/environments/{id}/orphans", Tags: []string{"Environments"},
		Summary: "List an environment's orphans", Description: "What carries owner tags in AWS and has no resource here that accounts for it: this installation's first, then other installations'. AWS is asked at once.",
	}, a.listOrphans)
}

func (a *API) listOrphans(ctx context.Context, actor model.Actor, in *environmentInput) (*listOutput[Orphan], error) {
	list, err := a.panel.Orphans(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	return &listOutput[Orphan]{listOf(list, orphanOf)}, nil
}
