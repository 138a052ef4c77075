package kinds

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// api is the HTTP API. It has no client token and no unique name: a lost one
// is found by its tags. Outputs: api_endpoint.
type api struct{ base }

func (api) Name() model.ResourceKind { return KindAPI }

func (api) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute, Unseen: unseen}
}

func (k api) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	if r.AWSID != "" {
		out, err := c.API.GetApi(ctx, &gw.GetApiInput{ApiId: &r.AWSID})
		if err != nil {
			return provision.Observed{}, found(fmt.Errorf("get api %s: %w", r.AWSID, err))
		}
		return observedAPI(r.AWSID, out.ApiEndpoint), nil
	}
	apis, err := c.APIs(ctx)
	if err != nil {
		return provision.Observed{}, fmt.Errorf("list apis: %w", err)
	}
	for _, a := range apis {
		if owns(c, in, r, a.Tags) {
			return observedAPI(aws.ToString(a.ApiId), a.ApiEndpoint), nil
		}
	}
	return provision.Observed{}, provision.ErrNotFound
}

func observedAPI(id string, endpoint *string) provision.Observed {
	return provision.Observed{AWSID: id, Outputs: map[string]string{"api_endpoint": aws.ToString(endpoint)}, Ready: true}
}

func (k api) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.API.CreateApi(ctx, &gw.CreateApiInput{
		Name: &r.Name, ProtocolType: types.ProtocolTypeHttp, Tags: ownerTags(c, in, r),
		Description: aws.String("The way in to the backend " + in.Backend.Name + ", made by Drawbridge"),
	})
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create api %s: %w", r.Name, later(in, r, err))
	}
	return observedAPI(aws.ToString(out.ApiId), out.ApiEndpoint), nil
}

func (api) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	return tagsOnly(have, want)
}

func (k api) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.change(ctx, in, r, retagAPI("/apis/"+r.AWSID), k.Find)
}

func (k api) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.API.DeleteApi(ctx, &gw.DeleteApiInput{ApiId: &r.AWSID})
	return gone(err)
}
