package kinds

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gwtypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

func TestObservedInstance(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		state     ec2types.InstanceStateName
		resource  model.ResourceState
		ownership model.Ownership
		want      string // "ready", "waits", "failed CODE", "gone", "not found"
	}{
		{"pending", model.ResourcePending, model.OwnershipManaged, "waits"},
		{"running", model.ResourcePending, model.OwnershipManaged, "ready"},
		{"stopped", model.ResourcePending, model.OwnershipManaged, "failed InstanceStopped"},
		{"terminated", model.ResourcePending, model.OwnershipManaged, "failed Client.VolumeLimitExceeded"},
		{"terminated", model.ResourceFailed, model.OwnershipManaged, "not found"},
		{"terminated", model.ResourceReady, model.OwnershipManaged, "not found"},
		{"terminated", model.ResourceDeleting, model.OwnershipManaged, "gone"},
		{"terminated", model.ResourcePending, model.OwnershipReferenced, "failed InvalidInstanceID.NotFound"},
		{"shutting-down", model.ResourceDeleting, model.OwnershipManaged, "waits"}, // its interface still holds the group
	} {
		obs, err := observedInstance(ec2types.Instance{
			InstanceId: aws.String("i-1"), State: &ec2types.InstanceState{Name: row.state},
			StateReason: &ec2types.StateReason{Code: aws.String("Client.VolumeLimitExceeded"), Message: aws.String("Volume limit exceeded")},
		}, &model.Resource{State: row.resource, Ownership: row.ownership})
		if got := verdict(obs, err); got != row.want {
			t.Errorf("%s, resource %s, %s: %s, want %s", row.state, row.resource, row.ownership, got, row.want)
		}
	}
}

func verdict(obs provision.Observed, err error) string {
	var p *model.Problem
	switch {
	case errors.Is(err, provision.ErrNotFound):
		return "not found"
	case errors.As(err, &p):
		return "failed " + p.Code
	case err != nil:
		return err.Error()
	case obs.Failed != nil:
		return "failed " + obs.Failed.Code
	case obs.Gone:
		return "gone"
	case obs.Ready:
		return "ready"
	case obs.Why == "":
		return "waits without a word"
	}
	return "waits"
}

func TestObservedLink(t *testing.T) {
	t.Parallel()
	for status, want := range map[gwtypes.VpcLinkStatus]string{
		"PENDING": "waits", "AVAILABLE": "ready", "DELETING": "waits", "FAILED": "failed VpcLinkFailed", "INACTIVE": "ready",
	} {
		if got := verdict(observedLink("abc123", status, aws.String("said AWS")), nil); got != want {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
	}
}

// A link of an earlier life, which AWS is still deleting, is not taken for the new one.
func TestPickLink(t *testing.T) {
	t.Parallel()
	ours := func(tags map[string]string) bool { return tags["of"] == "us" }
	mine := map[string]string{"of": "us"}
	links := []gwtypes.VpcLink{
		{VpcLinkId: aws.String("theirs"), VpcLinkStatus: "AVAILABLE"},
		{VpcLinkId: aws.String("former"), VpcLinkStatus: "DELETING", Tags: mine},
	}
	if obs, err := pickLink(links, ours); !errors.Is(err, provision.ErrNotFound) {
		t.Errorf("found %+v", obs)
	}
	links = append(links, gwtypes.VpcLink{VpcLinkId: aws.String("mine"), VpcLinkStatus: "PENDING", Tags: mine})
	if obs, err := pickLink(links, ours); err != nil || obs.AWSID != "mine" {
		t.Errorf("found %+v, %v", obs, err)
	}
}

func TestLaunchRequest(t *testing.T) {
	t.Parallel()
	in := provision.Inputs{
		Backend: &model.Backend{ID: "be_a", Spec: model.Spec{Port: 8000, Launch: &model.Launch{}, Tags: map[string]string{"team": "orders"}}},
		Needs: map[string]*model.Resource{
			"image":  {AWSID: "ami-1", Outputs: map[string]string{"root_device": "/dev/xvda", "root_size": "8"}},
			"ec2-sg": {AWSID: "sg-1"},
		},
	}
	r := &model.Resource{BackendID: "be_a", Key: "instance-1", Name: "orders-1", Params: map[string]string{
		"instance_type": "t3.micro", "subnet_id": "subnet-1", "profile": "arn:aws:iam::1:instance-profile/p",
	}}
	q, err := launchRequest(&awsapi.Clients{Install: "ins_a"}, in, r)
	if err != nil {
		t.Fatal(err)
	}
	if m := q.MetadataOptions; m.HttpTokens != "required" || *m.HttpPutResponseHopLimit != 1 {
		t.Errorf("metadata options %+v", m)
	}
	if d := q.BlockDeviceMappings[0]; *d.DeviceName != "/dev/xvda" || d.Ebs.VolumeType != "gp3" || !*d.Ebs.Encrypted || !*d.Ebs.DeleteOnTermination {
		t.Errorf("root volume %+v of %s", d.Ebs, *d.DeviceName)
	}
	if *q.ClientToken != clientToken(r) || *q.MinCount != 1 || *q.MaxCount != 1 || *q.SubnetId != "subnet-1" || q.SecurityGroupIds[0] != "sg-1" {
		t.Errorf("request %+v", q)
	}
	if len(q.TagSpecifications) != 2 || q.TagSpecifications[0].ResourceType != "instance" || q.TagSpecifications[1].ResourceType != "volume" {
		t.Fatalf("tags %+v", q.TagSpecifications)
	}
	for _, spec := range q.TagSpecifications {
		tags := awsapi.TagsOf(spec.Tags)
		if !awsapi.Owns(tags, "ins_a", "be_a", "instance-1") || tags["team"] != "orders" || tags["Name"] != "orders-1" {
			t.Errorf("tags of the %s: %v", spec.ResourceType, tags)
		}
	}
	if p := q.IamInstanceProfile; p.Arn == nil || p.Name != nil {
		t.Errorf("profile %+v", p)
	}
	r.Params["profile"] = "app"
	if q, err = launchRequest(&awsapi.Clients{}, in, r); err != nil || q.IamInstanceProfile.Name == nil || q.IamInstanceProfile.Arn != nil {
		t.Errorf("profile %+v, %v", q.IamInstanceProfile, err)
	}
	delete(in.Needs, "ec2-sg")
	if _, err := launchRequest(&awsapi.Clients{}, in, r); err == nil || !strings.Contains(err.Error(), "ec2-sg") {
		t.Errorf("without a group: %v", err)
	}
}

func TestObservedLoadBalancer(t *testing.T) {
	t.Parallel()
	for state, want := range map[elbtypes.LoadBalancerStateEnum]string{
		"provisioning": "waits", "active": "ready", "active_impaired": "ready", "failed": "failed LoadBalancerFailed",
	} {
		lb := elbtypes.LoadBalancer{LoadBalancerArn: aws.String("arn"), State: &elbtypes.LoadBalancerState{Code: state}}
		if got := verdict(observedLoadBalancer(lb), nil); got != want {
			t.Errorf("%s: %s, want %s", state, got, want)
		}
	}
	if got := verdict(observedLoadBalancer(elbtypes.LoadBalancer{}), nil); got != "waits" {
		t.Errorf("without a state: %s", got)
	}
}

func TestTargetsJoining(t *testing.T) {
	t.Parallel()
	health := func(state elbtypes.TargetHealthStateEnum, reason elbtypes.TargetHealthReasonEnum, text string) *elbtypes.TargetHealth {
		return &elbtypes.TargetHealth{State: state, Reason: reason, Description: &text}
	}
	ids := []string{"i-1", "i-2"}
	for _, row := range []struct {
		name   string
		health map[place]*elbtypes.TargetHealth
		want   string
		why    string
	}{
		{"all healthy", map[place]*elbtypes.TargetHealth{{"i-1", "8000"}: health("healthy", "", ""), {"i-2", "8000"}: health("healthy", "", "")}, "ready", ""},
		{"one on another port", map[place]*elbtypes.TargetHealth{{"i-1", "8000"}: health("healthy", "", ""), {"i-2", "8001"}: health("healthy", "", "")}, "not found", ""},
		{"one missing", map[place]*elbtypes.TargetHealth{{"i-1", "8000"}: health("healthy", "", "")}, "not found", ""},
		{"one draining", map[place]*elbtypes.TargetHealth{{"i-1", "8000"}: health("healthy", "", ""), {"i-2", "8000"}: health("draining", "", "")}, "not found", ""},
		{"one times out", map[place]*elbtypes.TargetHealth{{"i-1", "8000"}: health("healthy", "", ""), {"i-2", "8000"}: health("unhealthy", "Target.Timeout", "Request timed out")},
			"waits", "i-2 is unhealthy: Request timed out. Mostly the instance's security group"},
		{"one answers 404", map[place]*elbtypes.TargetHealth{{"i-1", "8000"}: health("healthy", "", ""), {"i-2", "8000"}: health("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")},
			"waits", "codes: [404]. The app must answer"},
	} {
		obs, err := joining("arn", "8000", ids, row.health)
		if got := verdict(obs, err); got != row.want || !strings.Contains(obs.Why, row.why) {
			t.Errorf("%s: %s, %q", row.name, got, obs.Why)
		}
	}
	if obs, _ := joining("arn", "8000", nil, nil); obs.Ready {
		t.Error("no targets at all are ready")
	}
}

func TestTargetsLeaving(t *testing.T) {
	t.Parallel()
	for state, want := range map[elbtypes.TargetHealthStateEnum]string{
		"draining": "gone", "unused": "gone", "healthy": "waits", "unhealthy": "waits",
	} {
		obs, err := leaving("arn", &model.Resource{}, map[place]*elbtypes.TargetHealth{{"i-1", "8000"}: {State: state}})
		if got := verdict(obs, err); got != want {
			t.Errorf("%s: %s, want %s", state, got, want)
		}
	}
	if _, err := leaving("arn", &model.Resource{}, nil); !errors.Is(err, provision.ErrNotFound) {
		t.Errorf("none left: %v", err)
	}
}

func TestRouteThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	in := provision.Inputs{Needs: map[string]*model.Resource{"integration": {AWSID: "abc1234"}}}
	r := &model.Resource{Params: map[string]string{"route_key": proxyRoute}}
	for target, want := range map[string]string{"integrations/abc1234": "ready", "integrations/other12": "failed RouteChanged", "": "failed RouteChanged"} {
		obs, err := route{}.judge(in, r, "route12", target)
		if got := verdict(obs, err); got != want {
			t.Errorf("%q: %s, want %s", target, got, want)
		}
	}
}

// A launch that is sent again is the same; one after a destroy is not.
func TestClientToken(t *testing.T) {
	t.Parallel()
	born := time.UnixMilli(1_700_000_000_000)
	first := clientToken(&model.Resource{BackendID: "be_a", Key: "instance-1", CreatedAt: born})
	if again := clientToken(&model.Resource{BackendID: "be_a", Key: "instance-1", CreatedAt: born.Add(time.Microsecond)}); again != first {
		t.Error("what a database rounds away changes the token")
	}
	for _, other := range []*model.Resource{
		{BackendID: "be_a", Key: "instance-1", CreatedAt: born.Add(time.Second)},
		{BackendID: "be_a", Key: "instance-2", CreatedAt: born},
		{BackendID: "be_b", Key: "instance-1", CreatedAt: born},
	} {
		if clientToken(other) == first {
			t.Errorf("the same token for %+v", other)
		}
	}
	if len(first) > 64 {
		t.Errorf("AWS takes 64 characters, not %d", len(first))
	}
}

func TestUserData(t *testing.T) {
	t.Parallel()
	decode := func(s model.Spec) string {
		text, err := base64.StdEncoding.DecodeString(userData(s))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	sample := decode(model.Spec{Port: 9001, Launch: &model.Launch{}})
	if !strings.HasPrefix(sample, "#!/bin/bash") || !strings.Contains(sample, "port=9001)") || strings.Contains(sample, "{{") {
		t.Errorf("sample user data:\n%s", sample)
	}
	if len(sample) > model.MaxUserData {
		t.Errorf("%d bytes", len(sample))
	}
	if own := decode(model.Spec{Launch: &model.Launch{UserData: "#!/bin/sh\n"}}); own != "#!/bin/sh\n" {
		t.Errorf("own user data became %q", own)
	}
}

func TestLaterAndGone(t *testing.T) {
	t.Parallel()
	in := provision.Inputs{Now: time.Now}
	fresh, old := &model.Resource{CreatedAt: time.Now()}, &model.Resource{CreatedAt: time.Now().Add(-time.Hour)}
	queued := &awsapi.QueuedError{Operation: "CreateVpcLink", Wait: 12 * time.Second}
	var notYet *provision.NotYet
	if !errors.As(later(in, fresh, queued), &notYet) || !strings.Contains(notYet.Why, "12s") {
		t.Errorf("a full queue: %v", later(in, fresh, queued))
	}
	if !errors.As(gone(queued), &notYet) {
		t.Error("a full queue does not hold a delete back")
	}
	absent := &smithy.GenericAPIError{Code: "InvalidGroup.NotFound", Message: "The security group 'sg-1' does not exist"}
	if !errors.As(later(in, fresh, absent), &notYet) {
		t.Error("what was made a moment ago is not waited for")
	}
	notYet = nil
	if errors.As(later(in, old, absent), &notYet) {
		t.Error("what was made an hour ago is still waited for")
	}
	if errors.As(later(in, fresh, &smithy.GenericAPIError{Code: "SubnetNotFound"}), &notYet) {
		t.Error("a subnet that does not exist is waited for")
	}
	if err := gone(absent); !errors.Is(err, provision.ErrNotFound) {
		t.Errorf("gone already: %v", err)
	}
	if err := gone(&smithy.GenericAPIError{Code: "UnauthorizedOperation"}); awsapi.Classify(err) != awsapi.Denied {
		t.Errorf("a refusal became %v", err)
	}
}
