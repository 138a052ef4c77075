package awssim_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

func TestELB_SameAgainIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	group := w.group("g")
	tg, alb := w.newTargetGroup("tg"), w.newBalancer("alb", group)
	l := w.newListener(alb, tg)
	if again := w.newTargetGroup("tg"); again != tg {
		t.Errorf("target groups %s and %s", tg, again)
	}
	if again := w.newBalancer("alb", group); again != alb {
		t.Errorf("load balancers %s and %s", alb, again)
	}
	if again := w.newListener(alb, tg); again != l {
		t.Errorf("listeners %s and %s", l, again)
	}
	want := regexp.MustCompile(`^arn:aws:elasticloadbalancing:ap-northeast-1:000000000000:listener/app/alb/[0-9a-f]{16}/[0-9a-f]{16}$`)
	if !want.MatchString(l) {
		t.Errorf("listener ARN %s", l)
	}
}

func TestELB_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	group := w.group("g")
	tg, alb := w.newTargetGroup("tg"), w.newBalancer("alb", group)
	w.newListener(alb, tg)
	other, otherALB := w.newTargetGroup("other"), w.newBalancer("other", group)
	targetGroup := func(change func(*elbv2.CreateTargetGroupInput)) error {
		in := &elbv2.CreateTargetGroupInput{Name: aws.String("new"), Protocol: "HTTP", Port: aws.Int32(8000), VpcId: &w.VPCID}
		change(in)
		_, err := w.elb.CreateTargetGroup(ctx, in)
		return err
	}
	balancer := func(name string, scheme types.LoadBalancerSchemeEnum, subnets, groups []string) error {
		_, err := w.elb.CreateLoadBalancer(ctx, &elbv2.CreateLoadBalancerInput{Name: &name, Scheme: scheme, Subnets: subnets, SecurityGroups: groups})
		return err
	}
	listener := func(alb, tg string, port int32, protocol types.ProtocolEnum) error {
		_, err := w.elb.CreateListener(ctx, &elbv2.CreateListenerInput{LoadBalancerArn: &alb, Protocol: protocol, Port: &port, DefaultActions: []types.Action{{Type: "forward", TargetGroupArn: &tg}}})
		return err
	}
	_, deleteInUse := w.elb.DeleteTargetGroup(ctx, &elbv2.DeleteTargetGroupInput{TargetGroupArn: &tg})
	_, noBalancer := w.elb.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{Names: []string{"nope"}})
	_, noGroup := w.elb.DescribeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{Names: []string{"nope"}})
	_, noListener := w.elb.DeleteListener(ctx, &elbv2.DeleteListenerInput{ListenerArn: aws.String("arn:aws:elasticloadbalancing:x:listener/app/a/0/0")})
	_, noKey := w.elb.ModifyLoadBalancerAttributes(ctx, &elbv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &alb, Attributes: []types.LoadBalancerAttribute{{Key: aws.String("colour"), Value: aws.String("red")}}})
	_, noChoice := w.elb.DescribeListeners(ctx, &elbv2.DescribeListenersInput{})
	_, bothChoices := w.elb.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{Names: []string{"alb"}, LoadBalancerArns: []string{alb}})
	_, noARN := w.elb.DescribeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: aws.String("tg")})
	before := w.sim.Snapshot()
	for name, row := range map[string]struct {
		err        error
		code, part string
	}{
		"listeners of nothing":        {noChoice, "ValidationError", "either listener ARNs or a load balancer ARN"},
		"balancers by two choices":    {bothChoices, "ValidationError", "together"},
		"group by what is no ARN":     {noARN, "ValidationError", "'tg' is not a valid target group ARN"},
		"target group other settings": {targetGroup(func(in *elbv2.CreateTargetGroupInput) { in.Name = aws.String("tg"); in.Port = aws.Int32(9000) }), "DuplicateTargetGroupName", ""},
		"target group name length":    {targetGroup(func(in *elbv2.CreateTargetGroupInput) { in.Name = aws.String("a23456789012345678901234567890123") }), "ValidationError", "32"},
		"target group name hyphen":    {targetGroup(func(in *elbv2.CreateTargetGroupInput) { in.Name = aws.String("-a") }), "ValidationError", "hyphen"},
		"target group port":           {targetGroup(func(in *elbv2.CreateTargetGroupInput) { in.Port = aws.Int32(0) }), "ValidationError", "port"},
		"target group health path":    {targetGroup(func(in *elbv2.CreateTargetGroupInput) { in.HealthCheckPath = aws.String("health") }), "ValidationError", "'/'"},
		"target group matcher":        {targetGroup(func(in *elbv2.CreateTargetGroupInput) { in.Matcher = &types.Matcher{HttpCode: aws.String("700")} }), "ValidationError", "200-499"},
		"target group in use":         {deleteInUse, "ResourceInUse", "is currently in use by a listener or a rule"},
		"target group missing":        {noGroup, "TargetGroupNotFound", ""},
		"balancer other settings":     {balancer("alb", "internal", w.SubnetIDs, []string{w.group("h")}), "DuplicateLoadBalancerName", ""},
		"balancer one zone":           {balancer("new", "internal", w.SubnetIDs[:1], nil), "ValidationError", "At least two subnets in two different Availability Zones"},
		"balancer no subnet":          {balancer("new", "internal", []string{"subnet-0123456789abcdef0"}, nil), "SubnetNotFound", ""},
		"balancer no group":           {balancer("new", "internal", w.SubnetIDs, []string{"sg-0123456789abcdef0"}), "InvalidSecurityGroup", ""},
		"balancer name":               {balancer("internal-x", "internal", w.SubnetIDs, nil), "ValidationError", "internal-"},
		"balancer public":             {balancer("new", "internet-facing", w.SubnetIDs, nil), "InvalidSubnet", "internet gateway"},
		"balancer missing":            {noBalancer, "LoadBalancerNotFound", "nope"},
		"balancer attribute":          {noKey, "ValidationError", "attribute key 'colour' is not recognized"},
		"listener taken port":         {listener(alb, other, 80, "HTTP"), "DuplicateListener", ""},
		"listener second balancer":    {listener(otherALB, tg, 80, "HTTP"), "TargetGroupAssociationLimit", ""},
		"listener protocol":           {listener(alb, tg, 443, "HTTPS"), "UnsupportedProtocol", ""},
		"listener no group":           {listener(alb, "arn:aws:elasticloadbalancing:x:targetgroup/nope/0", 81, "HTTP"), "TargetGroupNotFound", ""},
		"listener missing":            {noListener, "ListenerNotFound", ""},
		"target unknown":              {w.register(tg, "i-0123456789abcdef0"), "InvalidTarget", ""},
	} {
		t.Run(name, func(t *testing.T) { wantCode(t, row.err, row.code, row.part) })
	}
	after := w.sim.Snapshot()
	if after.LoadBalancers != before.LoadBalancers || after.TargetGroups != before.TargetGroups || after.Listeners != before.Listeners {
		t.Errorf("a refused call changed something:\n%+v\n%+v", before, after)
	}
}

// A deleted load balancer's network interfaces linger and hold its group.
func TestELB_InterfacesLinger(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Demo, Now: now.Now})
	ctx := t.Context()
	group := w.group("g")
	alb := w.newBalancer("alb", group)
	state := func() types.LoadBalancerStateEnum {
		return ok[*elbv2.DescribeLoadBalancersOutput](t)(w.elb.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []string{alb}})).LoadBalancers[0].State.Code
	}
	if s := state(); s != "provisioning" {
		t.Errorf("at first %s", s)
	}
	now.advance(8 * time.Second)
	if s := state(); s != "active" {
		t.Errorf("after 8 s %s", s)
	}
	interfaces := func() []ec2types.NetworkInterface {
		return ok[*ec2.DescribeNetworkInterfacesOutput](t)(w.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
			filter("group-id", group), filter("description", "ELB app/alb/*"), filter("attachment.instance-owner-id", "amazon-elb")}})).NetworkInterfaces
	}
	if n := interfaces(); len(n) != 2 || n[0].Status != "in-use" || !*n[0].RequesterManaged {
		t.Errorf("interfaces: %+v", n)
	}
	for range 2 { // gone already is no error
		ok[*elbv2.DeleteLoadBalancerOutput](t)(w.elb.DeleteLoadBalancer(ctx, &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: &alb}))
	}
	if n := interfaces(); len(n) != 2 || n[0].Status != "available" {
		t.Errorf("lingering interfaces: %+v", n)
	}
	_, err := w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group})
	wantCode(t, err, "DependencyViolation", "has a dependent object")
	now.advance(2 * time.Second)
	if n := interfaces(); len(n) != 0 {
		t.Errorf("interfaces after 2 s: %+v", n)
	}
	ok[*ec2.DeleteSecurityGroupOutput](t)(w.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &group}))
}

func TestELB_DeletionProtection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	alb := w.newBalancer("alb")
	protect := func(v string) {
		ok[*elbv2.ModifyLoadBalancerAttributesOutput](t)(w.elb.ModifyLoadBalancerAttributes(ctx, &elbv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &alb,
			Attributes: []types.LoadBalancerAttribute{{Key: aws.String("deletion_protection.enabled"), Value: &v}}}))
	}
	protect("true")
	_, err := w.elb.DeleteLoadBalancer(ctx, &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: &alb})
	wantCode(t, err, "OperationNotPermitted", "deletion protection")
	protect("false")
	ok[*elbv2.DeleteLoadBalancerOutput](t)(w.elb.DeleteLoadBalancer(ctx, &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: &alb}))
}

func TestELB_TagsAndAttributes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	tg, alb := w.newTargetGroup("tg"), w.newBalancer("alb")
	all := []string{tg, alb, w.newListener(alb, tg)}
	ok[*elbv2.AddTagsOutput](t)(w.elb.AddTags(ctx, &elbv2.AddTagsInput{ResourceArns: all, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}))
	ok[*elbv2.RemoveTagsOutput](t)(w.elb.RemoveTags(ctx, &elbv2.RemoveTagsInput{ResourceArns: all[:1], TagKeys: []string{"a"}}))
	out := ok[*elbv2.DescribeTagsOutput](t)(w.elb.DescribeTags(ctx, &elbv2.DescribeTagsInput{ResourceArns: all}))
	for i, want := range []int{1, 2, 2} {
		if got := out.TagDescriptions[i].Tags; len(got) != want {
			t.Errorf("%s has %d tags, want %d", all[i], len(got), want)
		}
	}
	ok[*elbv2.ModifyTargetGroupAttributesOutput](t)(w.elb.ModifyTargetGroupAttributes(ctx, &elbv2.ModifyTargetGroupAttributesInput{TargetGroupArn: &tg,
		Attributes: []types.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("5")}}}))
	attrs := ok[*elbv2.DescribeTargetGroupAttributesOutput](t)(w.elb.DescribeTargetGroupAttributes(ctx, &elbv2.DescribeTargetGroupAttributesInput{TargetGroupArn: &tg}))
	found := false
	for _, a := range attrs.Attributes {
		found = found || *a.Key == "deregistration_delay.timeout_seconds" && *a.Value == "5"
	}
	if !found {
		t.Errorf("attributes: %+v", attrs.Attributes)
	}
	g := ok[*elbv2.ModifyTargetGroupOutput](t)(w.elb.ModifyTargetGroup(ctx, &elbv2.ModifyTargetGroupInput{TargetGroupArn: &tg, HealthCheckPath: aws.String("/ready")})).TargetGroups[0]
	if *g.HealthCheckPath != "/ready" || *g.HealthCheckIntervalSeconds != 30 {
		t.Errorf("modified: %+v", g)
	}
	rules := ok[*elbv2.DescribeRulesOutput](t)(w.elb.DescribeRules(ctx, &elbv2.DescribeRulesInput{ListenerArn: &all[2]}))
	if len(rules.Rules) != 1 || !*rules.Rules[0].IsDefault {
		t.Errorf("rules: %+v", rules.Rules)
	}
}

func TestELB_Paging(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for i := range 7 {
		w.newTargetGroup(fmt.Sprintf("tg-%d", i))
	}
	pages, seen, n := elbv2.NewDescribeTargetGroupsPaginator(w.elb, &elbv2.DescribeTargetGroupsInput{PageSize: aws.Int32(3)}), map[string]bool{}, 0
	for pages.HasMorePages() {
		n++
		for _, g := range ok[*elbv2.DescribeTargetGroupsOutput](t)(pages.NextPage(t.Context())).TargetGroups {
			seen[*g.TargetGroupArn] = true
		}
	}
	if len(seen) != 7 || n != 3 {
		t.Errorf("%d target groups on %d pages, want 7 on 3", len(seen), n)
	}
}

func TestELB_ModifyListenerAndGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	one, two, alb := w.newTargetGroup("one"), w.newTargetGroup("two"), w.newBalancer("alb")
	l := w.newListener(alb, one)
	out := ok[*elbv2.ModifyListenerOutput](t)(w.elb.ModifyListener(ctx, &elbv2.ModifyListenerInput{ListenerArn: &l, DefaultActions: []types.Action{{Type: "forward", TargetGroupArn: &two}}}))
	if got := *out.Listeners[0].DefaultActions[0].TargetGroupArn; got != two || *out.Listeners[0].Port != 80 {
		t.Errorf("forwards to %s", got)
	}
	group := w.group("g")
	ok[*elbv2.SetSecurityGroupsOutput](t)(w.elb.SetSecurityGroups(ctx, &elbv2.SetSecurityGroupsInput{LoadBalancerArn: &alb, SecurityGroups: []string{group}}))
	b := ok[*elbv2.DescribeLoadBalancersOutput](t)(w.elb.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{Names: []string{"alb"}})).LoadBalancers[0]
	if len(b.SecurityGroups) != 1 || b.SecurityGroups[0] != group {
		t.Errorf("groups %v", b.SecurityGroups)
	}
}

func TestELB_Quota(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for i := range 50 {
		w.newBalancer(fmt.Sprintf("alb-%d", i))
	}
	_, err := w.elb.CreateLoadBalancer(t.Context(), &elbv2.CreateLoadBalancerInput{Name: aws.String("alb-50"), Scheme: "internal", Subnets: w.SubnetIDs})
	wantCode(t, err, "TooManyLoadBalancers", "")
	w.newBalancer("alb-0") // the same again is no new one
}
