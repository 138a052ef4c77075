package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// Trust lets workloads of another system act for a team without a stored secret.
type Trust struct {
	ID        string            `json:"id" doc:"Its id." example:"trust_m3kx7q2fd5wa4nzp"`
	TeamID    string            `json:"team_id" doc:"The team that the workload acts for." example:"team_h6c2v4yjq7sblm3d"`
	Name      string            `json:"name" doc:"What it is for." example:"deploy"`
	Issuer    string            `json:"issuer" doc:"Who signs the workload's ID token." example:"https://token.actions.githubusercontent.com"`
	Audience  string            `json:"audience" doc:"Whom the ID token is for." example:"https://drawbridge.example.com"`
	Claims    map[string]string `json:"claims" doc:"What the ID token's claims must be, by name; * stands for anything."`
	Role      string            `json:"role" enum:"viewer,developer,owner" doc:"What the workload may do in the team."`
	CreatedBy string            `json:"created_by" doc:"The id of the person who made it; empty when it goes back to the server's command line." example:"usr_m3kx7q2fd5wa4nzp"`
	CreatedAt time.Time         `json:"created_at" doc:"When it was made."`
}

// NewTrust says whom to trust.
type NewTrust struct {
	Name     string            `json:"name" doc:"What it is for, in 1 to 64 characters." example:"deploy"`
	Issuer   string            `json:"issuer" doc:"Who signs the workload's ID token." example:"https://token.actions.githubusercontent.com"`
	Audience string            `json:"audience" doc:"Whom the ID token is for; this panel's address is a good one." example:"https://drawbridge.example.com"`
	Claims   map[string]string `json:"claims" doc:"What the ID token's claims must be, by name; * stands for anything. Name sub or repository."`
	Role     string            `json:"role" enum:"viewer,developer,owner" doc:"What the workload may do in the team, at most what you may."`
}

func trustOf(t *model.Trust) Trust {
	return Trust{
		ID: t.ID, TeamID: t.TeamID, Name: t.Name, Issuer: t.Issuer, Audience: t.Audience, Claims: t.Claims,
		Role: string(t.Role), CreatedBy: t.CreatedBy, CreatedAt: t.CreatedAt,
	}
}

type createTrustInput struct {
	BodyRead
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Body NewTrust
}

type trustInput struct {
	ID    string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Trust string `path:"trust" doc:"The trust's id." example:"trust_m3kx7q2fd5wa4nzp"`
}

type trustsInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Paging
	NewestByName
	Name   string `query:"name" maxLength:"64" doc:"Only trusts whose name contains this." example:"deploy"`
	Issuer string `query:"issuer" maxLength:"512" doc:"Only trusts of this issuer." example:"https://token.actions.githubusercontent.com"`
}

var trustOrders = orders[model.Trust]{
	"id":         func(t *model.Trust) string { return t.ID },
	"name":       func(t *model.Trust) string { return t.Name },
	"created_at": func(t *model.Trust) string { return at(t.CreatedAt) },
}

func (a *API) listTrusts(ctx context.Context, actor model.Actor, in *trustsInput) (*listOutput[Trust], error) {
	list, err := a.panel.Trusts(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(t *model.Trust) bool { return has(t.Name, in.Name) && is(t.Issuer, in.Issuer) })
	return paged(in.Paging, in.Sort, list, trustOrders, trustOf)
}

func (a *API) registerTrusts(h huma.API) {
	tags := []string{"Teams"}
	route(a, h, huma.Operation{
		OperationID: "list-trusts", Method: http.MethodGet, Path: "/teams/{id}/trusts", Tags: tags,
		Summary: "List a team's trusted workloads", Description: "For owners. Newest first.",
	}, a.listTrusts)
	route(a, h, huma.Operation{
		OperationID: "create-trust", Method: http.MethodPost, Path: "/teams/{id}/trusts", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Trust a workload", Description: "For owners. Whoever sends an ID token of the issuer for the audience, whose claims fit, as the bearer token, has the role: as long as the person who made the trust has it too.",
	}, func(ctx context.Context, actor model.Actor, in *createTrustInput) (*output[Trust], error) {
		b := in.Body
		t, err := a.panel.CreateTrust(ctx, actor, model.Trust{
			TeamID: in.ID, Name: b.Name, Issuer: b.Issuer, Audience: b.Audience, Claims: b.Claims, Role: model.Role(b.Role),
		})
		return one(t, err, trustOf)
	})
	route(a, h, huma.Operation{
		OperationID: "delete-trust", Method: http.MethodDelete, Path: "/teams/{id}/trusts/{trust}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "End a trust", Description: "For owners. It holds at once.",
	}, func(ctx context.Context, actor model.Actor, in *trustInput) (*done, error) {
		return &done{}, a.panel.DeleteTrust(ctx, actor, in.ID, in.Trust)
	})
}
