package awsapi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// The services as the SDK names them.
const (
	serviceEC2 = "EC2"
	serviceELB = "Elastic Load Balancing v2"
	serviceAPI = "ApiGatewayV2"
	serviceSSM = "SSM"
	serviceSTS = "STS"
)

// Bucket is a token bucket that calls of one class draw from.
type Bucket struct {
	Class     string
	PerSecond float64
	Burst     int
}

// AWSRates are AWS's documented rates for the calls that Drawbridge makes
// (docs: EC2 and ELB API throttling, API Gateway quotas). A call draws from
// every bucket listed for it.
func AWSRates(service, operation string) []Bucket {
	switch service {
	case serviceEC2: // a bucket for each action
		return []Bucket{ec2Rate(operation)}
	case serviceELB: // a bucket for each class beside the one for all
		return []Bucket{{"all", 10, 40}, elbRate(operation)}
	case serviceAPI:
		all := Bucket{"all", 10, 40}
		switch operation {
		case "CreateVpcLink":
			return []Bucket{all, {operation, 1.0 / 15, 1}}
		case "DeleteVpcLink":
			return []Bucket{all, {operation, 1.0 / 30, 1}}
		}
		return []Bucket{all}
	case serviceSSM:
		return []Bucket{{"all", 40, 40}}
	}
	return []Bucket{{"all", 10, 40}}
}

func ec2Rate(operation string) Bucket {
	switch operation {
	case "RunInstances":
		return Bucket{operation, 2, 5}
	case "TerminateInstances":
		return Bucket{operation, 5, 100}
	case "CreateTags":
		return Bucket{operation, 10, 100}
	}
	if strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "Get") {
		return Bucket{operation, 20, 100}
	}
	return Bucket{operation, 5, 50}
}

func elbRate(operation string) Bucket {
	switch operation {
	case "CreateLoadBalancer", "SetSubnets":
		return Bucket{"resource-intensive", 0.2, 10}
	case "RegisterTargets", "DeregisterTargets":
		return Bucket{"registration", 4, 20}
	}
	if strings.HasPrefix(operation, "Describe") {
		return Bucket{"non-mutating", 10, 40}
	}
	return Bucket{"mutating", 3, 20}
}

// raised multiplies what rates gives in a second; bursts stay.
func raised(rates func(service, operation string) []Bucket, factor float64) func(service, operation string) []Bucket {
	return func(service, operation string) []Bucket {
		buckets := rates(service, operation)
		for i := range buckets {
			buckets[i].PerSecond *= factor
		}
		return buckets
	}
}

// QueuedError says that the rate limit has no room for a call soon. Nothing
// was sent; the same call may be made again later.
type QueuedError struct {
	Operation string
	Wait      time.Duration // until there is room, if nobody else comes first
}

func (e *QueuedError) Error() string {
	return fmt.Sprintf("AWS limits how often %s may be called; there is room in about %s", e.Operation, e.Wait.Round(time.Second))
}

// bucketKey tells buckets apart. The account is not in it: two accounts in one
// Region share a bucket and are a little slower for it.
type bucketKey struct{ endpoint, region, service, class string }

// limiter spaces all calls of a pool, so that AWS need not refuse them.
type limiter struct {
	rates func(service, operation string) []Bucket

	mu      sync.Mutex
	buckets map[bucketKey]*pacer
}

func newLimiter(rates func(service, operation string) []Bucket) *limiter {
	return &limiter{rates: rates, buckets: map[bucketKey]*pacer{}}
}

func (l *limiter) middleware(endpoint, region string) middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("DrawbridgeRateLimit", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
		pacers := l.pacers(endpoint, region, service, operation)
		if err := wait(ctx, pacers, operation); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		out, metadata, err := next.HandleFinalize(ctx, in)
		throttled := Classify(err) == Throttled
		for _, p := range pacers {
			p.learn(throttled)
		}
		return out, metadata, err
	})
}

func (l *limiter) pacers(endpoint, region, service, operation string) []*pacer {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*pacer
	for _, b := range l.rates(service, operation) {
		key := bucketKey{endpoint, region, service, b.Class}
		p := l.buckets[key]
		if p == nil {
			p = &pacer{Limiter: rate.NewLimiter(rate.Limit(b.PerSecond), b.Burst), full: rate.Limit(b.PerSecond)}
			l.buckets[key] = p
		}
		list = append(list, p)
	}
	return list
}

// wait takes one token of each bucket. When that would take longer than
// queueTimeout it takes none: the caller says so and comes back.
func wait(ctx context.Context, pacers []*pacer, operation string) error {
	var delay time.Duration
	taken := make([]*rate.Reservation, 0, len(pacers))
	giveBack := func() {
		for _, r := range taken {
			r.Cancel()
		}
	}
	for _, p := range pacers {
		r := p.Reserve()
		taken = append(taken, r)
		delay = max(delay, r.Delay())
	}
	if delay > queueTimeout {
		giveBack()
		return &QueuedError{Operation: operation, Wait: delay}
	}
	if delay <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		giveBack()
		return ctx.Err()
	}
}

// pacer is a bucket that slows down when AWS throttles in spite of it
// (somebody else uses the account, too) and recovers with each good answer.
type pacer struct {
	*rate.Limiter
	full rate.Limit

	mu sync.Mutex
}

func (p *pacer) learn(throttled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Limit()
	switch {
	case throttled:
		p.SetLimit(max(now/2, p.full/8))
	case now < p.full:
		p.SetLimit(min(now*1.1, p.full))
	}
}
