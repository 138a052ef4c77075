package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// route is one address, what its page is called and who may ask for it.
type route struct {
	Name   string
	Method string
	Path   string
	Title  string
	// Role is the least that the page asks for, "" for everybody. It decides
	// which buttons are shown and refuses early; package panel decides again.
	Role   model.Role
	handle func(*Web, echo.Context) error
}

// routes are all pages. A new page is a new line here.
func routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{"error_list", get, pathErrors, "AWS's errors", "", (*Web).listErrors},
		{"home", get, pathHome, "Backends", model.RoleViewer, (*Web).home},
		{"session_new", get, pathSignIn, "Sign in", "", (*Web).newSession},
		{"session_confirm", get, pathSignIn + "/:token", "Sign in", "", (*Web).confirmSession},
		{"session_create", post, pathSignIn, "Sign in", "", (*Web).createSession},
		{"session_delete", post, pathSignOut, "Sign out", "", (*Web).deleteSession},

		{"backend_list", get, pathBackends, "Backends", model.RoleViewer, (*Web).listBackends},
		{"backend_list_stream", get, pathBackends + "/stream", "Backends", model.RoleViewer, (*Web).streamBackends},
		{"backend_new", get, pathBackends + "/new", "Register a backend", model.RoleDeveloper, (*Web).newBackend},
		{"backend_create", post, pathBackends + "/new", "Register a backend", model.RoleDeveloper, (*Web).createBackend},
		{"instance_list", get, pathBackends + "/new/instances", "Existing instances", model.RoleDeveloper, (*Web).listInstances},
		{"backend_show", get, pathBackends + "/:id", "Backend", model.RoleViewer, (*Web).showBackend},
		{"backend_stream", get, pathBackends + "/:id/stream", "Backend", model.RoleViewer, (*Web).streamBackend},
		{"backend_plan", get, pathBackends + "/:id/plan", "Plan", model.RoleViewer, (*Web).planBackend},
		{"backend_provision", post, pathBackends + "/:id/provision", "Provision", model.RoleDeveloper, (*Web).provisionBackend},
		{"backend_destroy", post, pathBackends + "/:id/destroy", "Destroy", model.RoleOwner, (*Web).destroyBackend},
		{"backend_logs", get, pathBackends + "/:id/logs", "Access logs", model.RoleViewer, (*Web).listAccessLogs},
		{"tests_run", post, pathBackends + "/:id/tests/run", "Route tests", model.RoleDeveloper, (*Web).runTests},
		{"tests_send", post, pathBackends + "/:id/tests/send", "Request", model.RoleDeveloper, (*Web).sendRequest},

		{"job_show", get, "/jobs/:id", "Job", model.RoleViewer, (*Web).showJob},
		{"job_stream", get, "/jobs/:id/stream", "Job", model.RoleViewer, (*Web).streamJob},
		{"job_cancel", post, "/jobs/:id/cancel", "Cancel", model.RoleDeveloper, (*Web).cancelJob},
		{"job_retry", post, "/jobs/:id/retry", "Retry", model.RoleDeveloper, (*Web).retryJob},

		{"environment_list", get, pathEnvironments, "Environments", model.RoleViewer, (*Web).listEnvironments},
		{"environment_status", get, pathEnvironments + "/:id/status", "Environment", model.RoleViewer, (*Web).environmentStatus},
		{"environment_calls", get, pathEnvironments + "/:id/calls", "API calls", model.RoleAdmin, (*Web).listCalls},
	}
}
