package web

import (
	"net/url"
	"strconv"
	"strings"

	"drawbridge/internal/model"
)

// Every address of a page is made here.
const (
	staticPrefix = "/static/"

	pathHome         = "/"
	pathSignIn       = "/sign-in"
	pathSignOut      = "/sign-out"
	pathBackends     = "/backends"
	pathEnvironments = "/environments"
	pathAccount      = "/account"
	pathConfirm      = "/account/confirm"
	pathTeams        = "/teams"
	pathUsers        = "/users"

	pathSandboxes = "/sandboxes"

	pathAccountPassword    = pathAccount + "/password"
	pathAccountSessionsEnd = pathAccount + "/sessions/end"
	pathAccountUnlink      = pathAccount + "/identities/unlink"
	pathInvitationAccept   = "/invitations"
	pathProvider           = "/sign-in/provider"
	pathProviderAnswer     = "/sign-in/callback"
	pathAudit              = "/audit"
	pathNotices            = "/notices"
	pathAPIDocs            = "/api/docs"
	pathErrors             = model.HelpPath
	pathPrices             = "/help/prices"
)

func pathSignInNext(next string) string {
	if next == "" || next == pathHome {
		return pathSignIn
	}
	return pathSignIn + "?" + url.Values{"next": {next}}.Encode()
}

func pathAccountSessionEnd(id string) string {
	return pathAccount + "/sessions/" + url.PathEscape(id) + "/end"
}
func pathInvitation(token string) string { return pathInvitationAccept + "/" + url.PathEscape(token) }

func pathTeam(id string) string         { return pathTeams + "/" + url.PathEscape(id) }
func pathMember(id, user string) string { return pathTeam(id) + "/members/" + url.PathEscape(user) }
func pathMemberRemove(id, user string) string {
	return pathMember(id, user) + "/remove"
}
func pathInvitations(id string) string { return pathTeam(id) + "/invitations" }
func pathInvitationRevoke(id, invitation string) string {
	return pathInvitations(id) + "/" + url.PathEscape(invitation) + "/revoke"
}
func pathTokens(id string) string { return pathTeam(id) + "/tokens" }
func pathTokenRevoke(id, token string) string {
	return pathTokens(id) + "/" + url.PathEscape(token) + "/revoke"
}
func pathTrusts(id string) string { return pathTeam(id) + "/trusts" }
func pathTrustDelete(id, trust string) string {
	return pathTrusts(id) + "/" + url.PathEscape(trust) + "/delete"
}
func pathUserSwitch(id string) string { return pathUsers + "/" + url.PathEscape(id) + "/switch" }
func pathUserAdmin(id string) string  { return pathUsers + "/" + url.PathEscape(id) + "/admin" }

// pathBackendsOf lists one team's backends; "" all that the actor sees.
func pathBackendsOf(team string) string {
	if team == "" {
		return pathBackends
	}
	return pathBackends + "?" + url.Values{"team": {team}}.Encode()
}

func pathConfirmNext(next string) string {
	return pathConfirm + "?" + url.Values{"next": {next}}.Encode()
}

func pathBackendsStream() string   { return pathBackends + "/stream" }
func pathBackendCost() string      { return pathBackendNew() + "/cost" }
func pathBackendNew() string       { return pathBackends + "/new" }
func pathBackendInstances() string { return pathBackendNew() + "/instances" }

func pathBackendImport() string   { return pathBackends + "/import" }
func pathBackendTemplate() string { return pathBackendImport() + "/template.csv" }

// pathBackendExport is the list as a file of the format, "csv" or "json".
func pathBackendExport(format string) string { return pathBackends + "/export/" + format }

func pathBackend(id string) string          { return pathBackends + "/" + url.PathEscape(id) }
func pathBackendStream(id string) string    { return pathBackend(id) + "/stream" }
func pathBackendProvision(id string) string { return pathBackend(id) + "/provision" }
func pathBackendEdit(id string) string      { return pathBackend(id) + "/edit" }
func pathBackendSleep(id string) string     { return pathBackend(id) + "/sleep" }
func pathBackendWake(id string) string      { return pathBackend(id) + "/wake" }
func pathBackendDestroy(id string) string   { return pathBackend(id) + "/destroy" }
func pathBackendLogs(id string) string      { return pathBackend(id) + "/logs" }
func pathTestsRun(id string) string         { return pathBackend(id) + "/tests/run" }
func pathTestsSend(id string) string        { return pathBackend(id) + "/tests/send" }

func pathBackendPlan(id string, op model.Operation) string {
	if op == model.OpProvision {
		return pathBackend(id) + "/plan"
	}
	return pathBackend(id) + "/plan?" + url.Values{"operation": {string(op)}}.Encode()
}

func pathSandboxesStream(gone bool) string {
	return pathSandboxes + "/stream" + goneQuery(gone)
}

// pathSandboxesGone lists those of which nothing is left, or the others.
func pathSandboxesGone(gone bool) string { return pathSandboxes + goneQuery(gone) }

func goneQuery(gone bool) string {
	if gone {
		return "?gone=1"
	}
	return ""
}

// pathSandboxNew is the form, with that template chosen.
func pathSandboxNew(from string) string {
	if from == "" {
		return pathSandboxes + "/new"
	}
	return pathSandboxes + "/new?" + url.Values{"from": {from}}.Encode()
}

func pathSandboxExtend(id string) string { return pathSandboxes + "/" + url.PathEscape(id) + "/extend" }
func pathSandboxEnd(id string) string    { return pathSandboxes + "/" + url.PathEscape(id) + "/end" }

func pathTemplates(team string) string   { return pathTeam(team) + "/sandbox-templates" }
func pathTemplateNew(team string) string { return pathTemplates(team) + "/new" }
func pathTemplate(team, id string) string {
	return pathTemplates(team) + "/" + url.PathEscape(id)
}
func pathTemplateDelete(team, id string) string { return pathTemplate(team, id) + "/delete" }

func pathJob(id string) string       { return "/jobs/" + url.PathEscape(id) }
func pathJobStream(id string) string { return pathJob(id) + "/stream" }
func pathJobCancel(id string) string { return pathJob(id) + "/cancel" }
func pathJobRetry(id string) string  { return pathJob(id) + "/retry" }

// pathJobRollBack shows the plan; posted to, it carries it out.
func pathJobRollBack(id string) string { return pathJob(id) + "/roll-back" }

// pathEnvironment is the environment's place on the page of all of them.
func pathEnvironment(id string) string { return pathEnvironments + "#" + url.PathEscape(id) }

func pathEnvironmentStatus(id string) string {
	return pathEnvironments + "/" + url.PathEscape(id) + "/status"
}

func pathOrphansDelete(id string) string { return pathEnvironmentOrphans(id) + "/delete" }
func pathOrphanAdopt(id string) string   { return pathEnvironmentOrphans(id) + "/adopt" }

func pathEnvironmentOrphans(id string) string {
	return pathEnvironments + "/" + url.PathEscape(id) + "/orphans"
}

func pathEnvironmentCalls(id string) string {
	return pathEnvironments + "/" + url.PathEscape(id) + "/calls"
}

// pathPricesOf are the prices of a Region.
func pathPricesOf(region string) string {
	return pathPrices + "?" + url.Values{"region": {region}}.Encode()
}

func pathTeamQuota(id string) string { return pathTeams + "/" + url.PathEscape(id) + "/quota" }

// pathNoticesAfter is the page of the notices after that one, for the same filter.
func pathNoticesAfter(filter url.Values, after string) string {
	filter.Set("after", after)
	return pathNotices + "?" + filter.Encode()
}

// pathNoticesOf are the notices about one backend.
func pathNoticesOf(backend string) string {
	return pathNotices + "?" + url.Values{"backend": {backend}}.Encode()
}

func pathWebhooks(team string) string   { return pathTeam(team) + "/webhooks" }
func pathWebhookNew(team string) string { return pathWebhooks(team) + "/new" }
func pathWebhook(team, id string) string {
	return pathWebhooks(team) + "/" + url.PathEscape(id)
}
func pathWebhookSwitch(team, id string) string { return pathWebhook(team, id) + "/switch" }
func pathWebhookRotate(team, id string) string { return pathWebhook(team, id) + "/rotate" }
func pathWebhookDelete(team, id string) string { return pathWebhook(team, id) + "/delete" }
func pathWebhookTest(team, id string) string   { return pathWebhook(team, id) + "/test" }

// pathWebhookRedeliver sends once more all that failed.
func pathWebhookRedeliver(team, id string) string { return pathWebhook(team, id) + "/redeliver" }
func pathRedeliver(team, id, delivery string) string {
	return pathWebhook(team, id) + "/deliveries/" + url.PathEscape(delivery) + "/redeliver"
}

// pathDeliveries is the part of a webhook's log that fits the filter.
func pathDeliveries(team, id string, filter url.Values) string {
	return pathWebhook(team, id) + "?" + filter.Encode()
}

// pathAuditOf is what was done to one thing.
func pathAuditOf(target string) string {
	return pathAudit + "?" + url.Values{"target": {target}}.Encode()
}

// pathAuditBefore is the page of the audit below that row, for the same filter.
func pathAuditBefore(filter url.Values, before int64) string {
	filter.Set("before", strconv.FormatInt(before, 10))
	return pathAudit + "?" + filter.Encode()
}

// localPath returns next when it is a path of this server, else the home page:
// a link to us must not lead away from us.
func localPath(next string) string {
	u, err := url.Parse(next)
	switch {
	case err != nil, u.IsAbs(), u.Host != "", u.User != nil:
		return pathHome
	case !strings.HasPrefix(next, "/"), strings.HasPrefix(next, "//"), strings.ContainsAny(next, "\\\t\r\n"):
		return pathHome
	case strings.HasPrefix(u.Path, pathSignIn), strings.HasPrefix(u.Path, "//"):
		return pathHome
	}
	return next
}
