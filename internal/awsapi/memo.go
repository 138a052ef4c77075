package awsapi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// memoFor is for how long an answer about what hardly changes serves everybody
// who asks the same: a hundred chains that are planned at once ask once.
const memoFor = time.Minute

// memo keeps answers by question. Who asks while the same question is under
// way waits for its answer. Errors are not kept. The zero value is ready.
type memo[T any] struct {
	mu      sync.Mutex
	answers map[string]*answer[T]
}

type answer[T any] struct {
	done  chan struct{} // closed when what follows is set
	value T
	err   error
	until time.Time
}

func (m *memo[T]) get(ctx context.Context, question string, ask func() (T, error)) (T, error) {
	for {
		a, mine := m.join(question)
		if mine {
			a.value, a.err = ask()
			a.until = time.Now().Add(memoFor)
			close(a.done)
			return a.value, a.err
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
		if a.err == nil {
			return a.value, nil
		}
		// Its error may be of its own context: ask again.
	}
}

// join returns the answer that is there or under way, or one that is the
// caller's to give.
func (m *memo[T]) join(question string) (a *answer[T], mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.answers[question]; a != nil {
		select {
		case <-a.done:
			if a.err == nil && time.Now().Before(a.until) {
				return a, false
			}
		default:
			return a, false
		}
	}
	if m.answers == nil {
		m.answers = map[string]*answer[T]{}
	}
	a = &answer[T]{done: make(chan struct{})}
	m.answers[question] = a
	return a, true
}

// facts are the answers that an environment's clients keep.
type facts struct {
	subnets    memo[[]types.Subnet]
	parameters memo[string]
	images     memo[[]types.Image]
}

// RecentSubnets is Subnets, as AWS described them within the last minute. How
// many addresses are free may be a little different by now.
func (c *Clients) RecentSubnets(ctx context.Context, ids []string) ([]types.Subnet, error) {
	return c.facts.subnets.get(ctx, strings.Join(ids, ","), func() ([]types.Subnet, error) { return c.Subnets(ctx, ids) })
}

// RecentParameter is the value of a parameter of Systems Manager, as it was
// within the last minute.
func (c *Clients) RecentParameter(ctx context.Context, name string) (string, error) {
	return c.facts.parameters.get(ctx, name, func() (string, error) {
		out, err := c.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
		if err != nil {
			return "", fmt.Errorf("look up %s: %w", name, err)
		}
		return aws.ToString(out.Parameter.Value), nil
	})
}

// RecentImages describes the AMI, as AWS did within the last minute; none when
// there is no such AMI.
func (c *Clients) RecentImages(ctx context.Context, id string) ([]types.Image, error) {
	return c.facts.images.get(ctx, id, func() ([]types.Image, error) {
		out, err := c.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
		if err != nil {
			return nil, fmt.Errorf("describe image %s: %w", id, err)
		}
		return out.Images, nil
	})
}
