package kinds

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// Diff: what an instance was launched with makes another one of it; the subnet
// alone does not. Power and tags change in place.
func (instance) Diff(have *model.Resource, want *model.PlanItem) (model.Action, []string) {
	d := differ(have, want)
	if have.State == model.ResourceDeleting {
		d.note(model.ActionReplace, "It is being terminated.")
	}
	if was, is := d.have["instance_id"], d.want["instance_id"]; was != "" || is != "" {
		switch {
		case was == "":
			d.note(model.ActionReplace, "The existing instance %s is used instead of a launched one.", is)
		case is == "":
			d.note(model.ActionReplace, "An instance is launched instead of using the existing %s.", was)
		default:
			d.of(model.ActionReplace, "instance_id", "The instance")
		}
		return d.verdict()
	}
	d.of(model.ActionReplace, "instance_type", "The instance type")
	d.of(model.ActionReplace, "ami", "The image")
	d.of(model.ActionReplace, "profile", "The instance profile")
	if d.have["user_data_sha256"] != d.want["user_data_sha256"] {
		d.note(model.ActionReplace, "The user data changes (from %s to %s).", d.have["user_data"], d.want["user_data"])
	}
	switch off := asleep(d.want); {
	case off == asleep(d.have):
	case off:
		d.note(model.ActionUpdate, "It is stopped.")
	default:
		d.note(model.ActionUpdate, "It is started.")
	}
	d.tags(have)
	return d.verdict()
}

// Change starts or stops the instance and tags it and its volumes.
func (k instance) Change(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return provision.Observed{}, err
	}
	i, err := describeInstance(ctx, c, &ec2.DescribeInstancesInput{InstanceIds: []string{r.AWSID}})
	if err != nil {
		return provision.Observed{}, fmt.Errorf("describe instance %s: %w", r.AWSID, err)
	}
	if err := retagAllEC2(ctx, c, r, append([]string{r.AWSID}, ownVolumes(i)...)); err != nil {
		return provision.Observed{}, err
	}
	obs, err := observedInstance(i, r)
	if err != nil || !obs.Differs {
		return obs, err
	}
	verb := "starting"
	if asleep(r.Wanted()) {
		verb = "stopping"
		_, err = c.EC2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{r.AWSID}})
	} else {
		_, err = c.EC2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{r.AWSID}})
	}
	if err != nil {
		return provision.Observed{}, notNow(fmt.Errorf("%s instance %s: %w", verb, r.AWSID, err))
	}
	obs.Differs, obs.Why = false, fmt.Sprintf("The instance is %s.", verb)
	return obs, nil
}

// ownVolumes are those that were made with the instance and end with it.
func ownVolumes(i types.Instance) []string {
	var ids []string
	for _, m := range i.BlockDeviceMappings {
		if m.Ebs != nil && aws.ToBool(m.Ebs.DeleteOnTermination) && m.Ebs.VolumeId != nil {
			ids = append(ids, *m.Ebs.VolumeId)
		}
	}
	return ids
}
