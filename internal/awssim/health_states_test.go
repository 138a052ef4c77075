package awssim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

// wantHealth compares state, reason and description of a group's only target.
func (c *chain) wantHealth(state, reason, description string) {
	c.t.Helper()
	out := ok[*elbv2.DescribeTargetHealthOutput](c.t)(c.elb.DescribeTargetHealth(c.t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup}))
	h := out.TargetHealthDescriptions[0].TargetHealth
	if string(h.State) != state || string(h.Reason) != reason || aws.ToString(h.Description) != description {
		c.t.Errorf("%s %s %q, want %s %s %q", h.State, h.Reason, aws.ToString(h.Description), state, reason, description)
	}
}

// The states that depend on time and configuration, with AWS's words.
func TestHealth_Words(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Real, Now: now.Now})
	c := &chain{world: w, instance: w.InstanceID, albGroup: w.group("a")}
	w.allow("sg-05100000000000001", c.albGroup, 8000)
	goOn := make(chan struct{})
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-goOn }))
	c.targetGroup = w.newTargetGroup("tg")
	if err := w.register(c.targetGroup, c.instance); err != nil {
		t.Fatal(err)
	}
	c.wantHealth("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
	c.alb = w.newBalancer("alb", c.albGroup)
	c.listener = w.newListener(c.alb, c.targetGroup)
	c.wantHealth("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
	now.advance(150 * time.Second)
	c.wantHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
	goOn <- struct{}{}
	c.waitHealthy()
	c.wantHealth("healthy", "", "")
	close(goOn)
	ok[*elbv2.ModifyTargetGroupOutput](t)(w.elb.ModifyTargetGroup(t.Context(), &elbv2.ModifyTargetGroupInput{TargetGroupArn: &c.targetGroup, HealthCheckEnabled: aws.Bool(false)}))
	c.wantHealth("unavailable", "Target.HealthCheckDisabled", "Health checks are disabled for this target")
	ok[*ec2.TerminateInstancesOutput](t)(w.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{c.instance}}))
	c.wantHealth("unused", "Target.InvalidState", "Target is in the stopped or terminated state")
}

// A target in a zone that the balancer is not in gets nothing, and says so.
func TestHealth_ZoneNotEnabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	zones := ok[*ec2.DescribeAvailabilityZonesOutput](t)(w.ec2.DescribeAvailabilityZones(t.Context(), &ec2.DescribeAvailabilityZonesInput{})).AvailabilityZones
	third := *ok[*ec2.CreateSubnetOutput](t)(w.ec2.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &w.VPCID, CidrBlock: aws.String("10.0.32.0/20"),
		AvailabilityZone: zones[2].ZoneName})).Subnet.SubnetId
	c := &chain{world: w, albGroup: w.group("a"), ec2Group: w.group("e")}
	c.instance = w.launch(c.ec2Group, func(in *ec2.RunInstancesInput) { in.SubnetId = &third })
	c.buildBalancer()
	c.wantHealth("unused", "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer")
}

// The matcher takes lists and ranges of codes.
func TestHealth_Matchers(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	c.forwardTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(302) }))
	set := func(matcher string) {
		t.Helper()
		ok[*elbv2.ModifyTargetGroupOutput](t)(c.elb.ModifyTargetGroup(t.Context(), &elbv2.ModifyTargetGroupInput{TargetGroupArn: &c.targetGroup, Matcher: &types.Matcher{HttpCode: &matcher}}))
	}
	for _, matcher := range []string{"200,302", "300-399", "200-301,302"} {
		set(matcher)
		c.waitHealthy()
		set("200-301,303-499")
		c.waitReason("Target.ResponseCodeMismatch")
		c.wantHealth("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [302]")
	}
}
