package awsapi

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"

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

// Problem tells err to a person: AWS's code, text and request id, which call
// it was, and where the table knows more, what it means and what helps. A
// problem in err's chain keeps its own words. nil gives nil.
func Problem(err error) *model.Problem {
	if err == nil {
		return nil
	}
	var known *model.Problem
	if errors.As(err, &known) {
		p := *known
		explain(&p)
		return &p
	}
	p := say(err)
	var op *smithy.OperationError
	if errors.As(err, &op) {
		p.Service, p.Operation = op.Service(), op.Operation()
	}
	p.Status, p.RequestID = httpStatus(err), requestID(err)
	explain(p)
	return p
}

// Explain is Problem together with whether the same call may help later.
func Explain(err error) (*model.Problem, bool) {
	var p *model.Problem
	if errors.As(err, &p) {
		return Problem(err), false
	}
	return Problem(err), MayHelpLater(err)
}

// explain adds what the table knows to what the problem does not say itself.
func explain(p *model.Problem) {
	e := lookUp(p.Code, p.Message)
	if e == nil {
		return
	}
	p.Help = cmp.Or(p.Help, model.HelpPath+"#"+p.Code)
	d := denialOf(p)
	p.Meaning = cmp.Or(p.Meaning, d.fill(e.meaning))
	if p.Advice != "" {
		return
	}
	p.Advice = d.fill(e.fullAdvice())
	if encoded(p.Message) {
		p.Advice += decodeAdvice
	}
}

// say finds code and text.
func say(err error) *model.Problem {
	var queued *QueuedError
	if errors.As(err, &queued) {
		return &model.Problem{Code: CodeQueued, Message: queued.Error() + "."}
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return &model.Problem{Code: api.ErrorCode(), Message: cmp.Or(api.ErrorMessage(), "AWS gave no further words.")}
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
