package awssim_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/awssim"
)

func (w *world) admin(method, path, body string) (int, string) {
	w.t.Helper()
	r := ok[*http.Request](w.t)(http.NewRequestWithContext(w.t.Context(), method, w.url+"/_awssim/"+path, strings.NewReader(body)))
	res := ok[*http.Response](w.t)(http.DefaultClient.Do(r))
	defer res.Body.Close()
	return res.StatusCode, string(ok[[]byte](w.t)(io.ReadAll(res.Body)))
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for _, row := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "health", "", 200, `"ok"`},
		{"GET", "state", "", 200, w.InstanceID},
		{"GET", "nothing", "", 404, "GET /_awssim/ tells"},
		{"GET", "", "", 200, "POST /_awssim/faults"},
		{"GET", "faults", "", 200, "[]"},
		{"POST", "faults", `{"op":"ec2:MakeCoffee","do":{"kind":"drop"}}`, 400, "no such operation"},
		{"POST", "faults", `{"op":"ec2:*","do":{"kind":"delay"}}`, 400, "delay_ns"},
		{"POST", "faults", `{"op":"ec2:DescribeVpcs","nth":1,"do":{"kind":"error","status":500,"code":"InternalError"}}`, 204, ""},
		{"POST", "faults", `{"op":"ec2"}`, 400, "write it as in"},
		{"POST", "faults", `{"operation":"ec2:*"}`, 400, "unknown field"},
		{"POST", "faults", `{"op":"ec2:*","do":{"kind":"drop"}} x`, 400, ""},
		{"POST", "instances/" + w.InstanceID + "/forward", `{"address":"127.0.0.1:8000"}`, 204, ""},
		{"POST", "instances/" + w.InstanceID + "/forward", `{"address":"10.0.0.1:8000"}`, 400, "on this machine"},
		{"POST", "instances/i-0123456789abcdef0/forward", `{"address":""}`, 400, "does not exist"},
	} {
		if status, body := w.admin(row.method, row.path, row.body); status != row.status || !strings.Contains(body, row.contains) {
			t.Errorf("%s %s %s: %d %s", row.method, row.path, row.body, status, body)
		}
	}
	_, err := w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "InternalError", "")
	_, log := w.admin("GET", "calls", "")
	var call awssim.Call
	if err := json.Unmarshal([]byte(strings.TrimSpace(log)), &call); err != nil || call.Operation != "DescribeVpcs" || call.Code != "InternalError" {
		t.Errorf("log %q: %v", log, err)
	}
	_, state := w.admin("GET", "state", "")
	if !strings.Contains(state, `"forward":"127.0.0.1:8000"`) {
		t.Errorf("state %s", state)
	}
	if status, _ := w.admin("DELETE", "faults", ""); status != 204 {
		t.Errorf("clear faults: %d", status)
	}
}

// Neither another machine nor another site gets to the admin endpoint.
func TestAdmin_OnlyThisMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for name, change := range map[string]func(*http.Request){
		"remote peer":  func(r *http.Request) { r.RemoteAddr = "192.0.2.1:4000" },
		"foreign host": func(r *http.Request) { r.Host = "rebound.example:4566" },
		"other site": func(r *http.Request) {
			r.Method = "DELETE"
			r.URL.Path = "/_awssim/faults"
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:4566/_awssim/state", nil)
		r.RemoteAddr = "127.0.0.1:4000"
		change(r)
		rec := httptest.NewRecorder()
		w.sim.Handler().ServeHTTP(rec, r)
		if rec.Code != 403 {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

func TestDispatch_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	const scope = "AWS4-HMAC-SHA256 Credential=AKID/20250827/ap-northeast-1/"
	for name, row := range map[string]struct {
		auth, method, path, body string
		status                   int
		contains                 string
	}{
		"unsigned":          {"", "POST", "/", "Action=DescribeVpcs", 403, "MissingAuthenticationToken"},
		"ec2 action":        {scope + "ec2/aws4_request", "POST", "/", "Action=MakeCoffee", 400, "<Errors><Error><Code>InvalidAction</Code>"},
		"elb action":        {scope + "elasticloadbalancing/aws4_request", "POST", "/", "Action=MakeCoffee", 400, "<Type>Sender</Type><Code>InvalidAction</Code>"},
		"rest path":         {scope + "apigateway/aws4_request", "GET", "/v2/domainnames", "", 404, "No operation"},
		"rest method":       {scope + "apigateway/aws4_request", "PUT", "/v2/apis", "", 404, "No operation"},
		"rest json":         {scope + "apigateway/aws4_request", "POST", "/v2/apis", "{", 400, "not valid JSON"},
		"rest type":         {scope + "apigateway/aws4_request", "POST", "/v2/apis", `{"name":7}`, 400, "number was sent for name"},
		"ssm target":        {scope + "ssm/aws4_request", "POST", "/", "{}", 400, "UnknownOperationException"},
		"service":           {scope + "s3/aws4_request", "GET", "/bucket", "", 501, "does not serve s3"},
		"service of JSON":   {scope + "lambda/aws4_request", "GET", "/2015-03-31/functions", "", 501, `{"message":"This simulator does not serve lambda`},
		"classic balancers": {scope + "elasticloadbalancing/aws4_request", "POST", "/", "Action=DescribeLoadBalancers&Version=2012-06-01", 400, "no Classic Load Balancers"},
		"form":              {scope + "ec2/aws4_request", "POST", "/", "%zz", 400, "MalformedQueryString"},
		"number":            {scope + "ec2/aws4_request", "POST", "/", "Action=RunInstances&ImageId=" + imageX86 + "&InstanceType=t3.micro&SubnetId=" + w.SubnetIDs[0] + "&MinCount=x", 400, "must be a number"},
		"too large":         {scope + "ec2/aws4_request", "POST", "/", strings.Repeat("a", 1<<20+1), 413, "RequestEntityTooLarge"},
		"too deep":          {scope + "ec2/aws4_request", "POST", "/", "Action=DescribeVpcs&" + strings.Repeat("a.", 20) + "=1", 400, "nested too deep"},
		"neither in action": {scope + "ec2/aws4_request", "GET", "/?Action=DescribeVpcs", "", 200, w.VPCID},
	} {
		r := ok[*http.Request](t)(http.NewRequestWithContext(t.Context(), row.method, w.url+row.path, strings.NewReader(row.body)))
		if row.auth != "" {
			r.Header.Set("Authorization", row.auth)
		}
		res := ok[*http.Response](t)(http.DefaultClient.Do(r))
		body := string(ok[[]byte](t)(io.ReadAll(res.Body)))
		res.Body.Close()
		if res.StatusCode != row.status || !strings.Contains(body, row.contains) {
			t.Errorf("%s: %d %s, want %d …%s…", name, res.StatusCode, body, row.status, row.contains)
		}
	}
	w.connect("mars")
	_, err := w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "SignatureDoesNotMatch", "scoped to a valid region")
	ok[*sts.GetCallerIdentityOutput](t)(w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
}

func TestIdentityAndParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Account: "123456789012"})
	ctx := t.Context()
	if id := ok[*sts.GetCallerIdentityOutput](t)(w.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})); *id.Account != "123456789012" {
		t.Errorf("account %s", *id.Account)
	}
	w.newRole("arn:aws:iam::111122223333:role/panel", trusting("123456789012", "abc"))
	role := ok[*sts.AssumeRoleOutput](t)(w.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/panel"), RoleSessionName: aws.String("drawbridge"), ExternalId: aws.String("abc")}))
	if *role.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/panel/drawbridge" || *role.Credentials.SessionToken == "" {
		t.Errorf("role %+v", role.AssumedRoleUser)
	}
	_, err := w.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:user/panel"), RoleSessionName: aws.String("drawbridge")})
	wantCode(t, err, "ValidationError", "is invalid")
	for arch, want := range map[string]string{"x86_64": imageX86, "arm64": "ami-0a1202300000a4640"} {
		p := ok[*ssm.GetParameterOutput](t)(w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-" + arch)}))
		if *p.Parameter.Value != want {
			t.Errorf("%s: %s", arch, *p.Parameter.Value)
		}
	}
}

// Serve takes the port of invoke URLs from its listener, and ends with its context.
func TestServe(t *testing.T) {
	t.Parallel()
	sim := ok[*awssim.Sim](t)(awssim.New(awssim.Options{}))
	defer sim.Close()
	l := ok[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sim.Serve(ctx, l) }()
	w := &world{t: t, sim: sim, url: "http://" + l.Addr().String()}
	w.connect(region)
	api := ok[*apigatewayv2.CreateApiOutput](t)(w.api.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"}))
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if want := "http://" + *api.ApiId + ".execute-api.ap-northeast-1.localhost:" + port; *api.ApiEndpoint != want {
		t.Errorf("endpoint %s, want %s", *api.ApiEndpoint, want)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
