package awssim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"drawbridge/internal/awssim"
)

// logged waits for the newest log of a kind; a log is written when the answer
// is on its way already.
func (c *chain) logged(kind, id, path string) awssim.AccessLog {
	c.t.Helper()
	var last awssim.AccessLog
	eventually(c.t, "a log of "+path, func() bool {
		all := c.sim.AccessLogs(awssim.AccessLogQuery{Kind: kind, ID: id, Limit: 1})
		if len(all) == 1 {
			last = all[0]
		}
		return last.Path == path
	})
	return last
}

func TestAccessLogs_API(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	got := c.get("/service-a?x=1")
	row := c.logged(awssim.APILog, c.apiID, "/service-a")
	if row.ID != c.apiID+"/$default" || row.Method != "GET" || row.Status != 200 || row.Behind != 200 || row.RequestID != got.header.Get("Apigw-Requestid") ||
		row.Latency.Total < row.Latency.Integration || row.Latency.Integration <= 0 {
		t.Errorf("row %+v", row)
	}
	var line map[string]string
	if err := json.Unmarshal([]byte(row.Line), &line); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]string{"requestId": row.RequestID, "ip": "127.0.0.1", "httpMethod": "GET", "routeKey": "ANY /{proxy+}", "status": "200",
		"protocol": "HTTP/1.1", "responseLength": "93"} {
		if line[k] != want {
			t.Errorf("%s: %q, want %q", k, line[k], want)
		}
	}
	ok[*apigatewayv2.UpdateStageOutput](t)(c.api.UpdateStage(t.Context(), &apigatewayv2.UpdateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"),
		AccessLogSettings: &apitypes.AccessLogSettings{DestinationArn: aws.String("arn:aws:logs:ap-northeast-1:000000000000:log-group:x"),
			Format: aws.String("$context.status $context.integration.status $context.path $context.error.message $context.identity.caller")}}))
	c.get("/nope")
	if row := c.logged(awssim.APILog, c.apiID+"/$default", "/nope"); row.Line != "404 404 /nope - -" {
		t.Errorf("own format: %s", row.Line)
	}
	c.revokeAll(c.albGroup, false)
	c.get("/blocked")
	if row := c.logged(awssim.APILog, c.apiID, "/blocked"); row.Line != "503 - /blocked Service Unavailable -" || row.Behind != 0 {
		t.Errorf("blocked: %s", row.Line)
	}
	if all := c.sim.AccessLogs(awssim.AccessLogQuery{Kind: awssim.ALBLog}); len(all) != 2 {
		t.Errorf("the balancer has logged %d requests, want 2: the last never came to it", len(all))
	}
}

var albLine = regexp.MustCompile(`^http \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z app/test-alb/[0-9a-f]{16} 10\.0\.\d+\.\d+:\d+ 10\.0\.\d+\.\d+:8000 ` +
	`\d+\.\d{3} \d+\.\d{3} \d+\.\d{3} 200 200 5 \d+ "POST http://[a-z0-9]{10}\.execute-api\.ap-northeast-1\.localhost:80/up\?x=1 HTTP/1\.1" "curl \\"8\\"" - - ` +
	`arn:aws:elasticloadbalancing:\S+:targetgroup/test-tg/[0-9a-f]{16} "Self=[^"]+;Root=[^"]+" "-" "-" 0 \S+Z "forward" "-" "-" "10\.0\.\d+\.\d+:8000" "200" "-" "-" TID_\S+$`)

func TestAccessLogs_Balancer(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	c.waitHealthy()
	c.send("POST", "/up?x=1", strings.NewReader("hello"), func(r *http.Request) { r.Header.Set("User-Agent", `curl "8"`) })
	row := c.logged(awssim.ALBLog, c.alb, "/up")
	if !albLine.MatchString(row.Line) {
		t.Errorf("line %s", row.Line)
	}
	if row.ID != c.alb || row.Method != "POST" || row.Status != 200 || row.Behind != 200 || row.Latency.Target <= 0 {
		t.Errorf("row %+v", row)
	}
	c.rule(7, says("x"), pathIs("/fixed"))
	c.get("/fixed")
	if row := c.logged(awssim.ALBLog, c.alb, "/fixed"); !strings.Contains(row.Line, ` - -1 -1 -1 200 - 0 1 "GET `) || !strings.Contains(row.Line, ` 7 `) || !strings.Contains(row.Line, `"fixed-response"`) || row.Behind != 0 {
		t.Errorf("fixed response: %s", row.Line)
	}
}

// The rings keep the newest, and the admin endpoint shows them.
func TestAccessLogs_RingAndAdmin(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	client := c.invokeClient() // one connection: the next request comes when the last is logged
	for n := range 505 {
		res := ok[*http.Response](t)(client.Get(fmt.Sprintf("%s/%d", c.invokeURL, n)))
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	c.logged(awssim.APILog, c.apiID, "/504")
	all := c.sim.AccessLogs(awssim.AccessLogQuery{Kind: awssim.APILog})
	if len(all) != 500 || all[0].Path != "/5" || all[499].Path != "/504" {
		t.Errorf("%d kept, %s to %s", len(all), all[0].Path, all[len(all)-1].Path)
	}
	get := func(query string) (int, []awssim.AccessLog) {
		res := ok[*http.Response](t)(http.Get(c.url + "/_awssim/access-logs?" + query))
		defer res.Body.Close()
		var rows []awssim.AccessLog
		if res.StatusCode == 200 {
			if err := json.NewDecoder(res.Body).Decode(&rows); err != nil {
				t.Fatal(err)
			}
		}
		return res.StatusCode, rows
	}
	for query, want := range map[string]int{"kind=api": 100, "kind=api&limit=0": 500, "kind=alb&limit=7": 7, "kind=api&id=" + c.apiID + "&limit=3": 3,
		"id=" + url.QueryEscape(c.alb) + "&limit=2": 2, "id=nothing": 0, "kind=api&id=" + c.apiID[:5]: 0} {
		if status, rows := get(query); status != 200 || len(rows) != want {
			t.Errorf("%s: %d with %d rows, want %d", query, status, len(rows), want)
		}
	}
	for _, query := range []string{"kind=elb", "limit=-1", "limit=x"} {
		if status, _ := get(query); status != 400 {
			t.Errorf("%s: %d", query, status)
		}
	}
}
