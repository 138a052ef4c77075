package e2e

import (
	"database/sql"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/api"
	"drawbridge/internal/awssim"
)

// TestAuditLeadsToAWS: a row of the audit names the job that carried the change
// out, and the job's steps have the id of every AWS request that changed
// something for it, and no id that AWS does not know. The chain of rows holds by
// the command line's own check.
func TestAuditLeadsToAWS(t *testing.T) {
	t.Parallel()
	c := openCloud(t, "", awssim.Instant)
	s := startServer(t, "instant", c.flags()...)
	b := s.register(launch("orders", nil))
	s.succeeded(s.provision(b))
	s.succeeded(s.destroy(b))
	told := map[string]bool{}
	var rows api.AuditList
	s.want(200, "GET", "/api/v1/audit?action=backend&limit=100", nil).into(t, &rows)
	for _, r := range rows.Items {
		if r.JobID == "" {
			continue
		}
		var j api.JobDetail
		s.want(200, "GET", "/api/v1/jobs/"+r.JobID, nil).into(t, &j)
		for _, step := range j.Steps {
			for _, id := range step.RequestIDs {
				told[id] = true
			}
		}
	}
	known, changes := map[string]bool{}, 0
	for _, call := range c.sim.Calls() {
		known[call.RequestID] = true
		if strings.HasPrefix(call.Operation, "Describe") || strings.HasPrefix(call.Operation, "Get") {
			continue
		}
		if changes++; !told[call.RequestID] {
			t.Errorf("no step of a job has the id of %s %s", call.Operation, call.RequestID)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(told)) {
		if !known[id] {
			t.Errorf("a step has the id %s, which AWS does not know", id)
		}
	}
	if changes < 25 {
		t.Errorf("only %d calls changed something", changes)
	}
	said := s.command("audit", "verify", "--data-dir", s.dir)
	t.Logf("%d changing calls, %d ids in steps; audit verify: %s", changes, len(told), strings.TrimSpace(said))
}

// TestAuditVerifyFindsAChange: a row that somebody with the database changed is
// named, and the command fails.
func TestAuditVerifyFindsAChange(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	s.register(launch("orders", nil))
	if err := s.terminate(); err != nil {
		t.Fatal(err)
	}
	s.command("audit", "verify", "--data-dir", s.dir)
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "drawbridge.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE audit SET actor_name = 'somebody else' WHERE seq = 2`); err != nil {
		t.Fatal(err)
	}
	if said := refused(t, "audit", "verify", "--data-dir", s.dir); !strings.Contains(said, "row 2") {
		t.Errorf("it said %q", said)
	}
}
