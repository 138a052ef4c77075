package awssim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"drawbridge/internal/awssim"
)

// refusedAfter calls until it is refused and returns how many calls went well.
func refusedAfter(t *testing.T, limit int, call func() error) (int, error) {
	t.Helper()
	for n := range limit {
		if err := call(); err != nil {
			return n, err
		}
	}
	t.Fatalf("%d calls were not throttled", limit)
	return 0, nil
}

// Each bucket holds what AWS documents, and fills as AWS documents. A call that
// is refused for another reason has taken its token.
func TestThrottle(t *testing.T) {
	t.Parallel()
	at := newClock()
	w := newWorld(t, awssim.Options{Now: at.Now, Switches: awssim.Switches{Throttle: true}})
	for _, row := range append(w.ec2Buckets(), w.otherBuckets()...) {
		code := map[string]string{"EC2": "RequestLimitExceeded", "ELB": "ThrottlingException", "API": "TooManyRequestsException"}[row.name[:3]]
		call := func() error {
			var e smithy.APIError
			if err := row.call(t.Context()); errors.As(err, &e) && e.ErrorCode() == code {
				return err
			}
			return nil
		}
		n, err := refusedAfter(t, 200, call)
		wantCode(t, err, code, "")
		if n != row.capacity {
			t.Errorf("%s: %d calls before the refusal, want %d", row.name, n, row.capacity)
		}
		at.advance(row.refill - 10*time.Millisecond)
		if call() == nil {
			t.Errorf("%s: a call passed before its tokens had come back", row.name)
		}
		at.advance(11 * time.Millisecond)
		if n, _ := refusedAfter(t, 10, call); n != 1 {
			t.Errorf("%s: %d calls after one call's tokens came back, want 1", row.name, n)
		}
		at.advance(time.Hour)
	}
	_, err := w.api.CreateVpcLink(t.Context(), &apigatewayv2.CreateVpcLinkInput{Name: aws.String("first"), SubnetIds: w.SubnetIDs})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.api.CreateVpcLink(t.Context(), &apigatewayv2.CreateVpcLinkInput{Name: aws.String("second"), SubnetIds: w.SubnetIDs})
	var many *apitypes.TooManyRequestsException
	if !errors.As(err, &many) || aws.ToString(many.LimitType) == "" {
		t.Errorf("refused with %#v", err)
	}
}

// documentedBucket is a call whose bucket holds enough for some, and gets back
// what one takes in the time.
type documentedBucket struct {
	name     string
	capacity int
	refill   time.Duration
	call     func(context.Context) error
}

// callOf makes a call out of an SDK's method and its input.
func callOf[I, O, F any](method func(context.Context, *I, ...func(*F)) (O, error), in *I) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := method(ctx, in)
		return err
	}
}

const noInstance = "i-0123456789abcdef0"

func (w *world) ec2Buckets() []documentedBucket {
	const ms = time.Millisecond
	launch := func(most int32) *ec2.RunInstancesInput {
		return &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: &most, ImageId: aws.String(imageX86), InstanceType: "t3.micro", SubnetId: &w.SubnetIDs[0], DryRun: aws.Bool(true)}
	}
	end := func(n int) *ec2.TerminateInstancesInput {
		return &ec2.TerminateInstancesInput{InstanceIds: slices.Repeat([]string{noInstance}, n)}
	}
	return []documentedBucket{
		{"EC2 read", 100, 50 * ms, callOf(w.ec2.DescribeVpcs, &ec2.DescribeVpcsInput{})},
		{"EC2 wide read", 50, 100 * ms, callOf(w.ec2.DescribeInstances, &ec2.DescribeInstancesInput{})},
		{"EC2 write", 50, 200 * ms, callOf(w.ec2.CreateVpc, &ec2.CreateVpcInput{CidrBlock: aws.String("x")})},
		{"EC2 ingress", 50, 200 * ms, callOf(w.ec2.AuthorizeSecurityGroupIngress, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String("sg-0123456789abcdef0")})},
		{"EC2 launch", 5, 500 * ms, callOf(w.ec2.RunInstances, launch(1))},
		{"EC2 launch of 500", 2, 250 * time.Second, callOf(w.ec2.RunInstances, launch(500))},
		{"EC2 start", 5, 500 * ms, callOf(w.ec2.StartInstances, &ec2.StartInstancesInput{InstanceIds: []string{noInstance}})},
		{"EC2 terminate", 100, 200 * ms, callOf(w.ec2.TerminateInstances, end(1))},
		{"EC2 terminate 500", 2, 25 * time.Second, callOf(w.ec2.TerminateInstances, end(500))},
		{"EC2 tags", 100, 100 * ms, callOf(w.ec2.CreateTags, &ec2.CreateTagsInput{Resources: []string{noInstance}, Tags: []ec2types.Tag{{Key: aws.String("k")}}})},
		{"EC2 metadata", 100, 200 * ms, callOf(w.ec2.ModifyInstanceMetadataOptions, &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: aws.String(noInstance)})},
		{"EC2 NAT", 10, time.Second, callOf(w.ec2.CreateNatGateway, &ec2.CreateNatGatewayInput{SubnetId: aws.String("subnet-0123456789abcdef0")})},
		{"EC2 endpoint", 4, 3334 * ms, callOf(w.ec2.CreateVpcEndpoint, &ec2.CreateVpcEndpointInput{VpcId: aws.String("vpc-0123456789abcdef0"), ServiceName: aws.String("x")})},
	}
}

func (w *world) otherBuckets() []documentedBucket {
	const ms = time.Millisecond
	arn := aws.String("arn:aws:elasticloadbalancing:x:loadbalancer/app/none/0")
	targets := &elbv2.RegisterTargetsInput{TargetGroupArn: arn, Targets: []elbtypes.TargetDescription{{Id: aws.String(noInstance)}}}
	return []documentedBucket{
		{"ELB read", 40, 100 * ms, callOf(w.elb.DescribeLoadBalancers, &elbv2.DescribeLoadBalancersInput{})},
		{"ELB create", 10, 5 * time.Second, callOf(w.elb.CreateLoadBalancer, &elbv2.CreateLoadBalancerInput{Name: aws.String("-"), Subnets: w.SubnetIDs})},
		{"ELB register", 20, 250 * ms, callOf(w.elb.RegisterTargets, targets)},
		{"ELB write", 20, 334 * ms, callOf(w.elb.DeleteLoadBalancer, &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: arn})},
		{"API all", 40, 100 * ms, callOf(w.api.GetApis, &apigatewayv2.GetApisInput{})},
		{"API link", 1, 15 * time.Second, callOf(w.api.CreateVpcLink, &apigatewayv2.CreateVpcLinkInput{Name: aws.String("l"), SubnetIds: []string{"subnet-0123456789abcdef0"}})},
		{"API link's end", 1, 30 * time.Second, callOf(w.api.DeleteVpcLink, &apigatewayv2.DeleteVpcLinkInput{VpcLinkId: aws.String("zzzzzz")})},
		{"API deployment", 1, 5 * time.Second, callOf(w.api.CreateDeployment, &apigatewayv2.CreateDeploymentInput{ApiId: aws.String("zzzzzzzzzz")})},
	}
}

// What EC2 has just made is not found for a while, by id and in lists.
func TestVisibility(t *testing.T) {
	t.Parallel()
	at := newClock()
	w := newWorld(t, awssim.Options{Now: at.Now, Switches: awssim.Switches{Visibility: 2 * time.Second}})
	ctx := t.Context()
	instance, group := w.launch("sg-05100000000000001"), w.group("new")
	_, err := w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{instance}})
	wantCode(t, err, "InvalidInstanceID.NotFound", instance)
	_, err = w.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: from(group, 80)})
	wantCode(t, err, "InvalidGroup.NotFound", group)
	named := &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{{Name: aws.String("group-name"), Values: []string{"new"}}}}
	if got := ok[*ec2.DescribeSecurityGroupsOutput](t)(w.ec2.DescribeSecurityGroups(ctx, named)).SecurityGroups; len(got) != 0 {
		t.Errorf("the list shows %s already", *got[0].GroupId)
	}
	at.advance(2 * time.Second)
	w.allow(group, group, 80)
	ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{instance}}))
}

// The other services do the same, each with its own code, and the list of
// services can be cut short.
func TestVisibility_EveryService(t *testing.T) {
	t.Parallel()
	at := newClock()
	w := newWorld(t, awssim.Options{Now: at.Now, Switches: awssim.Switches{Visibility: 2 * time.Second}})
	ctx := t.Context()
	tg, alb, link := w.newTargetGroup("tg"), w.newBalancer("alb"), w.newLink("l")
	api := *ok[*apigatewayv2.CreateApiOutput](t)(w.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"})).ApiId
	w.iam("CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", trust)
	w.iam("CreateInstanceProfile", "InstanceProfileName", "r")
	reads := map[string]func() error{
		"TargetGroupNotFound": func() error { return w.register(tg, w.InstanceID) },
		"LoadBalancerNotFound": func() error {
			_, err := w.elb.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{Names: []string{"alb"}})
			return errors.Join(err, w.tagELB(alb))
		},
		"NotFoundException": func() error {
			_, err := w.api.GetVpcLink(ctx, &apigatewayv2.GetVpcLinkInput{VpcLinkId: &link})
			_, other := w.api.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &api, RouteKey: aws.String("GET /")})
			return errors.Join(err, other)
		},
		"InvalidParameterValue": func() error {
			_, err := w.ec2.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
				SubnetId: &w.SubnetIDs[0], IamInstanceProfile: &ec2types.IamInstanceProfileSpecification{Name: aws.String("r")}})
			return err
		},
	}
	for code, read := range reads {
		wantCode(t, read(), code, "")
	}
	if got := w.iam("GetRole", "RoleName", "r"); got.status != 404 || got.text("Code") != "NoSuchEntity" {
		t.Errorf("GetRole: %d %s", got.status, got.text("Code"))
	}
	if all := ok[*apigatewayv2.GetApisOutput](t)(w.api.GetApis(ctx, nil)).Items; len(all) != 0 {
		t.Errorf("GetApis shows %s already", *all[0].ApiId)
	}
	at.advance(2 * time.Second)
	for code, read := range reads {
		if err := read(); err != nil {
			t.Errorf("%s after 2 s: %v", code, err)
		}
	}
	if got := w.iam("GetRole", "RoleName", "r"); got.status != 200 {
		t.Errorf("GetRole after 2 s: %d", got.status)
	}
	if err := w.sim.SetSwitches(awssim.Switches{Visibility: time.Hour, VisibilityOf: []string{"ec2"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.register(w.newTargetGroup("tg2"), w.InstanceID); err != nil {
		t.Errorf("elbv2 is not on the list: %v", err)
	}
}

func (w *world) tagELB(arn string) error {
	_, err := w.elb.AddTags(w.t.Context(), &elbv2.AddTagsInput{ResourceArns: []string{arn}, Tags: []elbtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	return err
}

// A VPC link goes only where API Gateway has it; the zones of a Region can be
// switched, and those with VPC links as well.
func TestLinkZones(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Region: "us-east-1", Switches: awssim.Switches{
		Zones: map[string]map[string]string{"us-east-1": {"us-east-1a": "use1-az1", "us-east-1b": "use1-az3"}}}})
	w.connect("us-east-1")
	in := &apigatewayv2.CreateVpcLinkInput{Name: aws.String("l"), SubnetIds: w.SubnetIDs}
	_, err := w.api.CreateVpcLink(t.Context(), in)
	wantCode(t, err, "BadRequestException", "Subnet '"+w.SubnetIDs[1]+"' is in Availability Zone 'use1-az3' where service is not available")
	switches := w.sim.Switches()
	switches.LinkZones = map[string][]string{"us-east-1": {"use1-az1", "use1-az3"}}
	if err := w.sim.SetSwitches(switches); err != nil {
		t.Fatal(err)
	}
	ok[*apigatewayv2.CreateVpcLinkOutput](t)(w.api.CreateVpcLink(t.Context(), in))
}

func TestCapacity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Switches: awssim.Switches{NoCapacity: []awssim.Shortage{{Zone: region + "a", Type: "t3.micro"}}}})
	launch := func(kind ec2types.InstanceType, subnet string) error {
		_, err := w.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: kind,
			MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &subnet})
		return err
	}
	err := launch("t3.micro", w.SubnetIDs[0])
	wantCode(t, err, "InsufficientInstanceCapacity", "choosing "+region+"c, "+region+"d.")
	if err := errors.Join(launch("t3.small", w.SubnetIDs[0]), launch("t3.micro", w.SubnetIDs[1])); err != nil {
		t.Errorf("another type, another zone: %v", err)
	}
	// A stopped instance keeps no place.
	ok[*ec2.StopInstancesOutput](t)(w.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{w.InstanceID}}))
	_, err = w.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{w.InstanceID}})
	wantCode(t, err, "InsufficientInstanceCapacity", "t3.micro")
}

// Of two writes to one API that overlap the second is refused; another API and
// a read are not.
func TestWriteConflicts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Switches: awssim.Switches{WriteConflicts: true}})
	ctx := t.Context()
	newAPI := func() string {
		return *ok[*apigatewayv2.CreateApiOutput](t)(w.api.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"})).ApiId
	}
	first, second := newAPI(), newAPI()
	write := func(api, key string) error {
		_, err := w.api.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: &api, RouteKey: &key})
		return err
	}
	// A fault holds the first write open.
	if err := w.sim.AddFault(awssim.Fault{Op: "apigatewayv2:CreateRoute", Nth: 1, When: awssim.After, Do: awssim.Delay(2 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- write(first, "GET /a") }()
	eventually(t, "the fault has struck", func() bool { return len(w.sim.Faults()) == 0 })
	wantCode(t, write(first, "GET /b"), "ConflictException", "concurrent modification. Please try again later.")
	if err := write(second, "GET /a"); err != nil {
		t.Errorf("another API: %v", err)
	}
	ok[*apigatewayv2.GetApiOutput](t)(w.api.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &first}))
	if err := <-done; err != nil {
		t.Errorf("the first write: %v", err)
	}
	if err := write(first, "GET /b"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Switches are data, over the admin endpoint as in Go.
func TestSwitches_Admin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Switches: awssim.Switches{Throttle: true}})
	for _, row := range []struct {
		body     string
		status   int
		contains string
	}{
		{`{"visibility_ns":5000000000,"timeout_status":504,"no_capacity":[{"zone":"*","type":"t3.micro"}]}`, 200, `"throttle":false`},
		{`{"timeout_status":500}`, 400, "503 or 504"}, {`{"two_subnets_code":"x"}`, 400, "InvalidConfigurationRequest"},
		{`{"visibility_ns":-1}`, 400, "negative"}, {`{"visibility_of":["s3"]}`, 400, "apigatewayv2"}, {`{"vcpus":-1}`, 400, "negative"},
		{`{"auto_deploy_delay_ns":-1}`, 400, "negative"}, {`{"ec2_statuses":{"X":200}}`, 400, "no status of an error"},
		{`{"zones":{"us-east-1":{"us-east-1a":"use1-az1"}}}`, 400, "two zones"},
		{`{"zones":{"us-east-1":{"us-east-1a":"use1-az1","eu":"x"}}}`, 400, "not of the Region"}, {`{"color":1}`, 400, "unknown field"},
	} {
		if status, body := w.admin(http.MethodPut, "switches", row.body); status != row.status || !strings.Contains(body, row.contains) {
			t.Errorf("%s: %d %s", row.body, status, body)
		}
	}
	var got awssim.Switches
	_, body := w.admin(http.MethodGet, "switches", "")
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Visibility != 5*time.Second || got.TimeoutStatus != 504 || got.Throttle || got.TwoSubnetsCode != "ValidationError" {
		t.Errorf("switches %s: %v", body, err)
	}
	_, err := w.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1),
		MaxCount: aws.Int32(1), SubnetId: &w.SubnetIDs[0]})
	wantCode(t, err, "InsufficientInstanceCapacity", "provisioning additional capacity")
}

// An integration on a link that is not ready yet is taken, or refused.
func TestRefusePendingLink(t *testing.T) {
	t.Parallel()
	at := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Real, Now: at.Now, Switches: awssim.Switches{OpenFacts: awssim.OpenFacts{RefusePendingLink: true}}})
	c := &chain{world: w, targetGroup: w.newTargetGroup("tg")}
	c.listener = w.newListener(w.newBalancer("alb"), c.targetGroup)
	c.link = w.newLink("l")
	c.apiID = *ok[*apigatewayv2.CreateApiOutput](t)(w.api.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"})).ApiId
	_, err := w.api.CreateIntegration(t.Context(), c.integrationInput())
	wantCode(t, err, "BadRequestException", "PENDING")
	if err := w.sim.SetSwitches(awssim.Switches{}); err != nil {
		t.Fatal(err)
	}
	ok[*apigatewayv2.CreateIntegrationOutput](t)(w.api.CreateIntegration(t.Context(), c.integrationInput()))
	if err := w.sim.SetSwitches(awssim.Switches{OpenFacts: awssim.OpenFacts{RefusePendingLink: true}}); err != nil {
		t.Fatal(err)
	}
	at.advance(2 * time.Minute)
	ok[*apigatewayv2.CreateIntegrationOutput](t)(w.api.CreateIntegration(t.Context(), c.integrationInput()))
}

func TestTwoSubnetsCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	in := &elbv2.CreateLoadBalancerInput{Name: aws.String("b"), Scheme: "internal", Subnets: w.SubnetIDs[:1]}
	_, err := w.elb.CreateLoadBalancer(t.Context(), in)
	wantCode(t, err, "ValidationError", "At least two subnets")
	if err := w.sim.SetSwitches(awssim.Switches{OpenFacts: awssim.OpenFacts{TwoSubnetsCode: "InvalidConfigurationRequest"}}); err != nil {
		t.Fatal(err)
	}
	_, err = w.elb.CreateLoadBalancer(t.Context(), in)
	wantCode(t, err, "InvalidConfigurationRequest", "At least two subnets")
}

// A factor makes the real clock faster or slower, health checks included.
func TestProfileFactor(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		profile awssim.Profile
		scale   float64
		link    time.Duration
	}{{"real", 0, 120 * time.Second}, {"real/10", 0, 12 * time.Second}, {"real", 0.1, 12 * time.Second}, {"demo*2", 0, 12 * time.Second}, {"real/10", 2, 24 * time.Second}} {
		at := newClock()
		w := newWorld(t, awssim.Options{Profile: row.profile, Scale: row.scale, Now: at.Now})
		id := w.newLink("l")
		status := func() string {
			return string(ok[*apigatewayv2.GetVpcLinkOutput](t)(w.api.GetVpcLink(t.Context(), &apigatewayv2.GetVpcLinkInput{VpcLinkId: &id})).VpcLinkStatus)
		}
		at.advance(row.link - time.Millisecond)
		before := status()
		at.advance(2 * time.Millisecond)
		if after := status(); before != "PENDING" || after != "AVAILABLE" {
			t.Errorf("%s x %v: %s, then %s", row.profile, row.scale, before, after)
		}
	}
	for _, wrong := range []string{"fast", "real/0", "real/", "real*-1", "10"} {
		if _, err := awssim.ParseProfile(wrong); err == nil {
			t.Errorf("%q is taken for a profile", wrong)
		}
	}
	if _, err := awssim.New(awssim.Options{Scale: -1}); err == nil {
		t.Error("a negative scale is taken")
	}
}
