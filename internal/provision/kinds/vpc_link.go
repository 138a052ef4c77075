package kinds

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// vpcLink is the VPC link (V2) from API Gateway into the subnets. It has no
// client token and no unique name: a lost one is found by its tags. Params:
// subnets.
type vpcLink struct{ base }

func (vpcLink) Name() model.ResourceKind { return KindVPCLink }

// Timing: AWS takes one to ten minutes, and about as long to delete it.
func (vpcLink) Timing() provision.Timing {
	return provision.Timing{Make: 120 * time.Second, Unmake: 90 * time.Second, Lingers: true, Limit: 15 * time.Minute, Unseen: unseen}
}

func (k vpcLink) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	if r.AWSID != "" {
		out, err := k.status(ctx, in, r.AWSID)
		if err != nil {
			return provision.Observed{}, found(err)
		}
		return observedLink(r.AWSID, out.VpcLinkStatus, out.VpcLinkStatusMessage), nil
	}
	links, err := c.VPCLinks(ctx)
	if err != nil {
		return provision.Observed{}, fmt.Errorf("list vpc links: %w", err)
	}
	return pickLink(links, func(tags map[string]string) bool { return owns(c, in, r, tags) })
}

func (k vpcLink) status(ctx context.Context, in provision.Inputs, id string) (*gw.GetVpcLinkOutput, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := c.API.GetVpcLink(ctx, &gw.GetVpcLinkInput{VpcLinkId: &id})
	if err != nil {
		return nil, fmt.Errorf("get vpc link %s: %w", id, err)
	}
	return out, nil
}

// FindAll looks at many with one list: an account has ten.
func (k vpcLink) FindAll(ctx context.Context, asks []provision.Ask) []provision.Answer {
	return batch[types.VpcLink]{
		most: len(asks), describe: listLinks,
		judge: func(l types.VpcLink, _ *model.Resource) (provision.Observed, error) {
			return observedLink(aws.ToString(l.VpcLinkId), l.VpcLinkStatus, l.VpcLinkStatusMessage), nil
		},
		find: func(context.Context, provision.Inputs, *model.Resource) (provision.Observed, error) {
			return provision.Observed{}, provision.ErrNotFound // the list is whole
		},
	}.answer(ctx, k.base, asks)
}

func listLinks(ctx context.Context, c *awsapi.Clients, _ []string) (map[string]types.VpcLink, error) {
	links, err := c.VPCLinks(ctx)
	if err != nil {
		return nil, fmt.Errorf("list vpc links: %w", err)
	}
	known := make(map[string]types.VpcLink, len(links))
	for _, l := range links {
		known[aws.ToString(l.VpcLinkId)] = l
	}
	return known, nil
}

// pickLink finds our link. One that is being deleted is of an earlier life.
func pickLink(links []types.VpcLink, ours func(tags map[string]string) bool) (provision.Observed, error) {
	for _, l := range links {
		if ours(l.Tags) && l.VpcLinkStatus != types.VpcLinkStatusDeleting {
			return observedLink(aws.ToString(l.VpcLinkId), l.VpcLinkStatus, l.VpcLinkStatusMessage), nil
		}
	}
	return provision.Observed{}, provision.ErrNotFound
}

func observedLink(id string, status types.VpcLinkStatus, message *string) provision.Observed {
	obs := provision.Observed{AWSID: id, Why: fmt.Sprintf("The VPC link is %s.", status)}
	if m := aws.ToString(message); m != "" {
		obs.Why += " " + m
	}
	switch status {
	// After 60 days without traffic a link is INACTIVE until a request comes,
	// which is for the first answer to send (docs/aws-facts.md, section B).
	case types.VpcLinkStatusAvailable, types.VpcLinkStatusInactive:
		obs.Ready, obs.Why = true, ""
	case types.VpcLinkStatusFailed:
		obs.Failed = &model.Problem{
			Code: "VpcLinkFailed", Message: "AWS could not set up the VPC link: " + aws.ToString(message),
			Meaning: "API Gateway could not place its network interfaces in the subnets.",
			Advice:  "Check that the subnets have free addresses and that the service-linked role AWSServiceRoleForAPIGateway exists. Then destroy what exists and provision again.",
		}
	}
	return obs
}

func (k vpcLink) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	group, err := in.Need("vpclink-sg")
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.API.CreateVpcLink(ctx, &gw.CreateVpcLinkInput{
		Name: &r.Name, SubnetIds: list(r.Params["subnets"]), SecurityGroupIds: []string{group.AWSID},
		Tags: ownerTags(c, in, r),
	})
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create vpc link %s: %w", r.Name, later(in, r, err))
	}
	return observedLink(aws.ToString(out.VpcLinkId), out.VpcLinkStatus, out.VpcLinkStatusMessage), nil
}

func (vpcLink) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	return tagsOnly(have, want)
}

func (k vpcLink) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.change(ctx, in, r, retagAPI("/vpclinks/"+r.AWSID), k.Find)
}

func (k vpcLink) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.API.DeleteVpcLink(ctx, &gw.DeleteVpcLinkInput{VpcLinkId: &r.AWSID})
	return gone(err)
}
