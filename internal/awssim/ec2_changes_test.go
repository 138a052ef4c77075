package awssim_test

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

// A rule is changed in place: its id and its tags stay.
func TestEC2_RulesModified(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	a, b := w.group("a"), w.group("b")
	id, other := w.allow(a, b, 80), w.allow(a, b, 81)
	modify := func(id string, r types.SecurityGroupRuleRequest) error {
		_, err := w.ec2.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{GroupId: &a,
			SecurityGroupRules: []types.SecurityGroupRuleUpdate{{SecurityGroupRuleId: &id, SecurityGroupRule: &r}}})
		return err
	}
	rule := func(from int32, cidr string) types.SecurityGroupRuleRequest {
		return types.SecurityGroupRuleRequest{IpProtocol: aws.String("tcp"), FromPort: &from, ToPort: &from, CidrIpv4: &cidr, Description: aws.String("changed")}
	}
	if err := modify(id, rule(90, "10.0.0.0/8")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, modify(other, rule(90, "10.0.0.0/8")), "InvalidPermission.Duplicate", "")
	wantCode(t, modify("sgr-0123456789abcdef0", rule(1, "10.0.0.0/8")), "InvalidSecurityGroupRuleId.NotFound", "")
	wantCode(t, modify(id, rule(90, "ten")), "InvalidParameterValue", "malformed")
	both := rule(90, "10.0.0.0/8")
	both.ReferencedGroupId = &b
	wantCode(t, modify(id, both), "InvalidParameterValue", "exactly one")
	got := ok[*ec2.DescribeSecurityGroupRulesOutput](t)(w.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{id}})).SecurityGroupRules[0]
	if *got.CidrIpv4 != "10.0.0.0/8" || got.ReferencedGroupInfo != nil || *got.FromPort != 90 || *got.Description != "changed" {
		t.Errorf("rule: %+v", got)
	}
}

// Descriptions are changed by what a rule allows and by its id.
func TestEC2_RuleDescriptions(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	a, b := w.group("a"), w.group("b")
	id := w.allow(a, b, 80)
	text := func() string {
		r := ok[*ec2.DescribeSecurityGroupRulesOutput](t)(w.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{id}}))
		return aws.ToString(r.SecurityGroupRules[0].Description)
	}
	perms := from(b, 80)
	perms[0].UserIdGroupPairs[0].Description = aws.String("by what")
	ok[*ec2.UpdateSecurityGroupRuleDescriptionsIngressOutput](t)(w.ec2.UpdateSecurityGroupRuleDescriptionsIngress(ctx, &ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &a, IpPermissions: perms}))
	if got := text(); got != "by what" {
		t.Errorf("description %q", got)
	}
	ok[*ec2.UpdateSecurityGroupRuleDescriptionsIngressOutput](t)(w.ec2.UpdateSecurityGroupRuleDescriptionsIngress(ctx, &ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &a,
		SecurityGroupRuleDescriptions: []types.SecurityGroupRuleDescription{{SecurityGroupRuleId: &id, Description: aws.String("by id")}}}))
	if got := text(); got != "by id" {
		t.Errorf("description %q", got)
	}
	_, err := w.ec2.UpdateSecurityGroupRuleDescriptionsEgress(ctx, &ec2.UpdateSecurityGroupRuleDescriptionsEgressInput{GroupId: &a, IpPermissions: perms})
	wantCode(t, err, "InvalidPermission.NotFound", "")
}

// Sixty rules a direction, IPv4 and IPv6 apart; prefix lists are sources too.
func TestEC2_RuleQuota(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	g := w.group("g")
	authorize := func(p types.IpPermission) error {
		p.IpProtocol, p.FromPort, p.ToPort = aws.String("tcp"), aws.Int32(80), aws.Int32(80)
		_, err := w.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &g, IpPermissions: []types.IpPermission{p}})
		return err
	}
	var v4 []types.IpRange
	var v6 []types.Ipv6Range
	for n := range 60 {
		v4 = append(v4, types.IpRange{CidrIp: aws.String(fmt.Sprintf("10.0.%d.0/24", n))})
		v6 = append(v6, types.Ipv6Range{CidrIpv6: aws.String(fmt.Sprintf("2001:db8:%x::/48", n))})
	}
	if err := authorize(types.IpPermission{IpRanges: v4[:59], Ipv6Ranges: v6[:59]}); err != nil {
		t.Fatal(err)
	}
	list := []types.PrefixListId{{PrefixListId: aws.String("pl-61a54008")}}
	if err := authorize(types.IpPermission{PrefixListIds: list}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, authorize(types.IpPermission{IpRanges: v4[59:]}), "RulesPerSecurityGroupLimitExceeded", "")
	wantCode(t, authorize(types.IpPermission{PrefixListIds: []types.PrefixListId{{PrefixListId: aws.String("pl-0")}}}), "InvalidPrefixListID.NotFound", "")
	out := ok[*ec2.DescribeSecurityGroupsOutput](t)(w.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{g}})).SecurityGroups[0]
	if p := out.IpPermissions; len(p) != 1 || len(p[0].IpRanges) != 59 || len(p[0].Ipv6Ranges) != 59 || len(p[0].PrefixListIds) != 1 {
		t.Errorf("permissions: %+v", p)
	}
}

// A stopped instance keeps its address and gets no traffic; started again, it does.
func TestEC2_StopAndStart(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	c := w.build()
	c.waitHealthy()
	state := func() types.InstanceStateName {
		return ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{c.instance}})).Reservations[0].Instances[0].State.Name
	}
	for range 2 { // stopping twice is no error
		out := ok[*ec2.StopInstancesOutput](t)(w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{c.instance}}))
		if s := out.StoppingInstances[0].CurrentState.Name; s != "stopped" {
			t.Errorf("after the stop: %s", s)
		}
	}
	if s, reason := c.health(); s != "unused" || reason != "Target.InvalidState" {
		t.Errorf("health of a stopped target: %s %s", s, reason)
	}
	if a := c.get("/"); a.status == 200 {
		t.Errorf("a stopped instance answers: %d %s", a.status, a.body)
	}
	ok[*ec2.ModifyInstanceAttributeOutput](t)(w.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &c.instance, InstanceType: &types.AttributeValue{Value: aws.String("t3.small")}}))
	ok[*ec2.StartInstancesOutput](t)(w.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{c.instance}}))
	if s := state(); s != "running" {
		t.Errorf("after the start: %s", s)
	}
	c.waitHealthy()
	if a := c.get("/"); a.status != 200 {
		t.Errorf("a started instance answers %d %s", a.status, a.body)
	}
	ok[*ec2.TerminateInstancesOutput](t)(w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{c.instance}}))
	_, err := w.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{c.instance}})
	wantCode(t, err, "IncorrectInstanceState", "started")
	_, err = w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{c.instance}})
	wantCode(t, err, "IncorrectInstanceState", "stopped")
}

// Sleep and wake on AWS's clock: what a load balancer makes of its target's
// stop and start, and what the instance keeps over both.
func TestEC2_StopAndStartOfATarget(t *testing.T) {
	t.Parallel()
	now := newClock()
	w, ctx := newWorld(t, awssim.Options{Profile: awssim.Real, Times: awssim.Durations{"health": time.Second}, Now: now.Now}), t.Context()
	c := w.existing(now)
	ids := []string{c.instance}
	read := func() types.Instance {
		return ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids})).Reservations[0].Instances[0]
	}
	before := read()
	stops := now.Now()
	ok[*ec2.StopInstancesOutput](t)(w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids}))
	c.wantHealth("unused", "Target.InvalidState", "Target is in the stopped or terminated state") // stopping already
	if a := c.get("/"); a.status != 503 || a.header.Get("Server") != "awselb/2.0" {
		t.Errorf("no target is left: %d %v", a.status, a.header)
	}
	now.advance(30 * time.Second)
	i := read()
	if i.State.Name != "stopped" || *i.StateReason.Code != "Client.UserInitiatedShutdown" || *i.StateTransitionReason != "User initiated ("+stops.Format("2006-01-02 15:04:05")+" GMT)" ||
		*i.PrivateIpAddress != *before.PrivateIpAddress || *i.NetworkInterfaces[0].NetworkInterfaceId != *before.NetworkInterfaces[0].NetworkInterfaceId {
		t.Errorf("stopped: %s %+v %s %s", i.State.Name, i.StateReason, *i.StateTransitionReason, *i.PrivateIpAddress)
	}
	wantCode(t, w.register(c.targetGroup, c.instance), "InvalidTarget", "not in a running state")
	if s := ok[*ec2.DescribeInstanceStatusOutput](t)(w.ec2.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: ids})).InstanceStatuses; len(s) != 0 {
		t.Errorf("status of a stopped instance: %+v", s)
	}
	ok[*ec2.StartInstancesOutput](t)(w.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}))
	c.wantHealth("unused", "Target.InvalidState", "Target is in the stopped or terminated state") // pending
	now.advance(25 * time.Second)
	if i = read(); i.State.Name != "running" || i.StateReason != nil || *i.PrivateIpAddress != *before.PrivateIpAddress || !i.LaunchTime.Equal(stops.Add(30*time.Second)) {
		t.Errorf("running: %s %+v %s %s", i.State.Name, i.StateReason, *i.PrivateIpAddress, i.LaunchTime)
	}
	c.wantHealth("initial", "Elb.InitialHealthChecking", "Initial health checks in progress") // not healthy as it was
	now.advance(20 * time.Second)
	c.waitAnswer(now)
	if a := c.get("/"); a.status != 200 {
		t.Errorf("awake: %d %s", a.status, a.body)
	}
}

// Cloud-init runs user data at the first boot only: an app that nothing starts
// at every boot does not come back.
func TestEC2_AppAfterARestart(t *testing.T) {
	t.Parallel()
	for data, comesBack := range map[string]bool{
		"": true, // a part of the image
		"#!/bin/sh\npython3 /opt/app.py port=8000":                           false,
		"#!/bin/sh\nsystemctl enable --now app":                              true,
		"#!/bin/sh\nsystemctl --now enable app":                              true,
		"#!/bin/sh\nsystemctl start app":                                     false,
		"#!/bin/sh\ndocker run -d --restart unless-stopped -p 8000:8000 app": true,
		"#!/bin/sh\ndocker run -d -p 8000:8000 app":                          false,
		"#!/bin/sh\necho '@reboot root /opt/app' > /etc/cron.d/app":          true,
		"#cloud-boothook\n/opt/app &":                                        true,
		"#cloud-config\ncloud_final_modules:\n- [scripts-user, always]":      true,
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			c := &chain{world: w, albGroup: w.group("a"), ec2Group: w.group("e")}
			w.allow(c.ec2Group, c.albGroup, 8000)
			c.instance = w.launch(c.ec2Group, func(in *ec2.RunInstancesInput) {
				in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(data)))
			})
			c.buildBalancer()
			c.waitHealthy()
			ok[*ec2.StopInstancesOutput](t)(w.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{c.instance}}))
			ok[*ec2.StartInstancesOutput](t)(w.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{c.instance}}))
			if comesBack {
				c.waitHealthy()
				return
			}
			c.waitReason("Target.FailedHealthChecks")
			status := ok[*ec2.DescribeInstanceStatusOutput](t)(w.ec2.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{c.instance}}))
			if s := status.InstanceStatuses[0].InstanceStatus.Status; s != "ok" {
				t.Errorf("the instance itself is %s", s)
			}
		})
	}
}

func TestEC2_StopTakesTime(t *testing.T) {
	t.Parallel()
	c := newClock()
	w, ctx := newWorld(t, awssim.Options{Profile: awssim.Real, Now: c.Now}), t.Context()
	steps := func(s types.InstanceState) string { return string(s.Name) }
	stop := func() string {
		return steps(*ok[*ec2.StopInstancesOutput](t)(w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{w.InstanceID}})).StoppingInstances[0].CurrentState)
	}
	start := func() error {
		_, err := w.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{w.InstanceID}})
		return err
	}
	if s := stop(); s != "stopping" {
		t.Errorf("at first %s", s)
	}
	wantCode(t, start(), "IncorrectInstanceState", "started")
	c.advance(30 * time.Second)
	if s := stop(); s != "stopped" {
		t.Errorf("after 30 s %s", s)
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	_, err := w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{w.InstanceID}})
	wantCode(t, err, "IncorrectInstanceState", "stopped") // pending
}

func TestEC2_InstanceAttributes(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	id := w.launch(w.group("g"), func(in *ec2.RunInstancesInput) {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh")))
		in.DisableApiTermination = aws.Bool(true)
		in.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: aws.String("standard")}
	})
	get := func(name types.InstanceAttributeName) *ec2.DescribeInstanceAttributeOutput {
		return ok[*ec2.DescribeInstanceAttributeOutput](t)(w.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: name}))
	}
	if raw, _ := base64.StdEncoding.DecodeString(*get("userData").UserData.Value); string(raw) != "#!/bin/sh" {
		t.Errorf("user data %q", raw)
	}
	if v := get("instanceInitiatedShutdownBehavior").InstanceInitiatedShutdownBehavior; *v.Value != "stop" {
		t.Errorf("shutdown behaviour %s", *v.Value)
	}
	credits := ok[*ec2.DescribeInstanceCreditSpecificationsOutput](t)(w.ec2.DescribeInstanceCreditSpecifications(ctx, &ec2.DescribeInstanceCreditSpecificationsInput{InstanceIds: []string{id}}))
	if c := credits.InstanceCreditSpecifications; len(c) != 1 || *c[0].CpuCredits != "standard" {
		t.Errorf("credits: %+v", c)
	}
	terminate := func() error {
		_, err := w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		return err
	}
	wantCode(t, terminate(), "OperationNotPermitted", "disableApiTermination")
	_, err := w.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &id, UserData: &types.SecureBlobAttributeValue{Value: []byte("new")}})
	wantCode(t, err, "IncorrectInstanceState", "'stopped'")
	other := w.group("other")
	off := &types.AttributeBooleanValue{Value: aws.Bool(false)}
	for _, in := range []*ec2.ModifyInstanceAttributeInput{{DisableApiTermination: off}, {DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)}}, {Groups: []string{other}}} {
		in.InstanceId = &id
		ok[*ec2.ModifyInstanceAttributeOutput](t)(w.ec2.ModifyInstanceAttribute(ctx, in))
	}
	if g := get("groupSet").Groups; len(g) != 1 || *g[0].GroupId != other {
		t.Errorf("groups: %+v", g)
	}
	nics := ok[*ec2.DescribeNetworkInterfacesOutput](t)(w.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter("group-id", other)}}))
	if len(nics.NetworkInterfaces) != 1 {
		t.Errorf("interfaces of the new group: %+v", nics.NetworkInterfaces)
	}
	_, err = w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "OperationNotPermitted", "disableApiStop")
	ok[*ec2.ModifyInstanceMetadataOptionsOutput](t)(w.ec2.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: &id, HttpPutResponseHopLimit: aws.Int32(3)}))
	if err := terminate(); err != nil {
		t.Error(err)
	}
}

// Terraform reads these of every listener and load balancer, and sends 14
// attributes of which it drops one that is not recognised.
func TestELB_AttributesThatTerraformReads(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, awssim.Options{}), t.Context()
	c := w.build()
	attrs := ok[*elbv2.DescribeListenerAttributesOutput](t)(w.elb.DescribeListenerAttributes(ctx, &elbv2.DescribeListenerAttributesInput{ListenerArn: &c.listener}))
	if len(attrs.Attributes) != 11 {
		t.Errorf("listener attributes: %+v", attrs.Attributes)
	}
	ok[*elbv2.DescribeCapacityReservationOutput](t)(w.elb.DescribeCapacityReservation(ctx, &elbv2.DescribeCapacityReservationInput{LoadBalancerArn: &c.alb}))
	_, err := w.elb.ModifyLoadBalancerAttributes(ctx, &elbv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &c.alb, Attributes: []elbtypes.LoadBalancerAttribute{{Key: aws.String("colour"), Value: aws.String("red")}}})
	wantCode(t, err, "ValidationError", "attribute key 'colour' is not recognized")
	_, err = w.elb.DescribeListenerAttributes(ctx, &elbv2.DescribeListenerAttributesInput{ListenerArn: aws.String("arn:aws:elasticloadbalancing:x:listener/app/none/0/0")})
	wantCode(t, err, "ListenerNotFound", "")
}
