package awssim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

// What was made is read back the same, one by one and in lists.
func TestGateway_Reads(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	ctx := t.Context()
	n := ok[*apigatewayv2.GetIntegrationOutput](t)(c.api.GetIntegration(ctx, &apigatewayv2.GetIntegrationInput{ApiId: &c.apiID, IntegrationId: &c.integration}))
	if n.IntegrationType != "HTTP_PROXY" || n.ConnectionType != "VPC_LINK" || *n.ConnectionId != c.link || *n.IntegrationUri != c.listener ||
		*n.IntegrationMethod != "ANY" || *n.PayloadFormatVersion != "1.0" || *n.TimeoutInMillis != 30000 {
		t.Errorf("integration %+v", n)
	}
	r := ok[*apigatewayv2.GetRouteOutput](t)(c.api.GetRoute(ctx, &apigatewayv2.GetRouteInput{ApiId: &c.apiID, RouteId: &c.route}))
	if *r.RouteKey != "ANY /{proxy+}" || *r.Target != "integrations/"+c.integration || r.AuthorizationType != "NONE" {
		t.Errorf("route %+v", r)
	}
	a := ok[*apigatewayv2.GetApiOutput](t)(c.api.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &c.apiID}))
	if *a.ApiEndpoint != c.invokeURL || a.ProtocolType != "HTTP" || *a.RouteSelectionExpression != "$request.method $request.path" {
		t.Errorf("api %+v", a)
	}
	s := ok[*apigatewayv2.GetStageOutput](t)(c.api.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &c.apiID, StageName: aws.String("$default")}))
	d := ok[*apigatewayv2.GetDeploymentOutput](t)(c.api.GetDeployment(ctx, &apigatewayv2.GetDeploymentInput{ApiId: &c.apiID, DeploymentId: s.DeploymentId}))
	if d.DeploymentStatus != "DEPLOYED" || !*d.AutoDeployed {
		t.Errorf("deployment %+v", d)
	}
	for name, n := range map[string]int{
		"apis":         len(ok[*apigatewayv2.GetApisOutput](t)(c.api.GetApis(ctx, &apigatewayv2.GetApisInput{})).Items),
		"integrations": len(ok[*apigatewayv2.GetIntegrationsOutput](t)(c.api.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: &c.apiID})).Items),
		"routes":       len(ok[*apigatewayv2.GetRoutesOutput](t)(c.api.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &c.apiID})).Items),
		"stages":       len(ok[*apigatewayv2.GetStagesOutput](t)(c.api.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: &c.apiID})).Items),
		"deployments":  len(ok[*apigatewayv2.GetDeploymentsOutput](t)(c.api.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: &c.apiID})).Items),
	} {
		if n != 1 {
			t.Errorf("%d %s, want 1", n, name)
		}
	}
}

func TestGateway_UpdateStage(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	ctx := t.Context()
	in := &apigatewayv2.UpdateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"), Description: aws.String("d"), StageVariables: map[string]string{"v": "1"},
		DefaultRouteSettings: &apitypes.RouteSettings{ThrottlingBurstLimit: aws.Int32(5)}, AccessLogSettings: &apitypes.AccessLogSettings{Format: aws.String("$context.requestId")}}
	ok[*apigatewayv2.UpdateStageOutput](t)(c.api.UpdateStage(ctx, in))
	s := ok[*apigatewayv2.GetStageOutput](t)(c.api.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &c.apiID, StageName: aws.String("$default")}))
	if *s.Description != "d" || s.StageVariables["v"] != "1" || *s.DefaultRouteSettings.ThrottlingBurstLimit != 5 || *s.AccessLogSettings.Format != "$context.requestId" || !*s.AutoDeploy {
		t.Errorf("stage %+v", s)
	}
	_, err := c.api.UpdateStage(ctx, &apigatewayv2.UpdateStageInput{ApiId: &c.apiID, StageName: aws.String("$default"), DeploymentId: aws.String("zzzzzz")})
	wantCode(t, err, "BadRequestException", "deployment identifier")
}

// Every filter that finds the chain's own things finds exactly them.
func TestEC2_Filters(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	ctx := t.Context()
	one := ok[*ec2.DescribeInstancesOutput](t)(c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{c.instance}})).Reservations[0]
	i := one.Instances[0]
	for name, value := range map[string]string{"instance-id": c.instance, "instance.group-id": c.ec2Group, "group-id": c.ec2Group, "private-ip-address": *i.PrivateIpAddress,
		"private-dns-name": *i.PrivateDnsName, "reservation-id": *one.ReservationId} {
		out := ok[*ec2.DescribeInstancesOutput](t)(c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter(name, value)}}))
		if len(out.Reservations) != 1 || *out.Reservations[0].Instances[0].InstanceId != c.instance {
			t.Errorf("instances by %s=%s: %+v", name, value, out.Reservations)
		}
	}
	for name, value := range map[string]string{"vpc-id": c.VPCID, "subnet-id": c.SubnetIDs[0], "availability-zone": "ap-northeast-1a", "image-id": imageX86,
		"instance-type": "t3.micro", "instance-state-code": "16", "architecture": "x86_64"} {
		out := ok[*ec2.DescribeInstancesOutput](t)(c.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{filter(name, value)}}))
		if len(out.Reservations) != 2 { // test-ec2 as well
			t.Errorf("instances by %s=%s: %d", name, value, len(out.Reservations))
		}
	}
	for name, row := range map[string]struct {
		value string
		want  int
	}{"interface-type": {"api_gateway_managed", 2}, "requester-id": {"amazon-elb", 2}, "requester-managed": {"true", 4}, "attachment.instance-id": {c.instance, 1},
		"group-name": {"test-alb-sg", 2}, "subnet-id": {c.SubnetIDs[1], 2}, "availability-zone": {"ap-northeast-1c", 2}, "status": {"in-use", 6},
		"private-ip-address": {"10.0.10.148", 1}, "vpc-id": {c.VPCID, 6}} {
		out := ok[*ec2.DescribeNetworkInterfacesOutput](t)(c.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter(name, row.value)}}))
		if len(out.NetworkInterfaces) != row.want {
			t.Errorf("interfaces by %s=%s: %d, want %d", name, row.value, len(out.NetworkInterfaces), row.want)
		}
	}
	for name, row := range map[string]struct {
		value string
		want  int
	}{"ip-permission.group-id": {c.linkGroup, 1}, "group-name": {"test-*", 4}, "description": {"test", 3}, "group-id": {c.albGroup, 1}} {
		out := ok[*ec2.DescribeSecurityGroupsOutput](t)(c.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{filter(name, row.value)}}))
		if len(out.SecurityGroups) != row.want {
			t.Errorf("groups by %s=%s: %d, want %d", name, row.value, len(out.SecurityGroups), row.want)
		}
	}
}

// A launch's tags reach its volume and its interface, which are found by them.
func TestEC2_VolumesAndInterfacesOfALaunch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	var specs []types.TagSpecification
	for _, kind := range []types.ResourceType{"instance", "volume", "network-interface"} {
		specs = append(specs, types.TagSpecification{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String(string(kind))}}})
	}
	id := w.launch(w.group("g"), func(in *ec2.RunInstancesInput) {
		in.TagSpecifications = specs
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{Encrypted: aws.Bool(true), VolumeSize: aws.Int32(9)}}}
	})
	volumes := func() []types.Volume {
		return ok[*ec2.DescribeVolumesOutput](t)(w.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("tag:owner", "volume")}})).Volumes
	}
	v := volumes()
	if len(v) != 1 || !*v[0].Encrypted || *v[0].Size != 9 || *v[0].Attachments[0].InstanceId != id {
		t.Fatalf("volumes %+v", v)
	}
	nics := ok[*ec2.DescribeNetworkInterfacesOutput](t)(w.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter("tag:owner", "network-interface")}}))
	if len(nics.NetworkInterfaces) != 1 || *nics.NetworkInterfaces[0].Attachment.InstanceId != id {
		t.Errorf("interfaces %+v", nics.NetworkInterfaces)
	}
	tags := ok[*ec2.DescribeTagsOutput](t)(w.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-type", "volume")}})).Tags
	if len(tags) != 1 || *tags[0].ResourceId != *v[0].VolumeId {
		t.Errorf("tags %+v", tags)
	}
	ok[*ec2.TerminateInstancesOutput](t)(w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	if v := volumes(); len(v) != 0 {
		t.Errorf("volumes of a terminated instance %+v", v)
	}
}

// What a launch says shall outlive its instance does, and can be deleted then;
// the address of an instance is free again.
func TestEC2_WhatOutlivesAnInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	n, ctx := w.network(), t.Context()
	before := w.sim.Snapshot()
	if err := n.attach(); err != nil {
		t.Fatal(err)
	}
	disk := func(device string, size int32, keep bool) types.BlockDeviceMapping {
		return types.BlockDeviceMapping{DeviceName: &device, Ebs: &types.EbsBlockDevice{VolumeSize: &size, DeleteOnTermination: aws.Bool(!keep)}}
	}
	out := ok[*ec2.RunInstancesOutput](t)(w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		BlockDeviceMappings: []types.BlockDeviceMapping{disk("/dev/xvda", 9, true), disk("/dev/sdf", 20, true), disk("/dev/sdg", 30, false)},
		NetworkInterfaces:   []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), SubnetId: &n.subnet, PrivateIpAddress: aws.String("10.1.0.77"), DeleteOnTermination: aws.Bool(false)}}}))
	i := out.Instances[0]
	if len(i.BlockDeviceMappings) != 3 || *i.PrivateIpAddress != "10.1.0.77" {
		t.Errorf("launched: %+v, address %s", i.BlockDeviceMappings, *i.PrivateIpAddress)
	}
	nic := i.NetworkInterfaces[0].NetworkInterfaceId
	held := *ok[*ec2.AssociateAddressOutput](t)(w.ec2.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: &n.eip, InstanceId: i.InstanceId})).AssociationId
	public := func() string {
		read := ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{*i.InstanceId}})).Reservations[0].Instances[0]
		return aws.ToString(read.PublicIpAddress)
	}
	if ip := public(); ip == "" {
		t.Error("the instance does not show its address")
	}
	_, err := w.ec2.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: &n.eip})
	wantCode(t, err, "InvalidIPAddress.InUse", "")
	ok[*ec2.DisassociateAddressOutput](t)(w.ec2.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &held}))
	if ip := public(); ip != "" {
		t.Errorf("the instance shows %s still", ip)
	}
	ok[*ec2.AssociateAddressOutput](t)(w.ec2.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: &n.eip, NetworkInterfaceId: nic}))
	for _, m := range i.BlockDeviceMappings {
		_, err := w.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: m.Ebs.VolumeId})
		wantCode(t, err, "VolumeInUse", *i.InstanceId)
	}
	_, err = w.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: nic})
	wantCode(t, err, "InvalidParameterValue", "in use")

	ok[*ec2.TerminateInstancesOutput](t)(w.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*i.InstanceId}}))
	left := ok[*ec2.DescribeVolumesOutput](t)(w.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{filter("status", "available")}})).Volumes
	var sizes int32
	for _, v := range left {
		sizes += *v.Size
		ok[*ec2.DeleteVolumeOutput](t)(w.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: v.VolumeId}))
	}
	if len(left) != 2 || sizes != 29 {
		t.Errorf("volumes that are left: %+v", left)
	}
	e := ok[*ec2.DescribeNetworkInterfacesOutput](t)(w.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{*nic}})).NetworkInterfaces[0]
	if e.Status != "available" || e.Attachment != nil {
		t.Errorf("the interface that is left: %+v", e)
	}
	ok[*ec2.DeleteNetworkInterfaceOutput](t)(w.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: nic}))
	address := ok[*ec2.DescribeAddressesOutput](t)(w.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{n.eip}})).Addresses[0]
	if address.AssociationId != nil {
		t.Errorf("the address is held still: %+v", address)
	}
	ok[*ec2.DetachInternetGatewayOutput](t)(w.ec2.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: &n.igw, VpcId: &n.vpc}))
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("left behind: %+v\nbefore: %+v", after, before)
	}
}

// A launch that asks for what there is not is refused, as on AWS.
func TestEC2_LaunchRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	ctx := t.Context()
	for _, row := range []struct {
		code   string
		change func(*ec2.RunInstancesInput)
	}{
		{"InvalidKeyPair.NotFound", func(in *ec2.RunInstancesInput) { in.KeyName = aws.String("mine") }},
		{"InvalidParameterValue", func(in *ec2.RunInstancesInput) {
			in.Placement = &types.Placement{AvailabilityZone: aws.String("ap-northeast-1d")}
		}},
		{"Unsupported", func(in *ec2.RunInstancesInput) {
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: "spot"}
		}},
		{"InvalidIPAddress.InUse", func(in *ec2.RunInstancesInput) { in.PrivateIpAddress = aws.String("10.0.10.148") }},
		{"InvalidParameterValue", func(in *ec2.RunInstancesInput) { in.PrivateIpAddress = aws.String("10.0.0.3") }},
		{"InvalidParameterValue", func(in *ec2.RunInstancesInput) { in.PrivateIpAddress = aws.String("10.0.16.9") }},
		{"InvalidParameterCombination", func(in *ec2.RunInstancesInput) {
			in.PrivateIpAddress, in.MaxCount = aws.String("10.0.0.77"), aws.Int32(2)
		}},
		{"InvalidParameterCombination", func(in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), SubnetId: &w.SubnetIDs[0]}}
		}},
		{"InvalidParameterValue", func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(1), VolumeType: "gp9"}}}
		}},
		{"MissingParameter", func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{}}}
		}},
	} {
		in := &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &w.SubnetIDs[0]}
		row.change(in)
		_, err := w.ec2.RunInstances(ctx, in)
		wantCode(t, err, row.code, "")
	}
}
