package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/backends/be_1":           "/backends/be_1",
		"/backends?x=1":            "/backends?x=1",
		"":                         "/",
		"backends":                 "/",
		"//evil.example/x":         "/",
		"/\\evil.example":          "/",
		"https://evil.example/":    "/",
		"javascript:alert(1)":      "/",
		"/\t/evil.example":         "/",
		"/%2f/evil.example":        "/",
		"///evil.example":          "/",
		"http:/backends":           "/",
		"/sign-in/abc":             "/",
		"/a\r\nSet-Cookie: x=1":    "/",
		"//user@evil.example/path": "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("localPath(%q) = %q, want %q", next, got, want)
		}
	}
}

// TestPathHelpersLeadToRoutes finds, for each helper, the route that serves it.
func TestPathHelpersLeadToRoutes(t *testing.T) {
	t.Parallel()
	const id = "be_1/../x y" // an id that needs escaping must stay one segment
	helpers := map[string]string{
		"error_list": pathErrors, "price_list": pathPricesOf("x"), "cost_estimate": pathBackendCost(), "home": pathHome, "backend_import": pathBackendImport(), "backend_import_create": pathBackendImport(),
		"backend_template": pathBackendTemplate(), "backend_export": pathBackendExport("csv"), "session_new": pathSignIn, "session_create": pathSignIn, "session_delete": pathSignOut,
		"session_confirm": pathSignIn + "/token", "backend_list": pathBackends, "backend_list_stream": pathBackendsStream(),
		"backend_new": pathBackendNew(), "backend_create": pathBackendNew(), "instance_list": pathBackendInstances(),
		"backend_show": pathBackend(id), "backend_stream": pathBackendStream(id),
		"backend_plan": pathBackendPlan(id, model.OpDestroy), "backend_provision": pathBackendProvision(id),
		"backend_edit": pathBackendEdit(id), "backend_update": pathBackendEdit(id), "backend_sleep": pathBackendSleep(id), "backend_wake": pathBackendWake(id),
		"backend_destroy": pathBackendDestroy(id), "tests_run": pathTestsRun(id), "tests_send": pathTestsSend(id),
		"identity_unlink": pathAccountUnlink, "account_show": pathAccount, "password_save": pathAccountPassword, "session_end_others": pathAccountSessionsEnd,
		"session_end": pathAccountSessionEnd(id), "provider_begin": pathProvider, "provider_finish": pathProviderAnswer,
		"invitation_show": pathInvitation(id), "invitation_accept": pathInvitationAccept,
		"team_list": pathTeams, "team_create": pathTeams, "team_show": pathTeam(id), "member_save": pathMember(id, id),
		"member_remove": pathMemberRemove(id, id), "invitation_create": pathInvitations(id), "invitation_revoke": pathInvitationRevoke(id, id),
		"token_create": pathTokens(id), "token_revoke": pathTokenRevoke(id, id), "trust_create": pathTrusts(id),
		"trust_delete": pathTrustDelete(id, id), "user_list": pathUsers, "user_switch": pathUserSwitch(id), "user_admin": pathUserAdmin(id),
		"confirm_show": pathConfirmNext("/"), "confirm_create": pathConfirm, "job_show": pathJob(id), "job_stream": pathJobStream(id), "job_cancel": pathJobCancel(id), "job_retry": pathJobRetry(id),
		"job_plan_roll_back": pathJobRollBack(id), "job_roll_back": pathJobRollBack(id),
		"environment_list": pathEnvironments, "environment_status": pathEnvironmentStatus(id),
		"environment_calls": pathEnvironmentCalls(id), "environment_orphans": pathEnvironmentOrphans(id), "backend_logs": pathBackendLogs(id),
		"orphans_delete": pathOrphansDelete(id), "orphan_adopt": pathOrphanAdopt(id),
		"sandbox_list": pathSandboxesGone(true), "sandbox_list_stream": pathSandboxesStream(false), "sandbox_new": pathSandboxNew(id), "sandbox_create": pathSandboxNew(""),
		"sandbox_extend": pathSandboxExtend(id), "sandbox_plan_end": pathSandboxEnd(id), "sandbox_end": pathSandboxEnd(id),
		"template_list": pathTemplates(id), "template_new": pathTemplateNew(id), "template_create": pathTemplateNew(id),
		"template_show": pathTemplate(id, id), "template_save": pathTemplate(id, id), "template_delete": pathTemplateDelete(id, id),
		"quota_show": pathTeamQuota(id), "quota_set": pathTeamQuota(id), "audit_list": pathAuditBefore(url.Values{}, 1),
		"notice_list": pathNoticesAfter(url.Values{}, id), "webhook_list": pathWebhooks(id), "webhook_create": pathWebhooks(id), "webhook_new": pathWebhookNew(id),
		"webhook_show": pathDeliveries(id, id, url.Values{}), "webhook_save": pathWebhook(id, id), "webhook_switch": pathWebhookSwitch(id, id),
		"webhook_rotate": pathWebhookRotate(id, id), "webhook_delete": pathWebhookDelete(id, id), "webhook_test": pathWebhookTest(id, id),
		"webhook_redeliver": pathWebhookRedeliver(id, id), "delivery_redeliver": pathRedeliver(id, id, id),
	}
	e := echo.New()
	for _, r := range routes() {
		e.Add(r.Method, r.Path, func(c echo.Context) error { return c.String(http.StatusOK, r.Name) })
	}
	for _, r := range routes() {
		path, ok := helpers[r.Name]
		if !ok {
			t.Errorf("route %s has no path helper in this test", r.Name)
			continue
		}
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(r.Method, path, nil))
		if rec.Body.String() != r.Name {
			t.Errorf("%s %s is served by %q, want %s", r.Method, path, rec.Body.String(), r.Name)
		}
	}
}

func TestSignInKeepsTheWayBack(t *testing.T) {
	t.Parallel()
	if got := pathSignInNext("/backends/be_1?a=b"); got != "/sign-in?next=%2Fbackends%2Fbe_1%3Fa%3Db" {
		t.Errorf("got %s", got)
	}
	if got := pathSignInNext("/"); strings.Contains(got, "next") {
		t.Errorf("home needs no next: %s", got)
	}
}
