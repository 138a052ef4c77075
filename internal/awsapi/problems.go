package awsapi

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"drawbridge/internal/model"
)

// Codes of problems that are ours because AWS gave none.
const (
	CodeUnreachable   = "EndpointUnreachable"
	CodeNoCredentials = "NoCredentials"
	CodeQueued        = "WaitingForRateLimit"
	CodeUnexpected    = "UnexpectedError"
)

// Problem tells err to a person: AWS's code, text and request id, and where
// the table knows more, what it means and what helps. A problem in err's chain
// is returned as it is; nil gives nil.
func Problem(err error) *model.Problem {
	if err == nil {
		return nil
	}
	var p *model.Problem
	if errors.As(err, &p) {
		return p
	}
	p = say(err)
	p.RequestID = requestID(err)
	for _, e := range explanations {
		if e.matches(p.Code, p.Message) {
			p.Meaning, p.Advice = e.meaning, e.advice
			break
		}
	}
	return p
}

// Explain is Problem together with whether the same call may help later.
func Explain(err error) (*model.Problem, bool) {
	var p *model.Problem
	if errors.As(err, &p) {
		return p, false
	}
	return Problem(err), MayHelpLater(err)
}

// say finds code and text.
func say(err error) *model.Problem {
	var queued *QueuedError
	if errors.As(err, &queued) {
		return &model.Problem{Code: CodeQueued, Message: queued.Error() + "."}
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return &model.Problem{Code: api.ErrorCode(), Message: api.ErrorMessage()}
	}
	var creds *credentialsError
	if errors.As(err, &creds) {
		return &model.Problem{Code: CodeNoCredentials, Message: creds.err.Error()}
	}
	if noAnswer(err) {
		return &model.Problem{Code: CodeUnreachable, Message: innermost(err)}
	}
	return &model.Problem{Code: CodeUnexpected, Message: err.Error()}
}

// innermost is what the network said, without the SDK's layers around it.
func innermost(err error) string {
	var op *net.OpError
	var request *url.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "No answer came within the time that Drawbridge waits."
	case errors.As(err, &op):
		return op.Error()
	case errors.As(err, &request):
		return request.Err.Error()
	}
	return err.Error()
}

func requestID(err error) string {
	var re *awshttp.ResponseError
	if errors.As(err, &re) {
		return re.ServiceRequestID()
	}
	return ""
}

// explanation is one row of the table: what an error means and what helps.
// The first row wins whose codes hold the error's and whose text is in it.
type explanation struct {
	codes   string // space-separated; "" = any
	text    string // part of AWS's message; "" = any
	meaning string
	advice  string
}

func (e explanation) matches(code, message string) bool {
	if e.text != "" && !strings.Contains(strings.ToLower(message), strings.ToLower(e.text)) {
		return false
	}
	if e.codes == "" {
		return true
	}
	for c := range strings.FieldsSeq(e.codes) {
		if c == code {
			return true
		}
	}
	return false
}
