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
	bodyRead
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

func (a *API) listTeams(ctx context.Context, actor model.Actor, _ *noInput) (*listOutput[Team], error) {
	list, err := a.panel.Teams(ctx, actor)
	return listed(list, err, teamOf)
}

func (a *API) createTeam(ctx context.Context, actor model.Actor, in *createTeamInput) (*output[Team], error) {
	t, err := a.panel.CreateTeam(ctx, actor, in.Body.Name)
	return one(t, err, teamOf)
}
