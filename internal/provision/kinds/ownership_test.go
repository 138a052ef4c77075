package kinds_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// While something uses a resource, its deletion is NotYet with AWS's reason.
func TestDeleteWaitsForDependents(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	h := sim.harness(t, launchSpec())
	h.plan()
	h.makeAll()
	for _, key := range []string{"vpclink-sg", "alb-sg", "ec2-sg", "target-group", "vpc-link", "integration"} {
		r := h.resources[key]
		err := h.kinds[r.Kind].Delete(h.ctx, h.inputsToDelete(), r)
		var notYet *provision.NotYet
		if !errors.As(err, &notYet) || !strings.Contains(notYet.Why, "still uses it") {
			t.Errorf("delete %s too early: %v", key, err)
		}
	}
}

// What has our name and not our tags is not adopted.
func TestStrangersAreNotAdopted(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	h := sim.harness(t, launchSpec())
	h.plan()
	name := h.backend.AWSName("alb-sg")
	_, err := h.clients.EC2.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{
		GroupName: &name, Description: aws.String("made by hand"), VpcId: &h.env.VPCID,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range h.items {
		if item.Key != "alb-sg" {
			continue
		}
		kind := h.kinds[item.Kind]
		_, findErr := kind.Find(h.ctx, h.inputs(item), h.resource(item))
		_, applyErr := kind.Apply(h.ctx, h.inputs(item), h.resource(item))
		for _, err := range []error{findErr, applyErr} {
			p, again := awsapi.Explain(err)
			if p == nil || p.Code != "NameTaken" || again || !strings.Contains(p.Message, name) {
				t.Errorf("problem %+v of %v", p, err)
			}
		}
	}
}

// An equal rule of somebody else is used and stays when the chain goes.
func TestForeignRuleIsUsedAndLeft(t *testing.T) {
	t.Parallel()
	sim := newSimulator(t)
	h := sim.harness(t, sim.existingSpec(true))
	h.plan()
	for _, item := range h.items {
		if strings.HasPrefix(item.Key, "app-ingress") {
			addRule(t, h, item.Params["group_id"], types.IpPermission{
				UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &h.resources["alb-sg"].AWSID}},
			})
		}
		h.make(item)
	}
	r := h.resources["app-ingress-1"]
	if r == nil || r.Ownership != model.OwnershipReferenced {
		t.Fatalf("rule %+v", r)
	}
	for i := len(h.items) - 1; i > 0 && h.items[i].Key != "alb-sg"; i-- {
		h.unmake(h.items[i])
	}
	group := h.resources["alb-sg"]
	err := h.kinds[group.Kind].Delete(h.ctx, h.inputsToDelete(), group)
	var notYet *provision.NotYet
	if !errors.As(err, &notYet) || !strings.Contains(notYet.Why, r.Outputs["group_id"]) || !strings.Contains(notYet.Why, "Remove that rule") {
		t.Errorf("delete the group that the rule names: %v", err)
	}
}

// addRule lets TCP 8000 into a group, as an administrator would by hand.
func addRule(t *testing.T, h *harness, group string, p types.IpPermission) {
	t.Helper()
	p.IpProtocol, p.FromPort, p.ToPort = aws.String("tcp"), aws.Int32(8000), aws.Int32(8000)
	_, err := h.clients.EC2.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: []types.IpPermission{p},
	})
	if err != nil {
		t.Fatal(err)
	}
}
