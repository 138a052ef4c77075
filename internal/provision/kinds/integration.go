package kinds

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// integration is the private integration of the API with the listener through
// the VPC link. It takes no tags, so its description carries the owner.
type integration struct{ base }

// serialAPI is the key of the resource whose writes AWS wants one at a time.
const serialAPI = "api"

func (integration) Name() model.ResourceKind { return KindIntegration }

func (integration) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute, Serial: serialAPI, Unseen: unseen}
}

// ownerMark is what an integration's description begins with.
func ownerMark(c *awsapi.Clients, in provision.Inputs, r *model.Resource) string {
	return fmt.Sprintf("drawbridge:%s/%s/%s", c.Install, in.Backend.ID, r.Key)
}

func (k integration) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	all, err := c.Integrations(ctx, parent.AWSID)
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("list integrations of %s: %w", parent.AWSID, err))
	}
	for _, i := range all {
		id := aws.ToString(i.IntegrationId)
		if id == r.AWSID || r.AWSID == "" && aws.ToString(i.Description) == ownerMark(c, in, r) {
			return provision.Observed{AWSID: id, Ready: true}, nil
		}
	}
	return provision.Observed{}, provision.ErrNotFound
}

func (k integration) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	var ids [3]string
	for i, key := range []string{"api", "vpc-link", "listener"} {
		need, err := in.Need(key)
		if err != nil {
			return provision.Observed{}, err
		}
		ids[i] = need.AWSID
	}
	out, err := c.API.CreateIntegration(ctx, &gw.CreateIntegrationInput{
		ApiId:                &ids[0],
		IntegrationType:      types.IntegrationTypeHttpProxy,
		IntegrationMethod:    aws.String("ANY"),
		ConnectionType:       types.ConnectionTypeVpcLink,
		ConnectionId:         &ids[1],
		IntegrationUri:       &ids[2],
		PayloadFormatVersion: aws.String("1.0"), // the only one that HTTP_PROXY takes
		Description:          aws.String(ownerMark(c, in, r)),
	})
	if awsapi.HasCode(err, "BadRequestException") && strings.Contains(err.Error(), "Unable to retrieve listener port") && settling(in, r) {
		return provision.Observed{}, &provision.NotYet{Why: "API Gateway does not see the new listener yet: " + said(err), Err: err}
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create integration of %s: %w", ids[0], later(in, r, err))
	}
	return provision.Observed{AWSID: aws.ToString(out.IntegrationId), Ready: true}, nil
}

func (k integration) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.API.DeleteIntegration(ctx, &gw.DeleteIntegrationInput{ApiId: &parent.AWSID, IntegrationId: &r.AWSID})
	return gone(err)
}
