package awsapi

import (
	"context"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// guarding asks the guard right before a request goes out, whatever was waited
// for until then: a process that was frozen in between must not send it.
func (p *Pool) guarding() middleware.DeserializeMiddleware {
	return middleware.DeserializeMiddlewareFunc("DrawbridgeGuard", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		if p.opts.Guard != nil && changes(awsmiddleware.GetOperationName(ctx)) {
			if err := p.opts.Guard(ctx); err != nil {
				return middleware.DeserializeOutput{}, middleware.Metadata{}, err
			}
		}
		return next.HandleDeserialize(ctx, in)
	})
}

// changes tells whether an operation may change something. The names of those
// that do not are AWS's convention in each of the services that are used.
func changes(operation string) bool {
	for _, reads := range []string{"Describe", "Get", "List", "AssumeRole"} {
		if strings.HasPrefix(operation, reads) {
			return false
		}
	}
	return true
}
