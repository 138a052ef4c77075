package panel

import (
	"context"
	"strings"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TeamQuota is a team and what it has of what it may have.
type TeamQuota struct {
	Team model.Team
	model.QuotaUse
}

// Quota tells what a team has of what it may have. viewer.
func (p *Panel) Quota(ctx context.Context, a model.Actor, teamID string) (*TeamQuota, error) {
	if err := allow(a, SeeTeams, teamID, "team", teamID); err != nil {
		return nil, err
	}
	team, err := p.Store.Read().TeamByID(ctx, teamID)
	if err != nil {
		return nil, err
	}
	use, err := p.quotaUse(ctx, p.Store.Read(), teamID, a.Maker())
	return &TeamQuota{Team: *team, QuotaUse: use}, err
}

// SetQuota sets a team's own limits. What the team has already stays. admin.
func (p *Panel) SetQuota(ctx context.Context, a model.Actor, teamID string, l model.QuotaLimits) (*TeamQuota, error) {
	if err := allow(a, ManageTeams, teamID, "team", teamID); err != nil {
		return nil, err
	}
	if err := l.Validate(); err != nil {
		return nil, err
	}
	err := p.Store.InTx(ctx, func(q *store.Queries) error {
		team, err := q.LockTeam(ctx, teamID)
		if err != nil {
			return err
		}
		before, err := q.QuotaLimits(ctx, teamID)
		if err != nil {
			return err
		}
		if err := model.IfMatch(ctx, "quota", before.Tag()); err != nil {
			return err
		}
		if err := q.SetQuotaLimits(ctx, teamID, l); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: a, Action: model.AuditTeamQuota, Noun: "team", ID: teamID, Name: team.Name,
			TeamID: teamID, Before: before, After: l})
	})
	if err != nil {
		return nil, err
	}
	return p.Quota(ctx, a, teamID)
}

// quotaUse counts what a team has of what it may have, and the person of its
// sandboxes.
func (p *Panel) quotaUse(ctx context.Context, q *store.Queries, teamID, person string) (model.QuotaUse, error) {
	own, err := q.QuotaLimits(ctx, teamID)
	if err != nil {
		return model.QuotaUse{}, err
	}
	used, err := q.QuotaUsed(ctx, teamID, person)
	if err != nil {
		return model.QuotaUse{}, err
	}
	spends, err := q.TeamSpends(ctx, teamID)
	used.MonthlyUSD = p.sum(spends).Monthly
	return model.QuotaUse{Used: used, Allowed: own.Within(p.Limits), Own: own}, err
}

// room refuses what would take the team over its quota. It comes first in the
// transaction that makes it: the lock on the team, which two at once wait for,
// precedes all others.
func (p *Panel) room(ctx context.Context, q *store.Queries, teamID string, more model.Quota) error {
	if more == (model.Quota{}) {
		return nil
	}
	return p.roomFor(ctx, q, teamID, "", more)
}

// roomFor is room for what counts for a person, too. It locks the team in any
// case.
func (p *Panel) roomFor(ctx context.Context, q *store.Queries, teamID, person string, more model.Quota) error {
	team, err := q.LockTeam(ctx, teamID)
	if err != nil {
		return err
	}
	own, err := q.QuotaLimits(ctx, teamID)
	if err != nil || !own.Within(p.Limits).Bounds(more) {
		return err
	}
	use, err := p.quotaUse(ctx, q, teamID, person)
	if err != nil {
		return err
	}
	if err := refuse(use.Findings(team.Name, more)); err != nil {
		return err
	}
	return tellNear(ctx, q, team, use.Near(more))
}

// tellNear tells the team what of its quota the transaction nearly uses up.
func tellNear(ctx context.Context, q *store.Queries, team *model.Team, near []string) error {
	if len(near) == 0 {
		return nil
	}
	what := strings.Join(near, ", ")
	return q.Notify(ctx, &model.Notice{
		TeamID: team.ID, Type: model.NoticeQuotaNear, Title: "The team " + team.Name + " has " + what,
		Text: "That is nine tenths of what it may have, or more. What goes over it is refused. Destroy what is not needed any more, or ask an admin of this installation to raise the team's quota.",
		Data: map[string]string{"team_name": team.Name, "used": what},
	})
}

// quotaFindings is what room would say, for a plan.
func (p *Panel) quotaFindings(ctx context.Context, teamID string, more model.Quota) ([]model.Finding, error) {
	q := p.Store.Read()
	team, err := q.TeamByID(ctx, teamID)
	if err != nil {
		return nil, err
	}
	use, err := p.quotaUse(ctx, q, teamID, "")
	if err != nil {
		return nil, err
	}
	return use.Findings(team.Name, more), nil
}

// takes is what a job of that operation adds to what the team has. A backend
// that was provisioned before counts already. cost is what it costs, nil where
// nobody reckoned.
func takes(b *model.Backend, op model.Operation, cost *model.Cost) model.Quota {
	var more model.Quota
	if op != model.OpProvision || b.Phase != model.PhaseRegistered {
		return more
	}
	more.Instances = launched(b.Spec)
	if cost != nil {
		more.MonthlyUSD = cost.Monthly
	}
	return more
}

// launched is how many instances the spec has launched.
func launched(s model.Spec) int {
	if s.Source != model.SourceLaunch || s.Launch == nil {
		return 0
	}
	return s.Launch.Count
}
