package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// Member is a person in a team.
type Member struct {
	UserID    string    `json:"user_id" doc:"The person's id." example:"usr_m3kx7q2fd5wa4nzp"`
	TeamID    string    `json:"team_id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Name      string    `json:"name" doc:"The person's name." example:"Ada"`
	Email     string    `json:"email,omitempty" doc:"Their address." example:"ada@example.com"`
	Role      string    `json:"role" enum:"viewer,developer,owner" doc:"What they may do in the team."`
	ByGroup   bool      `json:"by_group" doc:"The role follows the person's groups at the provider."`
	Disabled  bool      `json:"disabled" doc:"The account is switched off."`
	CreatedAt time.Time `json:"created_at" doc:"When they joined."`
}

func memberOf(m *model.TeamMember) Member {
	return Member{
		UserID: m.UserID, TeamID: m.TeamID, Name: m.Name, Email: m.Email, Role: string(m.Role),
		ByGroup: m.ByGroup, Disabled: m.Disabled, CreatedAt: m.CreatedAt,
	}
}

type teamInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
}

type memberInput struct {
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	User string `path:"user" doc:"The person's id." example:"usr_m3kx7q2fd5wa4nzp"`
}

// MemberRole is what a member shall be.
type MemberRole struct {
	Role string `json:"role" enum:"viewer,developer,owner" doc:"What they may do in the team."`
}

type setMemberInput struct {
	BodyRead
	Matching
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	User string `path:"user" doc:"The person's id." example:"usr_m3kx7q2fd5wa4nzp"`
	Body MemberRole
}

type membersInput struct {
	ID string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Paging
	ByName
	Name string `query:"name" maxLength:"256" doc:"Only members whose name or address contains this." example:"ada"`
	Role string `query:"role" enum:"viewer,developer,owner" doc:"Only members of this role."`
}

var memberOrders = orders[model.TeamMember]{
	"id":         func(m *model.TeamMember) string { return m.UserID },
	"name":       func(m *model.TeamMember) string { return m.Name },
	"created_at": func(m *model.TeamMember) string { return at(m.CreatedAt) },
}

func (a *API) listMembers(ctx context.Context, actor model.Actor, in *membersInput) (*listOutput[Member], error) {
	list, err := a.panel.Members(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(m *model.TeamMember) bool {
		return (has(m.Name, in.Name) || has(m.Email, in.Name)) && is(string(m.Role), in.Role)
	})
	return paged(in.Paging, in.Sort, list, memberOrders, memberOf)
}

func (a *API) registerMembers(h huma.API) {
	tags := []string{"Teams"}
	route(a, h, huma.Operation{
		OperationID: "list-members", Method: http.MethodGet, Path: "/teams/{id}/members", Tags: tags,
		Summary: "List a team's members", Description: "By name.",
	}, a.listMembers)
	route(a, h, huma.Operation{
		OperationID: "get-member", Method: http.MethodGet, Path: "/teams/{id}/members/{user}", Tags: tags,
		Summary: "Get a member",
	}, func(ctx context.Context, actor model.Actor, in *memberInput) (*tagged[Member], error) {
		m, err := a.panel.Member(ctx, actor, in.ID, in.User)
		return oneTagged(m, err, func(m *model.TeamMember) string { return model.MemberTag(m.Role, m.ByGroup) }, memberOf)
	})
	route(a, h, huma.Operation{
		OperationID: "set-member-role", Method: http.MethodPut, Path: "/teams/{id}/members/{user}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Change a member's role", Description: "For owners. The tokens that the member made in the team end: they may be above the new role.",
	}, func(ctx context.Context, actor model.Actor, in *setMemberInput) (*done, error) {
		return &done{}, a.panel.SetMemberRole(model.WithIfMatch(ctx, in.IfMatch), actor, in.ID, in.User, model.Role(in.Body.Role))
	})
	route(a, h, huma.Operation{
		OperationID: "remove-member", Method: http.MethodDelete, Path: "/teams/{id}/members/{user}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Remove a member", Description: "For owners. The tokens that the member made in the team end.",
	}, func(ctx context.Context, actor model.Actor, in *memberInput) (*done, error) {
		return &done{}, a.panel.RemoveMember(ctx, actor, in.ID, in.User)
	})
}
