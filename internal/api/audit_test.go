package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	in := install(t)
	b := in.register(t, "orders")
	in.as(t, "developer", "POST", "/api/v1/backends/"+b.ID+"/provision", "", nil)
	var page AuditList
	if resp := in.as(t, "owner", "GET", "/api/v1/audit?action=backend&limit=1", "", &page); resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	if len(page.Items) != 1 || page.Items[0].Action != "backend.provision" || page.Items[0].JobID == "" || page.Items[0].ActorName != "developer" || page.Items[0].ActorKind != "token" || page.Next == 0 {
		t.Errorf("page %+v", page)
	}
	var older AuditList
	in.as(t, "owner", "GET", fmt.Sprintf("/api/v1/audit?action=backend&limit=1&before=%d", page.Next), "", &older)
	if len(older.Items) != 1 || older.Items[0].Action != "backend.register" || older.Next != 0 || !strings.Contains(string(older.Items[0].After), `"port":8000`) {
		t.Errorf("older %+v", older)
	}
	var theirs AuditList
	in.as(t, "stranger", "GET", "/api/v1/audit?action=backend", "", &theirs)
	if theirs.Items == nil || len(theirs.Items) != 0 {
		t.Errorf("a stranger reads %+v", theirs)
	}
	for _, row := range []call{
		{path: "?limit=0", status: 422, code: "invalid", location: "query.limit"},
		{path: "?before=-1", status: 422, code: "invalid", location: "query.before"},
		{path: "?from=yesterday", status: 422, code: "invalid", location: "query.from"},
		{path: "", header: map[string]string{"Authorization": "Bearer " + in.tokens["developer"]}, status: 403, code: "forbidden"},
		{path: "", header: map[string]string{"Authorization": "Bearer " + in.tokens["developer"], "Accept": ndjsonType}, status: 403, code: "forbidden"},
	} {
		row.method, row.path = "GET", "/api/v1/audit"+row.path
		if row.header == nil {
			row.header = map[string]string{"Authorization": "Bearer " + in.tokens["owner"]}
		}
		resp, body := row.do(t, in.echo)
		row.checkProblem(t, resp, body)
	}
}

// TestAuditExport: all rows by lines, in order, and the chain can be checked
// from the export alone.
func TestAuditExport(t *testing.T) {
	t.Parallel()
	in := install(t)
	const n = 1203 // more than two reads
	for i := range n {
		err := in.store.InTx(t.Context(), func(q *store.Queries) error {
			return q.Audit(t.Context(), model.Change{Action: model.AuditBackendRegister, Noun: "backend", TeamID: "team_shop", Name: fmt.Sprint(i), After: map[string]int{"i": i}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(in.echo) // a recorder has no write deadlines
	t.Cleanup(srv.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/v1/audit?limit=1&action=backend", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+in.tokens["owner"])
	r.Header.Set("Accept", ndjsonType)
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != ndjsonType {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	lines := strings.Split(strings.TrimSpace(string(body)), "\n")
	if len(lines) != n {
		t.Fatalf("%d lines", len(lines))
	}
	prev := ""
	for i, line := range lines {
		var e model.AuditEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.TargetName != fmt.Sprint(i) || i > 0 && e.Prev != prev || e.Digest() != e.Hash {
			t.Fatalf("line %d: %v in %s", i+1, err, line)
		}
		prev = e.Hash
	}
}
