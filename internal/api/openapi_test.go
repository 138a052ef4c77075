package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// TestGoldenDocuments keeps the descriptions in the repository true: a change
// of the API shows in the review.
func TestGoldenDocuments(t *testing.T) {
	t.Parallel()
	_, e, _ := newAPI(t, tokens{})
	for _, row := range []struct{ path, mediaType, file string }{
		{Base + "/openapi.json", "application/openapi+json", "openapi.json"},
		{SchemaPath, "application/schema+json", "backend.schema.json"},
	} {
		resp, body := call{method: "GET", path: row.path, header: map[string]string{"Authorization": ""}}.do(t, e)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != row.mediaType {
			t.Fatalf("%s: %d %v", row.path, resp.StatusCode, resp.Header)
		}
		got := append([]byte(body), '\n')
		want, err := os.ReadFile(row.file)
		switch {
		case err == nil && bytes.Equal(got, want):
		case *update:
			if err := os.WriteFile(row.file, got, 0o644); err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s was written anew; look at the difference and run the tests again", row.file)
		default:
			t.Errorf("the API differs from %s; run: go test ./internal/api -run Golden -update", row.file)
		}
	}
}

type schema struct {
	Ref                  string            `json:"$ref"`
	Type                 any               `json:"type"`
	Description          string            `json:"description"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
}

type document struct {
	OpenAPI string                              `json:"openapi"`
	Paths   map[string]map[string]operationView `json:"paths"`

	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	Security []map[string][]string `json:"security"`
}

type operationView struct {
	OperationID string         `json:"operationId"`
	Summary     string         `json:"summary"`
	Tags        []string       `json:"tags"`
	Responses   map[string]any `json:"responses"`
	Parameters  []parameter    `json:"parameters"`
}

type parameter struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func readDocument(t *testing.T) document {
	t.Helper()
	_, e, _ := newAPI(t, tokens{})
	_, body := call{method: "GET", path: "/api/v1/openapi.json"}.do(t, e)
	var d document
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentIsComplete(t *testing.T) {
	t.Parallel()
	d := readDocument(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1") || len(d.Security) != 1 {
		t.Errorf("openapi %s, security %v", d.OpenAPI, d.Security)
	}
	ids := map[string]bool{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			at := method + " " + path
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s: id %q, summary %q, tags %v", at, op.OperationID, op.Summary, op.Tags)
			}
			ids[op.OperationID] = true
			for _, status := range []string{"401", "422", "500"} {
				if op.Responses[status] == nil {
					t.Errorf("%s does not tell of %s", at, status)
				}
			}
			if strings.Contains(path, "{id}") && !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == "id" }) {
				t.Errorf("%s does not describe its id: Huma skips fields of embedded structs that are not exported", at)
			}
			for _, p := range op.Parameters {
				if p.Description == "" {
					t.Errorf("%s: parameter %s is not described", at, p.Name)
				}
			}
		}
	}
	for name, s := range d.Components.Schemas {
		if s.AdditionalProperties != false {
			t.Errorf("%s lets unknown fields in", name)
		}
		for field, p := range s.Properties {
			if p.Description == "" && p.Ref == "" {
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
	for _, name := range []string{"ErrorModel", "ErrorDetail"} {
		if _, ok := d.Components.Schemas[name]; ok {
			t.Errorf("%s is described but never sent", name)
		}
	}
}

func TestTheIssuesOperationsAreThere(t *testing.T) {
	t.Parallel()
	want := []string{
		"POST /backends", "GET /backends", "GET /backends/{id}", "DELETE /backends/{id}", "GET /backends/{id}/plan",
		"POST /backends/{id}/provision", "POST /backends/{id}/sleep", "POST /backends/{id}/wake",
		"GET /teams/{id}/backends/{name}", "PUT /teams/{id}/backends/{name}",
		"GET /backends/{id}/jobs", "GET /backends/{id}/resources",
		"GET /backends/{id}/events", "GET /backends/{id}/events/list", "GET /events", "POST /backends/{id}/tests/run", "GET /backends/{id}/tests/runs",
		"GET /jobs/{id}", "POST /jobs/{id}/cancel", "POST /jobs/{id}/retry",
		"GET /jobs/{id}/roll-back", "POST /jobs/{id}/roll-back",
		"GET /environments", "GET /environments/{id}/status", "GET /environments/{id}/instances", "GET /teams",
		"GET /environments/{id}/calls", "GET /environments/{id}/orphans", "POST /environments/{id}/orphans:delete", "POST /environments/{id}/orphans:adopt", "GET /backends/{id}/access-logs", "GET /audit", "GET /teams/{id}/cost", "GET /environment-costs", "POST /environments/{id}/cost", "GET /prices", "GET /teams/{id}/quota", "PUT /teams/{id}/quota",
		"POST /backends:batch",
		"POST /teams", "GET /teams/{id}/members", "GET /teams/{id}/members/{user}", "PUT /teams/{id}/members/{user}", "DELETE /teams/{id}/members/{user}",
		"GET /teams/{id}/invitations", "POST /teams/{id}/invitations", "DELETE /teams/{id}/invitations/{invitation}",
		"GET /teams/{id}/tokens", "POST /teams/{id}/tokens", "DELETE /teams/{id}/tokens/{token}",
		"GET /teams/{id}/trusts", "POST /teams/{id}/trusts", "DELETE /teams/{id}/trusts/{trust}",
		"GET /teams/{id}/sandboxes", "POST /teams/{id}/sandboxes", "GET /sandboxes", "GET /sandboxes/{id}", "POST /sandboxes/{id}/extend", "POST /sandboxes/{id}/end",
		"GET /teams/{id}/sandbox-templates", "POST /teams/{id}/sandbox-templates", "GET /teams/{id}/sandbox-templates/{template}",
		"PUT /teams/{id}/sandbox-templates/{template}", "DELETE /teams/{id}/sandbox-templates/{template}",
		"GET /notices", "GET /teams/{id}/webhooks", "POST /teams/{id}/webhooks", "GET /teams/{id}/webhooks/{webhook}",
		"PATCH /teams/{id}/webhooks/{webhook}", "DELETE /teams/{id}/webhooks/{webhook}", "POST /teams/{id}/webhooks/{webhook}/rotate",
		"POST /teams/{id}/webhooks/{webhook}/test", "POST /teams/{id}/webhooks/{webhook}/redeliver", "GET /teams/{id}/webhooks/{webhook}/deliveries",
		"GET /teams/{id}/webhooks/{webhook}/deliveries/{delivery}", "POST /teams/{id}/webhooks/{webhook}/deliveries/{delivery}/redeliver",
		"GET /users", "PUT /users/{id}/enabled", "PUT /users/{id}/admin",
	}
	var got []string
	for path, operations := range readDocument(t).Paths {
		for method := range operations {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("operations:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWireNamesAreTheModels: events carry the model's JSON and answers carry
// the wire types', so a field must have one name in both.
func TestWireNamesAreTheModels(t *testing.T) {
	t.Parallel()
	rows := []struct {
		wire, model any
		own         []string // names that only the wire has
	}{
		{Backend{}, model.Backend{}, nil},
		{Spec{}, model.Spec{}, nil},
		{Launch{}, model.Launch{}, nil},
		{Instances{}, model.Instances{}, nil},
		{RouteTest{}, model.RouteTest{}, nil},
		{Plan{}, model.Plan{}, []string{"blocked"}},
		{PlanItem{}, model.PlanItem{}, nil},
		{Need{}, model.Need{}, nil},
		{Finding{}, model.Finding{}, nil},
		{Job{}, model.Job{}, nil},
		{Step{}, model.Step{}, nil},
		{Problem{}, model.Problem{}, nil},
		{Resource{}, model.Resource{}, nil},
		{Event{}, model.Event{}, nil},
		{TestRun{}, model.TestRun{}, nil},
		{Environment{}, model.Environment{}, []string{"sandbox_ttl", "sandbox_max_ttl"}},
		{Sandbox{}, model.Sandbox{}, []string{"state"}},
		{SandboxTemplate{}, model.SandboxTemplate{}, []string{"ttl"}},
		{TemplateParameter{}, model.TemplateParameter{}, nil},
		{EnvironmentStatus{}, model.EnvironmentStatus{}, nil},
		{Subnet{}, model.Subnet{}, nil},
		{Instance{}, model.Instance{}, nil},
		{APICall{}, model.APICall{}, nil},
		{AccessLog{}, model.AccessLog{}, nil},
		{Team{}, model.Team{}, nil},
		{User{}, model.User{}, nil},
		{Token{}, model.Token{}, nil},
		{Trust{}, model.Trust{}, nil},
		{Invitation{}, model.Invitation{}, nil},
		{AuditEntry{}, model.AuditEntry{}, nil},
		{Notice{}, model.Notice{}, nil},
		{Webhook{}, model.Webhook{}, nil},
		{Delivery{}, model.Delivery{}, []string{"tries"}},
		{Attempt{}, model.Attempt{}, nil},
		{Cost{}, model.Cost{}, nil},
		{CostItem{}, model.CostItem{}, nil},
		{CostSum{}, model.CostSum{}, nil},
		{Savings{}, model.Savings{}, nil},
		{Quota{}, model.Quota{}, nil},
		{QuotaLimits{}, model.QuotaLimits{}, nil},
	}
	for _, row := range rows {
		known := jsonNames(row.model)
		for name := range jsonNames(row.wire) {
			if !known[name] && !slices.Contains(row.own, name) {
				t.Errorf("%T.%s is not a field of %T", row.wire, name, row.model)
			}
		}
	}
	for _, secret := range []string{"external_id"} {
		if jsonNames(Environment{})[secret] {
			t.Errorf("%s leaves the server", secret)
		}
	}
}

func jsonNames(v any) map[string]bool {
	out := map[string]bool{}
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out[name] = true
	}
	return out
}

func TestPortDefaults(t *testing.T) {
	t.Parallel()
	rows := []struct {
		sent string
		port int
	}{{`{}`, 8000}, {`{"port":null}`, 8000}, {`{"port":0}`, 0}, {`{"port":3000}`, 3000}, {`{"port":-1}`, -1}}
	for _, row := range rows {
		var s Spec
		if err := json.Unmarshal([]byte(row.sent), &s); err != nil {
			t.Fatal(err)
		}
		m := s.model()
		if m.Port != row.port {
			t.Errorf("%s: port %d, want %d", row.sent, m.Port, row.port)
		}
		if m.Tests != nil {
			t.Errorf("%s: tests %v, want the model to choose them", row.sent, m.Tests)
		}
		if refused := m.WithDefaults().Validate() != nil; refused != (row.port < 1) {
			t.Errorf("%s: refused %v", row.sent, refused)
		}
	}
}

func TestDocsPageObeysItsPolicy(t *testing.T) {
	t.Parallel()
	_, e, _ := newAPI(t, tokens{})
	for path, mediaType := range map[string]string{"/api/docs": "text/html; charset=utf-8", "/api/docs/init.js": "text/javascript; charset=utf-8"} {
		resp, body := call{method: "GET", path: path, header: map[string]string{"Authorization": ""}}.do(t, e)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != mediaType || body == "" {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if strings.Contains(body, "http://") || strings.Contains(body, "https://") {
			t.Errorf("%s needs the network", path)
		}
	}
	_, page := call{method: "GET", path: "/api/docs"}.do(t, e)
	inline := regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style| style=| on[a-z]+=|javascript:`)
	if found := inline.FindString(page); found != "" {
		t.Errorf("the page has something inline that its policy forbids: %q", found)
	}
}
