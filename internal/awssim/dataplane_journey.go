package awssim

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// journey is one request on its way, and what is noted of it for the logs. It
// belongs to the request's goroutine.
type journey struct {
	sim     *Sim
	in      *http.Request
	id      string // Apigw-Requestid
	started time.Time
	trace   string // X-Amzn-Trace-Id as the gateway has sent it

	api   *apiPlan
	stage *stagePlan
	route string
	path  string // without the stage
	vars  map[string]string
	way   *integrationPlan

	cancel   context.CancelCauseFunc
	received atomic.Int64 // bytes of the request's body
	answer   recorder
	failure  string // what went wrong, in the gateway's words
	hop      hop
}

// hop is the load balancer's part.
type hop struct {
	used         bool
	sent         time.Time // when the gateway turned to the balancer
	asked        time.Time // when the balancer turned to the target; zero = it did not
	answered     time.Time
	status       int // the balancer's own or the target's
	targetStatus int
	target       string // address
	group        string // ARN
	rule         int    // priority; 0 = default
	action       string
	location     string // of a redirect
	reason       string
	trace        string
	request      string // line
	agent, host  string
	endFlight    func()
}

// recorder is the writer to the client, and notes what passes.
type recorder struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (r *recorder) WriteHeader(status int) {
	if status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.sent += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the connection's own methods.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// contextValue is what $context.name stands for, "" for what is not known.
func (j *journey) contextValue(name string) string {
	r := j.in
	switch name {
	case "requestId", "extendedRequestId", "integration.requestId", "awsEndpointRequestId":
		return j.id
	case "apiId":
		return j.api.api.ID
	case "accountId":
		return j.sim.account
	case "stage":
		return j.stageName()
	case "httpMethod":
		return r.Method
	case "path":
		return r.URL.Path
	case "protocol":
		return "HTTP/1.1"
	case "routeKey":
		return j.route
	case "domainName":
		return hostOnly(r.Host)
	case "domainPrefix":
		prefix, _, _ := strings.Cut(r.Host, ".")
		return prefix
	case "identity.sourceIp":
		return hostOnly(r.RemoteAddr)
	case "identity.userAgent":
		return r.UserAgent()
	case "requestTime":
		return j.started.UTC().Format("02/Jan/2006:15:04:05 -0700")
	case "requestTimeEpoch":
		return strconv.FormatInt(j.started.UnixMilli(), 10)
	}
	return ""
}

func (j *journey) stageName() string {
	if j.stage == nil {
		return ""
	}
	return j.stage.stage.Name
}

// headerSize is the size of the request line and the headers.
func headerSize(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + 4 + len("Host: \r\n") + len(r.Host)
	for k, values := range r.Header {
		for _, v := range values {
			n += len(k) + len(v) + 4
		}
	}
	return n
}

// forwardedFor is the client as the header Forwarded names it.
func forwardedFor(remote string) string {
	client, _, err := net.SplitHostPort(remote)
	if err != nil {
		client = remote
	}
	if strings.Contains(client, ":") {
		return `"[` + client + `]"`
	}
	return client
}
