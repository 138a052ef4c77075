package traffic

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

const (
	region   = "ap-northeast-1"
	patience = 30 * time.Second
)

// chain is the article's chain in front of an app of the test's.
type chain struct {
	t       testing.TB
	sim     *awssim.Sim
	address string // of the simulator
	app     string // address of the app
	invoke  string // URL
	apiID   string

	ec2   *ec2.Client
	elb   *elbv2.Client
	api   *apigatewayv2.Client
	world awssim.World
	group string // target group
}

// must fails the test on an error and passes the value through.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// start serves a simulator, as the program does.
func start(t testing.TB, o awssim.Options) *chain {
	t.Helper()
	sim := must[*awssim.Sim](t)(awssim.New(o))
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := sim.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	c := &chain{t: t, sim: sim, address: l.Addr().String(), world: must[awssim.World](t)(sim.Seed())}
	url := "http://" + c.address
	keys := credentials.NewStaticCredentialsProvider("AKIDLOCAL", "local", "")
	c.ec2 = ec2.New(ec2.Options{Region: region, Credentials: keys, BaseEndpoint: &url})
	c.elb = elbv2.New(elbv2.Options{Region: region, Credentials: keys, BaseEndpoint: &url})
	c.api = apigatewayv2.New(apigatewayv2.Options{Region: region, Credentials: keys, BaseEndpoint: &url})
	return c
}

// newChain makes the chain, with app behind it, and waits until it answers.
func newChain(t testing.TB, o awssim.Options, app http.Handler) *chain {
	t.Helper()
	c := start(t, o)
	srv := httptest.NewServer(app)
	t.Cleanup(srv.Close)
	c.app = srv.Listener.Addr().String()
	if err := c.sim.Forward(c.world.InstanceID, c.app); err != nil {
		t.Fatal(err)
	}
	link, alb := c.newGroup("link"), c.newGroup("alb")
	c.allow(alb, link, 80)
	c.allow("sg-05100000000000001", alb, 8000)
	listener := c.newBalancer(alb)
	c.newGateway(link, listener)
	c.waitHealthy()
	return c
}

func (c *chain) newGroup(name string) string {
	c.t.Helper()
	return *must[*ec2.CreateSecurityGroupOutput](c.t)(c.ec2.CreateSecurityGroup(context.Background(), &ec2.CreateSecurityGroupInput{GroupName: &name,
		Description: &name, VpcId: &c.world.VPCID})).GroupId
}

func (c *chain) allow(group, source string, port int32) {
	c.t.Helper()
	must[*ec2.AuthorizeSecurityGroupIngressOutput](c.t)(c.ec2.AuthorizeSecurityGroupIngress(context.Background(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group,
		IpPermissions: []ec2types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: &source}}}}}))
}

func (c *chain) newBalancer(group string) (listener string) {
	c.t.Helper()
	ctx := context.Background()
	c.group = *must[*elbv2.CreateTargetGroupOutput](c.t)(c.elb.CreateTargetGroup(ctx, &elbv2.CreateTargetGroupInput{Name: aws.String("tg"), Protocol: "HTTP", Port: aws.Int32(8000),
		VpcId: &c.world.VPCID, HealthCheckPath: aws.String("/health")})).TargetGroups[0].TargetGroupArn
	must[*elbv2.RegisterTargetsOutput](c.t)(c.elb.RegisterTargets(ctx, &elbv2.RegisterTargetsInput{TargetGroupArn: &c.group, Targets: []elbtypes.TargetDescription{{Id: &c.world.InstanceID}}}))
	alb := must[*elbv2.CreateLoadBalancerOutput](c.t)(c.elb.CreateLoadBalancer(ctx, &elbv2.CreateLoadBalancerInput{Name: aws.String("alb"), Scheme: "internal",
		Subnets: c.world.SubnetIDs, SecurityGroups: []string{group}})).LoadBalancers[0].LoadBalancerArn
	return *must[*elbv2.CreateListenerOutput](c.t)(c.elb.CreateListener(ctx, &elbv2.CreateListenerInput{LoadBalancerArn: alb, Protocol: "HTTP", Port: aws.Int32(80),
		DefaultActions: []elbtypes.Action{{Type: "forward", TargetGroupArn: &c.group}}})).Listeners[0].ListenerArn
}

func (c *chain) newGateway(group, listener string) {
	c.t.Helper()
	ctx := context.Background()
	link := must[*apigatewayv2.CreateVpcLinkOutput](c.t)(c.api.CreateVpcLink(ctx, &apigatewayv2.CreateVpcLinkInput{Name: aws.String("link"), SubnetIds: c.world.SubnetIDs, SecurityGroupIds: []string{group}})).VpcLinkId
	a := must[*apigatewayv2.CreateApiOutput](c.t)(c.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("api"), ProtocolType: "HTTP"}))
	c.apiID, c.invoke = *a.ApiId, *a.ApiEndpoint
	n := must[*apigatewayv2.CreateIntegrationOutput](c.t)(c.api.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{ApiId: a.ApiId, IntegrationType: "HTTP_PROXY", IntegrationMethod: aws.String("ANY"),
		ConnectionType: "VPC_LINK", ConnectionId: link, IntegrationUri: &listener, PayloadFormatVersion: aws.String("1.0")}))
	must[*apigatewayv2.CreateRouteOutput](c.t)(c.api.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: a.ApiId, RouteKey: aws.String("ANY /{proxy+}"), Target: aws.String("integrations/" + *n.IntegrationId)}))
	must[*apigatewayv2.CreateStageOutput](c.t)(c.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: a.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)}))
}

func (c *chain) waitHealthy() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		out := must[*elbv2.DescribeTargetHealthOutput](c.t)(c.elb.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.group}))
		if h := out.TargetHealthDescriptions[0].TargetHealth; h.State == "healthy" {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.t.Fatal("the target did not become healthy")
		}
	}
}

// client finds the invoke URL on this machine, as a browser and curl do.
func (c *chain) client() *http.Client {
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, c.address)
	}}
	c.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// echo answers with the request's body, and with what it saw in headers.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Seen-Proto", r.Proto)
	w.Header().Set("X-Seen-Transfer", strings.Join(r.TransferEncoding, ","))
	if r.ContentLength > 0 {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	}
	_ = http.NewResponseController(w).EnableFullDuplex() // or the server drops what is unread when the answer begins
	_, _ = io.Copy(w, r.Body)
}

// random makes n bytes that nothing can have altered unseen.
func random(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	must[int](t)(rand.Read(b))
	return b
}

// needs returns the path of a program. CI must have it.
func needs(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing, and CI must have it", program)
		}
		t.Skipf("%s is not installed", program)
	}
	return path
}

// prepare makes a chain with the sample app in a state directory.
func prepare(t testing.TB, dir string) {
	t.Helper()
	c := start(t, awssim.Options{Dir: dir})
	link, alb := c.newGroup("link"), c.newGroup("alb")
	c.allow(alb, link, 80)
	c.allow("sg-05100000000000001", alb, 8000)
	c.newGateway(link, c.newBalancer(alb))
	c.waitHealthy()
}

// serveOn serves the simulator and returns its URL.
func serveOn(t testing.TB, sim *awssim.Sim) string {
	srv := httptest.NewServer(sim.Handler())
	t.Cleanup(srv.Close)
	return srv.URL
}
