package awsapi

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"drawbridge/internal/model"
)

// Timeouts of one attempt of a call. A whole call is bounded by its ctx.
const (
	connectTimeout  = 5 * time.Second
	responseTimeout = 20 * time.Second // until the answer's headers
	attemptTimeout  = 30 * time.Second // until the answer is read
	queueTimeout    = 5 * time.Second  // of waiting for the rate limit without a Caller, see QueuedError
)

// sessionName is what CloudTrail shows of a session in an assumed role.
const sessionName = "drawbridge"

// The fixed keys of model.CredentialsLocal. They open nothing: the environment
// is on this machine's loopback and checks no signature.
const (
	localAccessKey = "local"
	localSecretKey = "local"
)

// config resolves region, credentials and everything that all clients share.
func (p *Pool) config(ctx context.Context, env *model.Environment) (aws.Config, error) {
	httpClient := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectTimeout }).
		WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = responseTimeout })
	apiOptions := []func(*middleware.Stack) error{p.instrument(env)}
	if env.Credentials == model.CredentialsLocal {
		// Nothing of the user's AWS configuration may leak into a local environment.
		return aws.Config{
			Region:      env.Region,
			Credentials: credentials.NewStaticCredentialsProvider(localAccessKey, localSecretKey, ""),
			HTTPClient:  PlainBodies(httpClient),
			APIOptions:  apiOptions,
			Retryer:     newRetryer,
		}, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(env.Region),
		config.WithHTTPClient(httpClient), // which takes the bundle of AWS_CA_BUNDLE
		config.WithAPIOptions(apiOptions),
		config.WithRetryer(newRetryer),
	)
	cfg.HTTPClient = PlainBodies(cfg.HTTPClient)
	return cfg, err
}

// PlainBodies makes c send bodies that can only be read. The SDK closes a
// request's body as soon as an answer begins, and the WriteTo of a closed one
// fails; when net/http is just looking for its end then, it closes the
// connection and the rest of the answer is lost: "use of closed network
// connection". Every client of the SDK's wants this, those of tests too.
func PlainBodies(c aws.HTTPClient) aws.HTTPClient { return plainBodies{c} }

type plainBodies struct{ aws.HTTPClient }

func (c plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return c.HTTPClient.Do(r)
}

// assumeRole puts the environment's role between the credentials and the clients.
func assumeRole(cfg *aws.Config, env *model.Environment, base *string) {
	if env.RoleARN == "" {
		return
	}
	client := sts.NewFromConfig(*cfg, func(o *sts.Options) { override(&o.BaseEndpoint, base) })
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, env.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		if env.ExternalID != "" {
			o.ExternalID = &env.ExternalID
		}
	}))
}

// credentialSource marks its errors, so that a failed look for credentials is
// told apart from the call that needed them.
type credentialSource struct{ aws.CredentialsProvider }

func (s credentialSource) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := s.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return c, &credentialsError{err}
	}
	return c, nil
}

type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "get aws credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// instrument adds to each call, from the outside in: retries or none, the rate
// limit of each attempt, its trace. The limit stands before signing, so that
// a request does not grow old in the queue. The guard is the last to be asked.
func (p *Pool) instrument(env *model.Environment) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		if err := disableRetries(stack); err != nil {
			return err
		}
		if err := stack.Deserialize.Add(p.guarding(), middleware.After); err != nil {
			return err
		}
		if err := stack.Finalize.Insert(p.tracing(), "Retry", middleware.After); err != nil {
			return err
		}
		if err := stack.Finalize.Insert(p.limiter.middleware(env.Endpoint, env.Region), "Retry", middleware.After); err != nil {
			return err
		}
		return stack.Finalize.Insert(queueing(), "Retry", middleware.After)
	}
}
