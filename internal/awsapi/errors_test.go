package awsapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
)

func apiError(code, message string) error {
	return fmt.Errorf("create something: %w", &smithy.GenericAPIError{Code: code, Message: message})
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err   error
		class awsapi.Class
		again bool
	}{
		{nil, "", false},
		{apiError("InvalidGroup.NotFound", ""), awsapi.NotFound, false},
		{apiError("LoadBalancerNotFound", ""), awsapi.NotFound, false},
		{apiError("NotFoundException", ""), awsapi.NotFound, false},
		{apiError("InvalidAMIID.NotFound", ""), awsapi.NotFound, false},
		{apiError("InvalidGroup.Duplicate", ""), awsapi.AlreadyExists, false},
		{apiError("DuplicateLoadBalancerName", ""), awsapi.AlreadyExists, false},
		{apiError("ConflictException", "Route with key ANY / already exists for this API"), awsapi.AlreadyExists, false},
		{apiError("ConflictException", "Unable to complete operation due to concurrent modification. Please try again later."), awsapi.Conflict, true},
		{apiError("ConflictException", "Cannot delete Integration because it is referenced by the following Routes with Ids: [a]"), awsapi.Dependency, false},
		{apiError("BadRequestException", "Cannot delete vpc link. Vpc link 'x', is referenced in [ANY:r]"), awsapi.Dependency, false},
		{apiError("BadRequestException", "Invalid"), awsapi.Invalid, false},
		{apiError("DependencyViolation", ""), awsapi.Dependency, false},
		{apiError("ResourceInUse", ""), awsapi.Dependency, false},
		{apiError("RequestLimitExceeded", ""), awsapi.Throttled, true},
		{apiError("TooManyRequestsException", ""), awsapi.Throttled, true},
		{apiError("TooManyLoadBalancers", ""), awsapi.Quota, false},
		{apiError("VcpuLimitExceeded", ""), awsapi.Quota, false},
		{apiError("InsufficientInstanceCapacity", ""), awsapi.Capacity, false},
		{apiError("ExpiredToken", ""), awsapi.Credentials, false},
		{apiError("RequestExpired", ""), awsapi.Credentials, false},
		{apiError("UnauthorizedOperation", ""), awsapi.Denied, false},
		{apiError("InvalidVpcID.Malformed", ""), awsapi.Invalid, false},
		{apiError("SomethingNew", ""), awsapi.Unknown, false},
		{context.DeadlineExceeded, awsapi.Unreachable, true},
		{errors.New("a bug"), awsapi.Unknown, false},
		{&awsapi.QueuedError{Operation: "CreateVpcLink"}, awsapi.Throttled, true},
	} {
		if got := awsapi.Classify(row.err); got != row.class {
			t.Errorf("%v: class %q, want %q", row.err, got, row.class)
		}
		if got := awsapi.MayHelpLater(row.err); got != row.again {
			t.Errorf("%v: may help later %v, want %v", row.err, got, row.again)
		}
	}
}

// Each error that a user will meet says what it means and what helps.
func TestProblemsExplain(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ code, message, meaning, advice string }{
		{"ExpiredToken", "x", "expired", "Sign in again"},
		{"ExpiredTokenException", "x", "expired", "Sign in again"},
		{"RequestExpired", "x", "clock", "NTP"},
		{"UnauthorizedOperation", "You are not authorized", "policies", "Add the action that AWS names"},
		{"AccessDenied", "not authorized to perform: iam:CreateServiceLinkedRole", "service-linked role", "elasticloadbalancing.amazonaws.com"},
		{"UnauthorizedOperation", "not authorized to perform: iam:PassRole", "instance profile", "iam:PassRole"},
		{"VcpuLimitExceeded", "x", "vCPU", "Service Quotas"},
		{"InsufficientInstanceCapacity", "x", "no room", "another instance type"},
		{"InvalidAMIID.NotFound", "x", "Region", "spec.launch.ami"},
		{"InvalidInstanceID.NotFound", "x", "does not exist", "spec.instances.ids"},
		{"DuplicateLoadBalancerName", "x", "tags", "another name"},
		{"TooManyLoadBalancers", "x", "quota", "Service Quotas"},
		{"SubnetNotFound", "x", "subnet", "environment's subnets"},
		{"DependencyViolation", "x", "still uses", "network interfaces"},
		{"BadRequestException", "Subnet 'subnet-1' is in Availability Zone 'use1-az3' where service is not available", "no VPC links", "another Availability Zone"},
		{"BadRequestException", "For VpcLink VPC_LINK, integration uri should be a valid ELB listener ARN or a valid Cloud Map service ARN.", "ARN of a listener", "report"},
		{"BadRequestException", "Unable to retrieve listener port and load balancer DNS name from ELB listener", "service-linked role", "Retry"},
		{"ConflictException", "Unable to complete operation due to concurrent modification. Please try again later.", "changes the same API", "Retry"},
		{"Throttling", "Rate exceeded", "more calls", "Wait"},
		{"InvalidParameterValue", "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", "instance profile", "not of a role"},
	} {
		p := awsapi.Problem(apiError(row.code, row.message))
		if p.Code != row.code || p.Message != row.message {
			t.Errorf("%s: AWS's own words became %q %q", row.code, p.Code, p.Message)
		}
		if !strings.Contains(p.Meaning, row.meaning) || !strings.Contains(p.Advice, row.advice) {
			t.Errorf("%s %q:\n meaning %q\n advice  %q", row.code, row.message, p.Meaning, p.Advice)
		}
	}
}

func TestProblemKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	p := awsapi.Problem(apiError("SomethingNew", "AWS says so."))
	if *p != (model.Problem{Code: "SomethingNew", Message: "AWS says so."}) {
		t.Errorf("problem %+v", p)
	}
	own := &model.Problem{Code: "NameTaken", Message: "ours"}
	got, again := awsapi.Explain(fmt.Errorf("find: %w", own))
	if got.Message != "ours" || got.Help != "/help/errors#NameTaken" || again || own.Help != "" {
		t.Errorf("a problem became %+v, again %v; the first is %+v", got, again, own)
	}
	if awsapi.Problem(nil) != nil {
		t.Error("no error became a problem")
	}
}

func TestProblemsOfTheWire(t *testing.T) {
	t.Parallel()
	t.Run("AWS's request id", func(t *testing.T) {
		t.Parallel()
		_, url := newWire(t, ec2Error(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized"))
		_, err := clientsFor(t, url, awsapi.Options{}).Instances(t.Context(), "vpc-05100000000000001")
		if p := awsapi.Problem(err); p.RequestID != "req-UnauthorizedOperation" || awsapi.Classify(err) != awsapi.Denied {
			t.Errorf("problem %+v", p)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		s := awsapi.New(awsapi.Options{}).Status(t.Context(), localEnvironment("http://127.0.0.1:1"))
		if s.Answers || s.Problem.Code != awsapi.CodeUnreachable || !strings.Contains(s.Problem.Meaning, "Nothing listens") {
			t.Errorf("problem %+v", s.Problem)
		}
		if !strings.HasPrefix(s.Problem.Message, "dial tcp 127.0.0.1:1") {
			t.Errorf("message %q", s.Problem.Message)
		}
	})
	t.Run("something else than AWS answers", func(t *testing.T) {
		t.Parallel()
		_, url := newWire(t, xmlAnswer("<html>hello</html>"))
		s := awsapi.New(awsapi.Options{}).Status(t.Context(), localEnvironment(url))
		if s.Problem == nil || s.Problem.Meaning == "" {
			t.Errorf("status %+v, problem %+v", s, s.Problem)
		}
	})
}

// No credentials at all is not mistaken for AWS being unreachable, although
// the last place that is asked for them (IMDS) does not answer.
func TestNoCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/credentials")
	_, url := newWire(t, xmlAnswer(identity))
	env := localEnvironment(url)
	env.Credentials = model.CredentialsDefault
	s := awsapi.New(awsapi.Options{}).Status(t.Context(), env)
	if s.Problem == nil || s.Problem.Code != awsapi.CodeNoCredentials || !strings.Contains(s.Problem.Advice, "AWS_PROFILE") {
		t.Errorf("problem %+v", s.Problem)
	}
}
