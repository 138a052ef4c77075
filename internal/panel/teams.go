package panel

import (
	"context"

	"drawbridge/internal/model"
)

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
