package e2e

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/model"
)

// hand is a person at the AWS console: calls that pass the cloud's proxy by.
type hand struct {
	t   *testing.T
	ec2 *ec2.Client
	elb *elb.Client
	gw  *gw.Client
}

func (c *cloud) hand(t *testing.T) hand {
	t.Helper()
	direct := httptest.NewServer(c.sim.Handler())
	t.Cleanup(direct.Close)
	url, region, keys := aws.String(direct.URL), "ap-northeast-1", credentials.NewStaticCredentialsProvider("local", "local", "")
	return hand{
		t:   t,
		ec2: ec2.New(ec2.Options{Region: region, BaseEndpoint: url, Credentials: keys}),
		elb: elb.New(elb.Options{Region: region, BaseEndpoint: url, Credentials: keys}),
		gw:  gw.New(gw.Options{Region: region, BaseEndpoint: url, Credentials: keys}),
	}
}

// resources are the backend's, by key.
func (s *server) resources(b model.Backend) map[string]model.Resource {
	s.t.Helper()
	byKey := map[string]model.Resource{}
	for _, r := range s.backend(b.ID).Resources {
		byKey[r.Key] = r
	}
	return byKey
}

// delete deletes one resource of the chain.
func (h hand) delete(r model.Resource, have map[string]model.Resource) {
	h.t.Helper()
	ctx, id, api := h.t.Context(), &r.AWSID, aws.String(have["api"].AWSID)
	var err error
	switch r.Kind {
	case "ec2.security_group":
		_, err = h.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: id})
	case "ec2.security_group_rule":
		group := have[map[string]string{"alb-ingress": "alb-sg", "app-ingress": "ec2-sg"}[r.Key]].AWSID
		_, err = h.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: []string{*id}})
	case "ec2.instance":
		_, err = h.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*id}})
	case "elbv2.target_group":
		_, err = h.elb.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: id})
	case "elbv2.targets":
		_, err = h.elb.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: id,
			Targets: []elbtypes.TargetDescription{{Id: aws.String(r.Outputs["instance_ids"])}}})
	case "elbv2.load_balancer":
		_, err = h.elb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: id})
	case "elbv2.listener":
		_, err = h.elb.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: id})
	case "apigatewayv2.vpc_link":
		_, err = h.gw.DeleteVpcLink(ctx, &gw.DeleteVpcLinkInput{VpcLinkId: id})
	case "apigatewayv2.api":
		_, err = h.gw.DeleteApi(ctx, &gw.DeleteApiInput{ApiId: id})
	case "apigatewayv2.integration":
		_, err = h.gw.DeleteIntegration(ctx, &gw.DeleteIntegrationInput{ApiId: api, IntegrationId: id})
	case "apigatewayv2.route":
		_, err = h.gw.DeleteRoute(ctx, &gw.DeleteRouteInput{ApiId: api, RouteId: id})
	case "apigatewayv2.stage":
		_, err = h.gw.DeleteStage(ctx, &gw.DeleteStageInput{ApiId: api, StageName: aws.String("$default")})
	default:
		err = errors.New("no hand knows how to delete a " + string(r.Kind))
	}
	if err != nil {
		h.t.Fatalf("delete %s by hand: %v", r.Key, err)
	}
}

// byHand is an order in which a person can delete a whole chain.
var byHand = []string{
	"route", "integration", "stage", "api", "vpc-link", "targets", "listener", "alb", "target-group", "instance-1",
	"alb-ingress", "app-ingress", "ec2-sg", "alb-sg", "vpclink-sg",
}

// TestDestroyCopesWithAPerson: any first part of the chain, in an order that
// AWS allows, is gone when the destroy begins; and each thing is deleted by
// somebody else in the moment before the destroy deletes it.
func TestDestroyCopesWithAPerson(t *testing.T) {
	t.Parallel()
	fresh := registered(t, onSQLite)
	made := fresh.open(t)
	empty := made.cloud.sizes()
	made.succeeded(made.provision(made.backend))
	ready := made.save(fresh)
	for n := range byHand {
		t.Run("who deleted up to "+byHand[n], func(t *testing.T) {
			t.Parallel()
			s := ready.open(t)
			hand, have := s.cloud.hand(t), s.resources(s.backend)
			for _, key := range byHand[:n+1] {
				hand.delete(have[key], have)
			}
			s.succeeded(s.destroy(s.backend))
			if got := s.cloud.sizes(); got != empty {
				t.Errorf("left:\n%+v, want\n%+v", got, empty)
			}
		})
	}
	t.Run("who deletes at the same time", func(t *testing.T) {
		t.Parallel()
		s := ready.open(t)
		twice := s.cloud.deleteTwice()
		s.succeeded(s.destroy(s.backend))
		if n := twice.Load(); n < int64(len(byHand)) {
			t.Errorf("%d deletes came twice, want one of each of %d", n, len(byHand))
		}
		if got := s.cloud.sizes(); got != empty {
			t.Errorf("left:\n%+v, want\n%+v", got, empty)
		}
	})
}

// deletion tells the operations that delete something.
func deletion(r *http.Request, body string) bool {
	for _, op := range []string{"Action=Delete", "Action=Terminate", "Action=Deregister", "Action=Revoke"} {
		if strings.Contains(body, op) {
			return true
		}
	}
	return r.Method == http.MethodDelete
}
