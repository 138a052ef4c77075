package awsapi

import (
	"context"
	"errors"
	"net"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Class is what an AWS error means for what comes next.
type Class string

const (
	NotFound      Class = "not_found"      // AWS answered and has none
	AlreadyExists Class = "already_exists" // a name or a rule is taken: look whose it is
	Dependency    Class = "dependency"     // something else still uses it
	Throttled     Class = "throttled"      // too many calls; the same one helps later
	Credentials   Class = "credentials"    // none, expired, or refused as such
	Unreachable   Class = "unreachable"    // no answer: nobody knows what became of the call
	Denied        Class = "denied"         // the credentials may not do this
	Conflict      Class = "conflict"       // a concurrent change; the same call helps soon
	Invalid       Class = "invalid"        // the request is wrong as it is
	Quota         Class = "quota"          // a limit of the account
	Capacity      Class = "capacity"       // AWS has no room now
	Unknown       Class = "unknown"
)

// classByCode sorts the codes whose class their spelling does not tell; see
// classBySpelling for the rest.
var classByCode = map[string]Class{
	"ParameterNotFound": NotFound,
	"NotFoundException": NotFound,

	"InvalidGroup.Duplicate":              AlreadyExists,
	"InvalidPermission.Duplicate":         AlreadyExists,
	"DuplicateLoadBalancerName":           AlreadyExists,
	"DuplicateTargetGroupName":            AlreadyExists,
	"DuplicateListener":                   AlreadyExists,
	"IdempotentParameterMismatch":         Invalid,
	"DependencyViolation":                 Dependency,
	"ResourceInUse":                       Dependency,
	"InvalidGroup.InUse":                  Dependency,
	"Throttling":                          Throttled,
	"ThrottlingException":                 Throttled,
	"RequestLimitExceeded":                Throttled,
	"TooManyRequestsException":            Throttled,
	"RequestThrottled":                    Throttled,
	"ExpiredToken":                        Credentials,
	"ExpiredTokenException":               Credentials,
	"RequestExpired":                      Credentials,
	"AuthFailure":                         Credentials,
	"InvalidClientTokenId":                Credentials,
	"UnrecognizedClientException":         Credentials,
	"SignatureDoesNotMatch":               Credentials,
	"InvalidSignatureException":           Credentials,
	"MissingAuthenticationToken":          Credentials,
	"IncompleteSignature":                 Credentials,
	"MissingAuthenticationTokenException": Credentials,
	"InvalidAccessKeyId":                  Credentials,
	"RequestTimeTooSkewed":                Credentials,
	"RegionDisabledException":             Denied,
	"Blocked":                             Denied,
	"OptInRequired":                       Denied,
	"PendingVerification":                 Denied,
	"AccessDenied":                        Denied,
	"AccessDeniedException":               Denied,
	"UnauthorizedOperation":               Denied,
	"OperationNotPermitted":               Denied,
	"ResourceCountExceeded":               Quota,
	"LimitExceededException":              Quota,
	"ServiceQuotaExceededException":       Quota,
	"TargetGroupAssociationLimit":         Quota,
	"ValidationError":                     Invalid,
	"AvailabilityZoneNotSupported":        Invalid,
	"Unsupported":                         Invalid,
	"UnsupportedOperation":                Invalid,
	"IncorrectInstanceState":              Invalid,
	"BadRequestException":                 Invalid,
}

// Classify says what err means for what comes next; nil gives "".
func Classify(err error) Class {
	if err == nil {
		return ""
	}
	var queued *QueuedError
	if errors.As(err, &queued) {
		return Throttled
	}
	var creds *credentialsError
	if errors.As(err, &creds) {
		return Credentials
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return classOf(api.ErrorCode(), api.ErrorMessage())
	}
	if noAnswer(err) {
		return Unreachable
	}
	return Unknown
}

func classOf(code, message string) Class {
	switch {
	case code == "ConflictException" && strings.Contains(message, "try again later"):
		return Conflict
	case code == "ConflictException" && strings.Contains(message, "referenced by"),
		code == "BadRequestException" && strings.Contains(message, "is referenced in"):
		return Dependency
	case code == "ConflictException":
		return AlreadyExists
	}
	if class, ok := classByCode[code]; ok {
		return class
	}
	return classBySpelling(code)
}

// classBySpelling sorts the families InvalidXxxID.NotFound, XxxNotFound,
// TooManyXxx, XxxLimitExceeded, InsufficientXxx, InvalidXxx and MissingXxx.
func classBySpelling(code string) Class {
	switch {
	case strings.HasSuffix(code, "NotFound"):
		return NotFound
	case strings.HasPrefix(code, "TooMany"), strings.HasSuffix(code, "LimitExceeded"):
		return Quota
	case strings.HasPrefix(code, "Insufficient"):
		return Capacity
	case strings.HasPrefix(code, "Invalid"), strings.HasSuffix(code, "Malformed"), strings.HasPrefix(code, "Missing"):
		return Invalid
	}
	return Unknown
}

// noAnswer tells whether the request got no answer from AWS, or none that
// could be read.
func noAnswer(err error) bool {
	var send *smithyhttp.RequestSendError
	var network net.Error
	var deserialize *smithy.DeserializationError
	return errors.As(err, &send) || errors.As(err, &network) || errors.As(err, &deserialize) ||
		errors.Is(err, context.DeadlineExceeded)
}

// MayHelpLater tells whether the same call may succeed when it is sent again.
func MayHelpLater(err error) bool {
	switch Classify(err) {
	case Throttled, Unreachable, Conflict:
		return true
	case Unknown:
		return httpStatus(err) >= 500
	}
	return false
}

func httpStatus(err error) int {
	var re *awshttp.ResponseError
	if errors.As(err, &re) && re.ResponseError != nil && re.Response != nil {
		return re.HTTPStatusCode()
	}
	return 0
}

// codeOf is AWS's code of err, or "".
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// HasCode tells whether AWS answered with one of the codes.
func HasCode(err error, codes ...string) bool {
	got := codeOf(err)
	for _, c := range codes {
		if got == c && got != "" {
			return true
		}
	}
	return false
}
