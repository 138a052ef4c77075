package e2e

import (
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// spoken is an error of AWS at a call, and words of its meaning and advice.
type spoken struct {
	op      string
	status  int
	code    string
	message string
	meaning string
	advice  string
}

const refusedUser = "User: arn:aws:sts::111122223333:assumed-role/panel/s is not authorized to perform: "

func spokenErrors() []spoken {
	return []spoken{
		{"elbv2:CreateLoadBalancer", 400, "TooManyLoadBalancers", "The maximum number of load balancers has been reached.", "as its quota allows (50 by default)", "“Application Load Balancers per Region”"},
		{"elbv2:CreateTargetGroup", 403, "AccessDenied", refusedUser + "elasticloadbalancing:CreateTargetGroup on resource: arn:aws:elasticloadbalancing:r:1:targetgroup/x/* because no identity-based policy allows the elasticloadbalancing:CreateTargetGroup action", "do not allow elasticloadbalancing:CreateTargetGroup", "to the policies of arn:aws:sts::111122223333:assumed-role/panel/s"},
		{"elbv2:CreateListener", 400, "TooManyListeners", "The maximum number of listeners has been reached.", "as many listeners as its quota allows", "“Listeners per Application Load Balancer”"},
		{"ec2:RunInstances", 400, "VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of 5 allows.", "quota of vCPUs", "Running On-Demand Standard"},
		{"ec2:RunInstances", 500, "InsufficientInstanceCapacity", "We currently do not have sufficient t3.micro capacity in the Availability Zone you requested.", "AWS has no room", "another Availability Zone"},
		{"ec2:RunInstances", 400, "Unsupported", "Your requested instance type is not supported in your requested Availability Zone.", "is not offered in that Availability Zone", "Choose another instance type"},
		{"ec2:RunInstances", 401, "OptInRequired", "In order to use this AWS Marketplace product you need to accept terms and subscribe.", "not subscribed", "accept the AMI's terms"},
		{"ec2:CreateSecurityGroup", 403, "UnauthorizedOperation", "You are not authorized to perform this operation. " + refusedUser + "ec2:CreateSecurityGroup on resource: arn:aws:ec2:r:1:security-group/* with an explicit deny in a service control policy. Encoded authorization failure message: 4TNXJoVPYTTJ", "service control policy (SCP) of the organisation forbids ec2:CreateSecurityGroup", "aws sts decode-authorization-message"},
		{"ec2:CreateSecurityGroup", 400, "ExpiredToken", "The security token included in the request is expired", "have expired", "aws sso login"},
		{"ec2:AuthorizeSecurityGroupIngress", 400, "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.", "as many rules as its quota allows", "“Inbound or outbound rules per security group”"},
		{"apigatewayv2:CreateVpcLink", 400, "BadRequestException", "Subnet 'subnet-1' is in Availability Zone 'use1-az3' where service is not available", "no VPC links in that Availability Zone", "Take that subnet out"},
		{"apigatewayv2:CreateApi", 403, "AccessDeniedException", "Access denied", "do not allow apigateway:POST", "Add apigateway:POST"},
		{"apigatewayv2:CreateStage", 418, "SomethingNew", "AWS says something that nobody knows.", "", ""},
	}
}

// TestErrorsSpeak lets typical errors strike at fitting calls: page, REST and
// log tell the same meaning, advice and request id.
func TestErrorsSpeak(t *testing.T) {
	t.Parallel()
	for _, row := range spokenErrors() {
		t.Run(row.op+" "+row.code, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "instant")
			s.fault(map[string]any{"op": row.op, "do": map[string]any{
				"kind": "error", "status": row.status, "code": row.code, "message": row.message}})
			b := s.register(launch("orders", nil))
			job := s.ended(s.provision(b))
			p := job.Problem
			if job.State != model.JobFailed || p == nil {
				t.Fatalf("job %s, problem %+v", job.State, p)
			}
			_, operation, _ := strings.Cut(row.op, ":")
			if p.Code != row.code || p.Message != row.message || p.Operation != operation || p.Service == "" || p.Status != row.status || p.RequestID == "" {
				t.Errorf("REST tells %+v", p)
			}
			if !strings.Contains(p.Meaning, row.meaning) || !strings.Contains(p.Advice, row.advice) || (p.Help == "") != (row.meaning == "") {
				t.Errorf("meaning %q, advice %q, help %q", p.Meaning, p.Advice, p.Help)
			}
			s.saysTheSame(t, s.browse(), job)
		})
	}
}

// saysTheSame compares the job's page and the log with what REST told.
func (s *server) saysTheSame(t *testing.T, c *http.Client, job model.Job) {
	t.Helper()
	page := html.UnescapeString(string(s.page(c, "/jobs/"+job.ID)))
	for _, text := range []string{job.Problem.Code, job.Problem.Message, job.Problem.Meaning, job.Problem.Advice, job.Problem.RequestID, job.Problem.Operation} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if strings.Contains(strings.ToLower(page), "error of its own") {
		t.Error("the page calls AWS's answer an error of Drawbridge's")
	}
	var line string
	for l := range strings.Lines(s.logs.String()) {
		if strings.Contains(l, `msg="step failed"`) && strings.Contains(l, job.ID) && strings.Contains(l, job.Problem.RequestID) {
			line = l
		}
	}
	for _, text := range []string{job.Problem.Meaning, job.Problem.Advice} {
		if !strings.Contains(line, strconv.Quote(text)) && text != "" {
			t.Errorf("the log lacks %q in %q", text, line)
		}
	}
	if line == "" {
		t.Error("no line of the log tells of the failed step")
	}
}

// What AWS says before there is a job is a problem with all its parts, too,
// and its type is a page that explains it.
func TestRefusalsOfAWSHaveAType(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	s.fault(map[string]any{"op": "ec2:DescribeSubnets", "do": map[string]any{
		"kind": "error", "status": 403, "code": "UnauthorizedOperation", "message": "You are not authorized to perform this operation."}})
	var p struct {
		Type, Detail string
		Problem      model.Problem
	}
	s.want(http.StatusServiceUnavailable, "POST", "/api/v1/backends", launch("orders", nil)).into(t, &p)
	if p.Problem.Operation != "DescribeSubnets" || p.Problem.RequestID == "" || !strings.Contains(p.Detail, "Add ec2:DescribeSubnets") || p.Type != p.Problem.Help {
		t.Errorf("problem %+v", p)
	}
	a := get(t, "http://"+s.listen+p.Type)
	if a.status != http.StatusOK || !strings.Contains(string(a.body), `id="UnauthorizedOperation"`) {
		t.Errorf("%s: %d", p.Type, a.status)
	}
	if !strings.Contains(s.logs.String(), "problem.aws_request_id="+p.Problem.RequestID) {
		t.Error("the log lacks AWS's request id")
	}
}

// browse signs in by the one-time link and returns a client with the session.
func (s *server) browse() *http.Client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	token := s.link[strings.LastIndexByte(s.link, '/')+1:]
	resp, err := c.PostForm("http://"+s.listen+"/sign-in", url.Values{"token": {token}})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("sign in: %d", resp.StatusCode)
	}
	return c
}

// page is a page's HTML.
func (s *server) page(c *http.Client, path string) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.listen+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	a := do(s.t, c, req)
	if a.status != http.StatusOK {
		s.t.Fatalf("%s: %d\n%s", path, a.status, a.body)
	}
	return a.body
}
