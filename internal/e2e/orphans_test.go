package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/model"
)

// litter makes, beside the backend's chain and under the same installation's
// tags, what a backend that nobody knows would have left behind.
func (s *server) litter(b model.Backend, lost string) {
	s.t.Helper()
	c, ctx := s.ec2Client(), s.t.Context()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	seen, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("tag:drawbridge:backend"), Values: []string{b.ID}}}})
	must(err)
	model := seen.Reservations[0].Instances[0]
	tags := func(key string) []types.Tag {
		list := []types.Tag{{Key: aws.String("drawbridge:backend"), Value: &lost}, {Key: aws.String("drawbridge:resource"), Value: &key}}
		for _, t := range model.Tags {
			if *t.Key == "drawbridge:install" {
				list = append(list, t)
			}
		}
		return list
	}
	specs := func(what types.ResourceType, key string) []types.TagSpecification {
		return []types.TagSpecification{{ResourceType: what, Tags: tags(key)}}
	}
	group, err := c.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("lost"), Description: aws.String("lost"),
		VpcId: model.VpcId, TagSpecifications: specs(types.ResourceTypeSecurityGroup, "ec2-sg")})
	must(err)
	_, err = c.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group.GroupId,
		TagSpecifications: specs(types.ResourceTypeSecurityGroupRule, "app-ingress"), IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}},
		}}})
	must(err)
	_, err = c.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: model.ImageId, InstanceType: model.InstanceType, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		SubnetId: model.SubnetId, SecurityGroupIds: []string{*group.GroupId},
		TagSpecifications: append(specs(types.ResourceTypeInstance, "instance-1"), specs(types.ResourceTypeVolume, "instance-1")...)})
	must(err)
	must(s.litterBalancer(b, *model.VpcId, *group.GroupId, tags))
}

// litterBalancer adds a balancer that forwards to a target group.
func (s *server) litterBalancer(b model.Backend, vpc, group string, tags func(string) []types.Tag) error {
	ctx := s.t.Context()
	c := elb.New(elb.Options{Region: "ap-northeast-1", BaseEndpoint: aws.String("http://" + s.sim),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	elbTags := func(key string) (list []elbtypes.Tag) {
		for _, t := range tags(key) {
			list = append(list, elbtypes.Tag{Key: t.Key, Value: t.Value})
		}
		return list
	}
	alb := s.resources(b)["alb"]
	theirs, err := c.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{alb.AWSID}})
	if err != nil {
		return err
	}
	var subnets []string
	for _, z := range theirs.LoadBalancers[0].AvailabilityZones {
		subnets = append(subnets, *z.SubnetId)
	}
	lb, err := c.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("lost-alb"), Scheme: elbtypes.LoadBalancerSchemeEnumInternal,
		Subnets: subnets, SecurityGroups: []string{group}, Tags: elbTags("alb")})
	if err != nil {
		return err
	}
	tg, err := c.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("lost-tg"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80),
		VpcId: &vpc, Tags: elbTags("tg")})
	if err != nil {
		return err
	}
	_, err = c.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: tg.TargetGroups[0].TargetGroupArn}}})
	return err
}

// cleanedUp is what the server answers to the deletion of orphans.
type cleanedUp struct{ Jobs []model.Job }

// TestOrphansAreDeleted_killedMeanwhile: all that a forgotten backend left
// behind goes, though the server dies in the middle, and nothing else does.
func TestOrphansAreDeleted_killedMeanwhile(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	b := s.register(launch("orders", nil))
	s.succeeded(s.provision(b))
	before := s.counts()
	s.litter(b, "be_lost2345")
	path := "/api/v1/environments/" + b.EnvironmentID + "/orphans"
	s.want(http.StatusForbidden, "POST", path+":delete", map[string]any{"all": true})
	s.token = strings.TrimSpace(s.command("token", "create", "--data-dir", s.dir, "--role", "admin"))
	s.hold("elbv2:DeleteLoadBalancer")
	var first, again cleanedUp
	s.want(http.StatusAccepted, "POST", path+":delete", map[string]any{"all": true}).into(t, &first)
	s.want(http.StatusAccepted, "POST", path+":delete", map[string]any{"all": true}).into(t, &again)
	if len(first.Jobs) != 1 || len(again.Jobs) != 1 || first.Jobs[0].ID != again.Jobs[0].ID {
		t.Fatalf("jobs %+v, again %+v", first.Jobs, again.Jobs)
	}
	until(t, "the balancer is gone", func() bool { return s.counts().LoadBalancers == before.LoadBalancers })
	s.kill()
	s.start()
	s.succeeded(first.Jobs[0])
	var orphans struct{ Items []model.Orphan }
	s.want(http.StatusOK, "GET", path, nil).into(t, &orphans)
	if got := s.counts(); got != before || len(orphans.Items) != 0 {
		t.Errorf("left\n%+v, want\n%+v; orphans %+v", got, before, orphans.Items)
	}
	if got := s.backend(b.ID); got.Phase != model.PhaseReady {
		t.Errorf("the chain beside it is %s", got.Phase)
	}
	var lost backendDetail
	s.want(http.StatusOK, "GET", "/api/v1/backends/be_lost2345", nil).into(t, &lost)
	if lost.Phase != model.PhaseDestroyed || lost.ActiveJobID != "" {
		t.Errorf("the recovered backend: %+v", lost)
	}
}
