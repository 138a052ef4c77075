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

// route sends every request of the API to the integration. Its key is unique
// in the API, which is ours. Params: route_key.
type route struct{ base }

func (route) Name() model.ResourceKind { return KindRoute }

func (route) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute, Serial: serialAPI}
}

func (k route) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	all, err := c.Routes(ctx, parent.AWSID)
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("list routes of %s: %w", parent.AWSID, err))
	}
	for _, one := range all {
		id := aws.ToString(one.RouteId)
		if id == r.AWSID || r.AWSID == "" && aws.ToString(one.RouteKey) == r.Params["route_key"] {
			return k.judge(in, r, id, aws.ToString(one.Target))
		}
	}
	return provision.Observed{}, provision.ErrNotFound
}

// judge refuses a route of that key which leads elsewhere: somebody made it.
func (route) judge(in provision.Inputs, r *model.Resource, id, target string) (provision.Observed, error) {
	obs := provision.Observed{AWSID: id, Ready: true}
	if r.State == model.ResourceDeleting {
		return obs, nil
	}
	to, err := in.Need("integration")
	if err != nil {
		return provision.Observed{}, err
	}
	if target != "integrations/"+to.AWSID {
		obs.Ready = false
		obs.Failed = &model.Problem{
			Code:    "RouteChanged",
			Message: fmt.Sprintf("The route %s leads to %q instead of the chain's integration.", r.Params["route_key"], target),
			Advice:  "Attach it to integrations/" + to.AWSID + " in API Gateway or delete it there, then retry.",
		}
	}
	return obs, nil
}

func (k route) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	to, err := in.Need("integration")
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.API.CreateRoute(ctx, &gw.CreateRouteInput{
		ApiId: &parent.AWSID, RouteKey: aws.String(r.Params["route_key"]), Target: aws.String("integrations/" + to.AWSID),
		AuthorizationType: types.AuthorizationTypeNone,
	})
	if awsapi.Classify(err) == awsapi.AlreadyExists {
		return existing(func() (provision.Observed, error) { return k.Find(ctx, in, r) }, err)
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create route %s: %w", r.Params["route_key"], later(in, r, err))
	}
	return provision.Observed{AWSID: aws.ToString(out.RouteId), Ready: true}, nil
}

func (k route) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.API.DeleteRoute(ctx, &gw.DeleteRouteInput{ApiId: &parent.AWSID, RouteId: &r.AWSID})
	return gone(err)
}
