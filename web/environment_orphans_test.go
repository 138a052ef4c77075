package web

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

func TestOrphansPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	at := pathEnvironmentOrphans("env_local")
	want(t, s.as(admin, http.MethodGet, pathEnvironments, nil), http.StatusOK, `href="`+at+`"`, "Look for orphans")
	want(t, s.as(owner, http.MethodGet, pathEnvironments, nil), http.StatusOK, "!"+at)
	want(t, s.as(admin, http.MethodGet, at, nil), http.StatusOK, "There are none", `!data-testid="foreign-orphans"`)

	none := func([]model.Resource) bool { return false }
	s.cloud.tagged = []panel.Tagged{
		{Orphan: model.Orphan{Type: "security group", ID: "sg-theirs", InstallID: "ins_other", BackendID: "be_x"}, In: none},
		{Orphan: model.Orphan{Type: "VPC link", ID: "vl0001", Name: "orders-vpclink", InstallID: "ins_own", BackendID: "be_unknown", Key: "vpc-link",
			CreatedAt: time.Now().Add(-3 * time.Hour)}, In: none},
	}
	want(t, s.as(admin, http.MethodGet, at, nil), http.StatusOK, `data-orphan="vl0001"`, "orders-vpclink", "be_unknown",
		"does not know the backend", "3 h ago", `data-testid="foreign-orphans"`, `data-orphan="sg-theirs"`, "AWS does not tell")
	want(t, s.as(admin, http.MethodGet, pathEnvironments, nil), http.StatusOK, "Orphans (1)")
	remove := pathOrphansDelete("env_local")
	want(t, s.as(owner, http.MethodPost, remove, url.Values{"id": {"vl0001"}}), http.StatusForbidden)
	want(t, s.as(admin, http.MethodPost, remove, url.Values{"id": {"sg-theirs"}}), http.StatusNotFound)
	want(t, s.as(admin, http.MethodPost, remove, url.Values{"all": {"true"}}), http.StatusSeeOther)
	want(t, s.as(admin, http.MethodGet, at, nil), http.StatusOK, "Being deleted", `!data-testid="delete-orphan"`, `!data-testid="delete-all"`)
	want(t, s.as(admin, http.MethodGet, pathEnvironmentOrphans("env_none"), nil), http.StatusNotFound, "env_none")
}

func TestAJobThatLeftSomethingLeadsToTheOrphans(t *testing.T) {
	t.Parallel()
	d := sampleJob(model.JobFailed)
	d.Operation, d.Problem.Code = model.OpDestroy, model.CodeLeftBehind
	if h := newJobHead(d, admin, sampleNow); h.Orphans.URL != pathEnvironmentOrphans(d.Backend.EnvironmentID) {
		t.Errorf("admin: %+v", h.Orphans)
	}
	if h := newJobHead(d, owner, sampleNow); h.Orphans.Shown() {
		t.Errorf("owner: %+v", h.Orphans)
	}
}
