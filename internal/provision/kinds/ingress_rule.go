package kinds

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// ingressRule lets one group's members reach a port of another's. Params:
// port; source (key of the group that may come in); group (key of the group
// that gets the rule) or group_id (a group that is not ours). The same rule
// made by somebody else is as good: it is used and never removed.
type ingressRule struct{ base }

func (ingressRule) Name() model.ResourceKind { return KindIngressRule }

func (ingressRule) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute}
}

// ends are the two groups and the port of a rule.
func (ingressRule) ends(in provision.Inputs, r *model.Resource) (group, source string, port int32, err error) {
	group = r.Params["group_id"]
	if group == "" {
		owner, err := in.Need(r.Params["group"])
		if err != nil {
			return "", "", 0, err
		}
		group = owner.AWSID
	}
	from, err := in.Need(r.Params["source"])
	if err != nil {
		return "", "", 0, err
	}
	n, err := strconv.ParseInt(r.Params["port"], 10, 32)
	if err != nil {
		return "", "", 0, fmt.Errorf("read port of rule %s: %w", r.Key, err)
	}
	return group, from.AWSID, int32(n), nil
}

func (k ingressRule) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	group, source, port, err := k.ends(in, r)
	if err != nil {
		return provision.Observed{}, err
	}
	rules, err := c.SecurityGroupRules(ctx, []string{group})
	if err != nil {
		return provision.Observed{}, found(err)
	}
	for _, rule := range rules {
		same := rule.Protocol == "tcp" && rule.From == int(port) && rule.To == int(port) && rule.Source == source
		if rule.ID == r.AWSID || r.AWSID == "" && same {
			return observedRule(rule.ID, group, !owns(c, in, r, rule.Tags)), nil
		}
	}
	return provision.Observed{}, provision.ErrNotFound
}

func observedRule(id, group string, foreign bool) provision.Observed {
	return provision.Observed{AWSID: id, Outputs: map[string]string{"group_id": group}, Ready: true, Foreign: foreign}
}

func (k ingressRule) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	group, source, port, err := k.ends(in, r)
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.EC2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &group,
		IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port,
			UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &source, Description: aws.String(r.Params["description"])}},
		}},
		TagSpecifications: []types.TagSpecification{ec2Tags(types.ResourceTypeSecurityGroupRule, ownerTags(c, in, r))},
	})
	if awsapi.HasCode(err, "InvalidPermission.Duplicate") {
		return existing(func() (provision.Observed, error) { return k.Find(ctx, in, r) }, err)
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("allow port %d from %s in %s: %w", port, source, group, later(in, r, err))
	}
	if len(out.SecurityGroupRules) == 0 {
		return k.Find(ctx, in, r)
	}
	return observedRule(aws.ToString(out.SecurityGroupRules[0].SecurityGroupRuleId), group, false), nil
}

// Diff: a rule of another port or group is another rule, and the old one stays
// until nothing needs it.
func (ingressRule) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	d := differ(have, want)
	if have.State == model.ResourceDeleting {
		d.note(model.ActionReplace, "It is being deleted.")
	}
	d.of(model.ActionReplace, "port", "The port")
	d.of(model.ActionReplace, "source", "The group that may come in")
	d.of(model.ActionReplace, "group", "The group that lets it in")
	d.of(model.ActionReplace, "group_id", "The group that lets it in")
	d.tags(have)
	return d.verdict()
}

func (k ingressRule) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.change(ctx, in, r, retagEC2, k.Find)
}

func (k ingressRule) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	group := r.Outputs["group_id"]
	if group == "" { // it was adopted, and no job has looked at it since
		rule, err := ruleByID(ctx, c, r.AWSID)
		if err != nil {
			return err
		}
		group = aws.ToString(rule.GroupId)
	}
	_, err = c.EC2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
		GroupId:              &group,
		SecurityGroupRuleIds: []string{r.AWSID},
	})
	return gone(err)
}
