package model

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Actor is who asks: a signed-in person, an API token, a workload, or the
// server itself. The zero Actor may do nothing.
type Actor struct {
	ID    string // user or token id
	Name  string // shown in jobs and events
	Admin bool   // every team, and the installation
	Teams map[string]Role
	// Person tells that this is a signed-in user, who has an account of their own.
	Person bool
	// Session is the person's, in which they ask.
	Session string
	// By is the user whom a token or a trust goes back to; "" when that is the
	// server's command line.
	By string
	// Until is when what they ask with expires; zero when it does not.
	Until time.Time
	// Stale tells that the person proved who they are a while ago: what
	// cannot be undone asks for that again. Tokens never are.
	Stale bool
	// NoWayIn tells that the person came by a one-time link and has nothing yet
	// to sign in with by themselves.
	NoWayIn bool
}

// Member is an actor with one role in one team.
func Member(id, name, teamID string, role Role) Actor {
	return Actor{ID: id, Name: name, Teams: map[string]Role{teamID: role}}
}

// systemName stands in jobs and in the audit for what the server did by itself.
const systemName = "Drawbridge"

// System is the server itself, which ends sandboxes.
func System() Actor { return Actor{Name: systemName, Admin: true} }

// systemsName refuses the name to people, tokens and workloads.
const systemsName = "This is what the server itself is called in jobs and in the audit; choose another name."

func isSystem(name string) bool { return strings.EqualFold(strings.TrimSpace(name), systemName) }

// RoleIn is what the actor may do in the team; "" when it is none of theirs.
func (a Actor) RoleIn(teamID string) Role {
	if a.Admin {
		return RoleAdmin
	}
	if role := a.Teams[teamID]; role.Valid() && role != RoleAdmin {
		return role
	}
	return ""
}

// Best is the actor's highest role in any team; "" for nobody.
func (a Actor) Best() Role {
	if a.Admin {
		return RoleAdmin
	}
	var best Role
	for team := range a.Teams {
		if role := a.RoleIn(team); !best.AtLeast(role) {
			best = role
		}
	}
	return best
}

// Sees tells whether the actor belongs to the team (or to all of them).
func (a Actor) Sees(teamID string) bool { return a.RoleIn(teamID) != "" }

// TeamIDs are the teams that the actor sees, in order, nil for all of them.
func (a Actor) TeamIDs() []string {
	if a.Admin {
		return nil
	}
	ids := slices.Sorted(maps.Keys(a.Teams))
	return append([]string{}, slices.DeleteFunc(ids, func(id string) bool { return !a.Sees(id) })...)
}

// SameRights tells whether both may do the same.
func (a Actor) SameRights(b Actor) bool { return a.Admin == b.Admin && maps.Equal(a.Teams, b.Teams) }

// Maker is the user to whom goes back what the actor makes: they themselves, or
// who made their token. So what a token makes ends with its maker's access too.
func (a Actor) Maker() string {
	if a.Person {
		return a.ID
	}
	return a.By
}
