package kinds

import (
	"context"
	"slices"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// batch is how a kind looks at many resources with few calls.
type batch[T any] struct {
	most int // resources in one call
	// describe returns what there is of the ids. It may leave out what does
	// not exist, or answer with an error of class NotFound.
	describe func(ctx context.Context, c *awsapi.Clients, ids []string) (map[string]T, error)
	judge    func(t T, r *model.Resource) (provision.Observed, error)
	// find looks at one that describe did not tell of.
	find find
}

// answer looks at all that is asked for.
func (b batch[T]) answer(ctx context.Context, k base, asks []provision.Ask) []provision.Answer {
	var answers []provision.Answer
	for some := range slices.Chunk(asks, b.most) {
		answers = append(answers, b.chunk(ctx, k, some)...)
	}
	return answers
}

func (b batch[T]) chunk(ctx context.Context, k base, asks []provision.Ask) []provision.Answer {
	answers := make([]provision.Answer, len(asks))
	var known map[string]T
	c, err := k.clients(ctx, asks[0].In)
	if err == nil {
		ids := make([]string, len(asks))
		for i, a := range asks {
			ids[i] = a.Resource.AWSID
		}
		known, err = b.describe(ctx, c, ids)
	}
	for i, a := range asks {
		t, ok := known[a.Resource.AWSID]
		switch {
		case err != nil && awsapi.Classify(err) != awsapi.NotFound:
			answers[i].Err = err
		case ok:
			answers[i].Observed, answers[i].Err = b.judge(t, a.Resource)
		default:
			answers[i].Observed, answers[i].Err = b.find(ctx, a.In, a.Resource)
		}
	}
	return answers
}
