package awssim_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"drawbridge/internal/awssim"
)

// mapping sets the integration's mappings.
func (c *chain) mapping(request map[string]string, response map[string]map[string]string) error {
	_, err := c.api.UpdateIntegration(c.t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration,
		RequestParameters: request, ResponseParameters: response})
	return err
}

// Every kind of value, in one header each.
func TestDataplane_MappingValues(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s|%s", r.Header.Get("X-Got"), r.URL.RawQuery)
	}))
	c.waitHealthy()
	ok[*apigatewayv2.UpdateStageOutput](t)(c.api.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"),
		StageVariables: map[string]string{"team": "blue"}}))
	for value, want := range map[string]string{
		"static":                                  "static",
		"$request.path":                           "/a/b",
		"$request.path.proxy":                     "a/b",
		"$request.header.x-many":                  "1,2",
		"$request.querystring.q":                  "x,y",
		"$stageVariables.team":                    "blue",
		"$context.stage":                          "$default",
		"$context.apiId":                          c.apiID,
		"$context.routeKey":                       "ANY /{proxy+}",
		"$context.httpMethod":                     "GET",
		"$context.protocol":                       "HTTP/1.1",
		"$context.identity.sourceIp":              "127.0.0.1",
		"$context.accountId":                      "000000000000",
		"${request.path.proxy}-${context.stage}.": "a/b-$default.",
		"$request.header.absent":                  "",
	} {
		if err := c.mapping(map[string]string{"overwrite:header.x-got": value}, nil); err != nil {
			t.Fatal(err)
		}
		got := c.send("GET", "/a/b?q=x&q=y", nil, func(r *http.Request) { r.Header["X-Many"] = []string{"1", "2"} })
		if got.body != want+"|q=x&q=y" {
			t.Errorf("%s is %q, want %q", value, got.body, want)
		}
	}
}

// Append, overwrite and remove, of headers and of the query string.
func TestDataplane_MappingActions(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%v %v %v %s", r.Header["X-A"], r.Header["X-O"], r.Header["X-R"], r.URL.Query().Encode())
	}))
	c.waitHealthy()
	if err := c.mapping(map[string]string{"append:header.x-a": "2", "overwrite:header.x-o": "2", "remove:header.x-r": "''",
		"append:querystring.a": "2", "overwrite:querystring.o": "2", "remove:querystring.r": "''"}, nil); err != nil {
		t.Fatal(err)
	}
	got := c.send("GET", "/?a=1&o=1&r=1&k=1", nil, func(r *http.Request) {
		r.Header["X-A"], r.Header["X-O"], r.Header["X-R"] = []string{"1"}, []string{"1"}, []string{"1"}
	})
	if want := "[1 2] [2] [] a=1&a=2&k=1&o=2"; got.body != want {
		t.Errorf("got %s, want %s", got.body, want)
	}
}

// Answers are mapped by their status; an empty map takes the mapping away.
func TestDataplane_MappingOfAnswers(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Secret", "1")
		w.Header().Set("X-From", "app")
		if r.URL.Path == "/nope" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	c.waitHealthy()
	if err := c.mapping(nil, map[string]map[string]string{
		"200": {"remove:header.x-secret": "''", "append:header.x-from": "$context.stage of ${response.header.x-from}"},
		"404": {"overwrite:statuscode": "418", "overwrite:header.x-from": "gateway"}}); err != nil {
		t.Fatal(err)
	}
	got := c.get("/")
	if from := got.header["X-From"]; got.status != 200 || got.header.Get("X-Secret") != "" || len(from) != 2 || from[1] != "$default of app" {
		t.Errorf("200: %d %v", got.status, got.header)
	}
	if got := c.get("/nope"); got.status != 418 || got.header.Get("X-Secret") != "1" || got.header.Get("X-From") != "gateway" {
		t.Errorf("404: %d %v", got.status, got.header)
	}
	if err := c.mapping(nil, map[string]map[string]string{"404": {}}); err != nil {
		t.Fatal(err)
	}
	if got := c.get("/nope"); got.status != 404 {
		t.Errorf("mapping taken away: %d", got.status)
	}
	n := ok[*apigatewayv2.GetIntegrationOutput](t)(c.api.GetIntegration(t.Context(), &apigatewayv2.GetIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration}))
	if len(n.ResponseParameters) != 1 || n.ResponseParameters["200"]["remove:header.x-secret"] != "''" {
		t.Errorf("response parameters %v", n.ResponseParameters)
	}
}

func TestDataplane_MappingsRefused(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	for _, name := range []string{"access-control-allow-origin", "apigw-x", "Authorization", "connection", "content-length", "forwarded", "keep-alive", "origin",
		"proxy-x", "te", "trailers", "transfer-encoding", "upgrade", "x-amz-date", "x-amzn-trace-id", "x-forwarded-for", "X-Forwarded-Host", "x-forwarded-proto", "via"} {
		wantCode(t, c.mapping(map[string]string{"overwrite:header." + name: "x"}, nil), "BadRequestException", "restricted")
		wantCode(t, c.mapping(nil, map[string]map[string]string{"200": {"overwrite:header." + name: "x"}}), "BadRequestException", "restricted")
	}
	for key, value := range map[string]string{"overwrite:body": "x", "append:path": "/x", "remove:path": "''", "set:header.x": "1", "overwrite:header.x": "$request.cookie.a",
		"append:header.x": "$context", "overwrite:header.y": "$stageVariables"} {
		wantCode(t, c.mapping(map[string]string{key: value}, nil), "BadRequestException", "Invalid mapping expression")
	}
	for status, params := range map[string]map[string]string{"199": {"overwrite:header.x": "1"}, "600": {"overwrite:header.x": "1"}, "200": {"overwrite:statuscode": "99"},
		"201": {"append:statuscode": "200"}, "202": {"overwrite:path": "/"}} {
		wantCode(t, c.mapping(nil, map[string]map[string]string{status: params}), "BadRequestException", "")
	}
}
