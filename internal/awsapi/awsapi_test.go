package awsapi_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	gw "github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`

// Every create without a client token is sent once, whatever the wire does to
// its answer; a read is sent again.
func TestCreatesWithoutTokenAreSentOnce(t *testing.T) {
	t.Parallel()
	creates := map[string]func(context.Context, *awsapi.Clients) error{
		"CreateVpcLink": func(ctx context.Context, c *awsapi.Clients) error {
			_, err := c.API.CreateVpcLink(ctx, &gw.CreateVpcLinkInput{Name: aws.String("a"), SubnetIds: []string{"s"}})
			return err
		},
		"CreateApi": func(ctx context.Context, c *awsapi.Clients) error {
			_, err := c.API.CreateApi(ctx, &gw.CreateApiInput{Name: aws.String("a"), ProtocolType: "HTTP"})
			return err
		},
		"CreateIntegration": func(ctx context.Context, c *awsapi.Clients) error {
			_, err := c.API.CreateIntegration(ctx, &gw.CreateIntegrationInput{ApiId: aws.String("a"), IntegrationType: "HTTP_PROXY"})
			return err
		},
		"CreateRoute": func(ctx context.Context, c *awsapi.Clients) error {
			_, err := c.API.CreateRoute(ctx, &gw.CreateRouteInput{ApiId: aws.String("a"), RouteKey: aws.String("ANY /")})
			return err
		},
		"CreateStage": func(ctx context.Context, c *awsapi.Clients) error {
			_, err := c.API.CreateStage(ctx, &gw.CreateStageInput{ApiId: aws.String("a"), StageName: aws.String("$default")})
			return err
		},
		"CreateSecurityGroup": func(ctx context.Context, c *awsapi.Clients) error {
			_, err := c.EC2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("a"), Description: aws.String("a")})
			return err
		},
		"AuthorizeSecurityGroupIngress": func(ctx context.Context, c *awsapi.Clients) error {
			_, err := c.EC2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: aws.String("sg-1")})
			return err
		},
	}
	for name, create := range creates {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire, url := newWire(t, drop)
			err := create(t.Context(), clientsFor(t, url, awsapi.Options{}))
			if got := awsapi.Classify(err); got != awsapi.Unreachable {
				t.Errorf("class %q of %v", got, err)
			}
			if calls := wire.seen(); len(calls) != 1 {
				t.Errorf("sent %d times: %v", len(calls), calls)
			}
		})
	}
	t.Run("a read is sent again", func(t *testing.T) {
		t.Parallel()
		wire, url := newWire(t, drop, gatewayError(429, "TooManyRequestsException", "slow down"), jsonAnswer(`{"items":[]}`))
		if _, err := clientsFor(t, url, awsapi.Options{}).VPCLinks(t.Context()); err != nil {
			t.Fatal(err)
		}
		if calls := wire.seen(); len(calls) != 3 {
			t.Errorf("calls %v", calls)
		}
	})
}

func TestListsFollowTheirPages(t *testing.T) {
	t.Parallel()
	_, url := newWire(t,
		jsonAnswer(`{"items":[{"vpcLinkId":"aaaaaa"}],"nextToken":"more"}`),
		jsonAnswer(`{"items":[{"vpcLinkId":"bbbbbb"}]}`))
	links, err := clientsFor(t, url, awsapi.Options{}).VPCLinks(t.Context())
	if err != nil || len(links) != 2 {
		t.Fatalf("%d links, %v", len(links), err)
	}
}

func TestClientsAreKeptByContent(t *testing.T) {
	t.Parallel()
	pool := awsapi.New(awsapi.Options{InstallID: "ins_a"})
	env := localEnvironment("http://127.0.0.1:1")
	first, err := pool.Clients(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	renamed := *env
	renamed.Name = "another name"
	if again, _ := pool.Clients(t.Context(), &renamed); again != first {
		t.Error("a renamed environment got new clients")
	}
	moved := *env
	moved.Region = "us-east-1"
	if other, _ := pool.Clients(t.Context(), &moved); other == first {
		t.Error("another Region got the same clients")
	}
	if first.Install != "ins_a" || first.Region != env.Region {
		t.Errorf("install %q, region %q", first.Install, first.Region)
	}
}

// The environment's endpoint wins; without one the SDK's own variables count.
func TestEndpoints(t *testing.T) {
	own, ownURL := newWire(t, xmlAnswer(identity))
	global, globalURL := newWire(t, xmlAnswer(identity))
	t.Setenv("AWS_ENDPOINT_URL", globalURL)
	t.Setenv("AWS_ENDPOINT_URL_STS", globalURL)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	pool := awsapi.New(awsapi.Options{})
	for endpoint, want := range map[string]*fakeWire{ownURL: own, "": global} {
		env := localEnvironment(endpoint)
		env.Credentials = model.CredentialsDefault
		c, err := pool.Clients(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			t.Fatal(err)
		}
		if n := count(want.seen(), "GetCallerIdentity"); n != 1 {
			t.Errorf("endpoint %q: %d calls arrived", endpoint, n)
		}
	}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
	const denied = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: x is not authorized to perform: sts:AssumeRole on resource: y</Message></Error><RequestId>req-1</RequestId></ErrorResponse>`
	env := func(url string) *model.Environment {
		e := localEnvironment(url)
		e.RoleARN, e.ExternalID = "arn:aws:iam::123456789012:role/drawbridge", "tenant-7"
		return e
	}
	t.Run("the role's keys sign the calls", func(t *testing.T) {
		t.Parallel()
		wire, url := newWire(t, xmlAnswer(assumed), xmlAnswer(identity))
		s := awsapi.New(awsapi.Options{}).Status(t.Context(), env(url))
		if !s.Answers || s.Account != "123456789012" {
			t.Errorf("status %+v", s)
		}
		wire.mu.Lock()
		defer wire.mu.Unlock()
		if !strings.Contains(wire.bodies[0], "ExternalId=tenant-7") || !strings.Contains(wire.bodies[1], "ASIAROLE") {
			t.Errorf("sent %q", wire.bodies)
		}
	})
	t.Run("a refusal speaks of the role", func(t *testing.T) {
		t.Parallel()
		_, url := newWire(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(denied))
		})
		s := awsapi.New(awsapi.Options{}).Status(t.Context(), env(url))
		if s.Answers || s.Problem == nil || s.Problem.Code != "AccessDenied" || !strings.Contains(s.Problem.Advice, "trust policy") {
			t.Errorf("status %+v, problem %+v", s, s.Problem)
		}
	})
}

func TestTraceCollectsEachAttempt(t *testing.T) {
	t.Parallel()
	_, url := newWire(t, gatewayError(429, "TooManyRequestsException", "slow down"), jsonAnswer(`{"items":[]}`))
	var log bytes.Buffer
	c := clientsFor(t, url, awsapi.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	ctx, requestIDs := awsapi.Collect(t.Context())
	if _, err := c.APIs(ctx); err != nil {
		t.Fatal(err)
	}
	if got, want := requestIDs(), []string{"req-TooManyRequestsException", "req-ok"}; !slices.Equal(got, want) {
		t.Errorf("request ids %q, want %q", got, want)
	}
	if !strings.Contains(log.String(), "aws_request_id=req-ok") || !strings.Contains(log.String(), "operation=GetApis") {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestTraceTellsStatusAndCode(t *testing.T) {
	t.Parallel()
	_, url := newWire(t, jsonAnswer(`{"items":[]}`), gatewayError(404, "NotFoundException", "no such link"))
	c := clientsFor(t, url, awsapi.Options{})
	var trace awsapi.Trace
	ctx := awsapi.WithTrace(t.Context(), &trace)
	_, _ = c.APIs(ctx)
	_, err := c.API.GetVpcLink(ctx, &gw.GetVpcLinkInput{VpcLinkId: aws.String("aaaaaa")})
	calls := trace.Calls()
	if len(calls) != 2 || calls[0].Status != 200 || calls[1].Status != 404 || calls[1].Code != "NotFoundException" || calls[1].Service != "ApiGatewayV2" {
		t.Errorf("calls %+v after %v", calls, err)
	}
}

func TestOwnerTags(t *testing.T) {
	t.Parallel()
	extra := map[string]string{"team": "orders", awsapi.TagBackend: "be_stolen"}
	tags := awsapi.OwnerTags("ins_a", "be_b", "alb", extra, "orders-alb")
	if !awsapi.Owns(tags, "ins_a", "be_b", "alb") || tags["team"] != "orders" || tags[awsapi.TagName] != "orders-alb" {
		t.Errorf("tags %v", tags)
	}
	if extra[awsapi.TagBackend] != "be_stolen" {
		t.Error("the caller's map was changed")
	}
	for _, other := range [][3]string{{"ins_x", "be_b", "alb"}, {"ins_a", "be_x", "alb"}, {"ins_a", "be_b", "tg"}} {
		if awsapi.Owns(tags, other[0], other[1], other[2]) {
			t.Errorf("owned by %v, too", other)
		}
	}
}
