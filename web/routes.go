package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/panel"
)

// route is one address, what its page is called and who may ask for it.
type route struct {
	Name   string
	Method string
	Path   string
	Title  string
	// Needs is the permission of the use case behind it. It refuses early;
	// package panel decides again. A route without one serves nobody.
	Needs  panel.Permission
	handle func(*Web, echo.Context) error
}

// routes are all pages. A new page is a new line here.
func routes() []route {
	return slices.Concat(mainRoutes(), changeRoutes(), sandboxRoutes(), noticeRoutes())
}

func mainRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{"error_list", get, pathErrors, "Errors", panel.Anybody, (*Web).listErrors},
		{"price_list", get, pathPrices, "Prices", panel.SeeEnvironments, (*Web).listPrices},
		{"home", get, pathHome, "Backends", panel.SeeBackends, (*Web).home},
		{"session_new", get, pathSignIn, "Sign in", panel.Anybody, (*Web).newSession},
		{"session_confirm", get, pathSignIn + "/:token", "Sign in", panel.Anybody, (*Web).confirmSession},
		{"session_create", post, pathSignIn, "Sign in", panel.Anybody, (*Web).createSession},
		{"session_delete", post, pathSignOut, "Sign out", panel.Anybody, (*Web).deleteSession},
		{"provider_begin", post, pathProvider, "Sign in", panel.Anybody, (*Web).beginProvider},
		{"provider_finish", get, pathProviderAnswer, "Sign in", panel.Anybody, (*Web).finishProvider},
		{"invitation_show", get, pathInvitationAccept + "/:token", "Invitation", panel.Anybody, (*Web).showInvitation},
		{"invitation_accept", post, pathInvitationAccept, "Invitation", panel.Anybody, (*Web).acceptInvitation},

		{"account_show", get, pathAccount, "Your account", panel.OwnAccount, (*Web).showAccount},
		{"password_save", post, pathAccountPassword, "Your account", panel.OwnAccount, (*Web).savePassword},
		{"identity_unlink", post, pathAccountUnlink, "Your account", panel.OwnAccount, (*Web).unlinkIdentity},
		{"session_end_others", post, pathAccountSessionsEnd, "Your account", panel.OwnAccount, (*Web).endOtherSessions},
		{"session_end", post, pathAccount + "/sessions/:id/end", "Your account", panel.OwnAccount, (*Web).endSession},
		{"confirm_show", get, pathConfirm, "Confirm that it is you", panel.OwnAccount, (*Web).showConfirm},
		{"confirm_create", post, pathConfirm, "Confirm that it is you", panel.OwnAccount, (*Web).createConfirm},

		{"backend_list", get, pathBackends, "Backends", panel.SeeBackends, (*Web).listBackends},
		{"backend_list_stream", get, pathBackends + "/stream", "Backends", panel.SeeBackends, (*Web).streamBackends},
		{"backend_new", get, pathBackends + "/new", "Register a backend", panel.RegisterBackends, (*Web).newBackend},
		{"backend_create", post, pathBackends + "/new", "Register a backend", panel.RegisterBackends, (*Web).createBackend},
		{"instance_list", get, pathBackends + "/new/instances", "Existing instances", panel.ListInstances, (*Web).listInstances},
		{"cost_estimate", get, pathBackends + "/new/cost", "Cost", panel.SeeEnvironments, (*Web).estimateCost},
		{"backend_import", get, pathBackends + "/import", "Import backends", panel.RegisterBackends, (*Web).newImport},
		{"backend_import_create", post, pathBackends + "/import", "Import backends", panel.RegisterBackends, (*Web).createImport},
		{"backend_template", get, pathBackends + "/import/template.csv", "Template", panel.RegisterBackends, (*Web).sendTemplate},
		{"backend_export", get, pathBackends + "/export/:format", "Export", panel.SeeBackends, (*Web).exportBackends},
		{"backend_show", get, pathBackends + "/:id", "Backend", panel.SeeBackends, (*Web).showBackend},
		{"backend_stream", get, pathBackends + "/:id/stream", "Backend", panel.SeeBackends, (*Web).streamBackend},
		{"backend_plan", get, pathBackends + "/:id/plan", "Plan", panel.SeeBackends, (*Web).planBackend},
		{"backend_provision", post, pathBackends + "/:id/provision", "Provision", panel.ProvisionBackends, (*Web).provisionBackend},
		{"backend_destroy", post, pathBackends + "/:id/destroy", "Destroy", panel.DestroyBackends, (*Web).destroyBackend},
		{"backend_logs", get, pathBackends + "/:id/logs", "Access logs", panel.SeeBackends, (*Web).listAccessLogs},
		{"tests_run", post, pathBackends + "/:id/tests/run", "Route tests", panel.TestRoutes, (*Web).runTests},
		{"tests_send", post, pathBackends + "/:id/tests/send", "Request", panel.TestRoutes, (*Web).sendRequest},

		{"job_show", get, "/jobs/:id", "Job", panel.SeeBackends, (*Web).showJob},
		{"job_stream", get, "/jobs/:id/stream", "Job", panel.SeeBackends, (*Web).streamJob},
		{"job_cancel", post, "/jobs/:id/cancel", "Cancel", panel.ProvisionBackends, (*Web).cancelJob},
		{"job_plan_roll_back", get, "/jobs/:id/roll-back", "Roll back plan", panel.SeeBackends, (*Web).planRollBack},
		{"job_roll_back", post, "/jobs/:id/roll-back", "Roll back", panel.ProvisionBackends, (*Web).rollBackJob},
		{"job_retry", post, "/jobs/:id/retry", "Retry", panel.ProvisionBackends, (*Web).retryJob},

		{"team_list", get, pathTeams, "Teams", panel.SeeTeams, (*Web).listTeams},
		{"team_create", post, pathTeams, "Teams", panel.ManageTeams, (*Web).createTeam},
		{"team_show", get, pathTeams + "/:id", "Team", panel.SeeMembers, (*Web).showTeam},
		{"member_save", post, pathTeams + "/:id/members/:user", "Team", panel.ManageMembers, (*Web).saveMember},
		{"member_remove", post, pathTeams + "/:id/members/:user/remove", "Team", panel.ManageMembers, (*Web).removeMember},
		{"invitation_create", post, pathTeams + "/:id/invitations", "Team", panel.ManageMembers, (*Web).createInvitation},
		{"invitation_revoke", post, pathTeams + "/:id/invitations/:invitation/revoke", "Team", panel.ManageMembers, (*Web).revokeInvitation},
		{"token_create", post, pathTeams + "/:id/tokens", "Team", panel.ManageTokens, (*Web).createToken},
		{"token_revoke", post, pathTeams + "/:id/tokens/:token/revoke", "Team", panel.ManageTokens, (*Web).revokeToken},
		{"trust_create", post, pathTeams + "/:id/trusts", "Team", panel.ManageTokens, (*Web).createTrust},
		{"trust_delete", post, pathTeams + "/:id/trusts/:trust/delete", "Team", panel.ManageTokens, (*Web).deleteTrust},
		{"user_list", get, pathUsers, "Users", panel.SeeUsers, (*Web).listUsers},
		{"user_switch", post, pathUsers + "/:id/switch", "Users", panel.ManageUsers, (*Web).switchUser},
		{"user_admin", post, pathUsers + "/:id/admin", "Users", panel.ManageUsers, (*Web).setAdmin},

		{"environment_list", get, pathEnvironments, "Environments", panel.SeeEnvironments, (*Web).listEnvironments},
		{"environment_status", get, pathEnvironments + "/:id/status", "Environment", panel.SeeEnvironments, (*Web).environmentStatus},
		{"environment_orphans", get, pathEnvironments + "/:id/orphans", "Orphans", panel.SeeOrphans, (*Web).listOrphans},
		{"orphans_delete", post, pathEnvironments + "/:id/orphans/delete", "Orphans", panel.DeleteOrphans, (*Web).deleteOrphans},
		{"orphan_adopt", post, pathEnvironments + "/:id/orphans/adopt", "Orphans", panel.AdoptOrphans, (*Web).adoptOrphan},
		{"environment_calls", get, pathEnvironments + "/:id/calls", "API calls", panel.SeeCalls, (*Web).listCalls},

		{"quota_show", get, pathTeams + "/:id/quota", "Quota", panel.SeeTeams, (*Web).showQuota},
		{"quota_set", post, pathTeams + "/:id/quota", "Quota", panel.ManageTeams, (*Web).setQuota},

		{"audit_list", get, pathAudit, "Audit", panel.ReadAudit, (*Web).listAudit},
	}
}

// changeRoutes change a backend that exists.
func changeRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{"backend_edit", get, pathBackends + "/:id/edit", "Edit", panel.ProvisionBackends, (*Web).editBackend},
		{"backend_update", post, pathBackends + "/:id/edit", "Edit", panel.ProvisionBackends, (*Web).updateBackend},
		{"backend_sleep", post, pathBackends + "/:id/sleep", "Put to sleep", panel.ProvisionBackends, (*Web).sleepBackend},
		{"backend_wake", post, pathBackends + "/:id/wake", "Wake", panel.ProvisionBackends, (*Web).wakeBackend},
	}
}

// sandboxRoutes are the pages of sandboxes and of what they are made from.
func sandboxRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{"sandbox_list", get, pathSandboxes, "Sandboxes", panel.SeeBackends, (*Web).listSandboxes},
		{"sandbox_list_stream", get, pathSandboxes + "/stream", "Sandboxes", panel.SeeBackends, (*Web).streamSandboxes},
		{"sandbox_new", get, pathSandboxes + "/new", "New sandbox", panel.MakeSandboxes, (*Web).newSandbox},
		{"sandbox_create", post, pathSandboxes + "/new", "New sandbox", panel.MakeSandboxes, (*Web).createSandbox},
		{"sandbox_extend", post, pathSandboxes + "/:id/extend", "Extend", panel.MakeSandboxes, (*Web).extendSandbox},
		{"sandbox_plan_end", get, pathSandboxes + "/:id/end", "End", panel.SeeBackends, (*Web).planSandboxEnd},
		{"sandbox_end", post, pathSandboxes + "/:id/end", "End", panel.EndSandboxes, (*Web).endSandbox},
		{"template_list", get, pathTeams + "/:id/sandbox-templates", "Sandbox templates", panel.SeeTeams, (*Web).listTemplates},
		{"template_new", get, pathTeams + "/:id/sandbox-templates/new", "New template", panel.ManageTemplates, (*Web).newTemplate},
		{"template_create", post, pathTeams + "/:id/sandbox-templates/new", "New template", panel.ManageTemplates, (*Web).createTemplate},
		{"template_show", get, pathTeams + "/:id/sandbox-templates/:template", "Template", panel.ManageTemplates, (*Web).showTemplate},
		{"template_save", post, pathTeams + "/:id/sandbox-templates/:template", "Template", panel.ManageTemplates, (*Web).saveTemplate},
		{"template_delete", post, pathTeams + "/:id/sandbox-templates/:template/delete", "Template", panel.ManageTemplates, (*Web).deleteTemplate},
	}
}

// noticeRoutes are the pages of notices and of where they are sent to.
func noticeRoutes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{"notice_list", get, pathNotices, "Notices", panel.SeeNotices, (*Web).listNotices},
		{"webhook_list", get, pathTeams + "/:id/webhooks", "Webhooks", panel.SeeWebhooks, (*Web).listWebhooks},
		{"webhook_new", get, pathTeams + "/:id/webhooks/new", "New webhook", panel.SeeWebhooks, (*Web).newWebhook},
		{"webhook_create", post, pathTeams + "/:id/webhooks", "New webhook", panel.ManageWebhooks, (*Web).createWebhook},
		{"webhook_show", get, pathTeams + "/:id/webhooks/:webhook", "Webhook", panel.SeeWebhooks, (*Web).showWebhook},
		{"webhook_save", post, pathTeams + "/:id/webhooks/:webhook", "Webhook", panel.ManageWebhooks, (*Web).saveWebhook},
		{"webhook_switch", post, pathTeams + "/:id/webhooks/:webhook/switch", "Webhook", panel.ManageWebhooks, (*Web).switchWebhook},
		{"webhook_rotate", post, pathTeams + "/:id/webhooks/:webhook/rotate", "Webhook", panel.ManageWebhooks, (*Web).rotateWebhook},
		{"webhook_delete", post, pathTeams + "/:id/webhooks/:webhook/delete", "Webhook", panel.ManageWebhooks, (*Web).deleteWebhook},
		{"webhook_test", post, pathTeams + "/:id/webhooks/:webhook/test", "Webhook", panel.SendWebhooks, (*Web).testWebhook},
		{"webhook_redeliver", post, pathTeams + "/:id/webhooks/:webhook/redeliver", "Webhook", panel.SendWebhooks, (*Web).redeliverFailed},
		{"delivery_redeliver", post, pathTeams + "/:id/webhooks/:webhook/deliveries/:delivery/redeliver", "Webhook", panel.SendWebhooks, (*Web).redeliver},
	}
}
