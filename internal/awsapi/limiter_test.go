package awsapi_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

func createLink(ctx context.Context, c *awsapi.Clients) error {
	_, err := c.API.CreateVpcLink(ctx, &gw.CreateVpcLinkInput{Name: aws.String("a"), SubnetIds: []string{"s"}})
	return err
}

// AWS takes one CreateVpcLink in 15 s: the second is not sent, and the caller
// learns when there is room, because nobody shall hang in a queue for minutes.
func TestSlowBucketSaysWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	wire, url := newWire(t, jsonAnswer(`{"vpcLinkId":"aaaaaa"}`))
	c := clientsFor(t, url, awsapi.Options{})
	if err := createLink(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := createLink(t.Context(), c)
		var queued *awsapi.QueuedError
		if !errors.As(err, &queued) {
			t.Fatalf("the second call: %v", err)
		}
		if queued.Wait < 10*time.Second || queued.Wait > 15*time.Second {
			t.Errorf("wait %s: a refused call must give its place back", queued.Wait)
		}
	}
	if n := len(wire.seen()); n != 1 {
		t.Errorf("%d calls arrived", n)
	}
	if _, err := c.VPCLinks(t.Context()); err != nil {
		t.Errorf("another class of calls waits, too: %v", err)
	}
}

// Two environments with one endpoint and Region share the
// buckets; another endpoint has its own.
func TestBucketsAreSharedByEndpointAndRegion(t *testing.T) {
	t.Parallel()
	_, url := newWire(t, jsonAnswer(`{"vpcLinkId":"aaaaaa"}`))
	_, otherURL := newWire(t, jsonAnswer(`{"vpcLinkId":"bbbbbb"}`))
	pool := awsapi.New(awsapi.Options{})
	env, same, other := localEnvironment(url), localEnvironment(url), localEnvironment(otherURL)
	same.ExternalID = "another set of clients"
	var results []error
	for _, e := range []*model.Environment{env, same, other} {
		c, err := pool.Clients(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, createLink(t.Context(), c))
	}
	var queued *awsapi.QueuedError
	if results[0] != nil || !errors.As(results[1], &queued) || results[2] != nil {
		t.Errorf("results %v", results)
	}
}

func TestWaitInTheQueueEndsWithTheContext(t *testing.T) {
	t.Parallel()
	wire, url := newWire(t, jsonAnswer(`{"items":[]}`))
	slow := func(string, string) []awsapi.Bucket { return []awsapi.Bucket{{Class: "all", PerSecond: 0.5, Burst: 1}} }
	c := clientsFor(t, url, awsapi.Options{Rates: slow})
	if _, err := c.APIs(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.APIs(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if n := len(wire.seen()); n != 1 {
		t.Errorf("%d calls arrived", n)
	}
}

// A throttled answer says that AWS's bucket is empty, whatever ours says, and
// halves the pace, so that the callers together do not keep AWS throttling.
func TestThrottledAnswerSlowsTheBucket(t *testing.T) {
	t.Parallel()
	wire, url := newWire(t, gatewayError(429, "TooManyRequestsException", "slow down"))
	rates := func(string, string) []awsapi.Bucket { return []awsapi.Bucket{{Class: "all", PerSecond: 0.2, Burst: 3}} }
	c := clientsFor(t, url, awsapi.Options{Rates: rates})
	if err := createLink(t.Context(), c); awsapi.Classify(err) != awsapi.Throttled {
		t.Fatal(err)
	}
	var queued *awsapi.QueuedError
	if err := createLink(t.Context(), c); !errors.As(err, &queued) || queued.Wait < 9*time.Second {
		t.Errorf("after a throttled answer: %v (at the full rate it would be 5 s)", err)
	}
	if n := len(wire.seen()); n != 1 {
		t.Errorf("%d calls arrived", n)
	}
}

// A caller who is patient waits for its turn, is told so in words, and gives
// the place up when it has to stop.
func TestCallerWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	wire, url := newWire(t, jsonAnswer(`{"vpcLinkId":"aaaaaa"}`))
	c := clientsFor(t, url, awsapi.Options{})
	if err := createLink(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	stopped := errors.New("stopped")
	until, stop := context.WithCancelCause(t.Context())
	var told []string
	ctx := awsapi.WithCaller(t.Context(), awsapi.Caller{Team: "a", Until: until, Tell: func(q awsapi.Queued) {
		told = append(told, q.String())
		stop(stopped)
	}})
	if err := createLink(ctx, c); !errors.Is(err, stopped) {
		t.Errorf("error %v", err)
	}
	if want := "Waits for its turn to call CreateVpcLink: it is next, about 15 s (AWS allows 1 per 15 s)."; len(told) != 1 || told[0] != want {
		t.Errorf("told %q", told)
	}
	if n := len(wire.seen()); n != 1 {
		t.Errorf("%d calls arrived", n)
	}
}

func TestRatesAreThoseOfAWS(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		service, operation string
		want               awsapi.Bucket
	}{
		{"EC2", "DescribeInstances", awsapi.Bucket{Class: "DescribeInstances", PerSecond: 20, Burst: 100}},
		{"EC2", "RunInstances", awsapi.Bucket{Class: "RunInstances", PerSecond: 2, Burst: 5}},
		{"EC2", "CreateSecurityGroup", awsapi.Bucket{Class: "CreateSecurityGroup", PerSecond: 5, Burst: 50}},
		{"Elastic Load Balancing v2", "CreateLoadBalancer", awsapi.Bucket{Class: "resource-intensive", PerSecond: 0.2, Burst: 10}},
		{"Elastic Load Balancing v2", "RegisterTargets", awsapi.Bucket{Class: "registration", PerSecond: 4, Burst: 20}},
		{"Elastic Load Balancing v2", "CreateListener", awsapi.Bucket{Class: "mutating", PerSecond: 3, Burst: 20}},
		{"Elastic Load Balancing v2", "DescribeTargetHealth", awsapi.Bucket{Class: "non-mutating", PerSecond: 10, Burst: 40}},
		{"ApiGatewayV2", "CreateApi", awsapi.Bucket{Class: "all", PerSecond: 10, Burst: 40}},
		{"ApiGatewayV2", "DeleteVpcLink", awsapi.Bucket{Class: "DeleteVpcLink", PerSecond: 1.0 / 30, Burst: 1}},
	} {
		all := awsapi.AWSRates(row.service, row.operation)
		if got := all[len(all)-1]; got != row.want {
			t.Errorf("%s %s: %+v, want %+v", row.service, row.operation, got, row.want)
		}
	}
}
