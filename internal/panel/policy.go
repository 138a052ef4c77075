package panel

import (
	"slices"

	"drawbridge/internal/model"
)

// Permission names what a use case needs. Every use case asks for one, and
// every page and endpoint names the one that it leads to.
type Permission string

const (
	// Anybody is for the pages that lead in: sign-in and invitations.
	Anybody Permission = "anybody"
	// OwnAccount is for what every signed-in person may do about themselves.
	OwnAccount Permission = "own account"

	SeeBackends       Permission = "see backends"
	RegisterBackends  Permission = "register backends"
	ProvisionBackends Permission = "provision backends"
	TestRoutes        Permission = "test routes"
	DestroyBackends   Permission = "destroy backends"

	// MakeSandboxes is also for extending them. EndSandboxes destroys a backend,
	// but one that is about to end anyway: it takes less than DestroyBackends.
	MakeSandboxes   Permission = "make sandboxes"
	EndSandboxes    Permission = "end sandboxes"
	ManageTemplates Permission = "manage sandbox templates"

	SeeEnvironments Permission = "see environments"
	ListInstances   Permission = "list instances"
	SeeCalls        Permission = "see calls"
	SeeCosts        Permission = "see costs"
	SeeOrphans      Permission = "see orphans"
	DeleteOrphans   Permission = "delete orphans"
	AdoptOrphans    Permission = "adopt orphans"

	SeeNotices     Permission = "see notices"
	SeeWebhooks    Permission = "see webhooks"
	ManageWebhooks Permission = "manage webhooks"
	SendWebhooks   Permission = "send webhooks" // a test, or once more what was sent

	ReadAudit Permission = "read audit"

	SeeTeams      Permission = "see teams"
	SeeMembers    Permission = "see members"
	ManageMembers Permission = "manage members"
	SeeTokens     Permission = "see tokens"
	ManageTokens  Permission = "manage tokens"
	ManageTeams   Permission = "manage teams"
	SeeUsers      Permission = "see users"
	ManageUsers   Permission = "manage users"
)

// rule is what a permission takes.
type rule struct {
	role model.Role // at least, in the team of the thing
	// fresh asks a person who proved who they are too long ago to do so again.
	fresh bool
}

// rules is the policy: what is not here is refused to everybody.
var rules = map[Permission]rule{
	SeeBackends:       {role: model.RoleViewer},
	RegisterBackends:  {role: model.RoleDeveloper},
	ProvisionBackends: {role: model.RoleDeveloper},
	TestRoutes:        {role: model.RoleDeveloper},
	DestroyBackends:   {role: model.RoleOwner, fresh: true},

	MakeSandboxes:   {role: model.RoleDeveloper},
	EndSandboxes:    {role: model.RoleDeveloper},
	ManageTemplates: {role: model.RoleOwner},

	SeeEnvironments: {role: model.RoleViewer},
	ListInstances:   {role: model.RoleDeveloper},
	SeeCalls:        {role: model.RoleAdmin},
	SeeCosts:        {role: model.RoleAdmin},
	SeeOrphans:      {role: model.RoleAdmin},
	DeleteOrphans:   {role: model.RoleAdmin, fresh: true},
	AdoptOrphans:    {role: model.RoleAdmin, fresh: true},

	SeeNotices:     {role: model.RoleViewer},
	SeeWebhooks:    {role: model.RoleOwner},
	ManageWebhooks: {role: model.RoleOwner, fresh: true},
	SendWebhooks:   {role: model.RoleOwner},

	ReadAudit: {role: model.RoleOwner},

	SeeTeams:      {role: model.RoleViewer},
	SeeMembers:    {role: model.RoleViewer},
	ManageMembers: {role: model.RoleOwner, fresh: true},
	SeeTokens:     {role: model.RoleOwner},
	ManageTokens:  {role: model.RoleOwner, fresh: true},
	ManageTeams:   {role: model.RoleAdmin, fresh: true},
	SeeUsers:      {role: model.RoleAdmin},
	ManageUsers:   {role: model.RoleAdmin, fresh: true},
}

// Known tells whether there is a rule for the permission.
func (p Permission) Known() bool {
	_, ok := rules[p]
	return ok || p == Anybody || p == OwnAccount
}

// Role is the least role that has the permission; "" when no role gives it.
func (p Permission) Role() model.Role { return rules[p].role }

// Fresh tells whether the permission takes a recent proof of who asks.
func (p Permission) Fresh() bool { return rules[p].fresh }

// May tells whether the actor's role in the team has the permission.
func May(a model.Actor, p Permission, teamID string) bool {
	r, known := rules[p]
	return known && a.RoleIn(teamID).AtLeast(r.role)
}

// MayAnywhere tells whether the actor has the permission in some team.
func MayAnywhere(a model.Actor, p Permission) bool {
	switch p {
	case Anybody:
		return true
	case OwnAccount:
		return a.Person
	}
	r, known := rules[p]
	return known && a.Best().AtLeast(r.role)
}

// teamsWhere are the teams in which the actor has the permission, nil for all.
func teamsWhere(a model.Actor, p Permission) []string {
	ids := a.TeamIDs()
	return slices.DeleteFunc(ids, func(id string) bool { return !May(a, p, id) })
}

// allow checks that the actor may act on something of the team: a stranger
// learns nothing (the same answer as for an absent id), a member whose role is
// too low learns which one it takes.
func allow(a model.Actor, p Permission, teamID, noun, id string) error {
	if !a.Sees(teamID) {
		return model.NotFound(noun, id)
	}
	if !May(a, p, teamID) {
		return forbidden(p, a.RoleIn(teamID), " in the team")
	}
	return fresh(a, p)
}

// could is allow for what the actor is offered: that they will be asked who they
// are is no reason to offer it to nobody.
func could(a model.Actor, p Permission, teamID, noun, id string) error {
	a.Stale = false
	return allow(a, p, teamID, noun, id)
}

// member checks a question that is not about one team's thing.
func member(a model.Actor, p Permission) error {
	if !a.Person && a.Best() == "" {
		return model.Errorf(model.CodeUnauthorized, "Sign in first.")
	}
	if !MayAnywhere(a, p) {
		return forbidden(p, a.Best(), "")
	}
	return fresh(a, p)
}

func forbidden(p Permission, have model.Role, where string) error {
	if p.Role() == "" {
		return model.Errorf(model.CodeForbidden, "Nobody may do this: there is no rule for it.")
	}
	if have == "" {
		return model.Errorf(model.CodeForbidden, "This takes the role %s%s; you are in no team yet. Ask an owner to invite you.", p.Role(), where)
	}
	return model.Errorf(model.CodeForbidden, "This takes the role %s%s; yours is %s.", p.Role(), where, have)
}

func fresh(a model.Actor, p Permission) error {
	if a.Stale && p.Fresh() {
		return model.Stale()
	}
	return nil
}
