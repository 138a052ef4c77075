package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/auth"
	"drawbridge/internal/events"
	"drawbridge/internal/hostile"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
	"drawbridge/internal/webhook"
)

// cloud answers the panel's questions about an environment, whose chain has
// two nodes. The worker is not asked for: jobs stay queued.
type cloud struct{}

func (cloud) Chain(_ context.Context, _ *model.Environment, b *model.Backend) ([]model.PlanItem, []model.Finding, error) {
	if b.Spec.Source == model.SourceInstances {
		return nil, []model.Finding{{Severity: model.SeverityError, Field: "spec.instances.ids", Message: "The instance is in another VPC."}}, nil
	}
	return []model.PlanItem{
		{Key: "alb-sg", Kind: "ec2.security_group", Title: "A security group", Action: model.ActionCreate, Ownership: model.OwnershipManaged},
		{Key: "alb", Kind: "elbv2.load_balancer", Title: "The load balancer", Action: model.ActionCreate, Ownership: model.OwnershipManaged,
			Needs: []model.Need{{Key: "alb-sg"}}},
	}, nil, nil
}

func (cloud) Warnings(*model.Plan, []model.Resource) []model.Finding { return nil }

func (cloud) Nodes(*model.Environment, *model.Backend, bool) []model.PlanItem {
	return []model.PlanItem{{Key: "answer", Kind: "http.first_answer", Title: "A first answer", Action: model.ActionCheck, Ownership: model.OwnershipReferenced}}
}

func (c cloud) Chains(ctx context.Context, env *model.Environment, bs []*model.Backend) ([]panel.Chain, error) {
	chains := make([]panel.Chain, len(bs))
	for i, b := range bs {
		var err error
		if chains[i].Items, chains[i].Findings, err = c.Chain(ctx, env, b); err != nil {
			return nil, err
		}
	}
	return chains, nil
}

func (cloud) Tagged(context.Context, *model.Environment) ([]panel.Tagged, error) { return nil, nil }

func (cloud) Status(context.Context, *model.Environment) *model.EnvironmentStatus {
	return &model.EnvironmentStatus{Answers: true, Account: "000000000000"}
}

func (cloud) Instances(context.Context, *model.Environment) ([]model.Instance, error) {
	return []model.Instance{{ID: "i-0a1b2c3d4e5f67890", State: "running"}}, nil
}

type idleWorker struct{}

func (idleWorker) Wake()         {}
func (idleWorker) Cancel(string) {}

// installation is an API over a real panel, store and tokens.
type installation struct {
	echo   *echo.Echo
	store  *store.Store
	panel  *panel.Panel
	auth   *auth.Auth
	tokens map[string]string // by role; "stranger" is another team's owner

	canaries *hostile.Canaries // no answer shows one
}

func install(t *testing.T) *installation {
	t.Helper()
	return installOn(t, storetest.SQLite(t))
}

func installOn(t *testing.T, dsn string) *installation {
	t.Helper()
	ctx := t.Context()
	hub := events.NewHub()
	logger := slog.New(slog.DiscardHandler)
	st, err := store.Open(ctx, store.Options{
		DSN: dsn, Logger: logger,
		OnEvent: func(id string, _ int64) { hub.Wake(id) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	in := &installation{echo: echo.New(), store: st, tokens: map[string]string{}, canaries: &hostile.Canaries{}}
	in.echo.Use(echo.WrapMiddleware(func(next http.Handler) http.Handler {
		return in.canaries.Watch(next, func(why string) { t.Error(why) })
	}))
	au := auth.New(st, auth.Options{Logger: logger})
	in.seed(t, au)
	p := panel.New(panel.Deps{Store: st, Cloud: cloud{}, Worker: idleWorker{}, Hub: hub, Probe: probe.New(probe.Options{}), Logger: logger, Secrets: au, Webhooks: sender(t)})
	in.panel, in.auth = p, au
	New(Deps{Panel: p, Auth: au, Keys: st, Version: "test", Logger: logger}).Register(in.echo)
	return in
}

// sender seals and checks, as the real one does.
func sender(t *testing.T) *webhook.Sender {
	t.Helper()
	key, err := webhook.OwnKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return &webhook.Sender{Key: key, Client: probe.New(probe.Options{}), Now: time.Now}
}

// sealed gives a webhook its secrets.
func (in *installation) sealed(w *model.Webhook) error {
	return in.panel.Deps.Webhooks.Seal(w, model.WebhookSecrets{URL: w.Target, Secret: webhook.NewSecret()})
}

func (in *installation) seed(t *testing.T, au *auth.Auth) {
	t.Helper()
	now := in.store.Now()
	err := in.store.InTx(t.Context(), func(q *store.Queries) error {
		for _, name := range []string{"shop", "other"} {
			if err := q.InsertTeam(t.Context(), &model.Team{ID: "team_" + name, Name: name, CreatedAt: now}); err != nil {
				return err
			}
		}
		return q.UpsertEnvironment(t.Context(), &model.Environment{
			ID: "env_lab", Name: "lab", Region: "ap-northeast-1", VPCID: "vpc-0a1b2c3d4e5f67890", ExternalID: externalID,
			SubnetIDs: []string{"subnet-0a1b2c3d4e5f67890", "subnet-0a1b2c3d4e5f67891"}, Credentials: model.CredentialsDefault, CreatedAt: now, UpdatedAt: now,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]model.TokenRequest{
		"viewer":    {TeamID: "team_shop", Role: model.RoleViewer},
		"developer": {TeamID: "team_shop", Role: model.RoleDeveloper},
		"owner":     {TeamID: "team_shop", Role: model.RoleOwner},
		"stranger":  {TeamID: "team_other", Role: model.RoleOwner},
		"admin":     {Role: model.RoleAdmin},
	} {
		r.Name = name
		if in.tokens[name], _, err = au.CreateToken(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		in.canaries.Add("the token of "+name, in.tokens[name])
	}
	in.canaries.Add("a role's external id", externalID)
}

// externalID is between Drawbridge and AWS.
const externalID = "canaryOfAnExternalID0123456789"

// as sends a request with the role's token and reads the answer into out.
func (in *installation) as(t *testing.T, role, method, path, body string, out any) *http.Response {
	t.Helper()
	c := call{method: method, path: path, body: body, header: map[string]string{"Authorization": "Bearer " + in.tokens[role]}}
	resp, answer := c.do(t, in.echo)
	if out != nil {
		dec := json.NewDecoder(bytes.NewBufferString(answer))
		dec.DisallowUnknownFields()
		if err := dec.Decode(out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return resp
}

func (in *installation) register(t *testing.T, name string) Backend {
	t.Helper()
	var b Backend
	resp := in.as(t, "developer", "POST", "/api/v1/backends", `{"name":"`+name+`","spec":{}}`, &b)
	if resp.StatusCode != 201 || resp.Header.Get("Location") != "/api/v1/backends/"+b.ID {
		t.Fatalf("register: %d, Location %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	return b
}

// TestBackendFromRegistrationToDestroy walks the happy path as a client does.
func TestBackendFromRegistrationToDestroy(t *testing.T) {
	t.Parallel()
	in := install(t)
	b := in.register(t, "orders")
	if b.Phase != "registered" || *b.Spec.Port != 8000 || b.Spec.HealthPath != "/health" || len(b.Spec.Tests) != 3 || b.TeamID != "team_shop" {
		t.Errorf("backend %+v", b)
	}
	at := "/api/v1/backends/" + b.ID
	var list List[BackendSummary]
	if in.as(t, "viewer", "GET", "/api/v1/backends", "", &list); len(list.Items) != 1 || list.Items[0].EnvironmentName != "lab" {
		t.Errorf("list %+v", list)
	}
	var plan Plan
	if in.as(t, "viewer", "GET", at+"/plan", "", &plan); len(plan.Items) != 2 || plan.Blocked || plan.Items[1].Needs[0].Key != "alb-sg" {
		t.Errorf("plan %+v", plan)
	}
	var job Job
	resp := in.as(t, "developer", "POST", at+"/provision", "", &job)
	if resp.StatusCode != 202 || resp.Header.Get("Location") != "/api/v1/jobs/"+job.ID || resp.Header.Get("Retry-After") != "2" || job.State != "queued" || job.Actor != "developer" {
		t.Errorf("provision: %d %v %+v", resp.StatusCode, resp.Header, job)
	}
	var detail JobDetail
	if in.as(t, "viewer", "GET", resp.Header.Get("Location"), "", &detail); len(detail.Steps) != 2 || detail.BackendName != "orders" || detail.Steps[1].State != "pending" {
		t.Errorf("job %+v", detail)
	}
	var busy ProblemDetails
	resp = in.as(t, "owner", "DELETE", at, "", &busy)
	if resp.StatusCode != 409 || busy.Holder != job.ID || busy.HolderURL != "/api/v1/jobs/"+job.ID {
		t.Errorf("destroy while busy: %d %+v", resp.StatusCode, busy)
	}
	if resp = in.as(t, "developer", "POST", "/api/v1/jobs/"+job.ID+"/cancel", "", &job); resp.StatusCode != 202 || resp.Header.Get("Location") == "" {
		t.Errorf("cancel: %d %v", resp.StatusCode, resp.Header)
	}
	if resp = in.as(t, "developer", "POST", "/api/v1/jobs/"+job.ID+"/retry", "", &job); resp.StatusCode != 202 || job.State != "queued" {
		t.Errorf("retry: %d %+v", resp.StatusCode, job)
	}
	in.as(t, "developer", "POST", "/api/v1/jobs/"+job.ID+"/cancel", "", &job)
	if resp = in.as(t, "owner", "DELETE", at, "", &job); resp.StatusCode != 202 || job.Operation != "destroy" {
		t.Errorf("destroy: %d %+v", resp.StatusCode, job)
	}
	var jobs List[Job]
	if in.as(t, "viewer", "GET", at+"/jobs", "", &jobs); len(jobs.Items) != 2 {
		t.Errorf("jobs %+v", jobs)
	}
	var full BackendDetail
	if in.as(t, "viewer", "GET", at, "", &full); full.Phase != "destroying" || full.ActiveJob == nil || full.Resources == nil || full.Runs == nil {
		t.Errorf("backend %+v", full)
	}
}

// TestRollBackAsAClient: the plan before, the job that does it, and what a
// second one is told.
func TestRollBackAsAClient(t *testing.T) {
	t.Parallel()
	in := install(t)
	b := in.register(t, "orders")
	var job, undo, again Job
	in.as(t, "developer", "POST", "/api/v1/backends/"+b.ID+"/provision", "", &job)
	at := "/api/v1/jobs/" + job.ID
	var plan Plan
	if in.as(t, "viewer", "GET", at+"/roll-back", "", &plan); plan.Operation != "roll_back" || plan.Blocked || len(plan.Items) != 0 || len(plan.Findings) != 1 {
		t.Errorf("plan %+v", plan)
	}
	resp := in.as(t, "developer", "POST", at+"/roll-back", "", &undo)
	if resp.StatusCode != 202 || undo.Operation != "roll_back" || undo.Undoes != job.ID || resp.Header.Get("Location") != "/api/v1/jobs/"+undo.ID {
		t.Fatalf("%d %v %+v", resp.StatusCode, resp.Header, undo)
	}
	if in.as(t, "developer", "POST", at+"/roll-back", "", &again); again.ID != undo.ID {
		t.Errorf("asked twice: %+v", again)
	}
	var detail JobDetail
	in.as(t, "viewer", "GET", at, "", &detail)
	if detail.State != "cancelled" || detail.RolledBackBy != undo.ID || detail.Actions.RollBack.Allowed {
		t.Errorf("job %+v", detail)
	}
	in.as(t, "developer", "GET", at, "", &detail)
	for name, a := range map[string]JobAction{"retry": detail.Actions.Retry, "roll back": detail.Actions.RollBack} {
		if a.Allowed || a.Why == "" || a.Holder != undo.ID || a.HolderURL != "/api/v1/jobs/"+undo.ID {
			t.Errorf("%s %+v", name, a)
		}
	}
	if in.as(t, "viewer", "GET", at+"/roll-back", "", &plan); !plan.Blocked {
		t.Errorf("plan %+v", plan)
	}
	var p ProblemDetails
	if resp = in.as(t, "developer", "POST", at+"/retry", "", &p); resp.StatusCode != 409 || p.Holder != undo.ID || p.HolderURL == "" {
		t.Errorf("retry: %d %+v", resp.StatusCode, p)
	}
	for role, status := range map[string]int{"viewer": 403, "stranger": 404} {
		if resp = in.as(t, role, "POST", at+"/roll-back", "", &p); resp.StatusCode != status {
			t.Errorf("%s: %d %+v", role, resp.StatusCode, p)
		}
	}
}

// TestAnswersOfThePanel sends what the panel refuses; each row needs its own role.
func TestAnswersOfThePanel(t *testing.T) {
	t.Parallel()
	in := install(t)
	b := in.register(t, "orders")
	at := "/api/v1/backends/" + b.ID
	rows := []struct {
		name, role, method, path, body string
		status                         int
		location                       string
	}{
		{"port 0", "developer", "POST", "/api/v1/backends", `{"name":"a","spec":{"port":0}}`, 422, "body.spec.port"},
		{"port too large", "developer", "POST", "/api/v1/backends", `{"name":"a","spec":{"port":65536}}`, 422, "body.spec.port"},
		{"health path", "developer", "POST", "/api/v1/backends", `{"name":"a","spec":{"health_path":"health"}}`, 422, "body.spec.health_path"},
		{"name with hyphens", "developer", "POST", "/api/v1/backends", `{"name":"-a-","spec":{}}`, 422, "body.name"},
		{"name too long", "developer", "POST", "/api/v1/backends", `{"name":"` + strings.Repeat("a", 33) + `","spec":{}}`, 422, "body.name"},
		{"name taken", "developer", "POST", "/api/v1/backends", `{"name":"orders","spec":{}}`, 422, "body.name"},
		{"instance elsewhere", "developer", "POST", "/api/v1/backends", `{"name":"a","spec":{"source":"instances","instances":{"ids":["i-0a1b2c3d4e5f67890"]}}}`, 422, "body.spec.instances.ids"},
		{"unknown environment", "developer", "POST", "/api/v1/backends", `{"name":"a","environment_id":"env_x","spec":{}}`, 422, "body.environment_id"},
		{"another's team", "developer", "POST", "/api/v1/backends", `{"name":"a","team_id":"team_other","spec":{}}`, 422, "body.team_id"},
		{"bad test", "developer", "POST", "/api/v1/backends", `{"name":"a","spec":{"tests":[{"path":"/"},{"path":"x"}]}}`, 422, "body.spec.tests[1].path"},
		{"unknown test", "developer", "POST", at + "/tests/run", `{"names":["none"]}`, 422, "body.names"},
		{"bad request", "developer", "POST", at + "/tests/run", `{"request":{"path":"x"}}`, 422, "body.request.path"},
		{"no invoke URL yet", "developer", "POST", at + "/tests/run", "", 409, ""},

		{"viewer registers", "viewer", "POST", "/api/v1/backends", `{"name":"a","spec":{}}`, 403, ""},
		{"viewer provisions", "viewer", "POST", at + "/provision", "", 403, ""},
		{"viewer tests", "viewer", "POST", at + "/tests/run", "", 403, ""},
		{"developer destroys", "developer", "DELETE", at, "", 403, ""},
		{"developer reads everybody's calls", "developer", "GET", "/api/v1/environments/env_lab/calls", "", 403, ""},
		{"viewer lists instances", "viewer", "GET", "/api/v1/environments/env_lab/instances", "", 403, ""},
	}
	for _, path := range []string{"", "/plan", "/jobs", "/resources", "/events", "/events/list", "/tests/runs", "/access-logs"} {
		for _, r := range []struct{ role, id string }{{"stranger", b.ID}, {"viewer", "be_absent"}} {
			rows = append(rows, struct {
				name, role, method, path, body string
				status                         int
				location                       string
			}{r.role + path, r.role, "GET", "/api/v1/backends/" + r.id + path, "", 404, ""})
		}
	}
	for _, row := range rows {
		var p ProblemDetails
		resp := in.as(t, row.role, row.method, row.path, row.body, &p)
		if resp.StatusCode != row.status || resp.Header.Get("Content-Type") != problemType {
			t.Errorf("%s: %d %+v, want %d", row.name, resp.StatusCode, p, row.status)
		}
		if row.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != row.location) {
			t.Errorf("%s: errors %+v, want %s", row.name, p.Errors, row.location)
		}
	}
	var list List[BackendSummary]
	if in.as(t, "stranger", "GET", "/api/v1/backends", "", &list); len(list.Items) != 0 || list.Items == nil {
		t.Errorf("a stranger sees %+v", list)
	}
	if in.as(t, "owner", "GET", "/api/v1/backends", "", &list); len(list.Items) != 1 {
		t.Errorf("a refused registration left something: %+v", list)
	}
}

func TestEnvironmentsAndTeams(t *testing.T) {
	t.Parallel()
	in := install(t)
	var envs List[Environment]
	in.as(t, "viewer", "GET", "/api/v1/environments", "", &envs)
	if len(envs.Items) != 1 || envs.Items[0].ID != "env_lab" || len(envs.Items[0].SubnetIDs) != 2 {
		t.Errorf("environments %+v", envs)
	}
	if b, _ := json.Marshal(envs); strings.Contains(string(b), externalID) {
		t.Error("the external id left the server")
	}
	var status EnvironmentStatus
	if in.as(t, "viewer", "GET", "/api/v1/environments/env_lab/status", "", &status); !status.Answers {
		t.Errorf("status %+v", status)
	}
	var instances List[Instance]
	if in.as(t, "developer", "GET", "/api/v1/environments/env_lab/instances", "", &instances); len(instances.Items) != 1 {
		t.Errorf("instances %+v", instances)
	}
	var teams List[Team]
	if in.as(t, "viewer", "GET", "/api/v1/teams", "", &teams); len(teams.Items) != 1 || teams.Items[0].Name != "shop" {
		t.Errorf("teams %+v", teams)
	}
}

// TestEventsResumeWithoutAGap follows a backend, breaks off, and goes on from
// the last number that it saw.
func TestEventsResumeWithoutAGap(t *testing.T) {
	t.Parallel()
	in := install(t)
	b := in.register(t, "orders")
	srv := httptest.NewServer(in.echo)
	t.Cleanup(srv.Close)
	follow := func(query, lastEventID string) (*bufio.Scanner, func()) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/api/v1/backends/"+b.ID+"/events"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+in.tokens["viewer"])
		req.Header.Set("Last-Event-ID", lastEventID)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		message(t, lines) // retry
		return lines, func() { cancel(); resp.Body.Close() }
	}
	lines, stop := follow("", "")
	if m := message(t, lines); m["id"] != "1" || m["event"] != "backend" {
		t.Errorf("first message %v", m)
	}
	var job Job
	in.as(t, "developer", "POST", "/api/v1/backends/"+b.ID+"/provision", "", &job)
	if m := message(t, lines); m["id"] != "2" {
		t.Errorf("live message %v", m)
	}
	stop()
	var all List[Event]
	in.as(t, "viewer", "GET", "/api/v1/backends/"+b.ID+"/events/list?after=1", "", &all)
	lines, stop = follow("?after=0", "1")
	defer stop()
	for i, e := range all.Items {
		var got Event
		m := message(t, lines)
		if err := json.Unmarshal([]byte(m["data"]), &got); err != nil || got.Seq != int64(i)+2 || got.Seq != e.Seq || got.Type != e.Type {
			t.Errorf("message %d: %v (%v), list %+v", i, m, err, e)
		}
	}
	if len(all.Items) == 0 {
		t.Error("the list has no events")
	}
}

// TestAnswersAreJSONWhateverIsAccepted: there is one format, which nobody caches.
func TestAnswersAreJSONWhateverIsAccepted(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.echo.GET("/api/cookies", func(c echo.Context) error { return c.JSON(http.StatusOK, c.Cookies()) })
	for _, accept := range []string{"*/*", "json", "text/html", "application/xml, application/json;q=0"} {
		c := call{method: "GET", path: "/api/v1/teams", header: map[string]string{"Authorization": "Bearer " + in.tokens["viewer"], "Accept": accept}}
		resp, body := c.do(t, in.echo)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(body, `{"items":[`) {
			t.Errorf("Accept %s: %d %v %s", accept, resp.StatusCode, resp.Header, body)
		}
		if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers %v", resp.Header)
		}
	}
	_, body := call{method: "GET", path: "/api/cookies", header: map[string]string{"Cookie": "drawbridge_session=abc"}}.do(t, in.echo)
	if strings.Contains(body, "abc") {
		t.Errorf("a cookie is seen under /api: %s", body)
	}
}
