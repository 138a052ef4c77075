package awssim_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"drawbridge/internal/awssim"
)

func origin(o string, more ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Origin", o)
		for i := 0; i+1 < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
	}
}

// The API answers preflights itself, and puts its CORS headers in place of the
// app's, on its own errors as well.
func TestDataplane_CORS(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	asked := make(chan string, 100)
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
		w.Header().Set("Access-Control-Allow-Private-Network", "true")
	}))
	c.waitHealthy()
	ok[*apigatewayv2.UpdateApiOutput](t)(c.api.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &c.apiID, CorsConfiguration: &types.Cors{
		AllowOrigins: []string{"https://page.example", "https://*.wild.example"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"x-a", "content-type"},
		ExposeHeaders: []string{"x-b"}, MaxAge: aws.Int32(300), AllowCredentials: aws.Bool(true)}}))
	got := c.send("OPTIONS", "/x", nil, origin("https://page.example", "Access-Control-Request-Method", "POST"))
	for k, want := range map[string]string{"Access-Control-Allow-Origin": "https://page.example", "Access-Control-Allow-Methods": "GET,POST",
		"Access-Control-Allow-Headers": "x-a,content-type", "Access-Control-Max-Age": "300", "Access-Control-Allow-Credentials": "true"} {
		if v := got.header.Get(k); v != want {
			t.Errorf("preflight %s: %q, want %q", k, v, want)
		}
	}
	if got.status != 204 || got.header.Get("Apigw-Requestid") == "" {
		t.Errorf("preflight: %d %v", got.status, got.header)
	}
	if got := c.send("OPTIONS", "/x", nil, origin("https://evil.example", "Access-Control-Request-Method", "POST")); got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of a foreign origin: %d %v", got.status, got.header)
	}
	got = c.send("GET", "/x", nil, origin("https://a.wild.example"))
	if got.header.Get("Access-Control-Allow-Origin") != "https://a.wild.example" || got.header.Get("Access-Control-Expose-Headers") != "x-b" || got.header.Get("Access-Control-Allow-Private-Network") != "" {
		t.Errorf("answer: %v", got.header)
	}
	if got := c.get("/x"); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("no origin: %v", got.header)
	}
	ok[*apigatewayv2.DeleteRouteOutput](t)(c.api.DeleteRoute(t.Context(), &apigatewayv2.DeleteRouteInput{ApiId: &c.apiID, RouteId: &c.route}))
	if got := c.send("GET", "/x", nil, origin("https://page.example")); got.status != 404 || got.header.Get("Access-Control-Allow-Origin") != "https://page.example" {
		t.Errorf("404: %d %v", got.status, got.header)
	}
	for method := range asked {
		if method == "OPTIONS" {
			t.Error("a preflight reached the app")
		}
		if len(asked) == 0 {
			break
		}
	}
}

// Without a configuration preflights are the app's business, and deleting the
// configuration brings that back.
func TestDataplane_WithoutCORS(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
	}))
	c.waitHealthy()
	ok[*apigatewayv2.UpdateApiOutput](t)(c.api.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &c.apiID, CorsConfiguration: &types.Cors{AllowOrigins: []string{"*"}}}))
	if got := c.send("GET", "/", nil, origin("https://any.example")); got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("any origin: %v", got.header)
	}
	a := ok[*apigatewayv2.GetApiOutput](t)(c.api.GetApi(t.Context(), &apigatewayv2.GetApiInput{ApiId: &c.apiID}))
	if a.CorsConfiguration == nil || len(a.CorsConfiguration.AllowOrigins) != 1 {
		t.Errorf("configuration %+v", a.CorsConfiguration)
	}
	ok[*apigatewayv2.DeleteCorsConfigurationOutput](t)(c.api.DeleteCorsConfiguration(t.Context(), &apigatewayv2.DeleteCorsConfigurationInput{ApiId: &c.apiID}))
	if got := c.send("OPTIONS", "/", nil, origin("https://any.example", "Access-Control-Request-Method", "GET")); got.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("the app's own answer: %d %v", got.status, got.header)
	}
	for name, bad := range map[string]types.Cors{"origin": {AllowOrigins: []string{"page.example"}}, "age": {AllowOrigins: []string{"*"}, MaxAge: aws.Int32(90_000)},
		"credentials": {AllowOrigins: []string{"*"}, AllowCredentials: aws.Bool(true)}, "method": {AllowMethods: []string{"FETCH"}}} {
		_, err := c.api.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &c.apiID, CorsConfiguration: &bad})
		if err == nil {
			t.Errorf("%s was not refused", name)
		}
	}
}
