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

	"list-environments":      panel.SeeEnvironments,
	"get-environment-status": panel.SeeEnvironments,
	"list-instances":         panel.ListInstances,
	"list-environment-calls": panel.SeeCalls,
	"list-orphans":           panel.SeeOrphans,
	"delete-orphans":         panel.DeleteOrphans,

	"list-teams": panel.SeeTeams,
	"get-quota":  panel.SeeTeams,
	"set-quota":  panel.ManageTeams,

	"list-audit": panel.ReadAudit,
}
