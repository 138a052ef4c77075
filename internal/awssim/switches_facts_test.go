package awssim_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

func (w *world) facts(f awssim.OpenFacts) {
	w.t.Helper()
	s := w.sim.Switches()
	s.OpenFacts = f
	if err := w.sim.SetSwitches(s); err != nil {
		w.t.Fatal(err)
	}
}

// A listener on a load balancer that is not active yet is taken, or refused.
func TestRefuseProvisioningBalancer(t *testing.T) {
	t.Parallel()
	at := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Real, Now: at.Now})
	alb, tg := w.newBalancer("alb"), w.newTargetGroup("tg")
	listen := func(port int32) error {
		_, err := w.elb.CreateListener(t.Context(), &elbv2.CreateListenerInput{LoadBalancerArn: &alb, Protocol: "HTTP", Port: &port,
			DefaultActions: []elbtypes.Action{{Type: "forward", TargetGroupArn: &tg}}})
		return err
	}
	if err := listen(80); err != nil {
		t.Errorf("by default: %v", err)
	}
	w.facts(awssim.OpenFacts{RefuseProvisioningBalancer: true})
	wantCode(t, listen(81), "InvalidLoadBalancerAction", "provisioning")
	at.advance(3 * time.Minute)
	if err := listen(81); err != nil {
		t.Errorf("active: %v", err)
	}
}

// Messages of 413 and 429 that AWS does not document can be others.
func TestGatewayTexts(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	big := func() answer { return c.send("POST", "/", strings.NewReader(strings.Repeat("x", 10<<20+1))) }
	if got := big(); got.status != 413 || got.body != `{"message":"Request Entity Too Large"}` {
		t.Errorf("by default %d %s", got.status, got.body)
	}
	c.facts(awssim.OpenFacts{TooLargeText: `Request "Too" Long`, TooManyText: "Limit Exceeded"})
	if got := big(); got.status != 413 || got.body != `{"message":"Request \"Too\" Long"}` {
		t.Errorf("413 is %d %s", got.status, got.body)
	}
	ok[*apigatewayv2.UpdateStageOutput](t)(c.api.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"),
		DefaultRouteSettings: &apitypes.RouteSettings{ThrottlingBurstLimit: aws.Int32(0), ThrottlingRateLimit: aws.Float64(0)}}))
	if got := c.get("/"); got.status != 429 || got.body != `{"message":"Limit Exceeded"}` {
		t.Errorf("429 is %d %s", got.status, got.body)
	}
}

// Requests see an automatic deployment after the delay, and until then what
// was deployed before.
func TestAutoDeployDelay(t *testing.T) {
	t.Parallel()
	at := newClock()
	c := newWorld(t, awssim.Options{Now: at.Now}).build()
	c.waitHealthy()
	c.facts(awssim.OpenFacts{AutoDeployDelay: 5 * time.Second})
	ctx := t.Context()
	ok[*apigatewayv2.DeleteRouteOutput](t)(c.api.DeleteRoute(ctx, &apigatewayv2.DeleteRouteInput{ApiId: &c.apiID, RouteId: &c.route}))
	status := func() string {
		st := ok[*apigatewayv2.GetStageOutput](t)(c.api.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &c.apiID, StageName: aws.String("$default")}))
		return string(ok[*apigatewayv2.GetDeploymentOutput](t)(c.api.GetDeployment(ctx, &apigatewayv2.GetDeploymentInput{ApiId: &c.apiID, DeploymentId: st.DeploymentId})).DeploymentStatus)
	}
	if got := c.get("/service-a"); got.status != 200 || status() != "PENDING" {
		t.Errorf("at once: %d, deployment %s", got.status, status())
	}
	at.advance(3 * time.Second)
	c.newRoute("GET /service-b") // the delay begins anew
	at.advance(3 * time.Second)
	if got := c.get("/service-a"); got.status != 200 {
		t.Errorf("after a second change: %d", got.status)
	}
	at.advance(2 * time.Second)
	if a, b := c.get("/service-a"), c.get("/service-b"); a.status != 404 || b.status != 200 || status() != "DEPLOYED" {
		t.Errorf("after the delay: %d and %d, deployment %s", a.status, b.status, status())
	}
}

// A change to an API that deploys itself costs a deployment's token, if so switched.
func TestAutoDeployTokens(t *testing.T) {
	t.Parallel()
	at := newClock()
	c := newWorld(t, awssim.Options{Now: at.Now}).build()
	throttle := awssim.Switches{Throttle: true}
	if err := c.sim.SetSwitches(throttle); err != nil {
		t.Fatal(err)
	}
	route := func(key string) error {
		_, err := c.api.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &c.apiID, RouteKey: &key})
		return err
	}
	if err := errors.Join(route("GET /a"), route("GET /b")); err != nil {
		t.Errorf("by default: %v", err)
	}
	c.facts(awssim.OpenFacts{AutoDeployTokens: true})
	if err := route("GET /c"); err != nil {
		t.Errorf("the first: %v", err)
	}
	wantCode(t, route("GET /d"), "TooManyRequestsException", "")
	at.advance(5 * time.Second)
	if err := route("GET /d"); err != nil {
		t.Errorf("after 5 s: %v", err)
	}
}

// REST APIs rename an app's headers; whether HTTP APIs do is open.
func TestRemapHeaders(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	if h := c.get("/").header; !strings.HasPrefix(h.Get("Server"), "Werkzeug") || h.Get("X-Amzn-Remapped-Server") != "" {
		t.Errorf("by default: %v", h)
	}
	c.facts(awssim.OpenFacts{RemapHeaders: true})
	if h := c.get("/").header; h.Get("Server") != "" || !strings.HasPrefix(h.Get("X-Amzn-Remapped-Server"), "Werkzeug") || h.Get("X-Amzn-Remapped-Date") == "" || h.Get("Date") == "" {
		t.Errorf("remapped: %v", h)
	}
}

func TestEC2Statuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	status := func() int {
		_, err := w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0123456789abcdef0"}})
		wantCode(t, err, "InvalidVpcID.NotFound", "")
		var e *awshttp.ResponseError
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		return e.HTTPStatusCode()
	}
	if got := status(); got != http.StatusBadRequest {
		t.Errorf("by default %d", got)
	}
	w.facts(awssim.OpenFacts{EC2Statuses: map[string]int{"InvalidVpcID.NotFound": 404}})
	if got := status(); got != http.StatusNotFound {
		t.Errorf("switched: %d", got)
	}
}
