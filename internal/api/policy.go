package api

import "drawbridge/internal/panel"

// needs names the permission of the use case behind each operation. The panel
// checks it; an operation that is not here is refused to everybody.
var needs = map[string]panel.Permission{
	"register-backend":  panel.RegisterBackends,
	"register-backends": panel.RegisterBackends,
	"list-backends":     panel.SeeBackends,
	"get-backend":       panel.SeeBackends,
	"plan-backend":      panel.SeeBackends,
	"provision-backend": panel.ProvisionBackends,
	"destroy-backend":   panel.DestroyBackends,
	"list-resources":    panel.SeeBackends,
	"list-access-logs":  panel.SeeBackends,
	"stream-events":     panel.SeeBackends,
	"list-events":       panel.SeeBackends,
	"list-jobs":         panel.SeeBackends,
	"get-job":           panel.SeeBackends,
	"cancel-job":        panel.ProvisionBackends,
	"retry-job":         panel.ProvisionBackends,
	"plan-roll-back":    panel.SeeBackends,
	"roll-back-job":     panel.ProvisionBackends,
	"run-tests":         panel.TestRoutes,
	"list-test-runs":    panel.SeeBackends,

	"make-sandbox":            panel.MakeSandboxes,
	"list-sandboxes":          panel.SeeBackends,
	"get-sandbox":             panel.SeeBackends,
	"extend-sandbox":          panel.MakeSandboxes,
	"end-sandbox":             panel.EndSandboxes,
	"list-sandbox-templates":  panel.SeeTeams,
	"get-sandbox-template":    panel.SeeTeams,
	"create-sandbox-template": panel.ManageTemplates,
	"update-sandbox-template": panel.ManageTemplates,
	"delete-sandbox-template": panel.ManageTemplates,

	"list-environments":      panel.SeeEnvironments,
	"get-environment-status": panel.SeeEnvironments,
	"list-instances":         panel.ListInstances,
	"list-environment-calls": panel.SeeCalls,
	"list-orphans":           panel.SeeOrphans,
	"delete-orphans":         panel.DeleteOrphans,
	"adopt-orphan":           panel.AdoptOrphans,

	"list-teams":  panel.SeeTeams,
	"create-team": panel.ManageTeams,
	"get-quota":   panel.SeeTeams,
	"set-quota":   panel.ManageTeams,

	"list-members":      panel.SeeMembers,
	"set-member-role":   panel.ManageMembers,
	"remove-member":     panel.ManageMembers,
	"list-invitations":  panel.SeeTokens,
	"create-invitation": panel.ManageMembers,
	"revoke-invitation": panel.ManageMembers,
	"list-tokens":       panel.SeeTokens,
	"create-token":      panel.ManageTokens,
	"revoke-token":      panel.ManageTokens,
	"list-trusts":       panel.SeeTokens,
	"create-trust":      panel.ManageTokens,
	"delete-trust":      panel.ManageTokens,

	"list-users":       panel.SeeUsers,
	"set-user-enabled": panel.ManageUsers,
	"set-user-admin":   panel.ManageUsers,

	"list-audit": panel.ReadAudit,
}
