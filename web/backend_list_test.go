package web

import (
	"net/http"
	"testing"

	"drawbridge/internal/model"
)

func TestHomeIsTheList(t *testing.T) {
	t.Parallel()
	wantRedirect(t, newSite(t).as(viewer, http.MethodGet, pathHome, nil), pathBackends)
}

func TestEmptyListOffersTheOneNextAction(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(developer, http.MethodGet, pathBackends, nil), http.StatusOK,
		"No backend is registered yet", `href="/backends/new"`, `data-testid="register"`, `hx-sse:connect="/backends/stream"`)
	want(t, s.as(viewer, http.MethodGet, pathBackends, nil), http.StatusOK, "No backend is registered yet", "!/backends/new")
}

func TestListShowsEachBackendAtAGlance(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.backend(model.PhaseReady)
	_, job := s.start("billing")
	s.foreignTeam()
	s.backend(model.PhaseReady, func(b *model.Backend) { b.ID, b.Name, b.TeamID = "be_3", "secret", "team_b" })
	want(t, s.as(viewer, http.MethodGet, pathBackends, nil), http.StatusOK,
		`data-testid="phase"`, `data-state="ready"`, "orders-api", "Simulated AWS", "none yet", "<time datetime=",
		`data-copy="http://a1b2c3d4e5.execute-api.ap-northeast-1.localhost:4566/"`,
		"billing", "Provisioning", `href="`+job+`"`, "No invoke URL yet", "!secret")
}
