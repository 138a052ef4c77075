package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

func TestBadInputIsRefusedAndNamesItsField(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	before := s.simState()
	spec := func(key string, value any) map[string]any {
		return launch("orders", func(spec map[string]any) { spec[key] = value })
	}
	instances := func(id string) map[string]any {
		return map[string]any{"name": "orders", "spec": map[string]any{
			"source": "instances", "port": 8000, "instances": map[string]any{"ids": []string{id}}}}
	}
	for name, tc := range map[string]struct {
		body   any
		status int
		where  string // location of one of the errors
	}{
		"unknown field":            {map[string]any{"name": "orders", "nmae": "x", "spec": map[string]any{"source": "launch"}}, 422, "body.nmae"},
		"unknown field in spec":    {spec("prot", 8000), 422, "body.spec.prot"},
		"wrong type":               {spec("port", "eighty"), 422, "body.spec.port"},
		"port 0":                   {spec("port", 0), 422, "body.spec.port"},
		"name of 21 characters":    {launch(strings.Repeat("a", 21), nil), 422, "body.name"},
		"name of 33 characters":    {launch(strings.Repeat("a", 33), nil), 422, "body.name"},
		"name ends in a hyphen":    {launch("orders-", nil), 422, "body.name"},
		"health path without /":    {spec("health_path", "health"), 422, "body.spec.health_path"},
		"instance of nowhere":      {instances("i-0123456789abcdef0"), 422, "body.spec.instances.ids"},
		"unknown environment":      {map[string]any{"name": "orders", "environment_id": "env_x", "spec": map[string]any{"source": "launch"}}, 422, "body.environment_id"},
		"foreign team":             {map[string]any{"name": "orders", "team_id": "team_x", "spec": map[string]any{"source": "launch"}}, 422, "body.team_id"},
		"not JSON":                 {`{"name": `, 400, ""},
		"body of more than a MiB":  {`{"name": "` + strings.Repeat("a", 2<<20) + `"}`, 413, ""},
		"an array where an object": {`[]`, 422, "body"},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.want(tc.status, "POST", "/api/v1/backends", tc.body).problem(t)
			if tc.where != "" && !slices.Contains(p.locations(), tc.where) {
				t.Errorf("it names %q, not %s", p.locations(), tc.where)
			}
		})
	}
	if after := s.simState(); after != before {
		t.Error("a refused registration has made something")
	}
	var list struct {
		Items []model.Backend `json:"items"`
	}
	s.want(http.StatusOK, "GET", "/api/v1/backends", nil).into(t, &list)
	if len(list.Items) != 0 {
		t.Errorf("a refused registration was saved: %+v", list.Items)
	}
}

func TestABusyBackendNamesItsHolder(t *testing.T) {
	t.Parallel()
	s := startServer(t, "demo")
	b := s.register(launch("orders", nil))
	job := s.provision(b)
	p := s.want(http.StatusConflict, "POST", "/api/v1/backends/"+b.ID+"/provision", nil).problem(t)
	if p.Holder != job.ID {
		t.Errorf("holder %q, want %s", p.Holder, job.ID)
	}
	s.want(http.StatusConflict, "DELETE", "/api/v1/backends/"+b.ID, nil)
	s.want(http.StatusConflict, "POST", "/api/v1/jobs/"+job.ID+"/retry", nil)

	s.want(http.StatusAccepted, "POST", "/api/v1/jobs/"+job.ID+"/cancel", nil)
	if got := s.ended(job); got.State != model.JobCancelled {
		t.Errorf("after cancel the job is %s", got.State)
	}
	if got := s.retried(job); got.State != model.JobSucceeded {
		t.Errorf("after retry the job is %s: %+v", got.State, got.Problem)
	}
}

func TestWithoutATokenNothingIsTold(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	b := s.register(launch("orders", nil))
	good := s.token
	for name, token := range map[string]string{
		"none": "", "garbage": "dbr_x", "changed": good[:len(good)-1] + "!",
		"well formed, unknown": newServer(t, "instant").newToken(), // another installation's
	} {
		s.token = token
		for _, path := range []string{"/api/v1/backends", "/api/v1/backends/" + b.ID, "/api/v1/environments", "/api/v1/backends/" + b.ID + "/events"} {
			a := s.call("GET", path, nil)
			if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s token, %s: %d %s", name, path, a.status, a.body)
			}
		}
	}
}

func TestAnUnreachableEnvironment(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant", "--aws-name", "away", "--aws-region", "ap-northeast-1", "--aws-vpc", "vpc-0a1b2c3d4e5f67890",
		"--aws-subnets", "subnet-0a1b2c3d4e5f67890,subnet-0a1b2c3d4e5f67891", "--aws-endpoint", "http://127.0.0.1:1")
	body := launch("orders", nil)
	body["environment_id"] = "away"
	p := s.want(http.StatusServiceUnavailable, "POST", "/api/v1/backends", body).problem(t)
	if !strings.Contains(p.Detail, "away") {
		t.Errorf("detail %q", p.Detail)
	}
}

func TestExpiredCredentials(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	s.fault(map[string]any{"op": "ec2:DescribeSubnets", "do": map[string]any{
		"kind": "error", "status": 400, "code": "ExpiredToken", "message": "The provided token has expired."}})
	p := s.want(http.StatusServiceUnavailable, "POST", "/api/v1/backends", launch("orders", nil)).problem(t)
	if !strings.Contains(p.Detail, "ExpiredToken") || !strings.Contains(p.Detail, "credentials") {
		t.Errorf("detail %q", p.Detail)
	}
}

func TestAFailedStepSaysWhatExistsAndRetryGoesOn(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	s.fault(map[string]any{"op": "elbv2:CreateLoadBalancer", "nth": 1, "do": map[string]any{
		"kind": "error", "status": 400, "code": "TooManyLoadBalancers", "message": "The maximum number of load balancers has been reached."}})
	b := s.register(launch("orders", nil))
	job := s.provision(b)
	got := s.ended(job)
	if got.State != model.JobFailed || got.Problem == nil {
		t.Fatalf("job %s, problem %+v", got.State, got.Problem)
	}
	p := got.Problem
	if p.Code != "TooManyLoadBalancers" || p.RequestID == "" || p.Advice == "" || p.Exists == "" {
		t.Errorf("problem %+v", p)
	}
	if d := s.backend(b.ID); d.Phase != model.PhaseFailed {
		t.Errorf("phase %s", d.Phase)
	}
	if got := s.retried(job); got.State != model.JobSucceeded {
		t.Errorf("after retry the job is %s: %+v", got.State, got.Problem)
	}
}

func TestDestroyAfterAFailureLeavesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	before := s.counts()
	s.fault(map[string]any{"op": "apigatewayv2:CreateRoute", "nth": 1, "do": map[string]any{
		"kind": "error", "status": 400, "code": "BadRequestException", "message": "no"}})
	b := s.register(launch("orders", nil))
	if got := s.ended(s.provision(b)); got.State != model.JobFailed {
		t.Fatalf("job %s", got.State)
	}
	s.succeeded(s.destroy(b))
	if got := s.counts(); got != before {
		t.Errorf("after destroy there are\n%+v, want\n%+v", got, before)
	}
}

func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	s.want(http.StatusNotFound, "GET", "/api/v1/nope", nil).problem(t)
	s.want(http.StatusMethodNotAllowed, "PUT", "/api/v1/backends", nil).problem(t)
	a := get(t, "http://"+s.listen+"/nope")
	if a.status != http.StatusNotFound || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || a.header.Get("Content-Security-Policy") == "" {
		t.Errorf("a page that is not there: %d %v", a.status, a.header)
	}
}
