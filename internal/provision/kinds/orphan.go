package kinds

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// OfOrphan is the kind that such a thing has as a resource of a chain, "" when
// it belongs to one, as an instance's volume does.
func OfOrphan(kind string) model.ResourceKind {
	switch kind {
	case model.OrphanInstance:
		return KindInstance
	case model.OrphanSecurityGroup:
		return KindSecurityGroup
	case model.OrphanRule:
		return KindIngressRule
	case model.OrphanLoadBalancer:
		return KindLoadBalancer
	case model.OrphanTargetGroup:
		return KindTargetGroup
	case model.OrphanVPCLink:
		return KindVPCLink
	case model.OrphanAPI:
		return KindAPI
	}
	return ""
}

// deletable is what it takes to delete one type.
type deletable interface {
	Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error)
	Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error
}

// orphan deletes, by type and id, what no resource accounts for. Before each
// call it asks AWS for the tags: what does not carry this installation's, of
// this backend and key, is left alone, and so is what a resource accounts for
// by now. Params: type, key.
type orphan struct {
	base
	types map[string]deletable
}

func newOrphan(b base) orphan {
	return orphan{b, map[string]deletable{
		model.OrphanInstance: instance{b}, model.OrphanSecurityGroup: securityGroup{b}, model.OrphanLoadBalancer: loadBalancer{b},
		model.OrphanTargetGroup: targetGroup{b}, model.OrphanVPCLink: vpcLink{b}, model.OrphanAPI: api{b},
		model.OrphanRule: strayRule{b}, model.OrphanVolume: strayVolume{b}, model.OrphanInterface: strayInterface{b},
	}}
}

func (orphan) Name() model.ResourceKind { return provision.KindOrphan }

func (orphan) Timing() provision.Timing {
	return provision.Timing{Lingers: true, Limit: 15 * time.Minute}
}

func (k orphan) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	way, err := k.way(r)
	if err != nil {
		return provision.Observed{}, err
	}
	obs, err := way.Find(ctx, in, r)
	if err != nil || obs.Gone {
		return obs, err
	}
	return obs, k.check(ctx, in, r)
}

func (k orphan) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	way, err := k.way(r)
	if err != nil {
		return err
	}
	if err := k.check(ctx, in, r); err != nil {
		return err
	}
	return way.Delete(ctx, in, r)
}

// Apply refuses: an orphan is never made.
func (orphan) Apply(_ context.Context, _ provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return provision.Observed{}, fmt.Errorf("%s is an orphan, which is not made", r.AWSID)
}

func (k orphan) way(r *model.Resource) (deletable, error) {
	if way := k.types[r.Params["type"]]; way != nil {
		return way, nil
	}
	return nil, &model.Problem{Code: "UnknownKind", Message: "This version of Drawbridge cannot delete a " + r.Params["type"] + "."}
}

// check is ErrNotFound for what is no orphan of this backend.
func (k orphan) check(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	for _, known := range in.Needs {
		mine := known.AWSID == r.AWSID || known.AWSID == "" && known.Key == r.Params["key"]
		if mine && known.State != model.ResourceGone {
			return provision.ErrNotFound
		}
	}
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	tags, err := c.OwnerOf(ctx, r.Params["type"], r.AWSID)
	if err != nil {
		return err
	}
	if !awsapi.Owns(tags, c.Install, in.Backend.ID, r.Params["key"]) {
		return provision.ErrNotFound
	}
	return nil
}

// strayRule is a rule of whatever group, in or out.
type strayRule struct{ base }

func (k strayRule) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	_, err = ruleByID(ctx, c, r.AWSID)
	return provision.Observed{AWSID: r.AWSID}, err
}

func (k strayRule) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	rule, err := ruleByID(ctx, c, r.AWSID)
	if err != nil {
		return err
	}
	if aws.ToBool(rule.IsEgress) {
		_, err = c.EC2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: rule.GroupId, SecurityGroupRuleIds: []string{r.AWSID}})
	} else {
		_, err = c.EC2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: rule.GroupId, SecurityGroupRuleIds: []string{r.AWSID}})
	}
	return gone(err)
}

// ruleByID returns a rule, or provision.ErrNotFound.
func ruleByID(ctx context.Context, c *awsapi.Clients, id string) (*types.SecurityGroupRule, error) {
	out, err := c.EC2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{awsapi.Filter("security-group-rule-id", id)},
	})
	if err != nil {
		return nil, found(fmt.Errorf("describe security group rule %s: %w", id, err))
	}
	if len(out.SecurityGroupRules) == 0 {
		return nil, provision.ErrNotFound
	}
	return &out.SecurityGroupRules[0], nil
}
