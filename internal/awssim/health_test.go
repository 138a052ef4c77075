package awssim_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

func (c *chain) waitReason(want string) {
	c.t.Helper()
	eventually(c.t, "reason "+want, func() bool { _, r := c.health(); return r == want })
}

func TestHealth_Reasons(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.waitHealthy()
	path := func(p string) {
		ok[*elbv2.ModifyTargetGroupOutput](t)(c.elb.ModifyTargetGroup(t.Context(), &elbv2.ModifyTargetGroupInput{TargetGroupArn: &c.targetGroup, HealthCheckPath: &p}))
	}
	path("/nope")
	c.waitReason("Target.ResponseCodeMismatch")
	out := ok[*elbv2.DescribeTargetHealthOutput](t)(c.elb.DescribeTargetHealth(t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup}))
	if d := out.TargetHealthDescriptions[0]; *d.TargetHealth.Description != "Health checks failed with these codes: [404]" || d.TargetHealth.State != "unhealthy" || *d.HealthCheckPort != "8000" {
		t.Errorf("description %+v", d.TargetHealth)
	}
	if got := c.get("/"); got.status != 200 {
		t.Errorf("all targets unhealthy: %d, want fail open", got.status)
	}
	path("/health")
	c.waitHealthy()
	c.revokeAll(c.ec2Group, false)
	c.waitReason("Target.Timeout")
	c.allow(c.ec2Group, c.albGroup, 8000)
	c.waitHealthy()
	if err := c.sim.Forward(c.instance, "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	c.waitReason("Target.FailedHealthChecks")
	if err := c.sim.Forward(c.instance, ""); err != nil {
		t.Fatal(err)
	}
	c.waitHealthy()
	ok[*ec2.TerminateInstancesOutput](t)(c.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{c.instance}}))
	c.waitReason("Target.InvalidState")
}

func TestHealth_Unused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c := &chain{world: w, targetGroup: w.newTargetGroup("tg")}
	if err := w.register(c.targetGroup, w.InstanceID); err != nil {
		t.Fatal(err)
	}
	if s, r := c.health(); s != "unused" || r != "Target.NotInUse" {
		t.Errorf("without a listener %s %s", s, r)
	}
	out := ok[*elbv2.DescribeTargetHealthOutput](t)(w.elb.DescribeTargetHealth(t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup,
		Targets: []types.TargetDescription{{Id: aws.String("i-0123456789abcdef0")}}}))
	if h := out.TargetHealthDescriptions[0].TargetHealth; h.State != "unused" || h.Reason != "Target.NotRegistered" {
		t.Errorf("not registered: %+v", h)
	}
	// An unknown target can be deregistered, and this one at once: nobody sends it anything.
	for _, id := range []string{"i-0123456789abcdef0", w.InstanceID} {
		ok[*elbv2.DeregisterTargetsOutput](t)(w.elb.DeregisterTargets(t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []types.TargetDescription{{Id: &id}}}))
	}
	if s, _ := c.health(); s != "" {
		t.Errorf("deregistered, but %s", s)
	}
}

// A group that is taken off its load balancer and put back begins with checks
// anew, and so does one whose checks were off.
func TestHealth_BeginsAnew(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Real, Times: awssim.Durations{"health": time.Minute}, Now: now.Now})
	c := w.existing(now)
	checks := func(on bool) {
		ok[*elbv2.ModifyTargetGroupOutput](t)(c.elb.ModifyTargetGroup(t.Context(), &elbv2.ModifyTargetGroupInput{TargetGroupArn: &c.targetGroup, HealthCheckEnabled: &on}))
	}
	for name, step := range map[string]struct {
		off, on     func()
		state, code string
	}{
		"listener": {func() {
			ok[*elbv2.DeleteListenerOutput](t)(c.elb.DeleteListener(t.Context(), &elbv2.DeleteListenerInput{ListenerArn: &c.listener}))
		}, func() { c.listener = c.newListener(c.alb, c.targetGroup) }, "unused", "Target.NotInUse"},
		"checks": {func() { checks(false) }, func() { checks(true) }, "unavailable", "Target.HealthCheckDisabled"},
	} {
		step.off()
		if s, r := c.health(); s != step.state || r != step.code {
			t.Errorf("%s off: %s %s", name, s, r)
		}
		step.on()
		if s, r := c.health(); s != "initial" || r != "Elb.InitialHealthChecking" {
			t.Errorf("%s on again: %s %s", name, s, r)
		}
		c.waitAnswer(now)
	}
}

// A target that leaves while it is checked, and comes back, begins anew: what
// that check finds is nobody's, and stands in the way of no other.
func TestHealth_LeavesWhileChecked(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	asked, goOn := make(chan struct{}), make(chan struct{}, 20)
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
			select {
			case <-goOn:
			case <-r.Context().Done():
			}
		default:
		}
	}))
	for range 20 {
		c.waitHealthy()
		<-asked
		ok[*elbv2.DeregisterTargetsOutput](t)(c.elb.DeregisterTargets(t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []types.TargetDescription{{Id: &c.instance}}}))
		eventually(t, "the target is gone", func() bool { s, _ := c.health(); return s == "" })
		goOn <- struct{}{}
		if err := c.register(c.targetGroup, c.instance); err != nil {
			t.Fatal(err)
		}
	}
}

// Deregistered targets drain for as long as the group says.
func TestHealth_Draining(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Real, Now: now.Now})
	c := &chain{world: w, instance: w.InstanceID, albGroup: w.group("a")}
	c.buildBalancer()
	ok[*elbv2.DeregisterTargetsOutput](t)(w.elb.DeregisterTargets(t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []types.TargetDescription{{Id: &c.instance}}}))
	if s, r := c.health(); s != "draining" || r != "Target.DeregistrationInProgress" {
		t.Errorf("%s %s", s, r)
	}
	now.advance(299 * time.Second)
	if s, _ := c.health(); s != "draining" {
		t.Errorf("after 299 s %s", s)
	}
	now.advance(time.Second)
	if s, _ := c.health(); s != "" {
		t.Errorf("after 300 s %s", s)
	}
}

// A check asks as a load balancer does; one pass is enough for a new target,
// and an unhealthy one needs its threshold.
func TestHealth_ThresholdsAndRequest(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Demo, Now: now.Now})
	var status atomic.Int32
	status.Store(200)
	asked := make(chan *http.Request, 100)
	c := &chain{world: w, instance: w.InstanceID, albGroup: w.group("a")}
	w.allow("sg-05100000000000001", c.albGroup, 8000)
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(status.Load()))
		asked <- r
	}))
	c.buildBalancer()
	now.advance(8 * time.Second)
	r := <-asked
	if r.Method != "GET" || r.URL.Path != "/health" || r.Host != "10.0.10.148:8000" || r.UserAgent() != "ELB-HealthChecker/2.0" || !r.Close {
		t.Errorf("check %s %s %s %s", r.Method, r.URL, r.Host, r.UserAgent())
	}
	c.waitHealthy()
	// checks makes n more checks happen, each an interval later.
	checks := func(n int) {
		for range n {
			now.advance(time.Second)
			<-asked
		}
	}
	status.Store(500)
	checks(1)
	if s, _ := c.health(); s != "healthy" {
		t.Errorf("after one failure %s", s)
	}
	checks(1)
	c.waitReason("Target.ResponseCodeMismatch")
	status.Store(200)
	checks(4)
	if s, _ := c.health(); s != "unhealthy" {
		t.Errorf("after four passes %s", s)
	}
	checks(1)
	c.waitHealthy()
}
