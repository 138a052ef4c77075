package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// audit records n changes of that team.
func (s *site) audit(n int, change model.Change) {
	s.t.Helper()
	for range n {
		if err := s.store.InTx(s.t.Context(), func(q *store.Queries) error { return q.Audit(s.t.Context(), change) }); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestAuditPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, job := s.start("orders")
	s.audit(1, model.Change{Action: model.AuditSignIn, Noun: "session", Outcome: model.AuditRefused}) // of no team
	s.audit(1, model.Change{Action: model.AuditBackendRegister, Noun: "backend", Name: "theirs", TeamID: "team_b"})
	page := want(t, s.as(owner, http.MethodGet, pathAudit, nil), http.StatusOK,
		"backend.provision", "Dana", pathBackend(b.ID), job, "&#34;phase&#34;: &#34;registered&#34;", `data-state="done"`, "!theirs", "!data-state=\"refused\"", "!audit-older")
	if n := strings.Count(page, "data-audit="); n != 1 {
		t.Errorf("%d rows", n)
	}
	want(t, s.as(owner, http.MethodGet, pathBackends, nil), http.StatusOK, `href="/audit"`)
	want(t, s.as(developer, http.MethodGet, pathBackends, nil), http.StatusOK, `!href="/audit"`)
	want(t, s.as(developer, http.MethodGet, pathAudit, nil), http.StatusForbidden)
}

func TestAuditFilters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.audit(1, model.Change{Actor: owner, Action: model.AuditBackendRegister, Noun: "backend", ID: "be_1", Name: "one", TeamID: "team_a"})
	s.audit(1, model.Change{Actor: developer, Action: model.AuditJobRetry, Noun: "job", ID: "job_2", Name: "two", TeamID: "team_a"})
	for query, names := range map[string]string{
		"actor=Olga": "one", "actor=usr_d": "two", "action=backend.register": "one", "action=job": "two",
		"target=one": "one", "target=job_2": "two", "from=2000-01-01&to=2999-01-01": "one two", "to=2000-01-01": "",
		"actor=%3Cscript%3E": "", "before=2": "one", "before=x": "one two", "before=-5": "one two", "from=yesterday": "",
	} {
		page := want(t, s.as(owner, http.MethodGet, pathAudit+"?"+query, nil), http.StatusOK, "!<script>")
		for _, name := range []string{"one", "two"} {
			shown := strings.Contains(page, ">"+name+"<")
			if shown != strings.Contains(names, name) {
				t.Errorf("%s: shows %s: %v", query, name, shown)
			}
		}
	}
	want(t, s.as(owner, http.MethodGet, pathAudit+"?from=yesterday&actor=Olga", nil), http.StatusOK, "Write days as 2026-01-31.", `value="yesterday"`, `value="Olga"`)
}

func TestAuditPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.audit(auditRows+1, model.Change{Actor: owner, Action: model.AuditBackendRegister, Noun: "backend", ID: "be_1", TeamID: "team_a"})
	older := pathAuditBefore(url.Values{"actor": {"Olga"}}, 2)
	want(t, s.as(owner, http.MethodGet, pathAudit+"?actor=Olga", nil), http.StatusOK, strings.ReplaceAll(older, "&", "&amp;"), fmt.Sprintf("#%d<", auditRows+1))
	want(t, s.as(owner, http.MethodGet, older, nil), http.StatusOK, "#1<", "!#2<", "!audit-older")
}
