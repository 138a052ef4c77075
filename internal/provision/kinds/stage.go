package kinds

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// stage is the API's $default stage with automatic deployment: the invoke URL
// has no stage name in its path. Its name is unique in the API, which is ours.
// Outputs: invoke_url.
type stage struct{ base }

const defaultStage = "$default"

func (stage) Name() model.ResourceKind { return KindStage }

func (stage) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute, Serial: serialAPI}
}

func (k stage) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.API.GetStage(ctx, &gw.GetStageInput{ApiId: &parent.AWSID, StageName: aws.String(defaultStage)})
	if err != nil {
		return provision.Observed{}, found(fmt.Errorf("get stage of %s: %w", parent.AWSID, err))
	}
	return observedStage(parent, out.StageName), nil
}

func observedStage(parent *model.Resource, name *string) provision.Observed {
	return provision.Observed{
		AWSID:   aws.ToString(name),
		Outputs: map[string]string{"invoke_url": strings.TrimSuffix(parent.Outputs["api_endpoint"], "/") + "/"},
		Ready:   true,
	}
}

func (k stage) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	tags := ownerTags(c, in, r)
	tags[awsapi.TagName] = in.Backend.AWSName("stage") // a tag takes no $
	out, err := c.API.CreateStage(ctx, &gw.CreateStageInput{
		ApiId: &parent.AWSID, StageName: aws.String(defaultStage), AutoDeploy: aws.Bool(true), Tags: tags,
	})
	if awsapi.Classify(err) == awsapi.AlreadyExists {
		return existing(func() (provision.Observed, error) { return k.Find(ctx, in, r) }, err)
	}
	if err != nil {
		return provision.Observed{}, fmt.Errorf("create stage of %s: %w", parent.AWSID, later(in, r, err))
	}
	return observedStage(parent, out.StageName), nil
}

func (stage) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	return tagsOnly(have, want)
}

func (k stage) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	parent, err := in.Need("api")
	if err != nil {
		return provision.Observed{}, err
	}
	return k.change(ctx, in, r, retagAPI("/apis/"+parent.AWSID+"/stages/"+defaultStage), k.Find)
}

func (k stage) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, parent, err := k.inAPI(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.API.DeleteStage(ctx, &gw.DeleteStageInput{ApiId: &parent.AWSID, StageName: aws.String(defaultStage)})
	return gone(err)
}
