package awssim_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"drawbridge/internal/awssim"
)

const (
	region   = "ap-northeast-1"
	imageX86 = "ami-0a12023000000086a"
)

// world is a simulator on a loopback port with the real SDK as its client.
type world struct {
	t      *testing.T
	sim    *awssim.Sim
	url    string
	secret string // of every key
	awssim.World

	ec2 *ec2.Client
	elb *elbv2.Client
	api *apigatewayv2.Client
	ssm *ssm.Client
	sts *sts.Client
}

func newWorld(t *testing.T, o awssim.Options) *world {
	t.Helper()
	sim, err := awssim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := sim.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	seeded, err := sim.Seed()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, sim: sim, url: srv.URL, secret: cmp.Or(o.Secret, "local"), World: seeded}
	w.connect(region)
	return w
}

// connect makes the clients. They send a call once: a test wants to see what
// the simulator answers, not what the SDK makes of it.
func (w *world) connect(region string) {
	w.connectAs(region, credentials.NewStaticCredentialsProvider("AKIDLOCAL", "local", ""))
}

func (w *world) connectAs(region string, keys aws.CredentialsProvider) {
	once, hc := aws.NopRetryer{}, plainBodies{awshttp.NewBuildableClient()}
	w.ec2 = ec2.New(ec2.Options{Region: region, Credentials: keys, BaseEndpoint: &w.url, Retryer: once, HTTPClient: hc})
	w.elb = elbv2.New(elbv2.Options{Region: region, Credentials: keys, BaseEndpoint: &w.url, Retryer: once, HTTPClient: hc})
	w.api = apigatewayv2.New(apigatewayv2.Options{Region: region, Credentials: keys, BaseEndpoint: &w.url, Retryer: once, HTTPClient: hc})
	w.ssm = ssm.New(ssm.Options{Region: region, Credentials: keys, BaseEndpoint: &w.url, Retryer: once, HTTPClient: hc})
	w.sts = sts.New(sts.Options{Region: region, Credentials: keys, BaseEndpoint: &w.url, Retryer: once, HTTPClient: hc})
}

// plainBodies hides the WriteTo of the SDK's bodies, with which an answer can be
// lost: see the type of this name in internal/awsapi.
type plainBodies struct{ aws.HTTPClient }

func (c plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.HTTPClient.Do(r)
}

// ok fails the test on an error and passes the value through.
func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantCode checks AWS's error code and a part of the message.
func wantCode(t *testing.T, err error, code, part string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want %s", err, code)
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), part) {
		t.Errorf("got %s: %s, want %s: …%s…", e.ErrorCode(), e.ErrorMessage(), code, part)
	}
}

// eventually asks until done says yes.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// clock is a time that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2025, 8, 27, 0, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// chain is the article's chain.
type chain struct {
	*world
	linkGroup, albGroup, ec2Group   string
	instance                        string
	targetGroup, alb, listener      string
	link, apiID, integration, route string
	invokeURL                       string
}

func (w *world) group(name string) string {
	w.t.Helper()
	return *ok[*ec2.CreateSecurityGroupOutput](w.t)(w.ec2.CreateSecurityGroup(w.t.Context(), &ec2.CreateSecurityGroupInput{
		GroupName: &name, Description: aws.String("test"), VpcId: &w.VPCID})).GroupId
}

func from(group string, port int32) []ec2types.IpPermission {
	return []ec2types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port,
		UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: &group}}}}
}

func (w *world) allow(group, source string, port int32) string {
	w.t.Helper()
	out := ok[*ec2.AuthorizeSecurityGroupIngressOutput](w.t)(w.ec2.AuthorizeSecurityGroupIngress(w.t.Context(),
		&ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: from(source, port)}))
	return *out.SecurityGroupRules[0].SecurityGroupRuleId
}

func (w *world) launch(group string, change ...func(*ec2.RunInstancesInput)) string {
	w.t.Helper()
	in := &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		SubnetId: &w.SubnetIDs[0], SecurityGroupIds: []string{group}}
	for _, f := range change {
		f(in)
	}
	return *ok[*ec2.RunInstancesOutput](w.t)(w.ec2.RunInstances(w.t.Context(), in)).Instances[0].InstanceId
}

// build makes the whole chain in its order.
func (w *world) build() *chain {
	w.t.Helper()
	c := &chain{world: w}
	c.linkGroup, c.albGroup, c.ec2Group = w.group("test-vpclink-sg"), w.group("test-alb-sg"), w.group("test-ec2-sg")
	w.allow(c.albGroup, c.linkGroup, 80)
	w.allow(c.ec2Group, c.albGroup, 8000)
	c.instance = w.launch(c.ec2Group)
	c.buildBalancer()
	c.buildGateway()
	return c
}

func (w *world) newTargetGroup(name string, change ...func(*elbv2.CreateTargetGroupInput)) string {
	w.t.Helper()
	in := &elbv2.CreateTargetGroupInput{Name: &name, Protocol: "HTTP", Port: aws.Int32(8000), VpcId: &w.VPCID, TargetType: "instance", HealthCheckPath: aws.String("/health")}
	for _, f := range change {
		f(in)
	}
	return *ok[*elbv2.CreateTargetGroupOutput](w.t)(w.elb.CreateTargetGroup(w.t.Context(), in)).TargetGroups[0].TargetGroupArn
}

func (w *world) register(group, instance string) error {
	_, err := w.elb.RegisterTargets(w.t.Context(), &elbv2.RegisterTargetsInput{TargetGroupArn: &group, Targets: []elbtypes.TargetDescription{{Id: &instance}}})
	return err
}

func (w *world) newBalancer(name string, groups ...string) string {
	w.t.Helper()
	return *ok[*elbv2.CreateLoadBalancerOutput](w.t)(w.elb.CreateLoadBalancer(w.t.Context(), &elbv2.CreateLoadBalancerInput{Name: &name,
		Scheme: "internal", Subnets: w.SubnetIDs, SecurityGroups: groups})).LoadBalancers[0].LoadBalancerArn
}

func (w *world) newListener(alb, group string) string {
	w.t.Helper()
	return *ok[*elbv2.CreateListenerOutput](w.t)(w.elb.CreateListener(w.t.Context(), &elbv2.CreateListenerInput{LoadBalancerArn: &alb, Protocol: "HTTP",
		Port: aws.Int32(80), DefaultActions: []elbtypes.Action{{Type: "forward", TargetGroupArn: &group}}})).Listeners[0].ListenerArn
}

func (c *chain) buildBalancer() {
	c.t.Helper()
	c.targetGroup = c.newTargetGroup("test-tg")
	if err := c.register(c.targetGroup, c.instance); err != nil {
		c.t.Fatal(err)
	}
	c.alb = c.newBalancer("test-alb", c.albGroup)
	c.listener = c.newListener(c.alb, c.targetGroup)
}

func (c *chain) buildGateway() {
	c.t.Helper()
	ctx := c.t.Context()
	c.link = c.newLink("test-vpclink", c.linkGroup)
	made := ok[*apigatewayv2.CreateApiOutput](c.t)(c.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("test-http-api"), ProtocolType: "HTTP"}))
	c.apiID, c.invokeURL = *made.ApiId, *made.ApiEndpoint
	c.integration = *ok[*apigatewayv2.CreateIntegrationOutput](c.t)(c.api.CreateIntegration(ctx, c.integrationInput())).IntegrationId
	c.route = c.newRoute("ANY /{proxy+}")
	ok[*apigatewayv2.CreateStageOutput](c.t)(c.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)}))
}

func (w *world) newLink(name string, groups ...string) string {
	w.t.Helper()
	return *ok[*apigatewayv2.CreateVpcLinkOutput](w.t)(w.api.CreateVpcLink(w.t.Context(), &apigatewayv2.CreateVpcLinkInput{Name: &name,
		SubnetIds: w.SubnetIDs, SecurityGroupIds: groups})).VpcLinkId
}

func (c *chain) integrationInput() *apigatewayv2.CreateIntegrationInput {
	return &apigatewayv2.CreateIntegrationInput{ApiId: &c.apiID, IntegrationType: apitypes.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"),
		ConnectionType: apitypes.ConnectionTypeVpcLink, ConnectionId: &c.link, IntegrationUri: &c.listener, PayloadFormatVersion: aws.String("1.0")}
}

func (c *chain) newRoute(key string) string {
	c.t.Helper()
	return *ok[*apigatewayv2.CreateRouteOutput](c.t)(c.api.CreateRoute(c.t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &c.apiID, RouteKey: &key,
		Target: aws.String("integrations/" + c.integration)})).RouteId
}

// health returns the state and reason of the chain's instance.
func (c *chain) health() (state, reason string) {
	c.t.Helper()
	out := ok[*elbv2.DescribeTargetHealthOutput](c.t)(c.elb.DescribeTargetHealth(c.t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup}))
	if len(out.TargetHealthDescriptions) == 0 {
		return "", ""
	}
	h := out.TargetHealthDescriptions[0].TargetHealth
	return string(h.State), string(h.Reason)
}

func (c *chain) waitHealthy() {
	c.t.Helper()
	eventually(c.t, "the target is healthy", func() bool { s, _ := c.health(); return s == "healthy" })
}

// answer is what a client of the invoke URL gets.
type answer struct {
	status int
	header http.Header
	body   string
}

// invokeClient finds every execute-api name on this machine, as a browser does.
func (w *world) invokeClient() *http.Client {
	u := ok[*url.URL](w.t)(url.Parse(w.url))
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, u.Host)
	}
	tr := &http.Transport{DialContext: dial, DisableCompression: true}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func (c *chain) send(method, path string, body io.Reader, change ...func(*http.Request)) answer {
	c.t.Helper()
	r := ok[*http.Request](c.t)(http.NewRequestWithContext(c.t.Context(), method, c.invokeURL+path, body))
	for _, f := range change {
		f(r)
	}
	res := ok[*http.Response](c.t)(c.invokeClient().Do(r))
	defer res.Body.Close()
	return answer{res.StatusCode, res.Header, string(ok[[]byte](c.t)(io.ReadAll(res.Body)))}
}

func (c *chain) get(path string) answer { c.t.Helper(); return c.send("GET", path, nil) }

// destroy deletes what build made, in AWS's order.
func (c *chain) destroy() {
	c.t.Helper()
	ctx := c.t.Context()
	ok[*apigatewayv2.DeleteApiOutput](c.t)(c.api.DeleteApi(ctx, &apigatewayv2.DeleteApiInput{ApiId: &c.apiID}))
	ok[*apigatewayv2.DeleteVpcLinkOutput](c.t)(c.api.DeleteVpcLink(ctx, &apigatewayv2.DeleteVpcLinkInput{VpcLinkId: &c.link}))
	ok[*elbv2.DeleteListenerOutput](c.t)(c.elb.DeleteListener(ctx, &elbv2.DeleteListenerInput{ListenerArn: &c.listener}))
	ok[*elbv2.DeleteTargetGroupOutput](c.t)(c.elb.DeleteTargetGroup(ctx, &elbv2.DeleteTargetGroupInput{TargetGroupArn: &c.targetGroup}))
	ok[*elbv2.DeleteLoadBalancerOutput](c.t)(c.elb.DeleteLoadBalancer(ctx, &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: &c.alb}))
	ok[*ec2.TerminateInstancesOutput](c.t)(c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{c.instance}}))
	for _, id := range []string{c.ec2Group, c.albGroup, c.linkGroup} {
		ok[*ec2.DeleteSecurityGroupOutput](c.t)(c.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &id}))
	}
}
