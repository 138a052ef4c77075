package awssim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"drawbridge/internal/awssim"
)

// echo answers with what arrives at the app.
func (c *chain) echo() {
	c.t.Helper()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Method, r.RequestURI)
	}))
	c.waitHealthy()
}

// newMarkedRoute makes a route whose integration tells the app the route's key.
func (c *chain) newMarkedRoute(key string) {
	c.t.Helper()
	in := c.integrationInput()
	in.RequestParameters = map[string]string{"overwrite:path": "/" + strings.NewReplacer(" ", "_", "/", "~", "{", "", "}", "", "$", "").Replace(key)}
	id := *ok[*apigatewayv2.CreateIntegrationOutput](c.t)(c.api.CreateIntegration(c.t.Context(), in)).IntegrationId
	ok[*apigatewayv2.CreateRouteOutput](c.t)(c.api.CreateRoute(c.t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &c.apiID, RouteKey: &key, Target: aws.String("integrations/" + id)}))
}

// Full match, then the longest greedy one, then $default; a method beats ANY.
func TestDataplane_RoutePriority(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.echo()
	ok[*apigatewayv2.DeleteRouteOutput](t)(c.api.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &c.apiID, RouteId: &c.route}))
	for _, key := range []string{"$default", "GET /pets/{proxy+}", "ANY /pets/dog/{proxy+}", "ANY /pets", "GET /pets", "GET /pets/{id}", "ANY /metrics"} {
		c.newMarkedRoute(key)
	}
	for _, row := range []struct{ method, path, want string }{
		{"GET", "/pets", "GET /GET_~pets"},
		{"POST", "/pets", "POST /ANY_~pets"},
		{"GET", "/pets/1", "GET /GET_~pets~id"},
		{"GET", "/pets/1/2", "GET /GET_~pets~proxy+"},
		{"GET", "/pets/dog/2", "GET /ANY_~pets~dog~proxy+"},
		{"DELETE", "/pets/1", "DELETE /default"},
		{"GET", "/metrics", "GET /ANY_~metrics"},
		{"GET", "/metrics/", "GET /default"}, // not the same path
		{"GET", "/", "GET /default"},
	} {
		if got := c.send(row.method, row.path, nil); got.body != row.want {
			t.Errorf("%s %s arrived as %q, want %q", row.method, row.path, got.body, row.want)
		}
	}
}

// The first segment picks a stage, else $default; the backend sees the name of
// the stage unless overwrite:path takes it out.
func TestDataplane_StageInThePath(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.echo()
	ok[*apigatewayv2.CreateStageOutput](t)(c.api.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: aws.String("dev"), AutoDeploy: aws.Bool(true)}))
	paths := map[string]string{"/dev/echo?a=1": "/dev/echo?a=1", "/dev": "/dev", "/devs/x": "/devs/x", "/": "/", "//a//b": "//a//b", "/a%20b": "/a%20b", "/a%2Fb": "/a/b"}
	for path, want := range paths {
		if got := c.get(path); got.body != "GET "+want {
			t.Errorf("%s arrived as %q, want %q", path, got.body, want)
		}
	}
	ok[*apigatewayv2.UpdateIntegrationOutput](t)(c.api.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration,
		RequestParameters: map[string]string{"overwrite:path": "$request.path"}}))
	for path, want := range map[string]string{"/dev/echo?a=1": "/echo?a=1", "/dev": "/", "/x": "/x"} {
		if got := c.get(path); got.body != "GET "+want {
			t.Errorf("with overwrite:path %s arrived as %q, want %q", path, got.body, want)
		}
	}
	ok[*apigatewayv2.DeleteStageOutput](t)(c.api.DeleteStage(t.Context(), &apigatewayv2.DeleteStageInput{ApiId: &c.apiID, StageName: aws.String("$default")}))
	if got := c.get("/other"); got.status != 404 || got.body != `{"message":"Not Found"}` {
		t.Errorf("no stage: %d %s", got.status, got.body)
	}
	if got := c.get("/dev/x"); got.status != 200 {
		t.Errorf("stage dev alone: %d %s", got.status, got.body)
	}
}

// An integration's method replaces the client's, unless it is ANY.
func TestDataplane_IntegrationMethod(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.echo()
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		if got := c.send(method, "/x", nil); got.body != method+" /x" {
			t.Errorf("%s: %q", method, got.body)
		}
	}
	ok[*apigatewayv2.UpdateIntegrationOutput](t)(c.api.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration, IntegrationMethod: aws.String("POST")}))
	if got := c.send("GET", "/x", nil); got.body != "POST /x" {
		t.Errorf("GET through POST: %q", got.body)
	}
}

func TestDataplane_RouteKeysRefused(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	for _, key := range []string{"GET /metrics/", "GET /a//b", "ANY /{proxy+}/x", "GET metrics", "FETCH /x", "/x", ""} {
		_, err := c.api.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &c.apiID, RouteKey: &key})
		wantCode(t, err, "BadRequestException", "")
	}
	_, err := c.api.CreateRoute(t.Context(), &apigatewayv2.CreateRouteInput{ApiId: &c.apiID, RouteKey: aws.String("ANY /{proxy+}")})
	wantCode(t, err, "ConflictException", "already exists")
}

// What is not private is refused in clear words: the simulator sends nothing
// to the internet.
func TestDataplane_InternetRefused(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	_, err := c.api.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("quick"), ProtocolType: "HTTP", Target: aws.String("https://example.com")})
	wantCode(t, err, "BadRequestException", "no quick create")
	in := c.integrationInput()
	in.ConnectionType, in.IntegrationUri = "INTERNET", aws.String("https://example.com")
	_, err = c.api.CreateIntegration(t.Context(), in)
	wantCode(t, err, "BadRequestException", "sends nothing to the internet")
	in = c.integrationInput()
	in.TlsConfig = &apitypes.TlsConfigInput{ServerNameToVerify: aws.String("app.example")}
	_, err = c.api.CreateIntegration(t.Context(), in)
	wantCode(t, err, "BadRequestException", "plain HTTP behind the VPC link")
}
