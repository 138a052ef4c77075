package awssim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

func TestGateway_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	ctx := t.Context()
	integration := func(change func(*apigatewayv2.CreateIntegrationInput)) error {
		in := c.integrationInput()
		change(in)
		_, err := c.api.CreateIntegration(ctx, in)
		return err
	}
	route := func(key, target string) error {
		_, err := c.api.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &c.apiID, RouteKey: &key, Target: &target})
		return err
	}
	target := "integrations/" + c.integration
	link := func(subnets []string) error {
		_, err := c.api.CreateVpcLink(ctx, &apigatewayv2.CreateVpcLinkInput{Name: aws.String("x"), SubnetIds: subnets})
		return err
	}
	_, stageTwice := c.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: aws.String("$default")})
	_, deleteIntegration := c.api.DeleteIntegration(ctx, &apigatewayv2.DeleteIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration})
	_, deleteLink := c.api.DeleteVpcLink(ctx, &apigatewayv2.DeleteVpcLinkInput{VpcLinkId: &c.link})
	_, noAPI := c.api.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: aws.String("zzzzzzzzzz")})
	_, noLink := c.api.DeleteVpcLink(ctx, &apigatewayv2.DeleteVpcLinkInput{VpcLinkId: aws.String("zzzzzz")})
	_, websocket := c.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("x"), ProtocolType: "WEBSOCKET"})
	before := w.sim.Snapshot()
	for name, row := range map[string]struct {
		err        error
		code, part string
	}{
		"integration to the balancer": {integration(func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = &c.alb }), "BadRequestException", "should be a valid ELB listener ARN"},
		"integration to a URL":        {integration(func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = aws.String("http://x") }), "BadRequestException", "should be a valid ELB listener ARN"},
		"integration no listener":     {integration(func(in *apigatewayv2.CreateIntegrationInput) { in.IntegrationUri = aws.String(c.listener + "0") }), "BadRequestException", "Unable to retrieve listener port and load balancer DNS name from ELB listener"},
		"integration no link":         {integration(func(in *apigatewayv2.CreateIntegrationInput) { in.ConnectionId = aws.String("zzzzzz") }), "BadRequestException", "VPC link"},
		"integration payload 2.0":     {integration(func(in *apigatewayv2.CreateIntegrationInput) { in.PayloadFormatVersion = aws.String("2.0") }), "BadRequestException", "1.0"},
		"integration timeout":         {integration(func(in *apigatewayv2.CreateIntegrationInput) { in.TimeoutInMillis = aws.Int32(49) }), "BadRequestException", "50 ms"},
		"integration mapping": {integration(func(in *apigatewayv2.CreateIntegrationInput) {
			in.RequestParameters = map[string]string{"overwrite:header.Via": "x"}
		}), "BadRequestException", "restricted"},
		"route twice":             {route("ANY /{proxy+}", target), "ConflictException", "already exists"},
		"route ends in /":         {route("GET /metrics/", target), "BadRequestException", "must not end in /"},
		"route greedy inside":     {route("GET /{proxy+}/x", target), "BadRequestException", "at the end"},
		"route no method":         {route("/x", target), "BadRequestException", "formatted properly"},
		"route no integration":    {route("GET /x", "integrations/zzzzzzz"), "BadRequestException", "Invalid target"},
		"stage twice":             {stageTwice, "ConflictException", "already exists"},
		"delete used integration": {deleteIntegration, "ConflictException", "referenced by the following Routes with Ids: [" + c.route + "]"},
		"delete used link":        {deleteLink, "BadRequestException", "is referenced in [ANY:" + c.route + "] in format of [Method:Resource]."},
		"no API":                  {noAPI, "NotFoundException", "zzzzzzzzzz"},
		"no link":                 {noLink, "NotFoundException", "zzzzzz"},
		"link no subnets":         {link([]string{}), "BadRequestException", "subnets"},
		"link bad subnet":         {link([]string{"subnet-0123456789abcdef0"}), "BadRequestException", "does not exist"},
		"websocket":               {websocket, "BadRequestException", "WEBSOCKET"},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, row.err, row.code, row.part) })
	}
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("a refused call changed something:\n%+v\n%+v", before, after)
	}
}

func TestGateway_LinkLife(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Demo, Now: now.Now})
	ctx := t.Context()
	group := w.group("g")
	before := w.sim.Snapshot()
	id := w.newLink("link", group)
	get := func() (*apigatewayv2.GetVpcLinkOutput, error) {
		return w.api.GetVpcLink(ctx, &apigatewayv2.GetVpcLinkInput{VpcLinkId: &id})
	}
	link := ok[*apigatewayv2.GetVpcLinkOutput](t)(get())
	if link.VpcLinkStatus != "PENDING" || link.VpcLinkVersion != "V2" || len(id) != 6 || !link.CreatedDate.Equal(now.Now()) {
		t.Errorf("at first %+v", link)
	}
	now.advance(6 * time.Second)
	if link = ok[*apigatewayv2.GetVpcLinkOutput](t)(get()); link.VpcLinkStatus != "AVAILABLE" {
		t.Errorf("after 6 s %s", link.VpcLinkStatus)
	}
	enis := ok[*ec2.DescribeNetworkInterfacesOutput](t)(w.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{filter("tag:VpcLinkId", id)}}))
	if len(enis.NetworkInterfaces) != 2 || enis.NetworkInterfaces[0].InterfaceType != "api_gateway_managed" {
		t.Errorf("interfaces %+v", enis.NetworkInterfaces)
	}
	ok[*apigatewayv2.DeleteVpcLinkOutput](t)(w.api.DeleteVpcLink(ctx, &apigatewayv2.DeleteVpcLinkInput{VpcLinkId: &id}))
	if link = ok[*apigatewayv2.GetVpcLinkOutput](t)(get()); link.VpcLinkStatus != "DELETING" {
		t.Errorf("after delete %s", link.VpcLinkStatus)
	}
	_, err := w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group})
	wantCode(t, err, "DependencyViolation", "")
	now.advance(3 * time.Second)
	_, err = get()
	wantCode(t, err, "NotFoundException", "")
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("left behind: %+v", after)
	}
}

// Clients send optional texts that are empty: they ask for nothing.
func TestGateway_EmptyTexts(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	made := ok[*apigatewayv2.CreateApiOutput](t)(w.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP", Target: aws.String(""), RouteKey: aws.String("")}))
	stage := ok[*apigatewayv2.CreateStageOutput](t)(w.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: made.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true), DeploymentId: aws.String("")}))
	if made.CreatedDate.Nanosecond() != 0 || stage.CreatedDate.Nanosecond() != 0 {
		t.Errorf("created at %s and %s: AWS says it to the second", made.CreatedDate, stage.CreatedDate)
	}
	launch := &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &w.SubnetIDs[0], KeyName: aws.String(""),
		PrivateIpAddress: aws.String(""), LaunchTemplate: &ec2types.LaunchTemplateSpecification{LaunchTemplateId: aws.String(""), LaunchTemplateName: aws.String("")}}
	ok[*ec2.RunInstancesOutput](t)(w.ec2.RunInstances(ctx, launch))
}

// Creates without a client token make two when sent twice: that is the trap.
func TestGateway_NoTokenMakesTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	first, second := w.newLink("same"), w.newLink("same")
	if first == second {
		t.Error("two calls made one link")
	}
}

func TestGateway_TagsOnRawPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	ctx := t.Context()
	for name, arn := range map[string]string{
		"link":  "arn:aws:apigateway:ap-northeast-1::/vpclinks/" + c.link,
		"api":   "arn:aws:apigateway:ap-northeast-1::/apis/" + c.apiID,
		"stage": "arn:aws:apigateway:ap-northeast-1::/apis/" + c.apiID + "/stages/$default",
	} {
		ok[*apigatewayv2.TagResourceOutput](t)(c.api.TagResource(ctx, &apigatewayv2.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}}))
		ok[*apigatewayv2.UntagResourceOutput](t)(c.api.UntagResource(ctx, &apigatewayv2.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}}))
		got := ok[*apigatewayv2.GetTagsOutput](t)(c.api.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: &arn})).Tags
		if len(got) != 1 || got["b"] != "2" {
			t.Errorf("%s: tags %v", name, got)
		}
	}
	stage := ok[*apigatewayv2.GetStageOutput](t)(c.api.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &c.apiID, StageName: aws.String("$default")}))
	if stage.Tags["b"] != "2" || !*stage.AutoDeploy {
		t.Errorf("stage: %+v", stage)
	}
	_, err := c.api.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: aws.String("arn:aws:apigateway:ap-northeast-1::/apis/zzzzzzzzzz")})
	wantCode(t, err, "NotFoundException", "")
}

func TestGateway_Paging(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for i := range 5 {
		w.newLink(fmt.Sprintf("link-%d", i))
	}
	seen, n, token := map[string]bool{}, 0, (*string)(nil)
	for {
		out := ok[*apigatewayv2.GetVpcLinksOutput](t)(w.api.GetVpcLinks(t.Context(), &apigatewayv2.GetVpcLinksInput{MaxResults: aws.String("2"), NextToken: token}))
		for _, l := range out.Items {
			seen[*l.VpcLinkId] = true
		}
		n++
		if token = out.NextToken; token == nil {
			break
		}
	}
	if len(seen) != 5 || n != 3 {
		t.Errorf("%d links on %d pages, want 5 on 3", len(seen), n)
	}
}

// Updates change what they name and nothing else.
func TestGateway_Updates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	ctx := t.Context()
	a := ok[*apigatewayv2.UpdateApiOutput](t)(c.api.UpdateApi(ctx, &apigatewayv2.UpdateApiInput{ApiId: &c.apiID, Description: aws.String("d")}))
	if *a.Name != "test-http-api" || *a.Description != "d" {
		t.Errorf("api %+v", a)
	}
	n := ok[*apigatewayv2.UpdateIntegrationOutput](t)(c.api.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration, TimeoutInMillis: aws.Int32(1000)}))
	if *n.TimeoutInMillis != 1000 || *n.ConnectionId != c.link || *n.IntegrationUri != c.listener {
		t.Errorf("integration %+v", n)
	}
	r := ok[*apigatewayv2.UpdateRouteOutput](t)(c.api.UpdateRoute(ctx, &apigatewayv2.UpdateRouteInput{ApiId: &c.apiID, RouteId: &c.route, RouteKey: aws.String("$default")}))
	if *r.RouteKey != "$default" || *r.Target != "integrations/"+c.integration {
		t.Errorf("route %+v", r)
	}
	l := ok[*apigatewayv2.UpdateVpcLinkOutput](t)(c.api.UpdateVpcLink(ctx, &apigatewayv2.UpdateVpcLinkInput{VpcLinkId: &c.link, Name: aws.String("new")}))
	if *l.Name != "new" || len(l.SubnetIds) != 2 {
		t.Errorf("link %+v", l)
	}
	if !strings.HasPrefix(c.invokeURL, "http://"+c.apiID+".execute-api.ap-northeast-1.localhost:") {
		t.Errorf("invoke URL %s", c.invokeURL)
	}
}

// A stage without auto-deploy serves what was last deployed to it.
func TestGateway_Deployments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	ctx := t.Context()
	c.waitHealthy()
	ok[*apigatewayv2.CreateStageOutput](t)(c.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: aws.String("fixed")}))
	if got := c.get("/fixed/health"); got.status != 404 || got.body != `{"message":"Not Found"}` {
		t.Errorf("nothing deployed: %d %s", got.status, got.body)
	}
	d := ok[*apigatewayv2.CreateDeploymentOutput](t)(c.api.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &c.apiID, StageName: aws.String("fixed")}))
	if got := c.get("/fixed/health"); got.status != 404 || !strings.Contains(got.body, "<h1>Not Found</h1>") {
		t.Errorf("deployed: %d %s; a private integration keeps the stage in the path", got.status, got.body)
	}
	_, err := c.api.DeleteDeployment(ctx, &apigatewayv2.DeleteDeploymentInput{ApiId: &c.apiID, DeploymentId: d.DeploymentId})
	wantCode(t, err, "ConflictException", "a stage uses it")
	ok[*apigatewayv2.UpdateIntegrationOutput](t)(c.api.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration,
		RequestParameters: map[string]string{"overwrite:path": "$request.path"}}))
	if got := c.get("/fixed/health"); got.status != 404 {
		t.Errorf("changed but not deployed: %d %s", got.status, got.body)
	}
	ok[*apigatewayv2.CreateDeploymentOutput](t)(c.api.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: &c.apiID, StageName: aws.String("fixed")}))
	if got := c.get("/fixed/health"); got.status != 200 || got.body != "OK" {
		t.Errorf("deployed with overwrite:path: %d %s", got.status, got.body)
	}
}
