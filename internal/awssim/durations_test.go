package awssim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"drawbridge/internal/awssim"
)

// Durations take the place of the profile's, and its factor applies to them.
func TestDurations_ReplaceTheProfiles(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: "real/10", Now: now.Now, Times: awssim.Durations{"load-balancer": 70 * time.Second}})
	w.newBalancer("alb")
	state := func() string {
		out := ok[*elbv2.DescribeLoadBalancersOutput](t)(w.elb.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{Names: []string{"alb"}}))
		return string(out.LoadBalancers[0].State.Code)
	}
	now.advance(7*time.Second - time.Millisecond)
	if got := state(); got != "provisioning" {
		t.Errorf("just before its time it is %s", got)
	}
	now.advance(time.Millisecond)
	if got := state(); got != "active" {
		t.Errorf("after its time it is %s", got)
	}
}

func TestDurations_Refused(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]awssim.Durations{
		"there is no duration \"alb\"": {"alb": time.Second}, "health is negative": {"health": -1},
	} {
		if _, err := awssim.New(awssim.Options{Times: d}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", d, err)
		}
	}
}

// A call takes its time on the way there and on the way back: the log says so.
func TestDurations_OfCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Times: awssim.Durations{"call-min": 20 * time.Millisecond, "call-max": 40 * time.Millisecond}})
	for range 3 {
		ok[*ec2.DescribeVpcsOutput](t)(w.ec2.DescribeVpcs(t.Context(), nil))
	}
	for _, c := range w.sim.Calls() {
		if took := c.End.Sub(c.Start); took < 20*time.Millisecond {
			t.Errorf("%s took %s, want 20 ms or more", c.Operation, took)
		}
	}
}

// With a time for the first check a target is not healthy at once.
func TestDurations_OfTheFirstCheck(t *testing.T) {
	t.Parallel()
	began := time.Now() // at the latest then
	c := newWorld(t, awssim.Options{Times: awssim.Durations{"health": 3 * time.Second}}).build()
	if state, reason := c.health(); state != "initial" || reason != "Elb.InitialHealthChecking" {
		t.Errorf("at first %s %s", state, reason)
	}
	c.waitHealthy()
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Errorf("healthy after %s, want about 3 s", took)
	}
}

// Quotas that AWS raises on request.
func TestSwitches_Quotas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Switches: awssim.Switches{Quotas: 2}})
	for range 20 {
		w.newLink("link")
	}
	_, err := w.api.CreateVpcLink(t.Context(), &apigatewayv2.CreateVpcLinkInput{Name: aws.String("link"), SubnetIds: w.SubnetIDs})
	wantCode(t, err, "BadRequestException", "limit of 20 VPC links")
}
