package kinds

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// A team's tag is a param of the kinds that carry tags, as "tag:stage". The
// owner tags are none: they never change.
const tagParam = "tag:"

// asleep tells whether params are those of what sleeps.
func asleep(params map[string]string) bool { return params[model.ParamPower] == model.PowerOff }

// difference is what differs between a resource and what is wanted.
type difference struct {
	have, want map[string]string
	action     model.Action
	reasons    []string
}

func differ(have *model.Resource, want *model.PlanItem) *difference {
	return &difference{have: have.Params, want: want.Params, action: model.ActionKeep}
}

// note adds a reason for an action; to replace is more than to update.
func (d *difference) note(a model.Action, format string, args ...any) {
	if d.action != model.ActionReplace {
		d.action = a
	}
	d.reasons = append(d.reasons, fmt.Sprintf(format, args...))
}

// of compares one param; noun is what it is called in a sentence.
func (d *difference) of(a model.Action, param, noun string) {
	if have, want := d.have[param], d.want[param]; have != want {
		d.note(a, "%s changes from %s to %s.", noun, quoted(have), quoted(want))
	}
}

func quoted(v string) string {
	if v == "" {
		return "none"
	}
	return v
}

// tags compares the team's tags. What is not ours keeps its own.
func (d *difference) tags(have *model.Resource) {
	if have.Ownership != model.OwnershipManaged {
		return
	}
	was, is := tagsOf(d.have), tagsOf(d.want)
	for _, k := range slices.Sorted(maps.Keys(is)) {
		if v, ok := was[k]; !ok {
			d.note(model.ActionUpdate, "It gets the tag %s=%s.", k, is[k])
		} else if v != is[k] {
			d.note(model.ActionUpdate, "The tag %s changes from %s to %s.", k, quoted(v), quoted(is[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[k]; !ok {
			d.note(model.ActionUpdate, "It loses the tag %s.", k)
		}
	}
}

func (d *difference) verdict() (model.Action, []string) { return d.action, d.reasons }

// tagsOnly is Diff for a kind of which nothing but the tags can change.
func tagsOnly(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	d := differ(have, want)
	d.tags(have)
	return d.verdict()
}

func tagsOf(params map[string]string) map[string]string {
	tags := map[string]string{}
	for k, v := range params {
		if key, ok := strings.CutPrefix(k, tagParam); ok {
			tags[key] = v
		}
	}
	return tags
}

// retagging is what it takes for a resource to have the wanted tags.
func retagging(r *model.Resource) (set map[string]string, unset []string) {
	was, is := tagsOf(r.Params), tagsOf(r.Wanted())
	if r.Changing == nil || r.Ownership != model.OwnershipManaged || maps.Equal(was, is) {
		return nil, nil
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[k]; !ok {
			unset = append(unset, k)
		}
	}
	return is, unset
}

// send asks AWS for what r is to have. It may do so again after a crash.
type send func(ctx context.Context, c *awsapi.Clients, r *model.Resource) error

// change is Change of a kind for which AWS carries out a change at once: it is
// sent, and find tells what there is then.
func (b base) change(ctx context.Context, in provision.Inputs, r *model.Resource, to send, find find) (provision.Observed, error) {
	c, err := b.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	if err := to(ctx, c, r); err != nil {
		return provision.Observed{}, err
	}
	return find(ctx, in, r)
}

// retagEC2 gives the resource its wanted tags.
func retagEC2(ctx context.Context, c *awsapi.Clients, r *model.Resource) error {
	return retagAllEC2(ctx, c, r, []string{r.AWSID})
}

// retagAllEC2 is the same for things that are one resource together.
func retagAllEC2(ctx context.Context, c *awsapi.Clients, r *model.Resource, ids []string) error {
	set, unset := retagging(r)
	if len(set) > 0 {
		if _, err := c.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: ids, Tags: ec2Tags("", set).Tags}); err != nil {
			return notNow(fmt.Errorf("tag %s: %w", ids[0], err))
		}
	}
	if len(unset) > 0 {
		var tags []ec2types.Tag
		for _, k := range unset {
			tags = append(tags, ec2types.Tag{Key: aws.String(k)}) // without a value: whatever it is
		}
		if _, err := c.EC2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: ids, Tags: tags}); err != nil {
			return notNow(fmt.Errorf("untag %s: %w", ids[0], err))
		}
	}
	return nil
}

// retagELB is the same for load balancers and what belongs to them.
func retagELB(ctx context.Context, c *awsapi.Clients, r *model.Resource) error {
	set, unset := retagging(r)
	if len(set) > 0 {
		if _, err := c.ELB.AddTags(ctx, &elb.AddTagsInput{ResourceArns: []string{r.AWSID}, Tags: elbTags(set)}); err != nil {
			return notNow(fmt.Errorf("tag %s: %w", r.AWSID, err))
		}
	}
	if len(unset) > 0 {
		if _, err := c.ELB.RemoveTags(ctx, &elb.RemoveTagsInput{ResourceArns: []string{r.AWSID}, TagKeys: unset}); err != nil {
			return notNow(fmt.Errorf("untag %s: %w", r.AWSID, err))
		}
	}
	return nil
}

// retagAPI is the same for API Gateway's; path is as in "/apis/a1b2c3d4e5".
func retagAPI(path string) send {
	return func(ctx context.Context, c *awsapi.Clients, r *model.Resource) error {
		arn := fmt.Sprintf("arn:%s:apigateway:%s::%s", partition(c.Region), c.Region, path)
		set, unset := retagging(r)
		if len(set) > 0 {
			if _, err := c.API.TagResource(ctx, &gw.TagResourceInput{ResourceArn: &arn, Tags: set}); err != nil {
				return notNow(fmt.Errorf("tag %s: %w", arn, err))
			}
		}
		if len(unset) > 0 {
			if _, err := c.API.UntagResource(ctx, &gw.UntagResourceInput{ResourceArn: &arn, TagKeys: unset}); err != nil {
				return notNow(fmt.Errorf("untag %s: %w", arn, err))
			}
		}
		return nil
	}
}

// partition is the part of AWS that a Region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// notNow turns the answers to a change that changed nothing and may be sent
// again as it is into NotYet.
func notNow(err error) error {
	if why := busy(err); why != "" {
		return &provision.NotYet{Why: why, Err: err, Passing: true}
	}
	return err
}
