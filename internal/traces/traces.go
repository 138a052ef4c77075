// Package traces tells an OpenTelemetry collector, over OTLP/HTTP, what was
// asked of Drawbridge and what a job did: HTTP requests, and jobs with their
// steps and the AWS calls of each. A span says which route, job, step and AWS
// request it was, and never a path or a header that somebody sent: they may
// hold tokens. docs/observability.md lists the attributes.
package traces

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"drawbridge/internal/model"
)

const (
	scope         = "drawbridge"
	tracesPath    = "/v1/traces"    // of a collector, where the endpoint names no path
	exportTimeout = 5 * time.Second // of one batch, tries included
)

// Options of a Tracer.
type Options struct {
	Endpoint string // URL of the collector; "" = nothing is traced
	Version  string
	Instance string // this process, among those that share the database
	Logger   *slog.Logger
}

// Tracer makes spans. Its methods may be called at once from anywhere, and
// never wait for the collector: what it does not take in time is dropped.
type Tracer struct {
	tracer     trace.Tracer
	propagator propagation.TraceContext
	provider   *sdktrace.TracerProvider // nil when nothing is traced
}

// New makes a tracer. It does not ask whether the collector is there.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return &Tracer{tracer: noop.NewTracerProvider().Tracer(scope)}, nil
	}
	endpoint, err := collector(o.Endpoint)
	if err != nil {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithTimeout(exportTimeout))
	if err != nil {
		return nil, fmt.Errorf("make the exporter of traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&logged{exporter, o.Logger}, sdktrace.WithExportTimeout(exportTimeout)),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "drawbridge"), attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", o.Instance))),
	)
	return &Tracer{tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(o.Version)), provider: provider}, nil
}

// collector is the URL that spans are sent to.
func collector(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", model.Errorf(model.CodeInvalid, "The address of --otlp-endpoint cannot be read. Write it as in http://127.0.0.1:4318.")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = tracesPath
	}
	return u.String(), nil
}

// Shutdown sends what is not yet sent. Spans that end later are dropped.
func (t *Tracer) Shutdown(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// logged writes into our log what goes wrong with the sending; the SDK's own
// handler of errors is one for the whole process.
type logged struct {
	sdktrace.SpanExporter
	logger *slog.Logger
}

func (e *logged) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.logger.WarnContext(ctx, "traces not sent", "spans", len(spans), "error", err)
	}
	return nil
}

// Request begins the span of an HTTP request, below the one that a W3C
// traceparent header names. route is its pattern, "" for none.
func (t *Tracer) Request(r *http.Request, route string) (ctx context.Context, ended func(status int)) {
	if route == "" {
		route = "none"
	}
	ctx = t.propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
		span.End()
	}
}

// End says how a job's run or a step ended.
type End struct {
	Outcome string // ok, or why it did not go on, in a word
	Failed  bool   // for good: nothing goes on by itself
}

// Job begins the span of one run of a job.
func (t *Tracer) Job(ctx context.Context, j *model.Job) (context.Context, func(End)) {
	return t.work(ctx, "job "+string(j.Operation), attribute.String("drawbridge.job", j.ID),
		attribute.String("drawbridge.backend", j.BackendID), attribute.String("drawbridge.operation", string(j.Operation)),
		attribute.Int("drawbridge.attempt", j.Attempt))
}

// Step begins the span of a step, below its job's.
func (t *Tracer) Step(ctx context.Context, s *model.Step) (context.Context, func(End)) {
	return t.work(ctx, "step "+s.Key, attribute.String("drawbridge.step", s.Key),
		attribute.String("drawbridge.kind", string(s.Kind)), attribute.String("drawbridge.action", string(s.Action)))
}

func (t *Tracer) work(ctx context.Context, name string, attrs ...attribute.KeyValue) (context.Context, func(End)) {
	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(attrs...))
	return ctx, func(e End) {
		span.SetAttributes(attribute.String("drawbridge.outcome", e.Outcome))
		if e.Failed {
			span.SetStatus(codes.Error, e.Outcome)
		}
		span.End()
	}
}

// AWSCall is one attempt of a call that has just been answered.
type AWSCall struct {
	Service, Operation string
	RequestID, Code    string // "" for none
	Status             int    // 0 when no answer came
	Failed             bool
	Duration, Queued   time.Duration // Queued: for our own rate limit, before it was sent
}

// AWSCall makes the span of an attempt of a call, below its step's. Looks that
// several jobs share have none above.
func (t *Tracer) AWSCall(ctx context.Context, c AWSCall) {
	end := time.Now()
	_, span := t.tracer.Start(ctx, c.Service+"/"+c.Operation, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(end.Add(-c.Duration)), trace.WithAttributes(
			attribute.String("rpc.system", "aws-api"), attribute.String("rpc.service", c.Service),
			attribute.String("rpc.method", c.Operation), attribute.String("aws.request_id", c.RequestID),
			attribute.Int("http.response.status_code", c.Status), attribute.Float64("drawbridge.queued_seconds", c.Queued.Seconds())))
	if c.Failed {
		span.SetAttributes(attribute.String("error.type", c.Code))
		span.SetStatus(codes.Error, c.Code)
	}
	span.End(trace.WithTimestamp(end))
}
