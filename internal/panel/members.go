package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Members lists the people of a team by name. viewer.
func (p *Panel) Members(ctx context.Context, a model.Actor, teamID string) ([]model.TeamMember, error) {
	if _, err := p.team(ctx, a, SeeMembers, teamID); err != nil {
		return nil, err
	}
	return p.Store.Read().Members(ctx, teamID)
}

// Member returns one of the people of a team. viewer.
func (p *Panel) Member(ctx context.Context, a model.Actor, teamID, userID string) (*model.TeamMember, error) {
	list, err := p.Members(ctx, a, teamID)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].UserID == userID {
			return &list[i], nil
		}
	}
	return nil, model.NotFound("member", userID)
}

// SetMemberRole changes what a member may do in the team. Tokens that the
// member made end: they may be above the new role. owner.
func (p *Panel) SetMemberRole(ctx context.Context, a model.Actor, teamID, userID string, role model.Role) error {
	if _, err := p.team(ctx, a, ManageMembers, teamID); err != nil {
		return err
	}
	if err := grantable(role); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if _, err := q.LockTeam(ctx, teamID); err != nil {
			return err
		}
		before, err := q.Membership(ctx, teamID, userID)
		if err != nil {
			return err
		}
		if err := model.IfMatch(ctx, "member's role", model.MemberTag(before.Role, before.ByGroup)); err != nil {
			return err
		}
		if before.ByGroup {
			return model.Errorf(model.CodeConflict, "This role follows the person's groups at the provider. Change it there.")
		}
		after := *before
		after.Role = role
		if err := q.SaveMembership(ctx, &after); err != nil {
			return err
		}
		if err := q.DeleteTokensBy(ctx, userID, teamID); err != nil {
			return err
		}
		if err := ownerLeft(ctx, q, a, teamID); err != nil {
			return err
		}
		return q.Audit(ctx, ofMember(a, model.AuditMemberRole, before, before, &after))
	})
}

// RemoveMember takes a member out of the team, and ends the tokens that they
// made in it. owner.
func (p *Panel) RemoveMember(ctx context.Context, a model.Actor, teamID, userID string) error {
	if _, err := p.team(ctx, a, ManageMembers, teamID); err != nil {
		return err
	}
	return p.Store.InTx(ctx, func(q *store.Queries) error {
		if _, err := q.LockTeam(ctx, teamID); err != nil {
			return err
		}
		before, err := q.Membership(ctx, teamID, userID)
		if err != nil {
			return err
		}
		if err := q.DeleteMembership(ctx, teamID, userID); err != nil {
			return err
		}
		if err := q.DeleteTokensBy(ctx, userID, teamID); err != nil {
			return err
		}
		if err := ownerLeft(ctx, q, a, teamID); err != nil {
			return err
		}
		return q.Audit(ctx, ofMember(a, model.AuditMemberRemove, before, before, nil))
	})
}

func ofMember(a model.Actor, action model.AuditAction, m *model.Membership, before, after any) model.Change {
	return model.Change{Actor: a, Action: action, Noun: "member", ID: m.UserID, TeamID: m.TeamID, Before: before, After: after}
}

// ownerLeft keeps an owner from locking the team's last owner out; an admin may.
// The team is locked: of two owners who remove each other at once, one stays.
func ownerLeft(ctx context.Context, q *store.Queries, a model.Actor, teamID string) error {
	if a.Admin {
		return nil
	}
	members, err := q.Members(ctx, teamID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Role == model.RoleOwner && !m.Disabled {
			return nil
		}
	}
	return model.Errorf(model.CodeConflict, "The team would have no owner. Make somebody else an owner first.")
}

// grantable refuses what is no role of a team.
func grantable(role model.Role) error {
	if !role.Valid() || role == model.RoleAdmin {
		return invalid("role", "Choose viewer, developer or owner.")
	}
	return nil
}
