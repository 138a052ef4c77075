// Package kinds holds the AWS resource kinds of a chain, one to a file, the
// chain itself (chain.go) and the list of kinds (registry.go).
//
// Each kind is a provision.Kind: stateless, found by id or by owner tags, and
// safe to call again after a crash. What a node was built with is in its
// resource's Params; ids come from AWS and from the needed resources.
package kinds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// settleTime is how long after a step's begin an answer like "no such group"
// is put down to AWS's eventual consistency (docs/aws-facts.md, section C4).
const settleTime = 2 * time.Minute

// unseen is the Timing.Unseen of what API Gateway makes as often as it is asked
// to: it takes no client token, and names need not differ. How late a request
// can take effect AWS says nowhere; mostly it does so within a second.
const unseen = 5 * time.Second

// base is what every kind is made of.
type base struct{ pool *awsapi.Pool }

func (b base) clients(ctx context.Context, in provision.Inputs) (*awsapi.Clients, error) {
	return b.pool.Clients(ctx, in.Environment)
}

// find is the Find of a kind.
type find func(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error)

// inAPI returns the clients, and the HTTP API that the chain's integration,
// route and stage are parts of.
func (b base) inAPI(ctx context.Context, in provision.Inputs) (*awsapi.Clients, *model.Resource, error) {
	c, err := b.clients(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	parent, err := in.Need("api")
	return c, parent, err
}

// ownerTags are the resource's tags as they are put on it at creation.
func ownerTags(c *awsapi.Clients, in provision.Inputs, r *model.Resource) map[string]string {
	return awsapi.OwnerTags(c.Install, in.Backend.ID, r.Key, in.Backend.Spec.Tags, r.Name)
}

// owns tells whether the tags say that the thing is this resource.
func owns(c *awsapi.Clients, in provision.Inputs, r *model.Resource, tags map[string]string) bool {
	return awsapi.Owns(tags, c.Install, in.Backend.ID, r.Key)
}

// ownerFilters find the resource by its owner tags.
func ownerFilters(c *awsapi.Clients, in provision.Inputs, r *model.Resource) []ec2types.Filter {
	return awsapi.OwnerFilters(c.Install, in.Backend.ID, r.Key)
}

func ec2Tags(t ec2types.ResourceType, tags map[string]string) ec2types.TagSpecification {
	spec := ec2types.TagSpecification{ResourceType: t}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		v := tags[k]
		spec.Tags = append(spec.Tags, ec2types.Tag{Key: &k, Value: &v})
	}
	return spec
}

func elbTags(tags map[string]string) []elbtypes.Tag {
	var list []elbtypes.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		v := tags[k]
		list = append(list, elbtypes.Tag{Key: &k, Value: &v})
	}
	return list
}

// strangers is the problem of a thing that has our unique name and not our tags.
func strangers(noun, name, id string) *model.Problem {
	return &model.Problem{
		Code:    "NameTaken",
		Message: fmt.Sprintf("A %s named %s exists already (%s), and its tags do not say that it is this backend's.", noun, name, id),
		Meaning: "Drawbridge adopts and deletes only what carries its own tags.",
		Advice:  "Rename or delete it in AWS if nobody needs it, or register the backend under another name.",
	}
}

// found turns AWS's "there is none" into provision.ErrNotFound.
func found(err error) error {
	if awsapi.Classify(err) == awsapi.NotFound {
		return provision.ErrNotFound
	}
	return err
}

// settling tells whether r was begun so lately that AWS may not yet show
// everywhere what it was just told.
func settling(in provision.Inputs, r *model.Resource) bool { return in.Age(r) < settleTime }

// madeHere are the answers "there is none" that can be about something that
// the chain itself made a moment ago. An unknown subnet or AMI stays unknown.
var madeHere = []string{
	"InvalidGroup.NotFound", "InvalidGroupId.NotFound", "InvalidInstanceID.NotFound", "InvalidSecurityGroup",
	"LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound", "NotFoundException",
}

// later turns the answers to a create that mean "not now" into NotYet: too
// many calls, a concurrent change, and what was made a moment ago and is not
// visible everywhere. Other errors stay as they are.
func later(in provision.Inputs, r *model.Resource, err error) error {
	if why := busy(err); why != "" {
		return &provision.NotYet{Why: why, Err: err, Passing: true}
	}
	if settling(in, r) && awsapi.HasCode(err, madeHere...) {
		return &provision.NotYet{Why: "AWS does not see everywhere yet what was just made: " + said(err), Err: err, Passing: true}
	}
	return err
}

// busy says why a call that changed nothing may be sent again as it is, or "".
func busy(err error) string {
	var queued *awsapi.QueuedError
	switch class := awsapi.Classify(err); {
	case errors.As(err, &queued):
		return queued.Error() + "."
	case class == awsapi.Throttled:
		return "The account makes more calls than AWS allows: " + said(err)
	case class == awsapi.Conflict:
		return "Something else changes the same API at this moment."
	}
	return ""
}

// existing handles a create that AWS answered with "exists already", because
// an earlier answer was lost or because somebody else made it: find says which.
func existing(find func() (provision.Observed, error), err error) (provision.Observed, error) {
	obs, findErr := find()
	if errors.Is(findErr, provision.ErrNotFound) {
		return obs, &provision.NotYet{Why: "AWS says that it exists already, but does not show it yet: " + said(err), Err: err, Passing: true}
	}
	obs.Found = true
	return obs, findErr
}

// gone judges the answer to a delete: a dependency that lingers, too many
// calls or a concurrent change are NotYet.
func gone(err error) error {
	if why := busy(err); why != "" {
		return &provision.NotYet{Why: why, Err: err, Passing: true}
	}
	switch awsapi.Classify(err) {
	case awsapi.NotFound:
		return provision.ErrNotFound
	case awsapi.Dependency:
		return &provision.NotYet{Why: "Something still uses it, such as a network interface that AWS removes a little later: " + said(err), Err: err}
	}
	return err
}

// said is AWS's own text.
func said(err error) string {
	p := awsapi.Problem(err)
	return p.Code + ": " + p.Message
}

// list splits a parameter that holds several values.
func list(param string) []string {
	if param == "" {
		return nil
	}
	return strings.Split(param, ",")
}

// joined makes such a parameter.
func joined(values []string) string { return strings.Join(values, ",") }
