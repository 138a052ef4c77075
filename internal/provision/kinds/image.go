package kinds

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// image looks up the AMI that new instances start from; it makes nothing.
// Params: ami, or parameter (the name of an SSM public parameter that holds
// the newest one's id). Outputs: name, architecture, root_device,
// root_size (GiB).
type image struct{ base }

// The public parameters of the newest Amazon Linux 2023.
const (
	parameterX86 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
	parameterArm = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
)

// gravitonRE matches the instance families with Arm processors: a1, and those
// with a g behind their generation (t4g, m7gd, im4gn), unlike g5 and g4dn.
var gravitonRE = regexp.MustCompile(`^(a1|[a-z]+[0-9]+[a-z-]*g[a-z-]*)\.`)

// architecture is the processor that instances of the type have.
func architecture(instanceType string) types.ArchitectureValues {
	if gravitonRE.MatchString(instanceType) {
		return types.ArchitectureValuesArm64
	}
	return types.ArchitectureValuesX8664
}

func (image) Name() model.ResourceKind { return KindImage }

func (image) Timing() provision.Timing {
	return provision.Timing{Limit: 2 * time.Minute}
}

func (k image) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	id := r.Params["ami"]
	if id == "" {
		if id, err = c.RecentParameter(ctx, r.Params["parameter"]); err != nil {
			return provision.Observed{}, err
		}
	}
	img, err := describeImage(ctx, c, id)
	if err != nil {
		return provision.Observed{}, err
	}
	return provision.Observed{
		AWSID: id,
		Outputs: map[string]string{
			"name": aws.ToString(img.Name), "architecture": string(img.Architecture),
			"root_device": aws.ToString(img.RootDeviceName), "root_size": strconv.Itoa(int(rootSize(img))),
		},
		Ready: img.State == types.ImageStateAvailable || img.State == "",
		Why:   fmt.Sprintf("The AMI %s is %s.", id, img.State),
	}, nil
}

// minRootSize is what Amazon Linux 2023 needs, for an image that does not say.
const minRootSize = 8 // GiB

// rootSize is how large the image's root volume is.
func rootSize(img *types.Image) int32 {
	for _, m := range img.BlockDeviceMappings {
		if aws.ToString(m.DeviceName) == aws.ToString(img.RootDeviceName) && m.Ebs != nil && m.Ebs.VolumeSize != nil {
			return *m.Ebs.VolumeSize
		}
	}
	return minRootSize
}

// describeImage returns the AMI, or a problem when there is none.
func describeImage(ctx context.Context, c *awsapi.Clients, id string) (*types.Image, error) {
	images, err := c.RecentImages(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, &model.Problem{
			Code: "InvalidAMIID.NotFound", Message: fmt.Sprintf("The AMI %s does not exist in %s, or this account may not use it.", id, c.Region),
			Advice: "Correct spec.launch.ami, or leave it empty for the newest Amazon Linux 2023.",
		}
	}
	return &images[0], nil
}

func (k image) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.Find(ctx, in, r)
}

func (image) Delete(context.Context, provision.Inputs, *model.Resource) error { return nil }
