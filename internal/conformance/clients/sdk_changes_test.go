package clients

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gwtypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// changeBalance changes all of the load balancer's side that can be changed.
func (s *sdk) changeBalance() {
	t, ctx := s.t, s.t.Context()
	check := &elb.ModifyTargetGroupInput{TargetGroupArn: &s.targetGroup, HealthCheckPath: aws.String("/service-a"), HealthCheckPort: aws.String("8000"), HealthCheckIntervalSeconds: aws.Int32(20),
		HealthCheckTimeoutSeconds: aws.Int32(9), HealthyThresholdCount: aws.Int32(2), UnhealthyThresholdCount: aws.Int32(5), Matcher: &elbtypes.Matcher{HttpCode: aws.String("200,204")}}
	same(t, "ModifyTargetGroup", check, ok[*elb.ModifyTargetGroupOutput](t)(s.elb.ModifyTargetGroup(ctx, check)).TargetGroups[0])
	groups := ok[*elb.DescribeTargetGroupsOutput](t)(s.elb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{s.targetGroup}}))
	same(t, "a changed target group", check, groups.TargetGroups[0])
	delay := []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("17")}}
	ok[*elb.ModifyTargetGroupAttributesOutput](t)(s.elb.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: &s.targetGroup, Attributes: delay}))
	kept := map[string]string{}
	for _, a := range ok[*elb.DescribeTargetGroupAttributesOutput](t)(s.elb.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: &s.targetGroup})).Attributes {
		kept[*a.Key] = *a.Value
	}
	same(t, "DescribeTargetGroupAttributes", fields{"deregistration_delay.timeout_seconds": "17", "load_balancing.algorithm.type": "round_robin"}, kept)
	idle := []elbtypes.LoadBalancerAttribute{{Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("29")}}
	changed := ok[*elb.ModifyLoadBalancerAttributesOutput](t)(s.elb.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &s.balancer, Attributes: idle}))
	all := ok[*elb.DescribeLoadBalancerAttributesOutput](t)(s.elb.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: &s.balancer}))
	same(t, "DescribeLoadBalancerAttributes", changed.Attributes, all.Attributes)
	if i := slices.IndexFunc(all.Attributes, func(a elbtypes.LoadBalancerAttribute) bool { return *a.Key == *idle[0].Key }); i < 0 || *all.Attributes[i].Value != "29" {
		t.Errorf("the idle timeout is not among %v, or is another", asJSON(t, all.Attributes))
	}
	same(t, "SetSecurityGroups", []string{s.appGroup}, ok[*elb.SetSecurityGroupsOutput](t)(s.elb.SetSecurityGroups(ctx, &elb.SetSecurityGroupsInput{LoadBalancerArn: &s.balancer,
		SecurityGroups: []string{s.appGroup}})).SecurityGroupIds)
	listen := &elb.ModifyListenerInput{ListenerArn: &s.listener, DefaultActions: []elbtypes.Action{{Type: "fixed-response", Order: aws.Int32(1),
		FixedResponseConfig: &elbtypes.FixedResponseActionConfig{StatusCode: aws.String("503"), ContentType: aws.String("text/plain"), MessageBody: aws.String("asleep")}}}}
	same(t, "ModifyListener", listen, ok[*elb.ModifyListenerOutput](t)(s.elb.ModifyListener(ctx, listen)).Listeners[0])
	listen.DefaultActions = []elbtypes.Action{{Type: "forward", TargetGroupArn: &s.targetGroup}}
	same(t, "ModifyListener back", listen, ok[*elb.ModifyListenerOutput](t)(s.elb.ModifyListener(ctx, listen)).Listeners[0])
	s.retagBalance()
}

// retagBalance adds a tag, changes one and takes one away.
func (s *sdk) retagBalance() {
	t, ctx := s.t, s.t.Context()
	tag := func(k, v string) elbtypes.Tag { return elbtypes.Tag{Key: &k, Value: &v} }
	arns := []string{s.balancer, s.targetGroup, s.listener}
	ok[*elb.AddTagsOutput](t)(s.elb.AddTags(ctx, &elb.AddTagsInput{ResourceArns: arns, Tags: []elbtypes.Tag{tag("k", "w"), tag("a", "1"), tag("gone", "2")}}))
	ok[*elb.RemoveTagsOutput](t)(s.elb.RemoveTags(ctx, &elb.RemoveTagsInput{ResourceArns: arns, TagKeys: []string{"gone", "never"}}))
	for _, d := range ok[*elb.DescribeTagsOutput](t)(s.elb.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: arns})).TagDescriptions {
		same(t, "tags of "+*d.ResourceArn, []elbtypes.Tag{tag("a", "1"), tag("k", "w")}, d.Tags)
	}
}

// changeGateway changes link, API, integration, route and stage.
func (s *sdk) changeGateway() {
	t, ctx := s.t, s.t.Context()
	same(t, "UpdateVpcLink", fields{"Name": "sdk-2", "VpcLinkId": s.link}, ok[*gw.UpdateVpcLinkOutput](t)(s.gw.UpdateVpcLink(ctx, &gw.UpdateVpcLinkInput{VpcLinkId: &s.link, Name: aws.String("sdk-2")})))
	api := &gw.UpdateApiInput{ApiId: &s.api, Description: aws.String("new"), CorsConfiguration: &gwtypes.Cors{AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"GET"}, MaxAge: aws.Int32(5)}}
	same(t, "UpdateApi", api, ok[*gw.UpdateApiOutput](t)(s.gw.UpdateApi(ctx, api)))
	integrate := &gw.UpdateIntegrationInput{ApiId: &s.api, IntegrationId: &s.integration, TimeoutInMillis: aws.Int32(9000), RequestParameters: map[string]string{"overwrite:path": "/v2$request.path"}}
	same(t, "UpdateIntegration", integrate, ok[*gw.UpdateIntegrationOutput](t)(s.gw.UpdateIntegration(ctx, integrate)), "ApiId")
	route := &gw.UpdateRouteInput{ApiId: &s.api, RouteId: &s.route, RouteKey: aws.String("$default")}
	same(t, "UpdateRoute", route, ok[*gw.UpdateRouteOutput](t)(s.gw.UpdateRoute(ctx, route)), "ApiId")
	stage := &gw.UpdateStageInput{ApiId: &s.api, StageName: aws.String("$default"), StageVariables: map[string]string{"team": "blue"},
		DefaultRouteSettings: &gwtypes.RouteSettings{ThrottlingBurstLimit: aws.Int32(7), ThrottlingRateLimit: aws.Float64(3)}}
	same(t, "UpdateStage", stage, ok[*gw.UpdateStageOutput](t)(s.gw.UpdateStage(ctx, stage)), "ApiId")
	for arn, before := range map[string]map[string]string{"/vpclinks/" + s.link: {"k": "v", "Name": "ünï"}, "/apis/" + s.api: {"k": "v", "Name": "ünï"}, "/apis/" + s.api + "/stages/$default": {"k": "v"}} {
		arn = "arn:aws:apigateway:" + region + "::" + arn
		ok[*gw.TagResourceOutput](t)(s.gw.TagResource(ctx, &gw.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a/b": "c d"}}))
		ok[*gw.UntagResourceOutput](t)(s.gw.UntagResource(ctx, &gw.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"k", "never"}}))
		want := maps.Clone(before)
		delete(want, "k")
		want["a/b"] = "c d"
		if got := ok[*gw.GetTagsOutput](t)(s.gw.GetTags(ctx, &gw.GetTagsInput{ResourceArn: &arn})).Tags; !maps.Equal(got, want) {
			t.Errorf("tags of %s: %v, want %v", arn, got, want)
		}
	}
}

// changeInstance stops and starts the instance, which keeps its address, and
// changes its tags and what can be changed while it stands.
func (s *sdk) changeInstance() {
	t, ctx := s.t, s.t.Context()
	read := func() types.Instance {
		return ok[*ec2.DescribeInstancesOutput](t)(s.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{s.instance}})).Reservations[0].Instances[0]
	}
	before := read()
	stopped := ok[*ec2.StopInstancesOutput](t)(s.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{s.instance}}))
	same(t, "StopInstances", fields{"InstanceId": s.instance, "PreviousState": fields{"Code": 16, "Name": "running"}, "CurrentState": fields{"Code": 80, "Name": "stopped"}}, stopped.StoppingInstances[0])
	same(t, "a stopped instance", fields{"State": fields{"Code": 80, "Name": "stopped"}, "StateReason": fields{"Code": "Client.UserInitiatedShutdown"}, "PrivateIpAddress": *before.PrivateIpAddress}, read())
	health := ok[*elb.DescribeTargetHealthOutput](t)(s.elb.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &s.targetGroup}))
	same(t, "a stopped target", fields{"State": "unused", "Reason": "Target.InvalidState"}, health.TargetHealthDescriptions[0].TargetHealth)
	ok[*ec2.ModifyInstanceAttributeOutput](t)(s.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &s.instance, InstanceType: &types.AttributeValue{Value: aws.String("t3.small")}}))
	started := ok[*ec2.StartInstancesOutput](t)(s.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{s.instance}}))
	same(t, "StartInstances", fields{"InstanceId": s.instance, "PreviousState": fields{"Code": 80, "Name": "stopped"}, "CurrentState": fields{"Code": 16, "Name": "running"}}, started.StartingInstances[0])
	after := read()
	same(t, "a started instance", fields{"State": fields{"Code": 16, "Name": "running"}, "InstanceType": "t3.small", "PrivateIpAddress": *before.PrivateIpAddress,
		"NetworkInterfaces": []fields{{"NetworkInterfaceId": *before.NetworkInterfaces[0].NetworkInterfaceId}}}, after)
	if after.StateReason != nil || !after.LaunchTime.After(*before.LaunchTime) {
		t.Errorf("started again: reason %v, launched at %s and before at %s", after.StateReason, after.LaunchTime, before.LaunchTime)
	}
	status := ok[*ec2.DescribeInstanceStatusOutput](t)(s.ec2.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{s.instance}}))
	same(t, "DescribeInstanceStatus", fields{"InstanceId": s.instance, "InstanceStatus": fields{"Status": "ok"}}, status.InstanceStatuses[0])
	s.retagInstance()
}

func (s *sdk) retagInstance() {
	t, ctx := s.t, s.t.Context()
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	ok[*ec2.CreateTagsOutput](t)(s.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{s.instance, s.appGroup}, Tags: []types.Tag{tag("Name", "new"), tag("a", "1"), tag("b", "2"), tag("c", "")}}))
	// A key goes whatever its value, unless a value is named and is another.
	ok[*ec2.DeleteTagsOutput](t)(s.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{s.instance, s.appGroup}, Tags: []types.Tag{{Key: aws.String("a")}, tag("b", "3"), tag("c", "")}}))
	for _, id := range []string{s.instance, s.appGroup} {
		tags := ok[*ec2.DescribeTagsOutput](t)(s.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("resource-id"), Values: []string{id}}}})).Tags
		same(t, "tags of "+id, []fields{{"Key": "Name", "Value": "new"}, {"Key": "b", "Value": "2"}}, tags)
	}
}
