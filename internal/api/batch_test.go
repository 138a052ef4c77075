package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const twoBackends = `"backends":[{"name":"one","spec":{"port":8000}},{"name":"two","spec":{"port":8001}}]`

func TestBatchFromDryRunToJobs(t *testing.T) {
	t.Parallel()
	in := install(t)
	var dry, first, again Batch
	in.want(t, "developer", "POST", "/backends:batch", `{"dry_run":true,"provision":true,`+twoBackends+`}`, http.StatusOK, &dry)
	if !dry.DryRun || dry.New != 2 || dry.Queued != 2 || dry.ID != "" || dry.Items[1].BackendID != "" {
		t.Errorf("dry run %+v", dry)
	}
	in.want(t, "developer", "POST", "/backends:batch", `{"provision":true,`+twoBackends+`}`, http.StatusOK, &first)
	if first.New != 2 || first.Queued != 2 || first.ID == "" || first.Items[0].BackendID == "" || first.Items[0].JobID == "" {
		t.Errorf("first %+v", first)
	}
	in.want(t, "developer", "POST", "/backends:batch", `{"provision":true,`+twoBackends+`}`, http.StatusOK, &again)
	if again.Unchanged != 2 || again.Queued != 0 {
		t.Errorf("again %+v", again)
	}
	var page backendPage
	in.want(t, "viewer", "GET", "/backends?limit=1&batch_id="+first.ID, "", http.StatusOK, &page)
	if len(page.Items) != 1 || page.NextCursor == "" || page.Items[0].QueuePosition == 0 {
		t.Fatalf("page %+v", page)
	}
	var rest backendPage
	in.want(t, "viewer", "GET", "/backends?limit=1&batch_id="+first.ID+"&cursor="+page.NextCursor, "", http.StatusOK, &rest)
	if len(rest.Items) != 1 || rest.NextCursor != "" || rest.Items[0].ID == page.Items[0].ID {
		t.Errorf("second page %+v", rest)
	}
}

func TestBatchNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	in := install(t)
	var p ProblemDetails
	in.want(t, "developer", "POST", "/backends:batch", `{"backends":[{"name":"one","spec":{}},{"name":"two","spec":{"port":0}}]}`, http.StatusUnprocessableEntity, &p)
	if len(p.Errors) != 1 || p.Errors[0].Location != "body.backends[1].spec.port" {
		t.Errorf("problem %+v", p)
	}
	var page backendPage
	in.want(t, "developer", "GET", "/backends", "", http.StatusOK, &page)
	if len(page.Items) != 0 {
		t.Errorf("%d backends were registered all the same", len(page.Items))
	}
	in.want(t, "viewer", "POST", "/backends:batch", `{`+twoBackends+`}`, http.StatusForbidden, nil)
	many := strings.Repeat(`{"name":"x","spec":{}},`, 1001)
	in.want(t, "developer", "POST", "/backends:batch", `{"backends":[`+strings.TrimSuffix(many, ",")+`]}`, http.StatusUnprocessableEntity, &p)
	if !strings.Contains(fmt.Sprint(p.Errors), "1001") {
		t.Errorf("problem %+v", p)
	}
}

// The colon is a letter of the path and no parameter of the router.
func TestBatchPathIsLiteral(t *testing.T) {
	t.Parallel()
	in := install(t)
	for _, path := range []string{"/backendsX", "/backends:other", "/backends-batch"} {
		in.want(t, "developer", "POST", path, `{`+twoBackends+`}`, http.StatusNotFound, nil)
	}
	if readDocument(t).Paths["/backends:batch"]["post"].OperationID != "register-backends" {
		t.Error("the document does not have the path as it is")
	}
}

// want asks with a role's token below the API's base, and wants the status.
func (in *installation) want(t *testing.T, role, method, path, body string, status int, out any) {
	t.Helper()
	if resp := in.as(t, role, method, Base+path, body, out); resp.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d", method, path, resp.StatusCode, status)
	}
}
