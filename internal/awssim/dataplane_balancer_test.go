package awssim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

func (c *chain) balancerAttribute(key, value string) {
	c.t.Helper()
	ok[*elbv2.ModifyLoadBalancerAttributesOutput](c.t)(c.elb.ModifyLoadBalancerAttributes(c.t.Context(), &elbv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &c.alb,
		Attributes: []types.LoadBalancerAttribute{{Key: &key, Value: &value}}}))
}

// X-Forwarded-For in the three modes, with and without one from the client.
func TestBalancer_ForwardedFor(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", r.Header["X-Forwarded-For"])
	}))
	c.waitHealthy()
	for _, row := range []struct{ mode, sent, want string }{
		{"append", "", `["10\.0\.\d+\.\d+"]`}, {"append", "203.0.113.9", `["203\.0\.113\.9, 10\.0\.\d+\.\d+"]`},
		{"preserve", "", `\[\]`}, {"preserve", "203.0.113.9", `["203\.0\.113\.9"]`},
		{"remove", "", `\[\]`}, {"remove", "203.0.113.9", `\[\]`},
	} {
		c.balancerAttribute("routing.http.xff_header_processing.mode", row.mode)
		got := c.send("GET", "/", nil, func(r *http.Request) {
			if row.sent != "" {
				r.Header.Set("X-Forwarded-For", row.sent)
			}
		})
		if !regexp.MustCompile(`^` + strings.ReplaceAll(strings.ReplaceAll(row.want, `["`, `\["`), `"]`, `"\]`) + `$`).MatchString(got.body) {
			t.Errorf("%s, sent %q: %s, want %s", row.mode, row.sent, got.body, row.want)
		}
	}
}

// A request that is under way may end within the deregistration delay, not
// after it; new ones go elsewhere at once.
func TestBalancer_Draining(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Real, Now: now.Now})
	c := w.existing(now)
	arrived, goOn := make(chan string, 10), make(chan struct{})
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			return
		}
		arrived <- r.URL.Path
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
	}))
	ok[*elbv2.ModifyTargetGroupAttributesOutput](t)(c.elb.ModifyTargetGroupAttributes(t.Context(), &elbv2.ModifyTargetGroupAttributesInput{TargetGroupArn: &c.targetGroup,
		Attributes: []types.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("60")}}}))
	got := make(chan answer, 2)
	ask := func(path string) {
		go func() { got <- c.get(path) }()
		<-arrived
	}
	ask("/in-time")
	ok[*elbv2.DeregisterTargetsOutput](t)(c.elb.DeregisterTargets(t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []types.TargetDescription{{Id: &c.instance}}}))
	if s, _ := c.health(); s != "draining" {
		t.Errorf("state %s", s)
	}
	if a := c.get("/"); a.status != 503 || a.header.Get("Server") != "awselb/2.0" {
		t.Errorf("a new request: %d", a.status)
	}
	now.advance(59 * time.Second)
	goOn <- struct{}{}
	if a := <-got; a.status != 200 {
		t.Errorf("within the delay: %d %s", a.status, a.body)
	}
	if err := c.register(c.targetGroup, c.instance); err != nil {
		t.Fatal(err)
	}
	c.waitAnswer(now)
	ask("/too-late")
	ok[*elbv2.DeregisterTargetsOutput](t)(c.elb.DeregisterTargets(t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []types.TargetDescription{{Id: &c.instance}}}))
	now.advance(60 * time.Second)
	if a := <-got; a.status != 502 || a.header.Get("Server") != "awselb/2.0" {
		t.Errorf("past the delay: %d %s", a.status, a.body)
	}
}

// waitAnswer lets health checks happen until the target takes requests again.
func (c *chain) waitAnswer(now *clock) {
	c.t.Helper()
	eventually(c.t, "the target is healthy again", func() bool {
		now.advance(time.Second)
		s, _ := c.health()
		return s == "healthy"
	})
}

// Requests go to the instances in turn, and to the healthy ones only.
func TestBalancer_RoundRobin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := w.build()
	for range 3 {
		if err := w.register(c.targetGroup, w.launch(c.ec2Group)); err != nil {
			t.Fatal(err)
		}
	}
	states := func() map[string]int {
		out := map[string]int{}
		for _, d := range ok[*elbv2.DescribeTargetHealthOutput](t)(c.elb.DescribeTargetHealth(t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup})).TargetHealthDescriptions {
			out[string(d.TargetHealth.State)]++
		}
		return out
	}
	eventually(t, "four are healthy", func() bool { return states()["healthy"] == 4 })
	count := func(n int) map[string]int {
		seen := map[string]int{}
		for range n {
			seen[c.get("/").body]++
		}
		return seen
	}
	for host, n := range count(40) {
		if n != 10 {
			t.Errorf("%s answered %d of 40", host, n)
		}
	}
	if err := c.sim.Forward(c.instance, "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one is unhealthy", func() bool { s := states(); return s["unhealthy"] == 1 && s["healthy"] == 3 })
	seen := count(30)
	if len(seen) != 3 {
		t.Errorf("three healthy ones, but %v", seen)
	}
	for host, n := range seen {
		if n != 10 {
			t.Errorf("%s answered %d of 30", host, n)
		}
	}
}

// A client that leaves ends the request at the app.
func TestBalancer_ClientLeaves(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	arrived, left := make(chan struct{}), make(chan error, 1)
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			return
		}
		close(arrived)
		_, err := io.Copy(io.Discard, r.Body)
		left <- err
	}))
	c.waitHealthy()
	ctx, cancel := context.WithCancel(t.Context())
	body, more := io.Pipe()
	defer more.Close()
	r := ok[*http.Request](t)(http.NewRequestWithContext(ctx, "POST", c.invokeURL+"/up", body))
	done := make(chan error, 1)
	go func() {
		res, err := c.invokeClient().Do(r)
		if err == nil {
			res.Body.Close()
		}
		done <- err
	}()
	_, _ = io.WriteString(more, "half")
	<-arrived
	cancel()
	more.CloseWithError(context.Canceled) // the transport waits for the body's reader
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("client: %v", err)
	}
	if err := <-left; err == nil {
		t.Error("the app read a whole body from a client that had left")
	}
	eventually(t, "the balancer has logged 460", func() bool {
		logs := c.sim.AccessLogs(awssim.AccessLogQuery{Kind: awssim.ALBLog, ID: c.alb})
		return len(logs) > 0 && logs[len(logs)-1].Status == 460
	})
}
