package awssim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

func (c *chain) linkStatus() string {
	c.t.Helper()
	return string(ok[*apigatewayv2.GetVpcLinkOutput](c.t)(c.api.GetVpcLink(c.t.Context(), &apigatewayv2.GetVpcLinkInput{VpcLinkId: &c.link})).VpcLinkStatus)
}

func (c *chain) linkInterfaces() int {
	c.t.Helper()
	return len(ok[*ec2.DescribeNetworkInterfacesOutput](c.t)(c.ec2.DescribeNetworkInterfaces(c.t.Context(), &ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{filter("tag:VpcLinkId", c.link)}})).NetworkInterfaces)
}

// Sixty days without traffic make a link INACTIVE; the next request fails and
// wakes it.
func TestLink_InactiveAndWoken(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Demo, Now: now.Now})
	c := w.existing(now)
	if got := c.get("/"); got.status != 200 {
		t.Fatalf("at first %d %s", got.status, got.body)
	}
	const days = 24 * time.Hour
	now.advance(59 * days)
	if got := c.get("/"); got.status != 200 {
		t.Errorf("after 59 days %d", got.status)
	}
	now.advance(59 * days)
	if s := c.linkStatus(); s != "AVAILABLE" {
		t.Errorf("59 days after the last request: %s", s)
	}
	now.advance(days)
	if s := c.linkStatus(); s != "INACTIVE" {
		t.Errorf("after 60 days: %s", s)
	}
	if n := c.linkInterfaces(); n != 0 {
		t.Errorf("INACTIVE with %d interfaces", n)
	}
	wantGateway(t, "the request that wakes", c.get("/"), 503, "Service Unavailable")
	if s, n := c.linkStatus(), c.linkInterfaces(); s != "PENDING" || n != 2 {
		t.Errorf("woken: %s with %d interfaces", s, n)
	}
	wantGateway(t, "while it is provisioned", c.get("/"), 503, "Service Unavailable")
	now.advance(6 * time.Second)
	if got := c.get("/"); got.status != 200 || c.linkStatus() != "AVAILABLE" {
		t.Errorf("woken at last: %d %s", got.status, c.linkStatus())
	}
}

// existing is the chain in front of the instance that is there from the start,
// with everything ready.
func (w *world) existing(now *clock) *chain {
	w.t.Helper()
	c := &chain{world: w, instance: w.InstanceID}
	c.linkGroup, c.albGroup, c.ec2Group = w.group("l"), w.group("a"), "sg-05100000000000001"
	w.allow(c.albGroup, c.linkGroup, 80)
	w.allow(c.ec2Group, c.albGroup, 8000)
	c.buildBalancer()
	c.buildGateway()
	now.advance(3 * time.Minute)
	c.waitAnswer(now)
	return c
}

func TestLink_FailedAndDeleting(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Demo, Now: now.Now})
	c := w.existing(now)
	if err := w.sim.FailVPCLink(c.link, "no permission to make network interfaces"); err != nil {
		t.Fatal(err)
	}
	out := ok[*apigatewayv2.GetVpcLinkOutput](t)(c.api.GetVpcLink(t.Context(), &apigatewayv2.GetVpcLinkInput{VpcLinkId: &c.link}))
	if out.VpcLinkStatus != "FAILED" || *out.VpcLinkStatusMessage != "no permission to make network interfaces" {
		t.Errorf("%s %s", out.VpcLinkStatus, *out.VpcLinkStatusMessage)
	}
	wantGateway(t, "FAILED", c.get("/"), 503, "Service Unavailable")
	if err := w.sim.FailVPCLink(c.link, ""); err != nil {
		t.Fatal(err)
	}
	if got := c.get("/"); got.status != 200 {
		t.Errorf("mended: %d", got.status)
	}
	if err := w.sim.FailVPCLink("nolink", "x"); err == nil {
		t.Error("a link that is not there failed")
	}
	// A stage that is deployed by hand still serves an integration that is gone.
	ok[*apigatewayv2.CreateStageOutput](t)(c.api.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: aws.String("old")}))
	ok[*apigatewayv2.CreateDeploymentOutput](t)(c.api.CreateDeployment(t.Context(), &apigatewayv2.CreateDeploymentInput{ApiId: &c.apiID, StageName: aws.String("old")}))
	ok[*apigatewayv2.DeleteRouteOutput](t)(c.api.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &c.apiID, RouteId: &c.route}))
	ok[*apigatewayv2.DeleteIntegrationOutput](t)(c.api.DeleteIntegration(t.Context(), &apigatewayv2.DeleteIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration}))
	if got := c.get("/old"); got.status != 404 || !strings.Contains(got.body, "<h1>") {
		t.Errorf("the app's own 404 for /old: %d %s", got.status, got.body)
	}
	ok[*apigatewayv2.DeleteVpcLinkOutput](t)(c.api.DeleteVpcLink(t.Context(), &apigatewayv2.DeleteVpcLinkInput{VpcLinkId: &c.link}))
	if s := c.linkStatus(); s != "DELETING" {
		t.Errorf("deleted: %s", s)
	}
	wantGateway(t, "DELETING", c.get("/old"), 503, "Service Unavailable")
	now.advance(2 * time.Second)
	_, err := c.api.GetVpcLink(t.Context(), &apigatewayv2.GetVpcLinkInput{VpcLinkId: &c.link})
	wantCode(t, err, "NotFoundException", "")
	wantGateway(t, "gone", c.get("/old"), 503, "Service Unavailable")
}
