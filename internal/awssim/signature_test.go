package awssim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/awssim"
)

// callEach makes one call of each service.
func (w *world) callEach() map[string]error {
	ctx := w.t.Context()
	out := map[string]error{}
	_, out["ec2"] = w.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	_, out["elbv2"] = w.elb.DescribeLoadBalancers(ctx, &elbv2.DescribeLoadBalancersInput{})
	_, out["apigatewayv2"] = w.api.GetTags(ctx, &apigatewayv2.GetTagsInput{ResourceArn: aws.String("arn:aws:apigateway:ap-northeast-1::/vpclinks/none")})
	_, out["ssm"] = w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")})
	_, out["sts"] = w.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return out
}

// With a secret the signature of every request is checked, path and query and
// all; each service refuses in its own words.
func TestSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Secret: "the-secret"})
	good := w.as(region, "AKID", "the-secret", "").callEach()
	wantCode(t, good["apigatewayv2"], "NotFoundException", "")
	_, err := w.as(region, "AKID", "the-secret", "").api.UntagResource(t.Context(), &apigatewayv2.UntagResourceInput{
		ResourceArn: aws.String("arn:aws:apigateway:ap-northeast-1::/apis/none"), TagKeys: []string{"d", "c ü", "b&", "a"}})
	wantCode(t, err, "NotFoundException", "") // a query with several values, well signed
	for range 8 {                             // as often as a map's order needs to differ
		_, err := w.as(region, "AKID", "the-secret", "").api.GetApis(t.Context(), &apigatewayv2.GetApisInput{MaxResults: aws.String("1"), NextToken: aws.String("x")})
		wantCode(t, err, "BadRequestException", "nextToken")
	}
	delete(good, "apigatewayv2")
	for service, err := range good {
		if err != nil {
			t.Errorf("%s, well signed: %v", service, err)
		}
	}
	for name, row := range map[string]struct {
		errs  map[string]error
		codes map[string]string
	}{
		"wrong secret": {w.as(region, "AKID", "another", "").callEach(), map[string]string{"ec2": "AuthFailure", "elbv2": "SignatureDoesNotMatch",
			"apigatewayv2": "InvalidSignatureException", "ssm": "InvalidSignatureException", "sts": "SignatureDoesNotMatch"}},
		"unknown session": {w.as(region, "ASIA1111222233330000", "the-secret", "token").callEach(), map[string]string{"ec2": "AuthFailure", "elbv2": "InvalidClientTokenId",
			"apigatewayv2": "UnrecognizedClientException", "ssm": "UnrecognizedClientException", "sts": "InvalidClientTokenId"}},
	} {
		for service, code := range row.codes {
			t.Log(name, service)
			wantCode(t, row.errs[service], code, "")
		}
	}
}

func TestSignature_Clock(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		off  time.Duration
		code string
	}{"near": {14 * time.Minute, ""}, "slow": {16 * time.Minute, "RequestExpired"}, "fast": {-16 * time.Minute, "RequestExpired"}} {
		w := newWorld(t, awssim.Options{Secret: "s", Now: func() time.Time { return time.Now().Add(row.off) }})
		w.connectAs(region, credentials.NewStaticCredentialsProvider("AKID", "s", ""))
		_, err := w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if row.code == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if row.code != "" {
			wantCode(t, err, row.code, "")
		}
	}
}

func TestSignature_Missing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Secret: "s"})
	for _, row := range []struct {
		path, target, code string
		status             int
	}{
		{"/", "", "<Code>MissingAuthenticationToken</Code>", 403}, {"/v2/apis", "", "Missing Authentication Token", 403},
		{"/", "AmazonSSM.GetParameter", "MissingAuthenticationTokenException", 400},
	} {
		r := ok[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+row.path, nil))
		r.Header.Set("X-Amz-Target", row.target)
		res := ok[*http.Response](t)(http.DefaultClient.Do(r))
		body := make([]byte, 1000)
		n, _ := res.Body.Read(body)
		res.Body.Close()
		if res.StatusCode != row.status || !strings.Contains(string(body[:n]), row.code) {
			t.Errorf("%s %s: %d %s", row.path, row.target, res.StatusCode, body[:n])
		}
	}
}

// Keys of a session end when their time is over.
func TestSignature_ExpiredSession(t *testing.T) {
	t.Parallel()
	at := newClock()
	at.now = time.Now()
	w := newWorld(t, awssim.Options{Secret: "s", Now: at.Now})
	w.connectAs(region, credentials.NewStaticCredentialsProvider("AKID", "s", ""))
	w.newRole("arn:aws:iam::444455556666:role/r", trusting("000000000000", ""))
	keys := ok[*sts.AssumeRoleOutput](t)(w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::444455556666:role/r"),
		RoleSessionName: aws.String("s1"), DurationSeconds: aws.Int32(900)})).Credentials
	in := w.as(region, *keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
	ok[*sts.GetCallerIdentityOutput](t)(in.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	at.advance(901 * time.Second)
	_, err := in.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "ExpiredToken", "expired")
	_, err = in.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "RequestExpired", "expired")
}
