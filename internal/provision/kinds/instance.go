package kinds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// instance is one EC2 instance: launched by us, or an existing one that is
// only looked at. Params of ours: instance_type, subnet_id, profile, ami,
// user_data (in words), user_data_sha256, power; of an existing one:
// instance_id. Outputs: private_ip, subnet_id, availability_zone.
type instance struct{ base }

func (instance) Name() model.ResourceKind { return KindInstance }

func (instance) Timing() provision.Timing {
	return provision.Timing{Make: 25 * time.Second, Unmake: 30 * time.Second, Change: 45 * time.Second, Lingers: true, Limit: 10 * time.Minute}
}

func (k instance) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	id := r.AWSID
	if id == "" {
		id = r.Params["instance_id"]
	}
	query := &ec2.DescribeInstancesInput{InstanceIds: []string{id}}
	if id == "" {
		// Terminated ones keep their tags for an hour; they are of an earlier life.
		query = &ec2.DescribeInstancesInput{Filters: append(ownerFilters(c, in, r),
			awsapi.Filter("instance-state-name", "pending", "running", "stopping", "stopped"))}
	}
	i, err := describeInstance(ctx, c, query)
	if err != nil && !errors.Is(err, provision.ErrNotFound) {
		return provision.Observed{}, fmt.Errorf("describe instance %s: %w", r.Key, err)
	}
	if err == nil {
		return observedInstance(i, r)
	}
	if r.Ownership == model.OwnershipReferenced {
		return provision.Observed{}, missing(id) // waiting would not bring it back
	}
	return provision.Observed{}, provision.ErrNotFound
}

// describeInstance returns the one that the query finds, or ErrNotFound.
func describeInstance(ctx context.Context, c *awsapi.Clients, query *ec2.DescribeInstancesInput) (types.Instance, error) {
	out, err := c.EC2.DescribeInstances(ctx, query)
	if err != nil {
		return types.Instance{}, found(err)
	}
	for _, reservation := range out.Reservations {
		for _, i := range reservation.Instances {
			return i, nil
		}
	}
	return types.Instance{}, provision.ErrNotFound
}

// FindAll looks at many with one call.
func (k instance) FindAll(ctx context.Context, asks []provision.Ask) []provision.Answer {
	return batch[types.Instance]{
		most: awsapi.FilterValuesMax, describe: describeInstances, judge: observedInstance, find: k.Find,
	}.answer(ctx, k.base, asks)
}

// describeInstances asks by filter and not by id, so that one that is gone
// hides no other.
func describeInstances(ctx context.Context, c *awsapi.Clients, ids []string) (map[string]types.Instance, error) {
	known := map[string]types.Instance{}
	pages := ec2.NewDescribeInstancesPaginator(c.EC2, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{awsapi.Filter("instance-id", ids...)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe %d instances: %w", len(ids), err)
		}
		for _, reservation := range page.Reservations {
			for _, i := range reservation.Instances {
				known[aws.ToString(i.InstanceId)] = i
			}
		}
	}
	return known, nil
}

func missing(id string) *model.Problem {
	return &model.Problem{
		Code: "InvalidInstanceID.NotFound", Message: fmt.Sprintf("The instance %s does not exist in this account and Region.", id),
		Advice: "Register the backend with instances that exist.",
	}
}

// observedInstance judges an instance by its state.
func observedInstance(i types.Instance, r *model.Resource) (provision.Observed, error) {
	m := awsapi.InstanceOf(i)
	obs := provision.Observed{
		AWSID: m.ID,
		Outputs: map[string]string{
			"private_ip": m.PrivateIP, "subnet_id": m.SubnetID, "availability_zone": m.AZ,
		},
		Why: fmt.Sprintf("The instance is %s.", m.State),
	}
	off := asleep(r.Wanted())
	switch types.InstanceStateName(m.State) {
	case types.InstanceStateNameRunning:
		if obs.Ready, obs.Differs = !off, off; !off {
			obs.Why = ""
		}
	case types.InstanceStateNameStopped, types.InstanceStateNameStopping:
		if off || asleep(r.Params) { // it was stopped by us
			stopped := m.State == string(types.InstanceStateNameStopped)
			obs.Ready, obs.Differs = off && stopped, !off && stopped
			break
		}
		obs.Failed = &model.Problem{
			Code: "InstanceStopped", Message: fmt.Sprintf("The instance %s is %s; somebody stopped it.", m.ID, m.State),
			Advice: "Start it in the EC2 console, then retry.",
		}
	case types.InstanceStateNameTerminated:
		switch {
		case r.State == model.ResourceDeleting:
			obs.Gone = true
		case r.Ownership == model.OwnershipReferenced:
			return obs, missing(m.ID)
		case r.State == model.ResourceReady, r.State == model.ResourceFailed, r.Changing != nil:
			// What was told of already, or was terminated by somebody later,
			// does not stand in the way of a new one.
			return obs, provision.ErrNotFound
		default:
			obs.Failed = terminated(i, m.ID)
		}
	}
	return obs, nil
}

// terminated tells why an instance ended instead of starting.
func terminated(i types.Instance, id string) *model.Problem {
	p := &model.Problem{
		Code: "InstanceTerminated", Message: fmt.Sprintf("The instance %s was terminated while it started.", id),
		Advice: "Mend what AWS names, then retry: a new instance is launched.",
	}
	if s := i.StateReason; s != nil {
		p.Code = aws.ToString(s.Code)
		p.Message = fmt.Sprintf("The instance %s was terminated while it started: %s", id, aws.ToString(s.Message))
	}
	switch {
	case strings.Contains(p.Code, "VolumeLimitExceeded"):
		p.Meaning = "The account's quota of EBS storage is used up."
	case strings.Contains(p.Message, "Client.InternalError"), strings.Contains(p.Code, "Client.InternalError"):
		p.Meaning = "Mostly this means that the key which encrypts the root volume may not be used by these credentials."
		p.Advice = "Check the account's default EBS encryption key in KMS and the rights on it, then retry."
	}
	return p
}

func (k instance) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	if asleep(r.Wanted()) {
		return provision.Observed{}, &model.Problem{
			Code: "InstanceTerminated", Message: "The instance is gone: somebody terminated it. Another one is not launched to be stopped at once.",
			Advice: "Provision the backend: that launches another. Then it can be put to sleep.",
		}
	}
	request, err := launchRequest(c, in, r)
	if err != nil {
		return provision.Observed{}, err
	}
	out, err := c.EC2.RunInstances(ctx, request)
	switch {
	case awsapi.HasCode(err, "InvalidParameterValue") && strings.Contains(err.Error(), "Invalid IAM Instance Profile") && settling(in, r):
		return provision.Observed{}, &provision.NotYet{Why: "EC2 does not know the instance profile yet: " + said(err), Err: err}
	case err != nil:
		return provision.Observed{}, fmt.Errorf("run instance %s: %w", r.Key, later(in, r, err))
	case len(out.Instances) == 0:
		return k.Find(ctx, in, r)
	}
	return observedInstance(out.Instances[0], r)
}

func launchRequest(c *awsapi.Clients, in provision.Inputs, r *model.Resource) (*ec2.RunInstancesInput, error) {
	img, err := in.Need("image")
	if err != nil {
		return nil, err
	}
	group, err := in.Need("ec2-sg")
	if err != nil {
		return nil, err
	}
	size, err := strconv.ParseInt(img.Outputs["root_size"], 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read root size of %s: %w", img.AWSID, err)
	}
	tags := ownerTags(c, in, r)
	request := &ec2.RunInstancesInput{
		ImageId:          &img.AWSID,
		InstanceType:     types.InstanceType(r.Params["instance_type"]),
		MinCount:         aws.Int32(1),
		MaxCount:         aws.Int32(1),
		SubnetId:         aws.String(r.Params["subnet_id"]),
		SecurityGroupIds: []string{group.AWSID},
		UserData:         aws.String(userData(in.Backend.Spec)),
		ClientToken:      aws.String(clientToken(r)),
		// IMDSv2 only; one hop, because the app is not in a container.
		MetadataOptions: &types.InstanceMetadataOptionsRequest{
			HttpEndpoint: types.InstanceMetadataEndpointStateEnabled, HttpTokens: types.HttpTokensStateRequired,
			HttpPutResponseHopLimit: aws.Int32(1),
		},
		BlockDeviceMappings: []types.BlockDeviceMapping{{
			DeviceName: aws.String(img.Outputs["root_device"]),
			Ebs: &types.EbsBlockDevice{
				VolumeType: types.VolumeTypeGp3, VolumeSize: aws.Int32(int32(size)), Encrypted: aws.Bool(true),
				DeleteOnTermination: aws.Bool(true),
			},
		}},
		TagSpecifications: []types.TagSpecification{ec2Tags(types.ResourceTypeInstance, tags), ec2Tags(types.ResourceTypeVolume, tags)},
	}
	switch profile := r.Params["profile"]; {
	case strings.HasPrefix(profile, "arn:"):
		request.IamInstanceProfile = &types.IamInstanceProfileSpecification{Arn: &profile}
	case profile != "":
		request.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: &profile}
	}
	return request, nil
}

// clientToken makes a re-sent launch the same launch. It holds the resource
// row's birth, so that an instance launched after a destroy is another one.
func clientToken(r *model.Resource) string {
	sum := sha256.Sum256([]byte(r.BackendID + "/" + r.Key + "/" + strconv.FormatInt(r.CreatedAt.UnixMilli(), 10)))
	return hex.EncodeToString(sum[:])
}

func (k instance) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, err := k.clients(ctx, in)
	if err != nil {
		return err
	}
	_, err = c.EC2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{r.AWSID}})
	return gone(err)
}
