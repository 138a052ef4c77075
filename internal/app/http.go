package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"drawbridge/internal/metrics"
	"drawbridge/internal/model"
)

// Limits of the HTTP server. There is no write timeout: event streams are long.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	stopTimeout       = 2 * time.Second
)

// newEcho makes the router with what every request needs; outermost sees each
// with its route and its answer.
func newEcho(logger *slog.Logger, m *metrics.Metrics, proxies []string, outermost echo.MiddlewareFunc) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect() // no proxy header is trusted, unless by
	if extract, err := clientAddress(proxies); err == nil {
		e.IPExtractor = extract
	}
	e.Pre(middleware.RequestID(), origin)
	e.Use(outermost)
	e.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogMethod: true, LogURIPath: true, LogStatus: true, LogLatency: true, LogRequestID: true, LogError: true,
		HandleError: true,
		LogValuesFunc: func(c echo.Context, v middleware.RequestLoggerValues) error {
			m.Request(metrics.Request{Method: v.Method, Route: c.Path(), Status: v.Status,
				Duration: v.Latency, Stream: wantsStream(c.Request())})
			level := slog.LevelDebug
			if v.Status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
			logger.Log(c.Request().Context(), level, "request", "method", v.Method, "route", c.Path(),
				"status", v.Status, "millis", v.Latency.Milliseconds(), "request_id", v.RequestID, "error", v.Error)
			return nil
		},
	}))
	return e
}

// requestIDRE is what is taken of a request id that a proxy gave: it is printed
// in logs, answers and the audit.
var requestIDRE = regexp.MustCompile(`^[A-Za-z0-9._:=/+-]{1,64}$`)

// origin notes where the request came from, for the audit.
func origin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		if !requestIDRE.MatchString(h.Get(echo.HeaderXRequestID)) {
			h.Set(echo.HeaderXRequestID, model.NewID("req_"))
		}
		r := c.Request()
		from := model.Origin{IP: c.RealIP(), UserAgent: r.UserAgent(), RequestID: h.Get(echo.HeaderXRequestID)}
		c.SetRequest(r.WithContext(model.WithOrigin(r.Context(), from)))
		return next(c)
	}
}

// withSessions gives pages a session; the API takes tokens, never cookies,
// and static files belong to everybody: theirs is empty, for the page that says
// what was wrong with the question.
func withSessions(sessions *scs.SessionManager, e http.Handler) http.Handler {
	pages := sessions.LoadAndSave(e)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, prefix := range []string{"/api/", "/static/", "/healthz", "/readyz"} {
			if strings.HasPrefix(r.URL.Path, prefix) {
				if ctx, err := sessions.Load(r.Context(), ""); err == nil {
					r = r.WithContext(ctx)
				}
				e.ServeHTTP(w, r)
				return
			}
		}
		pages.ServeHTTP(w, r)
	})
}

// listen opens a TCP listener; its error names the flag that mends it.
func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &model.Error{Code: model.CodeUnavailable, Err: err,
			Message: fmt.Sprintf("Nothing can listen on %s. Stop what does already, or choose another address with %s", address, flag)}
	}
	return l, nil
}

// browsable is a listener's address as a browser on this machine can open it.
func browsable(addr net.Addr) string {
	at, err := OnThisMachine(addr.String())
	if err != nil {
		return addr.String()
	}
	return at
}

// OnThisMachine is where a client on this machine reaches what listens at the
// address: what listens on all addresses listens on the loopback's, too.
func OnThisMachine(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// serveHTTP returns a part that serves until its context ends. Then event
// streams end at once (they resume elsewhere) and other requests get a moment.
func serveHTTP(l net.Listener, h http.Handler) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		srv := &http.Server{
			Handler: inTime(endStreams(ctx, h), bodyTime), ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		}
		stopped := make(chan error, 1)
		go func() {
			<-ctx.Done()
			stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			err := srv.Shutdown(stopCtx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = srv.Close() // a browser's spare connection counts as busy for a while
			}
			stopped <- err
		}()
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return <-stopped
	}
}

func wantsStream(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// endStreams ends the context of event streams, and of those who wait for a job,
// when the server stops.
func endStreams(stop context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wantsStream(r) || r.Method == http.MethodGet && r.URL.Query().Has("wait") {
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			defer context.AfterFunc(stop, cancel)()
			r = r.WithContext(ctx)
		}
		h.ServeHTTP(w, r)
	})
}
