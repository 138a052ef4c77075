package awsapi

import (
	"context"
	"log/slog"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Call is one attempt of an AWS call as it went.
type Call struct {
	Service   string
	Operation string
	RequestID string // "" when no answer came
	Status    int    // HTTP status, 0 when no answer came
	Code      string // AWS's error code, "" for success
	Class     Class  // of the error, "" for success
	Duration  time.Duration
	Queued    time.Duration // for our own rate limit, before it was sent
}

// Trace collects the calls made under a ctx, in the order of their answers.
type Trace struct {
	mu    sync.Mutex
	calls []Call
}

// Calls returns what was collected so far.
func (t *Trace) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Call(nil), t.calls...)
}

// RequestIDs returns AWS's ids of the calls so far, oldest first.
func (t *Trace) RequestIDs() []string {
	var ids []string
	for _, c := range t.Calls() {
		if c.RequestID != "" {
			ids = append(ids, c.RequestID)
		}
	}
	return ids
}

func (t *Trace) add(c Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, c)
}

type traceKey struct{}

// WithTrace returns a ctx under which calls are collected in t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// Collect is WithTrace in the form that the executor takes: the function
// returns the request ids.
func Collect(ctx context.Context) (context.Context, func() []string) {
	t := &Trace{}
	return WithTrace(ctx, t), t.RequestIDs
}

// tracing notes each attempt in the ctx's trace and in the log.
func (p *Pool) tracing() middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("DrawbridgeTrace", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		start := time.Now()
		out, metadata, err := next.HandleFinalize(ctx, in)
		call := Call{
			Service: awsmiddleware.GetServiceID(ctx), Operation: awsmiddleware.GetOperationName(ctx),
			Code: codeOf(err), Class: Classify(err), Duration: time.Since(start),
		}
		if since, ok := ctx.Value(queuedKey{}).(time.Time); ok {
			call.Queued = start.Sub(since)
		}
		call.RequestID, _ = awsmiddleware.GetRequestIDMetadata(metadata)
		call.Status = statusOf(metadata, err)
		if t, ok := ctx.Value(traceKey{}).(*Trace); ok {
			t.add(call)
		}
		if p.opts.Observe != nil {
			p.opts.Observe(ctx, call)
		}
		p.opts.Logger.LogAttrs(ctx, call.level(), "aws call",
			slog.String("service", call.Service), slog.String("operation", call.Operation),
			slog.String("aws_request_id", call.RequestID), slog.Int("status", call.Status),
			slog.String("code", call.Code), slog.Float64("ms", float64(call.Duration.Microseconds())/1000))
		return out, metadata, err
	})
}

// level is that of the call's log line. That a thing is not there is what a
// look is for.
func (c Call) level() slog.Level {
	if c.Class == "" || c.Class == NotFound {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

type queuedKey struct{}

// queueing notes when an attempt begins to wait for the rate limit.
func queueing() middleware.FinalizeMiddleware {
	return middleware.FinalizeMiddlewareFunc("DrawbridgeQueue", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		return next.HandleFinalize(context.WithValue(ctx, queuedKey{}, time.Now()), in)
	})
}

func statusOf(metadata middleware.Metadata, err error) int {
	if status := httpStatus(err); status != 0 {
		return status
	}
	if resp, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response); ok {
		return resp.StatusCode
	}
	return 0
}
