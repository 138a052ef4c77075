package app

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/metrics"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/traces"
)

// observedJournal tells the metrics of each step that has ended.
type observedJournal struct {
	provision.Journal
	metrics *metrics.Metrics
}

func (j observedJournal) Save(ctx context.Context, l model.Lease, s *model.Step, r *model.Resource) error {
	err := j.Journal.Save(ctx, l, s, r)
	if err == nil && s.State.Ended() {
		j.metrics.Step(s)
	}
	return err
}

func (a *App) observeCall(ctx context.Context, c awsapi.Call) {
	outcome := string(c.Class)
	if outcome == "" {
		outcome = "ok"
	}
	a.metrics.AWSCall(metrics.AWSCall{Service: c.Service, Operation: c.Operation, Outcome: outcome, Duration: c.Duration, Queued: c.Queued})
	a.traces.AWSCall(ctx, traces.AWSCall{Service: c.Service, Operation: c.Operation, RequestID: c.RequestID, Code: c.Code,
		Status: c.Status, Failed: c.Class != "" && c.Class != awsapi.NotFound, Duration: c.Duration, Queued: c.Queued})
}

// countStreams counts the event streams that are open.
func (a *App) countStreams(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if wantsStream(c.Request()) {
			defer a.metrics.StreamOpened()()
		}
		return next(c)
	}
}

// serveMetrics answers Prometheus on an address of its own: who may reach it
// may read it.
func (a *App) serveMetrics() func(context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	return serveHTTP(a.scrape, mux)
}

type logKey struct{}

// withLog returns a ctx whose log lines carry the attributes, too.
func withLog(ctx context.Context, attrs ...slog.Attr) context.Context {
	known, _ := ctx.Value(logKey{}).([]slog.Attr)
	return context.WithValue(ctx, logKey{}, slices.Concat(known, attrs))
}

// LogHandler adds to each line what its ctx says of job, step and environment.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if attrs, ok := ctx.Value(logKey{}).([]slog.Attr); ok {
		r = r.Clone()
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name)}
}

// jobContext puts into the log lines of a job's run what they are about. An
// environment that cannot be read now is left out.
func (a *App) jobContext(ctx context.Context, j *model.Job) context.Context {
	ctx = withLog(ctx, slog.String("job", j.ID), slog.String("backend", j.BackendID))
	q := a.Store.Read()
	b, err := q.BackendByID(ctx, j.BackendID)
	if err != nil {
		return ctx
	}
	env, err := q.EnvironmentByID(ctx, b.EnvironmentID)
	if err != nil {
		return ctx
	}
	return withLog(ctx, slog.String("environment", env.Name))
}

func stepAttr(s *model.Step) slog.Attr { return slog.String("step", s.Key) }
