package awssim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

// Of vCPUs only so many run at once; what is stopped or terminated is free.
func TestQuota_VCPUs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Switches: awssim.Switches{VCPUs: 7}}) // test-ec2 has 2
	ctx := t.Context()
	run := func(low, high int32) ([]string, error) {
		out, err := w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: &low, MaxCount: &high, SubnetId: &w.SubnetIDs[0]})
		var ids []string
		if err == nil {
			for _, i := range out.Instances {
				ids = append(ids, *i.InstanceId)
			}
		}
		return ids, err
	}
	_, err := run(3, 3)
	wantCode(t, err, "VcpuLimitExceeded", "your current vCPU limit of 7 allows")
	ids, err := run(1, 5)
	if err != nil || len(ids) != 2 {
		t.Fatalf("1 to 5 launched %v: %v", ids, err)
	}
	_, err = run(1, 1)
	wantCode(t, err, "VcpuLimitExceeded", "")
	ok[*ec2.StopInstancesOutput](t)(w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids[:1]}))
	more, err := run(1, 1)
	if err != nil {
		t.Fatalf("after a stop: %v", err)
	}
	_, err = w.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids[:1]})
	wantCode(t, err, "VcpuLimitExceeded", "")
	ok[*ec2.TerminateInstancesOutput](t)(w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: more}))
	ok[*ec2.StartInstancesOutput](t)(w.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids[:1]}))
}

// made counts how many calls go well until one is refused.
func made(most int, call func(n int) error) (int, error) {
	for n := range most {
		if err := call(n); err != nil {
			return n, err
		}
	}
	return most, nil
}

func TestQuota_Gateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c, ctx := w.build(), t.Context()
	api := ok[*apigatewayv2.CreateApiOutput](t)(w.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"})).ApiId
	integration := c.integrationInput()
	integration.ApiId = api
	for _, row := range []struct {
		noun string
		want int
		call func(n int) error
	}{
		{"10 stages", 10, func(n int) error {
			_, err := w.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api, StageName: aws.String(fmt.Sprint("s", n))})
			return err
		}},
		{"300 routes", 300, func(n int) error {
			_, err := w.api.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api, RouteKey: aws.String(fmt.Sprint("GET /", n))})
			return err
		}},
		{"300 integrations", 300, func(int) error {
			_, err := w.api.CreateIntegration(ctx, integration)
			return err
		}},
		{"600 APIs", 598, func(int) error {
			_, err := w.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"})
			return err
		}},
	} {
		n, err := made(row.want+1, row.call)
		if n != row.want {
			t.Errorf("%s: %d were made", row.noun, n)
		}
		wantCode(t, err, "BadRequestException", "exceeded the limit of "+row.noun)
	}
	_, err := w.api.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: aws.String("vars"), StageVariables: map[string]string{"v": strings.Repeat("x", 513)}})
	wantCode(t, err, "BadRequestException", "512")
}

func TestQuota_Balancer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	alb, tg := w.newBalancer("alb"), w.newTargetGroup("tg")
	listen := func(n int) error {
		_, err := w.elb.CreateListener(ctx, &elbv2.CreateListenerInput{LoadBalancerArn: &alb, Protocol: "HTTP", Port: aws.Int32(int32(80 + n)),
			DefaultActions: []elbtypes.Action{{Type: "forward", TargetGroupArn: &tg}}})
		return err
	}
	if n, err := made(51, listen); n != 50 {
		t.Errorf("%d listeners: %v", n, err)
	}
	wantCode(t, listen(50), "TooManyListeners", "")
	register := func(group string, from, to int) error {
		var targets []elbtypes.TargetDescription
		for port := from; port < to; port++ {
			targets = append(targets, elbtypes.TargetDescription{Id: &w.InstanceID, Port: aws.Int32(int32(port))})
		}
		_, err := w.elb.RegisterTargets(ctx, &elbv2.RegisterTargetsInput{TargetGroupArn: &group, Targets: targets})
		return err
	}
	wantCode(t, register(tg, 1, 1002), "TooManyTargets", "")
	if err := register(tg, 1, 1001); err != nil {
		t.Fatal(err)
	}
	if err := register(tg, 1, 11); err != nil { // they are there already
		t.Error(err)
	}
	other := w.newTargetGroup("other")
	if err := register(other, 1, 2); err != nil {
		t.Fatal(err)
	}
	listeners := ok[*elbv2.DescribeListenersOutput](t)(w.elb.DescribeListeners(ctx, &elbv2.DescribeListenersInput{LoadBalancerArn: &alb})).Listeners
	_, err := w.elb.ModifyListener(ctx, &elbv2.ModifyListenerInput{ListenerArn: listeners[0].ListenerArn, DefaultActions: []elbtypes.Action{{Type: "forward", TargetGroupArn: &other}}})
	wantCode(t, err, "TooManyTargets", "")
}

// A load balancer has at most 100 target groups, whoever forwards to them.
func TestQuota_GroupsOfABalancer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	listener := w.newListener(w.newBalancer("alb"), w.newTargetGroup("tg"))
	n, err := made(20, func(n int) error {
		var groups []elbtypes.TargetGroupTuple
		for g := range 5 {
			groups = append(groups, elbtypes.TargetGroupTuple{TargetGroupArn: aws.String(w.newTargetGroup(fmt.Sprintf("tg-%d-%d", n, g)))})
		}
		_, err := w.elb.CreateRule(t.Context(), &elbv2.CreateRuleInput{ListenerArn: &listener, Priority: aws.Int32(int32(n + 1)), Conditions: []elbtypes.RuleCondition{pathIs("/x")},
			Actions: []elbtypes.Action{{Type: "forward", ForwardConfig: &elbtypes.ForwardActionConfig{TargetGroups: groups}}}})
		return err
	})
	if n != 19 { // and the default action's group
		t.Errorf("%d rules of five groups each", n)
	}
	wantCode(t, err, "TooManyUniqueTargetGroupsPerLoadBalancer", "")
}

// A load balancer needs room to grow.
func TestQuota_SmallSubnet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	var ids []string
	for n, zone := range []string{"a", "c"} {
		ids = append(ids, *ok[*ec2.CreateSubnetOutput](t)(w.ec2.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &w.VPCID,
			CidrBlock: aws.String(fmt.Sprintf("10.0.200.%d/28", 16*n)), AvailabilityZone: aws.String(region + zone)})).Subnet.SubnetId)
	}
	_, err := w.elb.CreateLoadBalancer(t.Context(), &elbv2.CreateLoadBalancerInput{Name: aws.String("b"), Scheme: "internal", Subnets: ids})
	wantCode(t, err, "InvalidSubnet", "/27")
}
