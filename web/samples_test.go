package web

import (
	"encoding/json"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// The samples are the article's backend, half way and at its end.

var sampleNow = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

var (
	viewer    = model.Member("usr_v", "Vera", "team_a", model.RoleViewer)
	developer = model.Member("usr_d", "Dana", "team_a", model.RoleDeveloper)
	owner     = model.Member("usr_o", "Olga", "team_a", model.RoleOwner)
	admin     = model.Actor{ID: "usr_r", Name: "Rita", Admin: true, Person: true}
)

func sampleEnvironment() model.Environment {
	return model.Environment{
		ID: "env_local", Name: "Simulated AWS", Description: "A VPC on this machine that really carries requests.",
		Region: "ap-northeast-1", VPCID: "vpc-0a1b2c3d4e5f67890",
		SubnetIDs: []string{"subnet-0aaaaaaaaaaaaaaa1", "subnet-0bbbbbbbbbbbbbbb2"},
		Endpoint:  "http://127.0.0.1:4566", Credentials: model.CredentialsLocal,
	}
}

func sampleBackend(phase model.Phase) model.Backend {
	spec := model.Spec{Port: 8000, Tags: map[string]string{"team": "orders"}}.WithDefaults()
	b := model.Backend{
		ID: "be_abcdefghij234567", TeamID: "team_a", EnvironmentID: "env_local", Name: "orders-api",
		Spec: spec, SpecVersion: 1, Phase: phase, EventSeq: 41,
		CreatedAt: sampleNow.Add(-90 * time.Minute), UpdatedAt: sampleNow,
	}
	if phase == model.PhaseReady || phase == model.PhaseDegraded || phase == model.PhaseAsleep {
		b.InvokeURL = "http://a1b2c3d4e5.execute-api.ap-northeast-1.localhost:4566/"
	}
	return b
}

// sampleChain is what the plan makes, in its order, with what a person reads.
func sampleChain() []model.PlanItem {
	item := func(key, kind, name, title string, needs ...string) model.PlanItem {
		it := model.PlanItem{
			Key: key, Kind: model.ResourceKind(kind), Name: name, Title: title,
			Action: model.ActionCreate, Ownership: model.OwnershipManaged,
		}
		for _, n := range needs {
			it.Needs = append(it.Needs, model.Need{Key: n})
		}
		return it
	}
	return []model.PlanItem{
		item("vpclink-sg", "ec2.security_group", "orders-api-234567-vpclink-sg", "Create the VPC link's security group"),
		item("alb-sg", "ec2.security_group", "orders-api-234567-alb-sg", "Create the load balancer's security group"),
		item("app-sg", "ec2.security_group", "orders-api-234567-app-sg", "Create the instances' security group"),
		item("alb-ingress", "ec2.security_group_rule", "alb-sg from vpclink-sg, TCP 80", "Let the VPC link reach the load balancer", "vpclink-sg", "alb-sg"),
		item("app-ingress", "ec2.security_group_rule", "app-sg from alb-sg, TCP 8000", "Let the load balancer reach the app", "alb-sg", "app-sg"),
		item("instance-1", "ec2.instance", "orders-api-234567-1", "Launch instance 1", "app-sg"),
		item("target-group", "elbv2.target_group", "orders-api-234567-tg", "Create the target group"),
		item("alb", "elbv2.load_balancer", "orders-api-234567-alb", "Create the internal load balancer", "alb-sg"),
		item("listener", "elbv2.listener", "HTTP:80", "Forward HTTP:80 to the target group", "alb", "target-group"),
		item("targets", "elbv2.targets", "targets of orders-api-234567-tg", "Register the instances and wait until they are healthy", "instance-1", "listener"),
		item("vpc-link", "apigatewayv2.vpc_link", "orders-api-234567-vpclink", "Create the VPC link", "vpclink-sg"),
		item("api", "apigatewayv2.api", "orders-api-234567-api", "Create the HTTP API"),
		item("integration", "apigatewayv2.integration", "private integration", "Point the API at the listener", "api", "listener", "vpc-link"),
		item("route", "apigatewayv2.route", "ANY /{proxy+}", "Send every request to the integration", "integration"),
		item("stage", "apigatewayv2.stage", "$default", "Publish the $default stage", "api"),
	}
}

func samplePlan() *model.Plan {
	return &model.Plan{BackendID: "be_abcdefghij234567", SpecVersion: 1, Operation: model.OpProvision, Items: sampleChain()}
}

// sampleDetail is the backend with its chain's first n resources ready and the
// next one on its way.
func sampleDetail(phase model.Phase, n int) *panel.BackendDetail {
	d := &panel.BackendDetail{Environment: sampleEnvironment()}
	d.Backend = sampleBackend(phase)
	d.EnvironmentName = d.Environment.Name
	for i, it := range sampleChain() {
		r := model.Resource{
			BackendID: d.ID, Key: it.Key, Kind: it.Kind, Name: it.Name, Ownership: it.Ownership,
			State: model.ResourceReady, AWSID: "arn:aws:test:ap-northeast-1:000000000000:" + it.Key + "/0123456789abcdef0",
		}
		switch {
		case i > n:
			continue
		case i == n:
			r.State, r.AWSID, r.Detail = model.ResourcePending, "", "AWS says: provisioning"
		}
		d.Resources = append(d.Resources, r)
	}
	d.Jobs = []model.Job{sampleJob(model.JobRunning).Job}
	if phase == model.PhaseReady {
		d.Jobs = []model.Job{sampleJob(model.JobSucceeded).Job}
		for _, t := range d.Spec.Tests {
			d.Runs = append(d.Runs, sampleRun(t, true))
		}
		d.LastRun = &d.Runs[0]
	}
	return d
}

func sampleRun(t model.RouteTest, passed bool) model.TestRun {
	r := model.TestRun{
		ID: "run_1", BackendID: "be_abcdefghij234567", Name: t.Name, Method: t.Method, Passed: passed, Status: 200,
		URL:   "http://a1b2c3d4e5.execute-api.ap-northeast-1.localhost:4566" + t.Path,
		Proto: "HTTP/1.1", Millis: 8.42, Actor: "Dana", At: sampleNow.Add(-2 * time.Minute),
		Headers: map[string][]string{"Content-Type": {"text/html; charset=utf-8"}, "Apigw-Requestid": {"abcDEF123="}, "Server": {"Werkzeug/3"}},
		Body:    "This is Service A! (EC2 Host: ip-10-0-10-148, Path: " + t.Path + ")\n",
	}
	if !passed {
		r.Status, r.Reason, r.Body = 503, "The status is 503, not 200.", `{"message":"Service Unavailable"}`
	}
	return r
}

// sampleJob is a provision job. While it runs, its load balancer is waiting;
// when it failed, the VPC link has.
func sampleJob(state model.JobState) *panel.JobDetail {
	start := sampleNow.Add(-42 * time.Second)
	d := &panel.JobDetail{Backend: sampleBackend(model.PhaseProvisioning)}
	d.Job = model.Job{
		ID: "job_abcdefghij234567", BackendID: d.Backend.ID, TeamID: "team_a", Operation: model.OpProvision,
		State: state, Plan: samplePlan(), Actor: "Dana", CreatedAt: start, StartedAt: start.Add(time.Second),
	}
	d.Backend.ActiveJobID = d.ID
	d.Actions.Cancel.Allowed = !state.Ended()
	d.Actions.Retry.Allowed = state == model.JobFailed || state == model.JobCancelled
	d.Actions.RollBack.Allowed = state != model.JobSucceeded
	d.Typical = map[string]float64{"elbv2.load_balancer create": 151, "apigatewayv2.vpc_link create": 118.4}
	d.Waits = map[string]time.Duration{"elbv2.load_balancer create": 150 * time.Second, "elbv2.targets create": 30 * time.Second}
	for i, it := range sampleChain() {
		d.Steps = append(d.Steps, sampleStep(it, i, start.Add(time.Second)))
	}
	switch state {
	case model.JobSucceeded:
		finish(d, sampleNow)
		d.Backend = sampleBackend(model.PhaseReady)
	case model.JobFailed:
		fail(d)
	}
	return d
}

func sampleStep(it model.PlanItem, i int, from time.Time) model.Step {
	s := model.Step{
		JobID: "job_abcdefghij234567", Key: it.Key, Kind: it.Kind, Action: it.Action, Title: it.Title,
		Position: i, State: model.StepPending,
	}
	switch {
	case i < 7:
		s.State, s.AWSID = model.StepDone, "sg-0123456789abcdef"+it.Key[:1]
		s.StartedAt, s.FinishedAt = from.Add(time.Duration(i/2)*time.Second), from.Add(time.Duration(i+2)*time.Second)
		s.RequestIDs = []string{"8a1f0c52-1111-4222-8333-444455556666", "9b2f0c52-1111-4222-8333-444455556666"}
	case it.Key == "alb" || it.Key == "vpc-link":
		s.State, s.Why, s.AWSID = model.StepWaiting, "AWS says: provisioning. Load balancers take two to three minutes.", "arn:aws:elasticloadbalancing:ap-northeast-1:000000000000:loadbalancer/app/orders-api-234567-alb/0123456789abcdef"
		s.WaitingSince, s.ExpectedAt = from.Add(4*time.Second), from.Add(154*time.Second)
		s.StartedAt, s.RequestIDs = from.Add(3*time.Second), []string{"1c3f0c52-1111-4222-8333-444455556666"}
	}
	return s
}

func finish(d *panel.JobDetail, at time.Time) {
	d.FinishedAt = at
	for i := range d.Steps {
		s := &d.Steps[i]
		s.State, s.Why = model.StepDone, ""
		if s.StartedAt.IsZero() {
			s.StartedAt = at.Add(-time.Duration(20-i) * time.Second)
		}
		if s.FinishedAt.IsZero() {
			s.FinishedAt = at.Add(-time.Duration(len(d.Steps)-i) * time.Second)
		}
	}
}

func fail(d *panel.JobDetail) {
	d.FinishedAt, d.Backend.Phase, d.Backend.ActiveJobID = sampleNow, model.PhaseFailed, ""
	problem := &model.Problem{
		Code: "BadRequestException", Message: "Subnet subnet-0aaaaaaaaaaaaaaa1 is in Availability Zone apne1-az3 where service is not available",
		RequestID: "c0ffee00-1111-4222-8333-444455556666", Meaning: "VPC links cannot use this Availability Zone.",
		Exists: "Seven resources exist: three security groups, two rules, one instance and the target group.",
		Advice: "Give the environment a subnet in another Availability Zone, then go on from the failed step.",
	}
	for i := range d.Steps {
		if d.Steps[i].Key == "vpc-link" {
			d.Steps[i].State, d.Steps[i].Why, d.Steps[i].Problem, d.Steps[i].FinishedAt = model.StepFailed, "", problem, sampleNow.Add(-9*time.Second)
			d.Steps[i].Attempt = 2
		}
	}
	d.Problem = &model.Problem{Code: problem.Code, Message: "Create the VPC link failed.", Exists: problem.Exists, Advice: problem.Advice}
}

func sampleInstances() []model.Instance {
	return []model.Instance{{
		ID: "i-0123456789abcdef0", Name: "test-ec2", State: "running", Type: "t3.micro", VPCID: "vpc-0a1b2c3d4e5f67890",
		AZ: "ap-northeast-1a", PrivateIP: "10.0.10.148",
	}}
}

func sampleStatus(answers bool) *model.EnvironmentStatus {
	if !answers {
		return &model.EnvironmentStatus{Seconds: 2.1, Problem: &model.Problem{
			Code: "ExpiredToken", Message: "The security token included in the request is expired", Advice: "Renew the credentials that the server uses, then ask again.",
		}}
	}
	return &model.EnvironmentStatus{
		Answers: true, Account: "000000000000", VPCName: "test-vpc", Seconds: 0.03,
		Subnets: []model.Subnet{
			{ID: "subnet-0aaaaaaaaaaaaaaa1", Name: "test-private1", AZ: "ap-northeast-1a", CIDR: "10.0.10.0/24", FreeIPs: 250},
			{ID: "subnet-0bbbbbbbbbbbbbbb2", Name: "test-private2", AZ: "ap-northeast-1c", CIDR: "10.0.20.0/24", FreeIPs: 251},
		},
	}
}

func asJSON(t *testing.T, noun any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(noun)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
