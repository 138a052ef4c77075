package awssim_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

// wantGateway checks that API Gateway itself has answered.
func wantGateway(t *testing.T, what string, got answer, status int, message string) {
	t.Helper()
	if got.status != status || got.body != `{"message":"`+message+`"}` || got.header.Get("Content-Type") != "application/json" || len(got.header.Get("Apigw-Requestid")) != 16 {
		t.Errorf("%s: %d %q %v, want %d %s", what, got.status, got.body, got.header, status, message)
	}
}

// 10,240 bytes of request line and headers pass, one more does not.
func TestDataplane_HeaderLimit(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	base := len("GET /health HTTP/1.1\r\n") + len("Host: \r\n") + len(strings.TrimPrefix(c.invokeURL, "http://")) + len("User-Agent: x\r\n") + len("X-Fill: \r\n")
	fill := func(n int) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("User-Agent", "x")
			r.Header.Set("X-Fill", strings.Repeat("a", n-base))
		}
	}
	if got := c.send("GET", "/health", nil, fill(10_240)); got.status != 200 {
		t.Errorf("10,240 bytes: %d %s", got.status, got.body)
	}
	wantGateway(t, "10,241 bytes", c.send("GET", "/health", nil, fill(10_241)), 431, "Request Header Fields Too Large")
}

// The stage's limits are a token bucket on the simulator's clock; a limit that
// is 0 lets nothing pass.
func TestDataplane_Throttle(t *testing.T) {
	t.Parallel()
	now := newClock()
	c := newWorld(t, awssim.Options{Now: now.Now}).build()
	settle(c, now)
	limit := func(burst int32, rate float64) {
		t.Helper()
		ok[*apigatewayv2.UpdateStageOutput](t)(c.api.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"),
			DefaultRouteSettings: &apitypes.RouteSettings{ThrottlingBurstLimit: &burst, ThrottlingRateLimit: &rate}}))
	}
	limit(3, 2)
	pass := func(want int) {
		t.Helper()
		for n := range want {
			if got := c.get("/health"); got.status != 200 {
				t.Fatalf("request %d: %d", n, got.status)
			}
		}
		wantGateway(t, "one more", c.get("/health"), 429, "Too Many Requests")
	}
	pass(3)
	now.advance(time.Second)
	pass(2)
	now.advance(time.Hour)
	pass(3)
	limit(0, 0)
	wantGateway(t, "limit 0", c.get("/health"), 429, "Too Many Requests")
	ok[*apigatewayv2.UpdateStageOutput](t)(c.api.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"),
		RouteSettings: map[string]apitypes.RouteSettings{"ANY /{proxy+}": {ThrottlingBurstLimit: aws.Int32(1), ThrottlingRateLimit: aws.Float64(1)}}}))
	pass(1) // the route's own limit comes before the stage's
	ok[*apigatewayv2.DeleteRouteSettingsOutput](t)(c.api.DeleteRouteSettings(t.Context(), &apigatewayv2.DeleteRouteSettingsInput{ApiId: &c.apiID, StageName: aws.String("$default"), RouteKey: aws.String("ANY /{proxy+}")}))
	wantGateway(t, "the stage's again", c.get("/health"), 429, "Too Many Requests")
}

// An account's APIs in a Region have one bucket, and newer Regions a smaller one.
func TestDataplane_AccountLimit(t *testing.T) {
	t.Parallel()
	now := newClock()
	w, ctx := newWorld(t, awssim.Options{Now: now.Now}), t.Context()
	for region, burst := range map[string]int{"ap-northeast-1": 5_000, "eu-south-2": 1_250} {
		w.connect(region)
		id := *ok[*apigatewayv2.CreateApiOutput](t)(w.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"})).ApiId
		ok[*apigatewayv2.CreateRouteOutput](t)(w.api.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &id, RouteKey: aws.String("$default")}))
		ok[*apigatewayv2.CreateStageOutput](t)(w.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)}))
		passed := func() int {
			for n := range 6_000 {
				answer := httptest.NewRecorder()
				w.sim.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(ctx, "GET", "http://"+id+".execute-api."+region+".localhost/", nil))
				if answer.Code == http.StatusTooManyRequests {
					return n
				}
			}
			return 0
		}
		if n := passed(); n != burst {
			t.Errorf("%s: %d requests at once", region, n)
		}
		now.advance(100 * time.Millisecond)
		if n := passed(); n != burst/5 { // the rate is twice the burst
			t.Errorf("%s: %d requests after a tenth of a second", region, n)
		}
	}
}

// settle makes the chain's target healthy on a clock that the test moves.
func settle(c *chain, now *clock) {
	c.t.Helper()
	eventually(c.t, "the target is healthy", func() bool {
		now.advance(25 * time.Millisecond)
		s, _ := c.health()
		return s == "healthy"
	})
}

// An integration that is too slow gets 503 by default, 504 when the switch says so.
func TestDataplane_TimeoutStatus(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.stall()
	ok[*apigatewayv2.UpdateIntegrationOutput](t)(c.api.UpdateIntegration(t.Context(), &apigatewayv2.UpdateIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration, TimeoutInMillis: aws.Int32(50)}))
	wantGateway(t, "by default", c.get("/slow"), 503, "Service Unavailable")
	if err := c.sim.SetSwitches(awssim.Switches{OpenFacts: awssim.OpenFacts{TimeoutStatus: 504}}); err != nil {
		t.Fatal(err)
	}
	wantGateway(t, "with the switch", c.get("/slow"), 504, "Gateway Timeout")
}

// stall makes the app answer health checks only.
func (c *chain) stall() chan struct{} {
	c.t.Helper()
	asked := make(chan struct{}, 10)
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			asked <- struct{}{}
			<-r.Context().Done()
		}
	}))
	c.waitHealthy()
	return asked
}

// The clock's factor shortens the integration's timeout, too: 30 s at real/100
// are 300 ms. The balancer's idle timeout works alike.
func TestDataplane_TimeoutOnTheClock(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{Scale: 1.0 / 100}).build()
	c.stall()
	start := time.Now()
	wantGateway(t, "30 s on a fast clock", c.get("/slow"), 503, "Service Unavailable")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	ok[*elbv2.ModifyLoadBalancerAttributesOutput](t)(c.elb.ModifyLoadBalancerAttributes(t.Context(), &elbv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &c.alb,
		Attributes: []elbtypes.LoadBalancerAttribute{{Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("10")}}}))
	if got := c.get("/slow"); got.status != 504 || got.header.Get("Server") != "awselb/2.0" {
		t.Errorf("idle timeout below the gateway's: %d %v", got.status, got.header)
	}
}

// What the app breaks is 502, in the balancer's words.
func TestDataplane_BrokenAnswers(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/close":
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
		case "/malformed":
			conn, buf, _ := http.NewResponseController(w).Hijack()
			buf.WriteString("this is no HTTP\r\n\r\n")
			buf.Flush()
			conn.Close()
		case "/headers":
			w.Header().Set("X-Big", strings.Repeat("a", 33<<10))
		case "/big":
			w.Header().Set("Content-Length", "10485761")
		}
	}))
	c.waitHealthy()
	for _, path := range []string{"/close", "/malformed", "/headers"} {
		if got := c.get(path); got.status != 502 || got.header.Get("Server") != "awselb/2.0" || !strings.Contains(got.body, "502 Bad Gateway") {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
	}
	wantGateway(t, "an answer over 10 MB", c.get("/big"), 500, "Internal Server Error")
	if got := c.send("TRACE", "/", nil); got.status != 405 || got.header.Get("Server") != "awselb/2.0" {
		t.Errorf("TRACE: %d", got.status)
	}
	many := func(n int) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", strings.TrimSuffix(strings.Repeat("10.0.0.1, ", n), ", "))
		}
	}
	if got := c.send("GET", "/", nil, many(31)); got.status != 463 {
		t.Errorf("31 addresses in X-Forwarded-For: %d", got.status)
	}
	if got := c.send("GET", "/", nil, many(30)); got.status != 200 {
		t.Errorf("30 addresses: %d", got.status)
	}
}

// What an app has sent when it breaks off reaches the client, status and
// headers included, and the client can tell that it is not all.
func TestDataplane_BreaksOff(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			return
		}
		w.Header().Set("X-App", "here")
		if r.URL.Query().Has("length") {
			w.Header().Set("Content-Length", "100000")
		}
		_, _ = io.WriteString(w, strings.Repeat("a", len(r.URL.Path)-1))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	c.waitHealthy()
	client := c.invokeClient()
	for _, path := range []string{"/?length", "/aaaa?length", "/aaaa", "/" + strings.Repeat("a", 5000) + "?length", "/" + strings.Repeat("a", 5000)} {
		for range 20 {
			r := ok[*http.Request](t)(http.NewRequestWithContext(t.Context(), "GET", c.invokeURL+path, nil))
			res := ok[*http.Response](t)(client.Do(r))
			got, err := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != 200 || res.Header.Get("X-App") != "here" || len(got) != len(r.URL.Path)-1 || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%.20s: %d, %d bytes, %v", path, res.StatusCode, len(got), err)
			}
		}
	}
}
