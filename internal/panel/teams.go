package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TeamDetail is all that a team's page shows; what the actor may not see is nil.
type TeamDetail struct {
	model.Team
	Role        model.Role // the actor's own
	Members     []model.TeamMember
	Invitations []model.Invitation
	Tokens      []model.Token
	Trusts      []model.Trust
}

// team loads a team for an actor who has the permission in it.
func (p *Panel) team(ctx context.Context, a model.Actor, need Permission, id string) (*model.Team, error) {
	if err := allow(a, need, id, "team", id); err != nil {
		return nil, err
	}
	return p.Store.Read().TeamByID(ctx, id) // an admin sees ids that do not exist
}

// Teams lists the teams that the actor sees. viewer.
func (p *Panel) Teams(ctx context.Context, a model.Actor) ([]model.Team, error) {
	if err := member(a, SeeTeams); err != nil {
		return nil, err
	}
	all, err := p.Store.Read().Teams(ctx)
	if err != nil {
		return nil, err
	}
	var seen []model.Team
	for _, t := range all {
		if a.Sees(t.ID) {
			seen = append(seen, t)
		}
	}
	return seen, nil
}

// Team returns one team with its people and what lets in. viewer; invitations,
// tokens and trusts for owners.
func (p *Panel) Team(ctx context.Context, a model.Actor, id string) (*TeamDetail, error) {
	t, err := p.team(ctx, a, SeeMembers, id)
	if err != nil {
		return nil, err
	}
	q := p.Store.Read()
	d := &TeamDetail{Team: *t, Role: a.RoleIn(id)}
	if d.Members, err = q.Members(ctx, id); err != nil {
		return nil, err
	}
	if !May(a, SeeTokens, id) {
		return d, nil
	}
	if d.Invitations, err = q.Invitations(ctx, id); err != nil {
		return nil, err
	}
	if d.Tokens, err = q.Tokens(ctx, id); err != nil {
		return nil, err
	}
	d.Trusts, err = q.Trusts(ctx, id)
	return d, err
}

// CreateTeam makes a team without people. admin.
func (p *Panel) CreateTeam(ctx context.Context, a model.Actor, name string) (*model.Team, error) {
	if err := member(a, ManageTeams); err != nil {
		return nil, err
	}
	if why := model.ValidateTeamName(name); why != "" {
		return nil, invalid("name", "%s", why)
	}
	t := &model.Team{Name: name}
	err := p.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.InsertTeam(ctx, t); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditTeamCreate, Noun: "team", ID: t.ID, Name: t.Name, TeamID: t.ID, After: t})
	})
	if err != nil && model.CodeOf(err) == model.CodeConflict {
		return nil, invalid("name", "There is a team of this name already; choose another.")
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}
