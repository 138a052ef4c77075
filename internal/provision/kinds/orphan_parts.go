package kinds

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// inUse is the refusal for a part of something that AWS deletes together with it.
func inUse(what, id, state string) error {
	return &provision.NotYet{Why: fmt.Sprintf("The %s %s is %s; it goes with what it belongs to.", what, id, state)}
}

// strayVolume is an instance's volume. One that is attached goes with the instance.
type strayVolume struct{ base }

func (k strayVolume) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	_, state, err := k.look(ctx, in, r)
	return provision.Observed{AWSID: r.AWSID, Why: fmt.Sprintf("The volume is %s.", state)}, err
}

func (k strayVolume) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, state, err := k.look(ctx, in, r)
	if err != nil {
		return err
	}
	if state == types.VolumeStateInUse || state == types.VolumeStateDeleting {
		return inUse("volume", r.AWSID, string(state))
	}
	_, err = c.EC2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &r.AWSID})
	return gone(err)
}

func (k strayVolume) look(ctx context.Context, in provision.Inputs, r *model.Resource) (*awsapi.Clients, types.VolumeState, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return nil, "", err
	}
	out, err := c.EC2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []types.Filter{awsapi.Filter("volume-id", r.AWSID)}})
	if err != nil {
		return nil, "", found(fmt.Errorf("describe volume %s: %w", r.AWSID, err))
	}
	if len(out.Volumes) == 0 {
		return nil, "", provision.ErrNotFound
	}
	return c, out.Volumes[0].State, nil
}

// strayInterface is a network interface. One that is attached goes with what
// it is attached to.
type strayInterface struct{ base }

func (k strayInterface) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	_, status, err := k.look(ctx, in, r)
	return provision.Observed{AWSID: r.AWSID, Why: fmt.Sprintf("The network interface is %s.", status)}, err
}

func (k strayInterface) Delete(ctx context.Context, in provision.Inputs, r *model.Resource) error {
	c, status, err := k.look(ctx, in, r)
	if err != nil {
		return err
	}
	if status != types.NetworkInterfaceStatusAvailable {
		return inUse("network interface", r.AWSID, string(status))
	}
	_, err = c.EC2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &r.AWSID})
	return gone(err)
}

func (k strayInterface) look(ctx context.Context, in provision.Inputs, r *model.Resource) (*awsapi.Clients, types.NetworkInterfaceStatus, error) {
	c, err := k.clients(ctx, in)
	if err != nil {
		return nil, "", err
	}
	out, err := c.EC2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{awsapi.Filter("network-interface-id", r.AWSID)},
	})
	if err != nil {
		return nil, "", found(fmt.Errorf("describe network interface %s: %w", r.AWSID, err))
	}
	if len(out.NetworkInterfaces) == 0 {
		return nil, "", provision.ErrNotFound
	}
	return c, out.NetworkInterfaces[0].Status, nil
}
