package web

import (
	"net/http"
	"net/url"
	"testing"

	"drawbridge/internal/model"
)

func TestQuotaPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.foreignTeam()
	s.backend(model.PhaseReady)
	at := pathTeamQuota("team_a")
	want(t, s.as(viewer, http.MethodGet, at, nil), http.StatusOK, "Quota of Team A", "<b>1</b>", "no limit", "An admin of this installation", "!quota-set")
	want(t, s.as(viewer, http.MethodGet, pathTeamQuota("team_b"), nil), http.StatusNotFound)
	want(t, s.as(owner, http.MethodPost, at, url.Values{"backends": {"5"}}), http.StatusForbidden)

	want(t, s.as(admin, http.MethodGet, at, nil), http.StatusOK, `name="backends"`, "quota-set")
	wantRedirect(t, s.as(admin, http.MethodPost, at, url.Values{"backends": {" 4 "}, "instances": {""}}), at)
	want(t, s.as(viewer, http.MethodGet, at, nil), http.StatusOK, "<b>1 of 4</b>", "set for this team", `max="4"`)
	for _, bad := range []string{"many", "-1", "99999999999999999999", "1e3"} {
		want(t, s.as(admin, http.MethodPost, at, url.Values{"backends": {bad}, "instances": {"7"}}), http.StatusUnprocessableEntity,
			`value="`+bad+`"`, `value="7"`, `aria-invalid="true"`)
	}
	wantRedirect(t, s.as(admin, http.MethodPost, at, url.Values{"backends": {"1"}}), at)
	full := url.Values{"name": {"another"}, "source": {"launch"}, "port": {"8000"}, "health_path": {"/"}, "instance_type": {"t3.micro"}, "count": {"1"}}
	want(t, s.as(developer, http.MethodPost, pathBackendNew(), full), http.StatusUnprocessableEntity, "1 of the 1 backends", `value="another"`)
}
