package web

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// restOf names the REST operation that does what a form does, or has what a page shows.
var restOf = map[string]string{
	"price_list":          "list-prices",
	"home":                "list-backends",
	"backend_list":        "list-backends",
	"backend_list_stream": "stream-all-events",
	"instance_list":       "list-instances",
	"cost_estimate":       "estimate-cost",
	"backend_export":      "list-backends",
	"backend_show":        "get-backend",
	"backend_stream":      "stream-events",
	"backend_plan":        "plan-backend",
	"backend_logs":        "list-access-logs",
	"job_show":            "get-job",
	"job_stream":          "stream-events",
	"job_plan_roll_back":  "plan-roll-back",
	"team_list":           "list-teams",
	"team_show":           "list-members",
	"user_list":           "list-users",
	"environment_list":    "list-environments",
	"environment_status":  "get-environment-status",
	"environment_orphans": "list-orphans",
	"environment_calls":   "list-environment-calls",
	"quota_show":          "get-quota",
	"audit_list":          "list-audit",
	"backend_edit":        "get-named-backend",
	"sandbox_list":        "list-all-sandboxes",
	"sandbox_list_stream": "stream-all-events",
	"sandbox_plan_end":    "plan-backend",
	"template_list":       "list-sandbox-templates",
	"template_show":       "get-sandbox-template",
	"notice_list":         "list-notices",
	"webhook_list":        "list-webhooks",
	"webhook_show":        "get-webhook",

	"backend_create":        "register-backend",
	"backend_import_create": "register-backends",
	"backend_provision":     "provision-backend",
	"backend_destroy":       "destroy-backend",
	"backend_update":        "put-backend",
	"backend_sleep":         "sleep-backend",
	"backend_wake":          "wake-backend",
	"tests_run":             "run-tests",
	"tests_send":            "run-tests",
	"job_cancel":            "cancel-job",
	"job_retry":             "retry-job",
	"job_roll_back":         "roll-back-job",
	"team_create":           "create-team",
	"member_save":           "set-member-role",
	"member_remove":         "remove-member",
	"invitation_create":     "create-invitation",
	"invitation_revoke":     "revoke-invitation",
	"token_create":          "create-token",
	"token_revoke":          "revoke-token",
	"trust_create":          "create-trust",
	"trust_delete":          "delete-trust",
	"user_switch":           "set-user-enabled",
	"user_admin":            "set-user-admin",
	"orphans_delete":        "delete-orphans",
	"orphan_adopt":          "adopt-orphan",
	"quota_set":             "set-quota",
	"webhook_create":        "create-webhook",
	"webhook_save":          "change-webhook",
	"webhook_switch":        "change-webhook",
	"webhook_rotate":        "rotate-webhook-secret",
	"webhook_delete":        "delete-webhook",
	"webhook_test":          "test-webhook",
	"webhook_redeliver":     "redeliver-failed",
	"delivery_redeliver":    "redeliver",
	"sandbox_create":        "make-sandbox",
	"sandbox_extend":        "extend-sandbox",
	"sandbox_end":           "end-sandbox",
	"template_create":       "create-sandbox-template",
	"template_save":         "update-sandbox-template",
	"template_delete":       "delete-sandbox-template",
}

// pagesOnly says why a page or form has no REST operation.
var pagesOnly = map[string]string{
	"error_list":       "a document; each problem brings its own words",
	"session_new":      "signs a person in; a token needs no session",
	"session_confirm":  "signs a person in",
	"provider_finish":  "signs a person in with a provider",
	"invitation_show":  "makes a person's account",
	"account_show":     "a person's own ways in and sessions",
	"confirm_show":     "a person proves anew who they are; a token is never stale",
	"backend_new":      "an empty form",
	"backend_import":   "an empty form",
	"backend_template": "an empty form to fill in elsewhere",
	"sandbox_new":      "a form, filled in from list-sandbox-templates",
	"template_new":     "an empty form",
	"webhook_new":      "an empty form",

	"session_create":     "signs a person in; a token needs no session",
	"session_delete":     "signs a person out",
	"provider_begin":     "signs a person in with a provider; workloads use its tokens directly",
	"invitation_accept":  "makes a person's account",
	"confirm_create":     "a person proves anew who they are; a token is never stale",
	"password_save":      "a person's own password",
	"identity_unlink":    "a person's own ways in",
	"session_end":        "a person's own sessions",
	"session_end_others": "a person's own sessions",
}

// TestRESTDoesWhatPagesDo: every page, stream and form has its REST operation,
// or a reason why not.
func TestRESTDoesWhatPagesDo(t *testing.T) {
	t.Parallel()
	operations := restOperations(t)
	var forms []string
	for _, r := range routes() {
		forms = append(forms, r.Name)
		operation, reason := restOf[r.Name], pagesOnly[r.Name]
		if (operation == "") == (reason == "") {
			t.Errorf("%s %s (%s): name the REST operation that does the same, or why there is none", r.Method, r.Path, r.Name)
		}
		if operation != "" && !slices.Contains(operations, operation) {
			t.Errorf("%s: there is no REST operation %s", r.Name, operation)
		}
	}
	for _, named := range []map[string]string{restOf, pagesOnly} {
		for name := range named {
			if !slices.Contains(forms, name) {
				t.Errorf("there is no page or form %s any more", name)
			}
		}
	}
}

func restOperations(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../internal/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, methods := range document.Paths {
		for _, op := range methods {
			ids = append(ids, op.OperationID)
		}
	}
	return ids
}
