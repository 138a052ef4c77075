package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// Invitation lets whoever has its secret and its address into a team, once.
type Invitation struct {
	ID        string    `json:"id" doc:"Its id." example:"inv_m3kx7q2fd5wa4nzp"`
	TeamID    string    `json:"team_id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Email     string    `json:"email" doc:"Whom it is for." example:"ada@example.com"`
	Role      string    `json:"role" enum:"viewer,developer,owner" doc:"What they will be in the team."`
	CreatedBy string    `json:"created_by" doc:"The id of who made it; empty when it was made at the server's command line." example:"usr_m3kx7q2fd5wa4nzp"`
	CreatedAt time.Time `json:"created_at" doc:"When it was made."`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when it is good."`
}

// NewInvitation says whom to invite.
type NewInvitation struct {
	Email string `json:"email" doc:"Their address." example:"ada@example.com"`
	Role  string `json:"role" enum:"viewer,developer,owner" doc:"What they will be in the team."`
}

// MadeInvitation is a new invitation with its secret.
type MadeInvitation struct {
	Invitation
	Path string `json:"path,omitempty" doc:"The path of its link, below the panel's address. It is told this once, and absent when a request is repeated by its Idempotency-Key." example:"/invitations/3kWq…"`
}

func invitationOf(i *model.Invitation) Invitation {
	return Invitation{
		ID: i.ID, TeamID: i.TeamID, Email: i.Email, Role: string(i.Role),
		CreatedBy: i.CreatedBy, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
}

type inviteInput struct {
	BodyRead
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Body NewInvitation
}

type invitationInput struct {
	ID         string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Invitation string `path:"invitation" doc:"The invitation's id." example:"inv_m3kx7q2fd5wa4nzp"`
}

type invitationsInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Paging
	ByTime
	Email string `query:"email" maxLength:"256" doc:"Only those whose address contains this." example:"ada"`
	Role  string `query:"role" enum:"viewer,developer,owner" doc:"Only those of this role."`
}

var invitationOrders = orders[model.Invitation]{
	"id":         func(i *model.Invitation) string { return i.ID },
	"created_at": func(i *model.Invitation) string { return at(i.CreatedAt) },
}

func (a *API) listInvitations(ctx context.Context, actor model.Actor, in *invitationsInput) (*listOutput[Invitation], error) {
	list, err := a.panel.Invitations(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(i *model.Invitation) bool { return has(i.Email, in.Email) && is(string(i.Role), in.Role) })
	return paged(in.Paging, in.Sort, list, invitationOrders, invitationOf)
}

func (a *API) registerInvitations(h huma.API) {
	tags := []string{"Teams"}
	route(a, h, huma.Operation{
		OperationID: "list-invitations", Method: http.MethodGet, Path: "/teams/{id}/invitations", Tags: tags,
		Summary: "List a team's open invitations", Description: "For owners. Their secrets are not told again.",
	}, a.listInvitations)
	route(a, h, huma.Operation{
		OperationID: "create-invitation", Method: http.MethodPost, Path: "/teams/{id}/invitations", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Invite somebody into a team", Description: "For owners. The answer has the path of the link to send; it works once, for seven days, and for that address only.",
	}, func(ctx context.Context, actor model.Actor, in *inviteInput) (*output[MadeInvitation], error) {
		secret, i, err := a.panel.Invite(ctx, actor, in.ID, in.Body.Email, model.Role(in.Body.Role))
		if err != nil {
			return nil, err
		}
		return &output[MadeInvitation]{MadeInvitation{invitationOf(i), "/invitations/" + secret}}, nil
	})
	route(a, h, huma.Operation{
		OperationID: "revoke-invitation", Method: http.MethodDelete, Path: "/teams/{id}/invitations/{invitation}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Take an invitation back", Description: "For owners. Its link is worthless at once.",
	}, func(ctx context.Context, actor model.Actor, in *invitationInput) (*done, error) {
		return &done{}, a.panel.RevokeInvitation(ctx, actor, in.ID, in.Invitation)
	})
}
