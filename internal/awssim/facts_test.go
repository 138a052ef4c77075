package awssim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

// What nobody asked for is as AWS's guides say, and has their limits.
func TestFacts_Defaults(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	create := &elbv2.CreateTargetGroupInput{Name: aws.String("tg"), Protocol: "HTTP", Port: aws.Int32(80), VpcId: &w.VPCID}
	g := ok[*elbv2.CreateTargetGroupOutput](t)(w.elb.CreateTargetGroup(ctx, create)).TargetGroups[0]
	check := fmt.Sprintf("%s %s %s every %d s, %d s, %d up, %d down, %s", g.HealthCheckProtocol, *g.HealthCheckPath, *g.HealthCheckPort, *g.HealthCheckIntervalSeconds,
		*g.HealthCheckTimeoutSeconds, *g.HealthyThresholdCount, *g.UnhealthyThresholdCount, *g.Matcher.HttpCode)
	if check != "HTTP / traffic-port every 30 s, 5 s, 5 up, 2 down, 200" {
		t.Error("health check", check)
	}
	alb := w.newBalancer("alb")
	attributes := map[string]string{}
	for _, a := range ok[*elbv2.DescribeLoadBalancerAttributesOutput](t)(w.elb.DescribeLoadBalancerAttributes(ctx, &elbv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &alb})).Attributes {
		attributes[*a.Key] = *a.Value
	}
	for _, a := range ok[*elbv2.DescribeTargetGroupAttributesOutput](t)(w.elb.DescribeTargetGroupAttributes(ctx, &elbv2.DescribeTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn})).Attributes {
		attributes[*a.Key] = *a.Value
	}
	for key, want := range map[string]string{"idle_timeout.timeout_seconds": "60", "client_keep_alive.seconds": "3600", "routing.http2.enabled": "true",
		"routing.http.xff_header_processing.mode": "append", "routing.http.desync_mitigation_mode": "defensive", "deletion_protection.enabled": "false",
		"deregistration_delay.timeout_seconds": "300", "load_balancing.algorithm.type": "round_robin"} {
		if attributes[key] != want {
			t.Errorf("%s is %q, want %q", key, attributes[key], want)
		}
	}
	for key, value := range map[string]string{"idle_timeout.timeout_seconds": "4001", "routing.http2.enabled": "yes", "routing.http.xff_header_processing.mode": "drop"} {
		_, err := w.elb.ModifyLoadBalancerAttributes(ctx, &elbv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &alb, Attributes: []elbtypes.LoadBalancerAttribute{{Key: &key, Value: &value}}})
		wantCode(t, err, "ValidationError", key)
	}
	_, err := w.elb.ModifyTargetGroupAttributes(ctx, &elbv2.ModifyTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn,
		Attributes: []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("3601")}}})
	wantCode(t, err, "ValidationError", "3600")
	for part, change := range map[string]func(*elbv2.ModifyTargetGroupInput){
		"5 and 300":   func(in *elbv2.ModifyTargetGroupInput) { in.HealthCheckIntervalSeconds = aws.Int32(4) },
		"2 and 120":   func(in *elbv2.ModifyTargetGroupInput) { in.HealthCheckTimeoutSeconds = aws.Int32(121) },
		"2 and 10":    func(in *elbv2.ModifyTargetGroupInput) { in.UnhealthyThresholdCount = aws.Int32(11) },
		"the timeout": func(in *elbv2.ModifyTargetGroupInput) { in.HealthCheckTimeoutSeconds = aws.Int32(30) },
		"200-499":     func(in *elbv2.ModifyTargetGroupInput) { in.Matcher = &elbtypes.Matcher{HttpCode: aws.String("500")} },
	} {
		in := &elbv2.ModifyTargetGroupInput{TargetGroupArn: g.TargetGroupArn}
		change(in)
		_, err := w.elb.ModifyTargetGroup(ctx, in)
		wantCode(t, err, "ValidationError", part)
	}
}

// Names, descriptions and tags are as long as AWS lets them be, in characters,
// and no longer.
func TestFacts_Names(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	c, ctx := w.build(), t.Context()
	long := func(n int) *string { return aws.String(strings.Repeat("橋", n)) }
	api := func(name, description *string) error {
		return callOf(w.api.CreateApi, &apigatewayv2.CreateApiInput{Name: name, Description: description, ProtocolType: "HTTP"})(ctx)
	}
	link := func(name *string, subnets []string) error {
		return callOf(w.api.CreateVpcLink, &apigatewayv2.CreateVpcLinkInput{Name: name, SubnetIds: subnets})(ctx)
	}
	stage := func(name string) error {
		return callOf(w.api.CreateStage, &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: &name})(ctx)
	}
	variables := func(n, key, value int) error {
		all := map[string]string{strings.Repeat("k", key): strings.Repeat("v", value)}
		for i := range n - 1 {
			all[fmt.Sprint("v", i)] = ""
		}
		return callOf(w.api.CreateStage, &apigatewayv2.CreateStageInput{ApiId: &c.apiID, StageName: aws.String(fmt.Sprint("v", n, "-", key, "-", value)), StageVariables: all})(ctx)
	}
	elbTag := func(key, value string) error {
		return callOf(w.elb.AddTags, &elbv2.AddTagsInput{ResourceArns: []string{c.alb}, Tags: []elbtypes.Tag{{Key: &key, Value: &value}}})(ctx)
	}
	ec2Tag := func(n int, key, value *string) error {
		all := []ec2types.Tag{{Key: key, Value: value}}
		for i := range n {
			all = append(all, ec2types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")})
		}
		return callOf(w.ec2.CreateTags, &ec2.CreateTagsInput{Resources: []string{c.ec2Group}, Tags: all})(ctx)
	}
	token := func(n int) error {
		return callOf(w.ec2.RunInstances, &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ImageId: aws.String(imageX86), InstanceType: "t3.micro", SubnetId: &w.SubnetIDs[0],
			ClientToken: aws.String(strings.Repeat("t", n))})(ctx)
	}
	for name, row := range map[string]struct{ most, more error }{
		"name of an API":        {api(long(128), nil), api(long(129), nil)},
		"description of an API": {api(long(1), long(1024)), api(long(1), long(1025))},
		"name of a link":        {link(long(128), w.SubnetIDs), link(long(129), w.SubnetIDs)},
		"subnets of a link":     {nil, link(long(1), make([]string, 11))},
		"name of a stage":       {stage(strings.Repeat("s", 128)), stage(strings.Repeat("s", 129))},
		"stage variables":       {variables(100, 1, 1), variables(101, 1, 1)},
		"stage variable":        {variables(1, 64, 512), variables(1, 65, 1)},
		"ELB tag's key":         {elbTag(*long(128), ""), elbTag(*long(129), "")},
		"ELB tag's value":       {elbTag("_.:/=+-@ 1", *long(256)), elbTag("k", *long(257))},
		"ELB tag's characters":  {elbTag("橋", "a b"), elbTag("k", "a!")},
		"EC2 tag":               {ec2Tag(0, long(128), long(256)), ec2Tag(0, long(1), long(257))},
		"EC2 tags":              {ec2Tag(48, long(127), long(1)), ec2Tag(50, long(126), long(1))},
		"client token":          {token(64), token(65)},
	} {
		if row.most != nil {
			t.Errorf("%s: %v", name, row.most)
		}
		if row.more == nil {
			t.Errorf("%s: more than AWS takes was taken", name)
		}
	}
	n, err := made(11, func(int) error { return link(aws.String("l"), w.SubnetIDs) })
	if n != 8 { // beside the chain's and the long one
		t.Errorf("%d more links: %v", n, err)
	}
}

// A hundred rules to a load balancer, two hundred subnets to a VPC, five NAT
// gateways to a zone, and no more instances than a subnet has addresses.
func TestFacts_MoreQuotas(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	listener := w.newListener(w.newBalancer("alb"), w.newTargetGroup("tg"))
	n, err := made(101, func(n int) error {
		return callOf(w.elb.CreateRule, &elbv2.CreateRuleInput{ListenerArn: &listener, Priority: aws.Int32(int32(n + 1)), Conditions: []elbtypes.RuleCondition{pathIs("/x")},
			Actions: []elbtypes.Action{{Type: "fixed-response", FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("404")}}}})(ctx)
	})
	if n != 100 {
		t.Errorf("%d rules", n)
	}
	wantCode(t, err, "TooManyRules", "")
	n, err = made(200, func(n int) error {
		return callOf(w.ec2.CreateSubnet, &ec2.CreateSubnetInput{VpcId: &w.VPCID, CidrBlock: aws.String(fmt.Sprintf("10.0.%d.%d/28", 32+n/16, n%16*16))})(ctx)
	})
	if n != 198 { // beside the world's two
		t.Errorf("%d more subnets", n)
	}
	wantCode(t, err, "SubnetLimitExceeded", "")
	n, err = made(6, func(n int) error {
		return callOf(w.ec2.CreateNatGateway, &ec2.CreateNatGatewayInput{SubnetId: &w.SubnetIDs[1], ConnectivityType: "private", ClientToken: aws.String(fmt.Sprint(n))})(ctx)
	})
	if n != 5 {
		t.Errorf("%d NAT gateways", n)
	}
	wantCode(t, err, "NatGatewayLimitExceeded", "")
	small := ok[*ec2.DescribeSubnetsOutput](t)(w.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []ec2types.Filter{filter("cidr-block", "10.0.32.0/28")}})).Subnets[0]
	launch := func(n int32) error {
		return callOf(w.ec2.RunInstances, &ec2.RunInstancesInput{MinCount: &n, MaxCount: &n, ImageId: aws.String(imageX86), InstanceType: "t3.micro", SubnetId: small.SubnetId})(ctx)
	}
	wantCode(t, launch(12), "InsufficientFreeAddressesInSubnet", "")
	if err := launch(11); err != nil {
		t.Error(err)
	}
}
