package awsapi

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Of reads and of calls that AWS makes idempotent. The delay between attempts
// is random and doubles from one second up to maxBackoff.
const (
	maxAttempts = 6
	maxBackoff  = 3 * time.Second
	// greetAttempts is how often an environment is asked whether it answers:
	// a page waits for that.
	greetAttempts = 2
)

// sentOnce lists the calls that are never sent twice by the SDK: they create
// and take no client token, so a re-sent one makes a second thing when only the
// first one's answer was lost (or hides the first one's success behind an
// "exists already"). The executor recovers through Kind.Find instead.
var sentOnce = map[string]bool{
	"AuthorizeSecurityGroupEgress":  true,
	"AuthorizeSecurityGroupIngress": true,
	"CreateApi":                     true,
	"CreateIntegration":             true,
	"CreateRoute":                   true,
	"CreateSecurityGroup":           true,
	"CreateStage":                   true,
	"CreateVpcLink":                 true,
}

func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff })
}

// disableRetries puts a retry loop of one turn in place of the SDK's for the
// operations of sentOnce. A stack's id is its operation's name.
func disableRetries(stack *middleware.Stack) error {
	if !sentOnce[stack.ID()] {
		return nil
	}
	_, err := stack.Finalize.Swap("Retry", retry.NewAttemptMiddleware(aws.NopRetryer{}, smithyhttp.RequestCloner))
	return err
}
