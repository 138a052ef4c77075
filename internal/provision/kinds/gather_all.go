package kinds

import (
	"context"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

// question is what AWS is asked about a backend with new instances: those
// with one question have one answer.
type question struct{ ami, instanceType string }

// GatherAll is Gather for several backends of one environment, in their order.
// AWS is asked once for all that launch the same image, so that a hundred
// backends take as many calls as one.
func GatherAll(ctx context.Context, c *awsapi.Clients, bs []*model.Backend, env *model.Environment) ([]Facts, [][]model.Finding, error) {
	facts := make([]Facts, len(bs))
	findings := make([][]model.Finding, len(bs))
	first := map[question]int{} // where the answer stands
	for i, b := range bs {
		if l := b.Spec.Launch; b.Spec.Source == model.SourceLaunch && l != nil {
			asked := question{l.AMI, ""}
			if l.AMI != "" {
				asked.instanceType = l.InstanceType // the finding names it
			}
			if at, ok := first[asked]; ok {
				facts[i], findings[i] = facts[at], findings[at]
				continue
			}
			first[asked] = i
		}
		var err error
		if facts[i], findings[i], err = Gather(ctx, c, b, env); err != nil {
			return nil, nil, err
		}
	}
	return facts, findings, nil
}
