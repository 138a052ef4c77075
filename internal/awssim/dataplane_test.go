package awssim_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

const (
	unavailable = `{"message":"Service Unavailable"}`
	albPage     = "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n</body>\r\n</html>\r\n"
)

// forwardTo makes the chain's instance answer with an app on this machine.
func (c *chain) forwardTo(app http.Handler) {
	c.t.Helper()
	srv := httptest.NewServer(app)
	c.t.Cleanup(srv.Close)
	u := ok[*url.URL](c.t)(url.Parse(srv.URL))
	ok[*ec2.CreateTagsOutput](c.t)(c.ec2.CreateTags(c.t.Context(), &ec2.CreateTagsInput{Resources: []string{c.instance},
		Tags: []types.Tag{{Key: aws.String("awssim:forward"), Value: &u.Host}}}))
}

func (c *chain) revokeAll(group string, egress bool) {
	c.t.Helper()
	out := ok[*ec2.DescribeSecurityGroupRulesOutput](c.t)(c.ec2.DescribeSecurityGroupRules(c.t.Context(), &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{filter("group-id", group)}}))
	for _, r := range out.SecurityGroupRules {
		if *r.IsEgress != egress {
			continue
		}
		ids := []string{*r.SecurityGroupRuleId}
		if egress {
			ok[*ec2.RevokeSecurityGroupEgressOutput](c.t)(c.ec2.RevokeSecurityGroupEgress(c.t.Context(), &ec2.RevokeSecurityGroupEgressInput{GroupId: &group, SecurityGroupRuleIds: ids}))
		} else {
			ok[*ec2.RevokeSecurityGroupIngressOutput](c.t)(c.ec2.RevokeSecurityGroupIngress(c.t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: ids}))
		}
	}
}

// Each security group on the way blocks, and each in its own manner.
func TestDataplane_SecurityGroups(t *testing.T) {
	t.Parallel()
	page504 := fmt.Sprintf(albPage, "504 Gateway Time-out", "504 Gateway Time-out")
	for name, row := range map[string]struct {
		block  func(c *chain)
		status int
		body   string
		server string
	}{
		"link out":     {func(c *chain) { c.revokeAll(c.linkGroup, true) }, 503, unavailable, ""},
		"balancer in":  {func(c *chain) { c.revokeAll(c.albGroup, false) }, 503, unavailable, ""},
		"balancer out": {func(c *chain) { c.revokeAll(c.albGroup, true) }, 504, page504, "awselb/2.0"},
		"instance in":  {func(c *chain) { c.revokeAll(c.ec2Group, false) }, 504, page504, "awselb/2.0"},
		"instance out": {func(c *chain) { c.revokeAll(c.ec2Group, true) }, 200, "OK", "Werkzeug/3.1.3 Python/3.9.23"}, // replies pass: groups are stateful
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newWorld(t, awssim.Options{}).build()
			c.waitHealthy()
			row.block(c)
			got := c.get("/health")
			if got.status != row.status || got.body != row.body || got.header.Get("Server") != row.server {
				t.Errorf("got %d %q from %q, want %d %q from %q", got.status, got.body, got.header.Get("Server"), row.status, row.body, row.server)
			}
			if got.header.Get("Apigw-Requestid") == "" {
				t.Error("no Apigw-Requestid")
			}
		})
	}
}

// Rules by address range count as well as rules by group.
func TestDataplane_RuleByRange(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	c.revokeAll(c.albGroup, false)
	for cidr, want := range map[string]int{"192.168.0.0/16": 503, "10.0.0.0/16": 200} {
		ok[*ec2.AuthorizeSecurityGroupIngressOutput](t)(c.ec2.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &c.albGroup,
			IpPermissions: []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(1), ToPort: aws.Int32(100), IpRanges: []types.IpRange{{CidrIp: &cidr}}}}}))
		if got := c.get("/health"); got.status != want {
			t.Errorf("with a rule for %s: %d, want %d", cidr, got.status, want)
		}
		c.revokeAll(c.albGroup, false)
	}
}

func TestDataplane_WhatIsMissing(t *testing.T) {
	t.Parallel()
	page503 := fmt.Sprintf(albPage, "503 Service Temporarily Unavailable", "503 Service Temporarily Unavailable")
	page502 := fmt.Sprintf(albPage, "502 Bad Gateway", "502 Bad Gateway")
	for name, row := range map[string]struct {
		change func(c *chain)
		status int
		body   string
	}{
		"no target": {func(c *chain) {
			ok[*elbv2.DeregisterTargetsOutput](c.t)(c.elb.DeregisterTargets(c.t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []elbtypes.TargetDescription{{Id: &c.instance}}}))
		}, 503, page503},
		"no instance": {func(c *chain) {
			ok[*ec2.TerminateInstancesOutput](c.t)(c.ec2.TerminateInstances(c.t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{c.instance}}))
		}, 503, page503},
		"no listener": {func(c *chain) {
			ok[*elbv2.DeleteListenerOutput](c.t)(c.elb.DeleteListener(c.t.Context(), &elbv2.DeleteListenerInput{ListenerArn: &c.listener}))
		}, 503, unavailable},
		"no balancer": {func(c *chain) {
			ok[*elbv2.DeleteLoadBalancerOutput](c.t)(c.elb.DeleteLoadBalancer(c.t.Context(), &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: &c.alb}))
		}, 503, unavailable},
		"no route": {func(c *chain) {
			ok[*apigatewayv2.DeleteRouteOutput](c.t)(c.api.DeleteRoute(c.t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &c.apiID, RouteId: &c.route}))
		}, 404, `{"message":"Not Found"}`},
		"no stage": {func(c *chain) {
			ok[*apigatewayv2.DeleteStageOutput](c.t)(c.api.DeleteStage(c.t.Context(), &apigatewayv2.DeleteStageInput{ApiId: &c.apiID, StageName: aws.String("$default")}))
		}, 404, `{"message":"Not Found"}`},
		"no API": {func(c *chain) {
			ok[*apigatewayv2.DeleteApiOutput](c.t)(c.api.DeleteApi(c.t.Context(), &apigatewayv2.DeleteApiInput{ApiId: &c.apiID}))
		}, 403, `{"message":"Forbidden"}`},
		"endpoint disabled": {func(c *chain) {
			ok[*apigatewayv2.UpdateApiOutput](c.t)(c.api.UpdateApi(c.t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &c.apiID, DisableExecuteApiEndpoint: aws.Bool(true)}))
		}, 404, `{"message":"Not Found"}`},
		"no app": {func(c *chain) {
			l := ok[net.Listener](c.t)(net.Listen("tcp", "127.0.0.1:0"))
			l.Close() // nobody listens here now
			if err := c.sim.Forward(c.instance, l.Addr().String()); err != nil {
				c.t.Fatal(err)
			}
		}, 502, page502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newWorld(t, awssim.Options{}).build()
			c.waitHealthy()
			row.change(c)
			if got := c.get("/health"); got.status != row.status || got.body != row.body {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, row.status, row.body)
			}
		})
	}
}

// The link and the load balancer take their time, and until then the answer is 503.
func TestDataplane_NotYetThere(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Demo, Now: now.Now})
	c := &chain{world: w, instance: w.InstanceID}
	c.linkGroup, c.albGroup, c.ec2Group = w.group("l"), w.group("a"), "sg-05100000000000001"
	w.allow(c.albGroup, c.linkGroup, 80)
	w.allow(c.ec2Group, c.albGroup, 8000)
	c.buildBalancer()
	c.buildGateway()
	if got := c.get("/"); got.status != 503 || got.body != unavailable {
		t.Errorf("link PENDING: %d %q", got.status, got.body)
	}
	if s, r := c.health(); s != "initial" || r != "Elb.RegistrationInProgress" {
		t.Errorf("balancer provisioning: target %s %s", s, r)
	}
	now.advance(7 * time.Second)
	if got := c.get("/"); got.status != 503 || got.body != unavailable {
		t.Errorf("balancer provisioning: %d %q", got.status, got.body)
	}
	now.advance(500 * time.Millisecond)
	c.waitHealthy()
	if got := c.get("/"); got.status != 200 || got.body != "Hello from the Home page! (EC2 Host: ip-10-0-10-148.ap-northeast-1.compute.internal)\n" {
		t.Errorf("at last: %d %q", got.status, got.body)
	}
}

// What arrives at the app is what arrives there on AWS.
func TestDataplane_HeadersAtTheApp(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	type seen struct {
		method, host, uri, proto string
		header                   http.Header
	}
	requests := make(chan seen, 100)
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			requests <- seen{r.Method, r.Host, r.RequestURI, r.Proto, r.Header}
		}
		w.Header().Set("X-App", "here")
	}))
	c.waitHealthy()
	host := strings.TrimPrefix(c.invokeURL, "http://")
	name, _, _ := strings.Cut(host, ":")
	res := c.send("GET", "/a%20b//c?x=1&x=2", nil, func(r *http.Request) {
		r.Header.Set("Connection", "X-Hop")
		r.Header.Set("X-Hop", "no")
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		r.Header.Set("X-Mine", "yes")
	})
	if res.status != 200 || res.header.Get("X-App") != "here" {
		t.Fatalf("answer %+v", res)
	}
	got := <-requests
	if got.method != "GET" || got.host != host || got.uri != "/a%20b//c?x=1&x=2" || got.proto != "HTTP/1.1" {
		t.Errorf("request line: %+v", got)
	}
	trace := regexp.MustCompile(`^Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`)
	if v := got.header.Get("X-Amzn-Trace-Id"); !trace.MatchString(v) {
		t.Errorf("X-Amzn-Trace-Id: %s", v)
	}
	for k, want := range map[string]string{
		"Forwarded": "for=127.0.0.1;host=" + name + ";proto=https", "Via": "HTTP/1.1 AmazonAPIGateway",
		"X-Forwarded-Proto": "http", "X-Forwarded-Port": "80", "X-Mine": "yes", "X-Hop": "", "Content-Length": "0",
	} {
		if v := got.header.Get(k); v != want {
			t.Errorf("%s: %q, want %q", k, v, want)
		}
	}
	if v := got.header.Get("X-Forwarded-For"); !regexp.MustCompile(`^203\.0\.113\.9, 10\.0\.\d+\.\d+$`).MatchString(v) {
		t.Errorf("X-Forwarded-For: %s", v)
	}
}

// A trace that the client began goes on, with one Self; one that is too long is
// made anew.
func TestDataplane_TraceGoesOn(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Amzn-Trace-Id")) }))
	c.waitHealthy()
	const part = `1-[0-9a-f]{8}-[0-9a-f]{24}`
	for sent, want := range map[string]string{
		"":                                      "Self=" + part + ";Root=" + part,
		"Root=1-mine":                           "Self=" + part + ";Root=1-mine",
		"Self=1-old;Root=1-mine;CalledFrom=app": "Self=" + part + ";Root=1-mine;CalledFrom=app",
		"Root=1-" + strings.Repeat("a", 7<<10):  "Root=" + part,
	} {
		got := c.send("GET", "/", nil, func(r *http.Request) {
			if sent != "" {
				r.Header.Set("X-Amzn-Trace-Id", sent)
			}
		})
		if !regexp.MustCompile("^" + want + "$").MatchString(got.body) {
			t.Errorf("sent %.40s: trace %s", sent, got.body)
		}
	}
}

// Ids and names have the shapes that clients take apart.
func TestDataplane_Shapes(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	balancer := ok[*elbv2.DescribeLoadBalancersOutput](t)(c.elb.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{c.alb}})).LoadBalancers[0]
	for have, want := range map[string]string{
		c.apiID: `[a-z0-9]{10}`, c.link: `[a-z0-9]{6}`, c.integration: `[a-z0-9]{7}`, c.route: `[a-z0-9]{7}`,
		*balancer.DNSName: `internal-test-alb-\d+\.ap-northeast-1\.elb\.amazonaws\.com`,
	} {
		if !regexp.MustCompile("^" + want + "$").MatchString(have) {
			t.Errorf("%s is not like %s", have, want)
		}
	}
}

// A group that blocks the instance costs the balancer its ten seconds, which are
// 50 ms of this clock: less than the gateway's thirty, so the page is the
// balancer's.
func TestDataplane_BlockedOnTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Profile: "real/200"})
	c := &chain{world: w, instance: w.InstanceID, linkGroup: w.group("l"), albGroup: w.group("a"), ec2Group: "sg-05100000000000001"}
	w.allow(c.albGroup, c.linkGroup, 80)
	w.allow(c.ec2Group, c.albGroup, 8000)
	c.buildBalancer()
	c.buildGateway()
	c.waitHealthy()
	c.revokeAll(c.ec2Group, false)
	began := time.Now()
	if got := c.get("/health"); got.status != 504 || got.header.Get("Server") != "awselb/2.0" || time.Since(began) < 50*time.Millisecond {
		t.Errorf("%d from %q after %s", got.status, got.header.Get("Server"), time.Since(began))
	}
}

func TestDataplane_BodyAndLimits(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Method", r.Method)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, n)
	}))
	c.waitHealthyWith("200-499")
	if got := c.send("PUT", "/x", strings.NewReader("hello")); got.status != 418 || got.body != "5" || got.header.Get("X-Method") != "PUT" {
		t.Errorf("PUT: %+v", got)
	}
	if got := c.send("POST", "/x", strings.NewReader(strings.Repeat("x", 10<<20))); got.body != fmt.Sprint(10<<20) {
		t.Errorf("10 MB: %d %s", got.status, got.body)
	}
	tooLarge := `{"message":"Request Entity Too Large"}`
	if got := c.send("POST", "/x", strings.NewReader(strings.Repeat("x", 10<<20+1))); got.status != 413 || got.body != tooLarge {
		t.Errorf("over 10 MB: %d %s", got.status, got.body)
	}
	chunked := io.MultiReader(strings.NewReader(strings.Repeat("x", 10<<20)), strings.NewReader("x"))
	if got := c.send("POST", "/x", chunked); got.status != 413 || got.body != tooLarge {
		t.Errorf("over 10 MB in chunks: %d %s", got.status, got.body)
	}
}

// waitHealthyWith takes more status codes for healthy first.
func (c *chain) waitHealthyWith(matcher string) {
	c.t.Helper()
	ok[*elbv2.ModifyTargetGroupOutput](c.t)(c.elb.ModifyTargetGroup(c.t.Context(), &elbv2.ModifyTargetGroupInput{TargetGroupArn: &c.targetGroup, Matcher: &elbtypes.Matcher{HttpCode: &matcher}}))
	c.waitHealthy()
}

func TestDataplane_Timeout(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			<-r.Context().Done()
		}
	}))
	c.waitHealthy()
	ok[*apigatewayv2.UpdateIntegrationOutput](t)(c.api.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration, TimeoutInMillis: aws.Int32(50)}))
	if got := c.get("/slow"); got.status != 503 || got.body != unavailable {
		t.Errorf("slow app: %d %s", got.status, got.body)
	}
}

// The first half of an answer arrives before the second is written.
func TestDataplane_Streams(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	goOn := make(chan struct{})
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			return
		}
		w.Header().Set("Content-Length", "13") // a known length is no reason to wait for the rest
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-goOn
		fmt.Fprintln(w, "second")
	}))
	c.waitHealthy()
	r := ok[*http.Request](t)(http.NewRequestWithContext(t.Context(), "GET", c.invokeURL+"/stream", nil))
	res := ok[*http.Response](t)(c.invokeClient().Do(r))
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" || err != nil {
		t.Errorf("%q %v", line, err)
	}
	close(goOn)
	if rest, err := io.ReadAll(lines); string(rest) != "second\n" || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

// An app that does not say what its answer is says it to the client neither.
func TestDataplane_NoContentType(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		fmt.Fprint(w, "<html>")
	}))
	c.waitHealthy()
	if got := c.get("/"); got.body != "<html>" || got.header["Content-Type"] != nil {
		t.Errorf("%q %v", got.body, got.header)
	}
}

// The sample app's refusals look like Flask's.
func TestDataplane_SampleApp(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	if got := c.get("/nope"); got.status != 404 || !strings.HasPrefix(got.body, "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := c.send("POST", "/", strings.NewReader("x")); got.status != 405 || got.header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("%d %v", got.status, got.header)
	}
	if got := c.send("HEAD", "/service-a", nil); got.status != 200 || got.body != "" || got.header.Get("Content-Length") != "93" {
		t.Errorf("%d %q %v", got.status, got.body, got.header)
	}
}

// The app listens where its user data says.
func TestDataplane_PortOfUserData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	c.waitHealthy()
	script := "IyEvYmluL2Jhc2gKYXBwLnJ1bihob3N0PScwLjAuMC4wJywgcG9ydD05MDAwKQo=" // app.run(host='0.0.0.0', port=9000)
	id := w.launch(c.ec2Group, func(in *ec2.RunInstancesInput) { in.UserData = &script })
	w.allow(c.ec2Group, c.albGroup, 9000)
	ok[*elbv2.RegisterTargetsOutput](t)(w.elb.RegisterTargets(t.Context(), &elbv2.RegisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []elbtypes.TargetDescription{{Id: &id, Port: aws.Int32(9000)}}}))
	hosts := map[string]bool{}
	eventually(t, "both answer in turns", func() bool {
		hosts[c.get("/").body] = true
		return len(hosts) == 2
	})
	for body := range maps.Keys(hosts) {
		if !strings.HasPrefix(body, "Hello from the Home page!") {
			t.Errorf("answer %q", body)
		}
	}
}

func TestDataplane_Mapping(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.RequestURI, r.Header.Get("X-Who"), r.Header.Get("X-Gone"))
	}))
	c.waitHealthy()
	ok[*apigatewayv2.UpdateIntegrationOutput](t)(c.api.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration,
		RequestParameters: map[string]string{"overwrite:path": "/v1/$request.path.proxy", "append:header.x-who": "$request.querystring.who at $context.stage",
			"remove:header.x-gone": "''", "overwrite:querystring.who": "nobody"}}))
	got := c.send("GET", "/a/b?who=me", nil, func(r *http.Request) { r.Header.Set("X-Gone", "1") })
	if got.body != "/v1/a/b?who=nobody me at $default " {
		t.Errorf("mapped to %q", got.body)
	}
}
