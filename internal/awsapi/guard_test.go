package awsapi_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

// TestGuard: what changes nothing is never held back, and of what changes
// something each send is asked for, the SDK's own second ones too.
func TestGuard(t *testing.T) {
	t.Parallel()
	wire, url := newWire(t, ec2Error(http.StatusServiceUnavailable, "Unavailable", "later"), ec2Error(http.StatusBadRequest, "Never", "no"))
	lost, sends := errors.New("the lease is lost"), 0
	pool := awsapi.New(awsapi.Options{Guard: func(context.Context) error {
		if sends++; sends > 1 {
			return lost
		}
		return nil
	}})
	clients, err := pool.Clients(t.Context(), &model.Environment{Region: "us-east-1", Endpoint: url, Credentials: model.CredentialsLocal})
	if err != nil {
		t.Fatal(err)
	}
	_, err = clients.EC2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{"i-1"}})
	if !errors.Is(err, lost) {
		t.Errorf("the second send ended with %v", err)
	}
	_, err = clients.EC2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if errors.Is(err, lost) || sends != 2 {
		t.Errorf("a look ended with %v after %d questions", err, sends)
	}
	if got := wire.seen(); len(got) != 2 {
		t.Errorf("sent %v", got)
	}
}
