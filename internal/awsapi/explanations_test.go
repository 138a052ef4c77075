package awsapi_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

// knownCodes reads the list of the codes that Drawbridge's calls may meet.
func knownCodes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			codes = append(codes, line)
		}
	}
	return codes
}

// Whatever the message, a code that AWS documents says what it means and what
// helps, in whole sentences.
func TestEveryKnownCodeIsExplained(t *testing.T) {
	t.Parallel()
	codes := knownCodes(t)
	for i, code := range codes {
		p := awsapi.Problem(apiError(code, "words that no row names"))
		if p.Meaning == "" || p.Advice == "" || p.Help != "/help/errors#"+code {
			t.Errorf("%s has no explanation: %+v", code, p)
		}
		if slices.Contains(codes[:i], code) {
			t.Errorf("%s stands in the list twice", code)
		}
	}
	if len(codes) < 100 {
		t.Errorf("only %d codes", len(codes))
	}
}

func TestExplanationsAreWholeSentences(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, chapter := range awsapi.Explanations() {
		for _, e := range chapter.Explanations {
			for _, text := range []string{e.Meaning, e.Advice} {
				if text == "" || !strings.HasSuffix(text, ".") || strings.ContainsAny(text, "{}") || strings.Contains(text, "  ") {
					t.Errorf("%v: %q", e.Codes, text)
				}
			}
			for _, code := range e.Codes {
				if key := code + " " + e.Text; seen[key] {
					t.Errorf("two rows explain %q", key)
				} else {
					seen[key] = true
				}
			}
		}
	}
}

// A quota error names the quota as Service Quotas does, and the way to raise it.
func TestQuotasNameTheQuota(t *testing.T) {
	t.Parallel()
	for code, quota := range map[string]string{
		"TooManyLoadBalancers":                    "Application Load Balancers per Region",
		"TooManyTargetGroups":                     "Target Groups per Region",
		"SecurityGroupLimitExceeded":              "VPC security groups per Region",
		"RulesPerSecurityGroupLimitExceeded":      "Inbound or outbound rules per security group",
		"SecurityGroupsPerInterfaceLimitExceeded": "Security groups per network interface",
		"VcpuLimitExceeded":                       "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
		"LimitExceededException":                  "VPC links per Region",
	} {
		err := apiError(code, "x")
		if p := awsapi.Problem(err); !strings.Contains(p.Advice, "open Service Quotas") || !strings.Contains(p.Advice, "“"+quota+"”") {
			t.Errorf("%s: %s", code, p.Advice)
		}
		if class := awsapi.Classify(err); class != awsapi.Quota {
			t.Errorf("%s is of the class %s", code, class)
		}
	}
}

// called is an error as the SDK returns it from an operation.
func called(service, operation, code, message string) error {
	return fmt.Errorf("make something: %w", &smithy.OperationError{
		ServiceID: service, OperationName: operation, Err: &smithy.GenericAPIError{Code: code, Message: message}})
}

func TestDenialsNameWhatIsMissing(t *testing.T) {
	t.Parallel()
	const (
		user = "arn:aws:sts::111122223333:assumed-role/panel/session"
		alb  = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/x/*"
	)
	said := func(action, resource, because string) string {
		return "User: " + user + " is not authorized to perform: " + action + " on resource: " + resource + because
	}
	for name, row := range map[string]struct {
		err                 error
		meaning, advice, no string
	}{
		"no policy allows it": {called("Elastic Load Balancing v2", "CreateLoadBalancer", "AccessDenied",
			said("elasticloadbalancing:CreateLoadBalancer", alb, " because no identity-based policy allows the elasticloadbalancing:CreateLoadBalancer action")),
			"do not allow elasticloadbalancing:CreateLoadBalancer", "on " + alb + " to the policies of " + user, "decode"},
		"an SCP": {called("EC2", "RunInstances", "UnauthorizedOperation",
			"You are not authorized to perform this operation. "+said("ec2:RunInstances", "arn:aws:ec2:eu-west-1:1:instance/*", " with an explicit deny in a service control policy. Encoded authorization failure message: abcDEF")),
			"service control policy (SCP) of the organisation forbids ec2:RunInstances", "aws sts decode-authorization-message", "{"},
		"a boundary": {called("EC2", "CreateSecurityGroup", "UnauthorizedOperation",
			said("ec2:CreateSecurityGroup", "arn:aws:ec2:r:1:vpc/vpc-1", " because no permissions boundary allows the ec2:CreateSecurityGroup action")),
			"permissions boundary", "Add ec2:CreateSecurityGroup", "decode"},
		"an explicit deny": {called("ApiGatewayV2", "CreateVpcLink", "AccessDeniedException",
			said("apigateway:POST", "arn:aws:apigateway:r::/vpclinks", " with an explicit deny in an identity-based policy")),
			"explicitly denies apigateway:POST", "arn:aws:apigateway:r::/vpclinks", "decode"},
		"nothing said, API Gateway": {called("ApiGatewayV2", "CreateVpcLink", "AccessDeniedException", "Access denied"),
			"do not allow apigateway:POST", "Add apigateway:POST on the resource", "decode"},
		"nothing said, EC2": {called("EC2", "RunInstances", "UnauthorizedOperation", "You are not authorized to perform this operation. Encoded authorization failure message: abc"),
			"do not allow ec2:RunInstances", "aws sts decode-authorization-message", "{"},
		"assume role": {called("STS", "AssumeRole", "AccessDenied",
			said("sts:AssumeRole", "arn:aws:iam::444455556666:role/drawbridge", "")),
			"may not assume the environment's role", "to " + user, "decode"},
	} {
		p := awsapi.Problem(row.err)
		if !strings.Contains(p.Meaning, row.meaning) || !strings.Contains(p.Advice, row.advice) || strings.Contains(p.Advice, row.no) {
			t.Errorf("%s:\n meaning %s\n advice  %s", name, p.Meaning, p.Advice)
		}
	}
}

// A code that nobody knows shows AWS's own text and which call it was.
func TestUnknownCodesNameTheCall(t *testing.T) {
	t.Parallel()
	_, url := newWire(t, ec2Error(http.StatusTeapot, "SomethingNew", "AWS says so."))
	_, err := clientsFor(t, url, awsapi.Options{}).Instances(t.Context(), "vpc-05100000000000001")
	want := model.Problem{Code: "SomethingNew", Message: "AWS says so.", Service: "EC2", Operation: "DescribeInstances",
		Status: http.StatusTeapot, RequestID: "req-SomethingNew"}
	if p := awsapi.Problem(err); *p != want {
		t.Errorf("problem %+v", p)
	}
}

// TestErrorDocument keeps docs/errors.md the table's.
func TestErrorDocument(t *testing.T) {
	t.Parallel()
	const path = "../../docs/errors.md"
	got := errorDocument()
	want, err := os.ReadFile(path)
	switch {
	case err == nil && string(want) == got:
		return
	case !*update:
		t.Fatal("docs/errors.md differs from the table; run: go test ./internal/awsapi -run Document -update")
	}
	if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Fatal("docs/errors.md was written anew; look at the difference and run the tests again")
}

func errorDocument() string {
	var b strings.Builder
	b.WriteString("# AWS's errors, what they mean and what helps\n\n" +
		"Page, REST (`problem.meaning`, `problem.advice`) and log say the same. A server shows this list at `/help/errors`.\n" +
		"A code that is not here is shown in AWS's own words, with service, operation, HTTP status and request id.\n\n" +
		"This file is generated from the table in `internal/awsapi`: `go test ./internal/awsapi -run Document -update`.\n")
	for _, chapter := range awsapi.Explanations() {
		b.WriteString("\n## " + chapter.Title + "\n")
		for _, e := range chapter.Explanations {
			b.WriteString("\n### `" + strings.Join(e.Codes, "` `") + "`\n\n")
			if e.Text != "" {
				b.WriteString("When AWS's message contains “" + e.Text + "”:\n\n")
			}
			b.WriteString(e.Meaning + "\n\nWhat helps: " + e.Advice + "\n")
		}
	}
	return b.String()
}
