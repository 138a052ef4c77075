// Package awsapi is the way to AWS: SDK clients per environment with retries,
// rate limits, timeouts and tracing set in one place each, the owner tags, the
// classes and the plain words of AWS's errors, and readers for the facts that
// plans and pages show. It does not know whether AWS answers or a simulator.
package awsapi

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/model"
)

// Options of a Pool.
type Options struct {
	Logger    *slog.Logger
	InstallID string // this installation, as it stands in the owner tags
	// Guard, when not nil, is asked right before each send of a call that
	// changes something; the call is not sent, and fails with its error, when
	// it has one.
	Guard func(ctx context.Context) error
	// Observe, when not nil, is told of each attempt of a call.
	Observe func(ctx context.Context, c Call)
	// Rates says which buckets a call draws from; nil = AWSRates.
	Rates func(service, operation string) []Bucket
	// RateFactor multiplies the rates, for accounts whose limits were raised; 0 = 1.
	RateFactor float64
}

// Pool makes and keeps the clients of environments. All clients of one pool
// share its rate limits.
type Pool struct {
	opts    Options
	limiter *limiter

	mu      sync.Mutex
	clients map[poolKey]*Clients
}

// poolKey is all of an environment that its clients are made from.
type poolKey struct {
	region, endpoint, role, externalID string
	credentials                        model.Credentials
}

// New makes a pool.
func New(o Options) *Pool {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rates == nil {
		o.Rates = AWSRates
	}
	if o.RateFactor > 0 && o.RateFactor != 1 {
		o.Rates = raised(o.Rates, o.RateFactor)
	}
	return &Pool{opts: o, limiter: newLimiter(o.Rates), clients: map[poolKey]*Clients{}}
}

// Clients are the SDK clients of one environment. They may be shared.
type Clients struct {
	EC2 *ec2.Client
	ELB *elasticloadbalancingv2.Client
	API *apigatewayv2.Client
	SSM *ssm.Client
	STS *sts.Client

	Install string // the installation's id
	Region  string

	facts facts
}

// Clients returns the environment's clients. It asks AWS nothing: wrong or
// missing credentials show at the first call.
func (p *Pool) Clients(ctx context.Context, env *model.Environment) (*Clients, error) {
	key := poolKey{env.Region, env.Endpoint, env.RoleARN, env.ExternalID, env.Credentials}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.clients[key]; c != nil {
		return c, nil
	}
	c, err := p.connect(ctx, env)
	if err != nil {
		return nil, fmt.Errorf("configure aws for environment %s: %w", env.Name, err)
	}
	p.clients[key] = c
	return c, nil
}

func (p *Pool) connect(ctx context.Context, env *model.Environment) (*Clients, error) {
	cfg, err := p.config(ctx, env)
	if err != nil {
		return nil, err
	}
	// Set on each client, not on cfg: it must win over AWS_ENDPOINT_URL_<SERVICE>.
	var base *string
	if env.Endpoint != "" {
		base = &env.Endpoint
	}
	assumeRole(&cfg, env, base)
	cfg.Credentials = credentialSource{cfg.Credentials}
	return &Clients{
		EC2: ec2.NewFromConfig(cfg, func(o *ec2.Options) { override(&o.BaseEndpoint, base) }),
		ELB: elasticloadbalancingv2.NewFromConfig(cfg, func(o *elasticloadbalancingv2.Options) { override(&o.BaseEndpoint, base) }),
		API: apigatewayv2.NewFromConfig(cfg, func(o *apigatewayv2.Options) { override(&o.BaseEndpoint, base) }),
		SSM: ssm.NewFromConfig(cfg, func(o *ssm.Options) { override(&o.BaseEndpoint, base) }),
		STS: sts.NewFromConfig(cfg, func(o *sts.Options) { override(&o.BaseEndpoint, base) }),

		Install: p.opts.InstallID,
		Region:  env.Region,
	}, nil
}

func override(field **string, value *string) {
	if value != nil {
		*field = value
	}
}
