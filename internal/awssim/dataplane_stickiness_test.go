package awssim_test

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awssim"
)

func (w *world) groupAttributes(group string, pairs ...string) error {
	var attrs []types.TargetGroupAttribute
	for i := 0; i < len(pairs); i += 2 {
		attrs = append(attrs, types.TargetGroupAttribute{Key: &pairs[i], Value: &pairs[i+1]})
	}
	_, err := w.elb.ModifyTargetGroupAttributes(w.t.Context(), &elbv2.ModifyTargetGroupAttributesInput{TargetGroupArn: &group, Attributes: attrs})
	return err
}

// A client with the load balancer's cookie stays with its target as long as
// that is healthy; one without goes round.
func TestStickiness(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	for range 2 {
		if err := c.register(c.targetGroup, c.launch(c.ec2Group)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.groupAttributes(c.targetGroup, "stickiness.enabled", "true", "stickiness.lb_cookie.duration_seconds", "60"); err != nil {
		t.Fatal(err)
	}
	all := func() []types.TargetHealthDescription {
		return ok[*elbv2.DescribeTargetHealthOutput](t)(c.elb.DescribeTargetHealth(t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup})).TargetHealthDescriptions
	}
	eventually(t, "all are healthy", func() bool {
		for _, d := range all() {
			if d.TargetHealth.State != "healthy" {
				return false
			}
		}
		return true
	})
	seen := map[string]bool{}
	for range 3 {
		a := c.get("/")
		seen[a.body] = true
		set := a.header.Values("Set-Cookie")
		if len(set) != 2 || !strings.HasPrefix(set[0], "AWSALB=") || !strings.HasPrefix(set[1], "AWSALBCORS=") || !strings.HasSuffix(set[1], "; SameSite=None") {
			t.Errorf("cookies %q", set)
		}
		if at := (&http.Response{Header: a.header}).Cookies()[0].Expires; time.Until(at) > time.Minute || time.Until(at) < 30*time.Second {
			t.Errorf("it expires at %s", at)
		}
	}
	if len(seen) != 3 {
		t.Errorf("without cookies %d targets answered three requests", len(seen))
	}
	jar := ok[*cookiejar.Jar](t)(cookiejar.New(nil))
	client := c.invokeClient()
	client.Jar = jar
	ask := func() string {
		res := ok[*http.Response](t)(client.Get(c.invokeURL + "/"))
		defer res.Body.Close()
		body := make([]byte, 200)
		n, _ := res.Body.Read(body)
		return string(body[:n])
	}
	first := ask()
	for range 5 {
		if got := ask(); got != first {
			t.Fatalf("the client went from %q to %q", first, got)
		}
	}
	c.leave(first)
	second := ask()
	if second == first || ask() != second || ask() != second {
		t.Errorf("without its target the client went from %q to %q, and on", first, second)
	}
}

// leave deregisters the target that gave an answer.
func (c *chain) leave(answer string) {
	c.t.Helper()
	out := ok[*elbv2.DescribeTargetHealthOutput](c.t)(c.elb.DescribeTargetHealth(c.t.Context(), &elbv2.DescribeTargetHealthInput{TargetGroupArn: &c.targetGroup}))
	for _, d := range out.TargetHealthDescriptions {
		i := ok[*ec2.DescribeInstancesOutput](c.t)(c.ec2.DescribeInstances(c.t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{*d.Target.Id}}))
		if strings.Contains(answer, *i.Reservations[0].Instances[0].PrivateDnsName) {
			ok[*elbv2.DeregisterTargetsOutput](c.t)(c.elb.DeregisterTargets(c.t.Context(), &elbv2.DeregisterTargetsInput{TargetGroupArn: &c.targetGroup, Targets: []types.TargetDescription{*d.Target}}))
			return
		}
	}
	c.t.Fatalf("no target gave %q", answer)
}

// What is not simulated is refused in words that say so.
func TestStickiness_Refused(t *testing.T) {
	t.Parallel()
	c := newWorld(t, awssim.Options{}).build()
	wantCode(t, c.groupAttributes(c.targetGroup, "stickiness.enabled", "true", "stickiness.type", "app_cookie"), "InvalidConfigurationRequest", "it has lb_cookie")
	wantCode(t, c.groupAttributes(c.targetGroup, "stickiness.enabled", "maybe"), "ValidationError", "true, false")
	wantCode(t, c.groupAttributes(c.targetGroup, "stickiness.lb_cookie.duration_seconds", "604801"), "ValidationError", "604800")
	_, err := c.elb.ModifyListener(t.Context(), &elbv2.ModifyListenerInput{ListenerArn: &c.listener, DefaultActions: []types.Action{{Type: "forward", ForwardConfig: &types.ForwardActionConfig{
		TargetGroups: []types.TargetGroupTuple{{TargetGroupArn: &c.targetGroup}}, TargetGroupStickinessConfig: &types.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: aws.Int32(60)}}}}})
	wantCode(t, err, "InvalidLoadBalancerAction", "stickiness among target groups")
}
