package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// Team owns backends.
type Team struct {
	ID        string    `json:"id" doc:"Its id." example:"team_h6c2v4yjq7sblm3d"`
	Name      string    `json:"name" doc:"Its name." example:"shop"`
	CreatedAt time.Time `json:"created_at" doc:"When it was made."`
}

func teamOf(t *model.Team) Team { return Team{ID: t.ID, Name: t.Name, CreatedAt: t.CreatedAt} }

// NewTeam says what team to make.
type NewTeam struct {
	Name string `json:"name" doc:"Its name: 1 to 32 lower-case letters, digits and hyphens." example:"shop"`
}

type createTeamInput struct {
	BodyRead
	Body NewTeam
}

func (a *API) registerTeams(h huma.API) {
	route(a, h, huma.Operation{
		OperationID: "list-teams", Method: http.MethodGet, Path: "/teams", Tags: []string{"Teams"},
		Summary: "List teams", Description: "Those that the token's bearer sees.",
	}, a.listTeams)
	route(a, h, huma.Operation{
		OperationID: "create-team", Method: http.MethodPost, Path: "/teams", Tags: []string{"Teams"}, DefaultStatus: http.StatusCreated,
		Summary: "Make a team", Description: "For admins. Nobody is in it yet.",
	}, a.createTeam)
}

type teamsInput struct {
	Paging
	ByName
	Name string `query:"name" maxLength:"64" doc:"Only teams whose name contains this." example:"sh"`
}

var teamOrders = orders[model.Team]{
	"id":         func(t *model.Team) string { return t.ID },
	"name":       func(t *model.Team) string { return t.Name },
	"created_at": func(t *model.Team) string { return at(t.CreatedAt) },
}

func (a *API) listTeams(ctx context.Context, actor model.Actor, in *teamsInput) (*listOutput[Team], error) {
	list, err := a.panel.Teams(ctx, actor)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(t *model.Team) bool { return has(t.Name, in.Name) })
	return paged(in.Paging, in.Sort, list, teamOrders, teamOf)
}

func (a *API) createTeam(ctx context.Context, actor model.Actor, in *createTeamInput) (*output[Team], error) {
	t, err := a.panel.CreateTeam(ctx, actor, in.Body.Name)
	return one(t, err, teamOf)
}
