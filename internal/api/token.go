package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// Token is an API token, without its secret.
type Token struct {
	ID         string    `json:"id" doc:"Its id." example:"tok_m3kx7q2fd5wa4nzp"`
	TeamID     string    `json:"team_id" doc:"The team that it acts for." example:"team_h6c2v4yjq7sblm3d"`
	Name       string    `json:"name" doc:"What it is for." example:"ci"`
	Role       string    `json:"role" enum:"viewer,developer,owner" doc:"What it may do in the team."`
	CreatedBy  string    `json:"created_by" doc:"The id of the person who made it, by themselves or with a token of theirs; empty when it goes back to the server's command line." example:"usr_m3kx7q2fd5wa4nzp"`
	CreatedAt  time.Time `json:"created_at" doc:"When it was made."`
	ExpiresAt  time.Time `json:"expires_at" doc:"Until when it is good."`
	LastUsedAt time.Time `json:"last_used_at,omitzero" doc:"When it was last used, to the minute; absent when never."`
}

// NewToken says what token to make.
type NewToken struct {
	Name string `json:"name" doc:"What it is for, in 1 to 64 characters." example:"ci"`
	Role string `json:"role" enum:"viewer,developer,owner" doc:"What it may do in the team, at most what you may."`
	Days int    `json:"days,omitempty" minimum:"1" maximum:"366" default:"90" doc:"How many days it is good for." example:"30"`
}

// MadeToken is a new token with its secret.
type MadeToken struct {
	Token
	Secret string `json:"secret,omitempty" doc:"What to send as the bearer token. It is told this once, and absent when a request is repeated by its Idempotency-Key; only a hash of it is kept." example:"dbr_…"`
}

func tokenOf(t *model.Token) Token {
	return Token{
		ID: t.ID, TeamID: t.TeamID, Name: t.Name, Role: string(t.Role), CreatedBy: t.CreatedBy,
		CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt,
	}
}

type createTokenInput struct {
	BodyRead
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Body NewToken
}

type tokenInput struct {
	ID    string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Token string `path:"token" doc:"The token's id." example:"tok_m3kx7q2fd5wa4nzp"`
}

// NewestByName sorts what is mostly wanted newest first, by name too. It is
// exported for Huma's sake.
type NewestByName struct {
	Sort string `query:"sort" enum:"created_at,-created_at,name,-name" default:"-created_at" doc:"By what the list is sorted; with - from the last to the first."`
}

type tokensInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Paging
	NewestByName
	Name string `query:"name" maxLength:"64" doc:"Only tokens whose name contains this." example:"ci"`
	Role string `query:"role" enum:"viewer,developer,owner" doc:"Only tokens of this role."`
}

var tokenOrders = orders[model.Token]{
	"id":         func(t *model.Token) string { return t.ID },
	"name":       func(t *model.Token) string { return t.Name },
	"created_at": func(t *model.Token) string { return at(t.CreatedAt) },
}

func (a *API) listTokens(ctx context.Context, actor model.Actor, in *tokensInput) (*listOutput[Token], error) {
	list, err := a.panel.Tokens(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(t *model.Token) bool { return has(t.Name, in.Name) && is(string(t.Role), in.Role) })
	return paged(in.Paging, in.Sort, list, tokenOrders, tokenOf)
}

func (a *API) registerTokens(h huma.API) {
	tags := []string{"Teams"}
	route(a, h, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/teams/{id}/tokens", Tags: tags,
		Summary: "List a team's API tokens", Description: "For owners. Newest first, without their secrets.",
	}, a.listTokens)
	route(a, h, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/teams/{id}/tokens", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make an API token", Description: "For owners. The answer has the secret, this once. The token ends when the person it goes back to is switched off or leaves the team.",
	}, func(ctx context.Context, actor model.Actor, in *createTokenInput) (*output[MadeToken], error) {
		secret, t, err := a.panel.CreateToken(ctx, actor, in.ID, in.Body.Name, model.Role(in.Body.Role), time.Duration(in.Body.Days)*24*time.Hour)
		if err != nil {
			return nil, err
		}
		return &output[MadeToken]{MadeToken{tokenOf(t), secret}}, nil
	})
	route(a, h, huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/teams/{id}/tokens/{token}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Revoke an API token", Description: "For owners. Its secret is worthless at once.",
	}, func(ctx context.Context, actor model.Actor, in *tokenInput) (*done, error) {
		return &done{}, a.panel.RevokeToken(ctx, actor, in.ID, in.Token)
	})
}
