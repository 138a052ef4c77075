package clients

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gwtypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/awssim"
	"drawbridge/internal/conformance/operations"
)

const secret = "the-secret"

// sdk is the Go SDK's clients and what the test has made with them.
type sdk struct {
	t *testing.T
	*simulator
	ec2 *ec2.Client
	elb *elb.Client
	gw  *gw.Client
	ssm *ssm.Client
	sts *sts.Client

	image, linkGroup, appGroup, instance    string
	targetGroup, balancer, listener         string
	link, api, integration, route, endpoint string
}

func newSDK(t *testing.T) *sdk {
	t.Helper()
	s := simulate(t, awssim.Options{Secret: secret})
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	cfg := aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKID", secret, ""), BaseEndpoint: &s.url,
		HTTPClient: awsapi.PlainBodies(&http.Client{Transport: tr}), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	return &sdk{t: t, simulator: s, ec2: ec2.NewFromConfig(cfg), elb: elb.NewFromConfig(cfg), gw: gw.NewFromConfig(cfg),
		ssm: ssm.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg)}
}

// ok fails the test on an error and passes the value through.
func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestGoSDK makes, reads, changes and deletes with every operation that the
// panel uses. What was sent must come back, field by field, and what an answer
// to a create says a later read must say too.
func TestGoSDK(t *testing.T) {
	t.Parallel()
	s := newSDK(t)
	before := s.Snapshot()
	s.facts()
	s.network()
	s.launch()
	s.balance()
	s.open()
	s.publish()
	s.changeBalance()
	s.changeGateway()
	s.changeInstance()
	s.destroy()
	if after := s.Snapshot(); after != before {
		t.Errorf("left behind: %+v", after)
	}
	s.everyOperation()
	operations.Check(t, "Go SDK", s.Calls())
}

var (
	calledBy  = regexp.MustCompile(`\.(?:EC2|ELB|API|SSM|STS)\.([A-Z]\w+)\(`)
	paginated = regexp.MustCompile(`\bNew(\w+)Paginator\(`)
)

// everyOperation compares the operations in the panel's sources with the log
// of what this test has called.
func (s *sdk) everyOperation() {
	s.t.Helper()
	called := map[string]bool{}
	for _, c := range s.Calls() {
		called[c.Operation] = true
	}
	var used []string
	for _, dir := range []string{"../../awsapi", "../../provision/kinds"} {
		for _, path := range ok[[]string](s.t)(filepath.Glob(filepath.Join(dir, "*.go"))) {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			source := string(ok[[]byte](s.t)(os.ReadFile(path)))
			for _, m := range slices.Concat(calledBy.FindAllStringSubmatch(source, -1), paginated.FindAllStringSubmatch(source, -1)) {
				used = append(used, m[1])
			}
		}
	}
	slices.Sort(used)
	used = slices.Compact(used)
	if len(used) < 40 {
		s.t.Fatalf("found only %v in the sources", used)
	}
	for _, op := range used {
		if !called[op] {
			s.t.Errorf("the panel uses %s, this test does not", op)
		}
	}
	s.t.Logf("%d operations of the panel: %s", len(used), strings.Join(used, " "))
}

func (s *sdk) facts() {
	t, ctx := s.t, s.t.Context()
	who := ok[*sts.GetCallerIdentityOutput](t)(s.sts.GetCallerIdentity(ctx, nil))
	same(t, "GetCallerIdentity", fields{"Account": "000000000000", "Arn": "arn:aws:iam::000000000000:user/local", "UserId": *who.UserId}, who)
	name := "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
	p := ok[*ssm.GetParameterOutput](t)(s.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &name}))
	s.image = *p.Parameter.Value
	same(t, "GetParameter", fields{"Name": name, "Type": "String", "Version": 1, "DataType": "aws:ec2:image", "ARN": "arn:aws:ssm:" + region + "::parameter" + name}, p.Parameter)
	images := ok[*ec2.DescribeImagesOutput](t)(s.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{s.image}}))
	same(t, "DescribeImages", fields{"ImageId": s.image, "Architecture": "x86_64", "State": "available", "RootDeviceName": "/dev/xvda"}, images.Images[0])
	vpcs := ok[*ec2.DescribeVpcsOutput](t)(s.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{s.VPCID}}))
	same(t, "DescribeVpcs", fields{"VpcId": s.VPCID, "CidrBlock": "10.0.0.0/16", "IsDefault": false, "State": "available"}, vpcs.Vpcs[0])
	subnets := ok[*ec2.DescribeSubnetsOutput](t)(s.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: s.SubnetIDs[:1]}))
	same(t, "DescribeSubnets", fields{"SubnetId": s.SubnetIDs[0], "VpcId": s.VPCID, "CidrBlock": "10.0.0.0/20", "AvailabilityZone": region + "a", "AvailabilityZoneId": "apne1-az4",
		"MapPublicIpOnLaunch": false}, subnets.Subnets[0])
}

func tagged(kind types.ResourceType, name string) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("Name"), Value: &name}}}}
}

func (s *sdk) network() {
	t, ctx := s.t, s.t.Context()
	group := func(name string) string {
		in := &ec2.CreateSecurityGroupInput{GroupName: &name, Description: aws.String("of " + name), VpcId: &s.VPCID, TagSpecifications: tagged("security-group", name)}
		made := ok[*ec2.CreateSecurityGroupOutput](t)(s.ec2.CreateSecurityGroup(ctx, in))
		read := ok[*ec2.DescribeSecurityGroupsOutput](t)(s.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*made.GroupId}}))
		same(t, "DescribeSecurityGroups", in, read.SecurityGroups[0], "TagSpecifications")
		same(t, "CreateSecurityGroup", made, read.SecurityGroups[0])
		same(t, "tags of a group", in.TagSpecifications[0].Tags, made.Tags)
		return *made.GroupId
	}
	s.linkGroup, s.appGroup = group("sdk-link"), group("sdk-app")
	in := &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &s.appGroup, TagSpecifications: tagged("security-group-rule", "r"), IpPermissions: []types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(8000), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &s.linkGroup, Description: aws.String("why")}}}}}
	made := ok[*ec2.AuthorizeSecurityGroupIngressOutput](t)(s.ec2.AuthorizeSecurityGroupIngress(ctx, in)).SecurityGroupRules[0]
	same(t, "AuthorizeSecurityGroupIngress", fields{"GroupId": s.appGroup, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 8000, "IsEgress": false, "Description": "why",
		"Tags": in.TagSpecifications[0].Tags}, made)
	rules := ok[*ec2.DescribeSecurityGroupRulesOutput](t)(s.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{*made.SecurityGroupRuleId}}))
	same(t, "DescribeSecurityGroupRules", made, rules.SecurityGroupRules[0])
	groups := ok[*ec2.DescribeSecurityGroupsOutput](t)(s.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{s.appGroup}}))
	same(t, "IpPermissions", in.IpPermissions, groups.SecurityGroups[0].IpPermissions)
}

func (s *sdk) launch() {
	t, ctx := s.t, s.t.Context()
	in := &ec2.RunInstancesInput{ImageId: &s.image, InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &s.SubnetIDs[0],
		SecurityGroupIds: []string{s.appGroup}, ClientToken: aws.String("sdk-1"), TagSpecifications: append(tagged("instance", "sdk"), tagged("volume", "sdk")...),
		MetadataOptions: &types.InstanceMetadataOptionsRequest{HttpTokens: "required", HttpEndpoint: "enabled", HttpPutResponseHopLimit: aws.Int32(1)},
		BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeType: "gp3", VolumeSize: aws.Int32(12),
			Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true)}}}}
	made := ok[*ec2.RunInstancesOutput](t)(s.ec2.RunInstances(ctx, in)).Instances[0]
	s.instance = *made.InstanceId
	read := ok[*ec2.DescribeInstancesOutput](t)(s.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{s.instance}})).Reservations[0].Instances[0]
	same(t, "DescribeInstances", in, read, "TagSpecifications", "MinCount", "MaxCount", "SecurityGroupIds", "BlockDeviceMappings")
	same(t, "RunInstances", made, read, "State")
	same(t, "instance", fields{"Tags": in.TagSpecifications[0].Tags, "SecurityGroups": []fields{{"GroupId": s.appGroup, "GroupName": "sdk-app"}}}, read)
	volume := fields{"VolumeType": "gp3", "Size": 12, "Encrypted": true, "Tags": in.TagSpecifications[1].Tags, "State": "in-use"}
	volumes := ok[*ec2.DescribeVolumesOutput](t)(s.ec2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{*read.BlockDeviceMappings[0].Ebs.VolumeId}}))
	same(t, "DescribeVolumes", volume, volumes.Volumes[0])
	_, err := s.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: volumes.Volumes[0].VolumeId})
	refused(t, err, "VolumeInUse")
	nics := ok[*ec2.DescribeNetworkInterfacesOutput](t)(s.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{s.appGroup}}}}))
	same(t, "DescribeNetworkInterfaces", fields{"NetworkInterfaceId": *read.NetworkInterfaces[0].NetworkInterfaceId, "PrivateIpAddress": *read.PrivateIpAddress,
		"Attachment": fields{"InstanceId": s.instance}}, nics.NetworkInterfaces[0])
	_, err = s.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: nics.NetworkInterfaces[0].NetworkInterfaceId})
	refused(t, err, "InvalidParameterValue")
	tags := ok[*ec2.DescribeTagsOutput](t)(s.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("resource-id"), Values: []string{s.instance}}}}))
	same(t, "DescribeTags", fields{"Key": "Name", "Value": "sdk", "ResourceId": s.instance, "ResourceType": "instance"}, tags.Tags[0])
}

// refused wants AWS to refuse with the code.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func (s *sdk) balance() {
	t, ctx := s.t, s.t.Context()
	tags := []elbtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
	group := &elb.CreateTargetGroupInput{Name: aws.String("sdk-tg"), Protocol: "HTTP", Port: aws.Int32(8000), VpcId: &s.VPCID, TargetType: "instance", HealthCheckPath: aws.String("/health"),
		HealthCheckProtocol: "HTTP", HealthCheckPort: aws.String("traffic-port"), HealthCheckIntervalSeconds: aws.Int32(7), HealthCheckTimeoutSeconds: aws.Int32(3),
		HealthyThresholdCount: aws.Int32(4), UnhealthyThresholdCount: aws.Int32(3), Matcher: &elbtypes.Matcher{HttpCode: aws.String("200-299")}, Tags: tags}
	tg := ok[*elb.CreateTargetGroupOutput](t)(s.elb.CreateTargetGroup(ctx, group)).TargetGroups[0]
	same(t, "CreateTargetGroup", group, tg, "Name", "Tags")
	s.targetGroup = *tg.TargetGroupArn
	targets := []elbtypes.TargetDescription{{Id: &s.instance, Port: aws.Int32(8000)}}
	ok[*elb.RegisterTargetsOutput](t)(s.elb.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: &s.targetGroup, Targets: targets}))
	in := &elb.CreateLoadBalancerInput{Name: aws.String("sdk-alb"), Scheme: "internal", Type: "application", IpAddressType: "ipv4", Subnets: s.SubnetIDs, SecurityGroups: []string{s.linkGroup}, Tags: tags}
	made := ok[*elb.CreateLoadBalancerOutput](t)(s.elb.CreateLoadBalancer(ctx, in)).LoadBalancers[0]
	same(t, "CreateLoadBalancer", in, made, "Name", "Subnets", "Tags")
	s.balancer = *made.LoadBalancerArn
	read := ok[*elb.DescribeLoadBalancersOutput](t)(s.elb.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{"sdk-alb"}}))
	same(t, "DescribeLoadBalancers", made, read.LoadBalancers[0])
	listen := &elb.CreateListenerInput{LoadBalancerArn: &s.balancer, Protocol: "HTTP", Port: aws.Int32(80), Tags: tags,
		DefaultActions: []elbtypes.Action{{Type: "forward", TargetGroupArn: &s.targetGroup}}}
	l := ok[*elb.CreateListenerOutput](t)(s.elb.CreateListener(ctx, listen)).Listeners[0]
	same(t, "CreateListener", listen, l, "Tags")
	s.listener = *l.ListenerArn
	listeners := ok[*elb.DescribeListenersOutput](t)(s.elb.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &s.balancer}))
	same(t, "DescribeListeners", l, listeners.Listeners[0])
	groups := ok[*elb.DescribeTargetGroupsOutput](t)(s.elb.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{"sdk-tg"}}))
	same(t, "DescribeTargetGroups", tg, groups.TargetGroups[0], "LoadBalancerArns")
	same(t, "LoadBalancerArns", []string{s.balancer}, groups.TargetGroups[0].LoadBalancerArns)
	all := ok[*elb.DescribeTagsOutput](t)(s.elb.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{s.balancer, s.targetGroup, s.listener}}))
	for _, d := range all.TagDescriptions {
		same(t, "DescribeTags of "+*d.ResourceArn, tags, d.Tags)
	}
	waiter := elb.NewTargetInServiceWaiter(s.elb, func(o *elb.TargetInServiceWaiterOptions) {
		o.MinDelay = 10 * time.Millisecond
		o.MaxDelay = 50 * time.Millisecond
	})
	health, err := waiter.WaitForOutput(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &s.targetGroup, Targets: targets}, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "DescribeTargetHealth", fields{"Target": targets[0], "HealthCheckPort": "8000", "TargetHealth": fields{"State": "healthy"}}, health.TargetHealthDescriptions[0])
}

func (s *sdk) open() {
	t, ctx := s.t, s.t.Context()
	tags := map[string]string{"k": "v", "Name": "ünï"}
	in := &gw.CreateVpcLinkInput{Name: aws.String("sdk"), SubnetIds: s.SubnetIDs, SecurityGroupIds: []string{s.linkGroup}, Tags: tags}
	made := ok[*gw.CreateVpcLinkOutput](t)(s.gw.CreateVpcLink(ctx, in))
	same(t, "CreateVpcLink", in, made)
	s.link = *made.VpcLinkId
	same(t, "GetVpcLink", made, ok[*gw.GetVpcLinkOutput](t)(s.gw.GetVpcLink(ctx, &gw.GetVpcLinkInput{VpcLinkId: &s.link})))
	same(t, "GetVpcLinks", made, ok[*gw.GetVpcLinksOutput](t)(s.gw.GetVpcLinks(ctx, nil)).Items[0])
	create := &gw.CreateApiInput{Name: aws.String("sdk"), ProtocolType: "HTTP", Description: aws.String("d"), Tags: tags}
	api := ok[*gw.CreateApiOutput](t)(s.gw.CreateApi(ctx, create))
	same(t, "CreateApi", create, api)
	s.api, s.endpoint = *api.ApiId, *api.ApiEndpoint
	same(t, "GetApi", api, ok[*gw.GetApiOutput](t)(s.gw.GetApi(ctx, &gw.GetApiInput{ApiId: &s.api})))
	same(t, "GetApis", api, ok[*gw.GetApisOutput](t)(s.gw.GetApis(ctx, nil)).Items[0])
}

func (s *sdk) publish() {
	t, ctx := s.t, s.t.Context()
	integrate := &gw.CreateIntegrationInput{ApiId: &s.api, IntegrationType: gwtypes.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"), ConnectionType: "VPC_LINK",
		ConnectionId: &s.link, IntegrationUri: &s.listener, PayloadFormatVersion: aws.String("1.0"), TimeoutInMillis: aws.Int32(20000), Description: aws.String("d"),
		RequestParameters: map[string]string{"overwrite:path": "$request.path"}}
	n := ok[*gw.CreateIntegrationOutput](t)(s.gw.CreateIntegration(ctx, integrate))
	same(t, "CreateIntegration", integrate, n, "ApiId")
	s.integration = *n.IntegrationId
	same(t, "GetIntegrations", n, ok[*gw.GetIntegrationsOutput](t)(s.gw.GetIntegrations(ctx, &gw.GetIntegrationsInput{ApiId: &s.api})).Items[0])
	route := &gw.CreateRouteInput{ApiId: &s.api, RouteKey: aws.String("ANY /{proxy+}"), Target: aws.String("integrations/" + s.integration), AuthorizationType: "NONE"}
	r := ok[*gw.CreateRouteOutput](t)(s.gw.CreateRoute(ctx, route))
	same(t, "CreateRoute", route, r, "ApiId")
	s.route = *r.RouteId
	same(t, "GetRoutes", r, ok[*gw.GetRoutesOutput](t)(s.gw.GetRoutes(ctx, &gw.GetRoutesInput{ApiId: &s.api})).Items[0])
	stage := &gw.CreateStageInput{ApiId: &s.api, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true), Tags: map[string]string{"k": "v"}}
	st := ok[*gw.CreateStageOutput](t)(s.gw.CreateStage(ctx, stage))
	same(t, "CreateStage", stage, st, "ApiId")
	same(t, "GetStage", st, ok[*gw.GetStageOutput](t)(s.gw.GetStage(ctx, &gw.GetStageInput{ApiId: &s.api, StageName: aws.String("$default")})))
}

// destroy deletes in AWS's order.
func (s *sdk) destroy() {
	t, ctx := s.t, s.t.Context()
	ok[*gw.DeleteRouteOutput](t)(s.gw.DeleteRoute(ctx, &gw.DeleteRouteInput{ApiId: &s.api, RouteId: &s.route}))
	ok[*gw.DeleteIntegrationOutput](t)(s.gw.DeleteIntegration(ctx, &gw.DeleteIntegrationInput{ApiId: &s.api, IntegrationId: &s.integration}))
	ok[*gw.DeleteStageOutput](t)(s.gw.DeleteStage(ctx, &gw.DeleteStageInput{ApiId: &s.api, StageName: aws.String("$default")}))
	ok[*gw.DeleteApiOutput](t)(s.gw.DeleteApi(ctx, &gw.DeleteApiInput{ApiId: &s.api}))
	ok[*gw.DeleteVpcLinkOutput](t)(s.gw.DeleteVpcLink(ctx, &gw.DeleteVpcLinkInput{VpcLinkId: &s.link}))
	ok[*elb.DeleteListenerOutput](t)(s.elb.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: &s.listener}))
	ok[*elb.DeleteLoadBalancerOutput](t)(s.elb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: &s.balancer}))
	ok[*elb.DeregisterTargetsOutput](t)(s.elb.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &s.targetGroup, Targets: []elbtypes.TargetDescription{{Id: &s.instance}}}))
	ok[*elb.DeleteTargetGroupOutput](t)(s.elb.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: &s.targetGroup}))
	gone := ok[*ec2.TerminateInstancesOutput](t)(s.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{s.instance}}))
	same(t, "TerminateInstances", fields{"InstanceId": s.instance, "PreviousState": fields{"Code": 16, "Name": "running"}}, gone.TerminatingInstances[0])
	revoke := &ec2.RevokeSecurityGroupIngressInput{GroupId: &s.appGroup, IpPermissions: []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(8000),
		UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &s.linkGroup}}}}}
	same(t, "RevokeSecurityGroupIngress", fields{"Return": true}, ok[*ec2.RevokeSecurityGroupIngressOutput](t)(s.ec2.RevokeSecurityGroupIngress(ctx, revoke)))
	out := &ec2.RevokeSecurityGroupEgressInput{GroupId: &s.appGroup, IpPermissions: []types.IpPermission{{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}}
	same(t, "RevokeSecurityGroupEgress", fields{"Return": true}, ok[*ec2.RevokeSecurityGroupEgressOutput](t)(s.ec2.RevokeSecurityGroupEgress(ctx, out)))
	for _, id := range []string{s.linkGroup, s.appGroup} {
		same(t, "DeleteSecurityGroup", fields{"GroupId": id}, ok[*ec2.DeleteSecurityGroupOutput](t)(s.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &id})))
	}
}
