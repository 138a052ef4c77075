package awssim

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxPayload = 10 << 20

// gatewayError is an answer that API Gateway itself makes.
type gatewayError struct{ status int }

func (e gatewayError) Error() string { return http.StatusText(e.status) }

// journey is the way of one request as it was when the request came: a copy,
// for use without Sim.mu.
type journey struct {
	integration integration
	stage       string
	route       string
	path        string // without the stage
	vars        map[string]string
	linkIP      string
	balancer    balancerHop
}

// serveInvoke is the HTTP API: it finds the way, and carries the request along.
func (s *Sim) serveInvoke(w http.ResponseWriter, r *http.Request, apiID string) {
	id := gatewayRequestID()
	if r.ContentLength > maxPayload {
		writeGatewayError(w, id, http.StatusRequestEntityTooLarge)
		return
	}
	j, err := s.plan(apiID, r)
	if err != nil {
		status := http.StatusServiceUnavailable
		var own gatewayError
		if errors.As(err, &own) {
			status = own.status
		}
		s.log.DebugContext(r.Context(), "invoke refused", "api", apiID, "path", r.URL.Path, "status", status)
		writeGatewayError(w, id, status)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxPayload)
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(j.integration.Timeout)*time.Millisecond)
	defer cancel()
	facts := mappingFacts{in: r, path: j.path, vars: j.vars, requestID: id, stage: j.stage, apiID: apiID, routeKey: j.route}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(pr *httputil.ProxyRequest) { s.rewrite(pr, j, facts) },
		Transport:     roundTripper(func(out *http.Request) (*http.Response, error) { return s.throughBalancer(out, j) }),
		FlushInterval: -1, // stream
		ErrorLog:      slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ModifyResponse: func(res *http.Response) error {
			res.Header.Set("Apigw-Requestid", id)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			status := http.StatusServiceUnavailable
			if isTimeout(err) {
				status = s.Switches().TimeoutStatus
			}
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				status = http.StatusRequestEntityTooLarge
			}
			s.log.DebugContext(r.Context(), "invoke failed", "api", apiID, "path", r.URL.Path, "error", err)
			writeGatewayError(w, id, status)
		},
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func writeGatewayError(w http.ResponseWriter, id string, status int) {
	message := map[int]string{http.StatusNotFound: "Not Found", http.StatusForbidden: "Forbidden", http.StatusRequestEntityTooLarge: "Request Entity Too Large",
		http.StatusInternalServerError: "Internal Server Error"}[status]
	if message == "" {
		message = "Service Unavailable"
	}
	body := `{"message":"` + message + `"}`
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Apigw-Requestid", id)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // the client may be gone
}

// rewrite makes the request that API Gateway sends through the link.
func (s *Sim) rewrite(pr *httputil.ProxyRequest, j *journey, facts mappingFacts) {
	out, in := pr.Out, pr.In
	out.URL.Scheme, out.URL.Host, out.Host = "http", j.balancer.dns, in.Host
	out.URL.RawPath = "" // path parameters arrive decoded
	if j.integration.Method != "ANY" {
		out.Method = j.integration.Method
	}
	for _, h := range []string{"Connection", "Upgrade"} {
		out.Header.Del(h) // an HTTP API carries no upgrades
	}
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"} {
		if v, ok := in.Header[h]; ok {
			out.Header[h] = v // ReverseProxy took them off; API Gateway lets the client's pass
		}
	}
	client, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		client = in.RemoteAddr
	}
	if strings.Contains(client, ":") {
		client = `"[` + client + `]"`
	}
	host, _, err := net.SplitHostPort(in.Host)
	if err != nil {
		host = in.Host
	}
	// On AWS an invoke URL is always https, and that is what apps are told.
	out.Header.Set("Forwarded", "for="+client+";host="+host+";proto=https")
	out.Header.Set("Via", "HTTP/1.1 AmazonAPIGateway")
	if out.Header.Get("X-Amzn-Trace-Id") == "" {
		out.Header.Set("X-Amzn-Trace-Id", "Root="+traceID(s.now()))
	}
	facts.mapRequest(out, j.integration.Parameters)
	if out.Body == nil && (out.Method == http.MethodGet || out.Method == http.MethodHead) {
		// API Gateway says so even for a GET. The transport drops the canonical
		// spelling of this header but not another.
		out.Header["content-length"] = []string{"0"}
	}
	if _, ok := in.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // do not let the transport name itself
	}
}

// plan finds the way of a request up to the target.
func (s *Sim) plan(apiID string, r *http.Request) (j *journey, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	a, ok := s.st.apis.get(apiID)
	if !ok {
		return nil, gatewayError{http.StatusForbidden}
	}
	if a.Disabled {
		return nil, gatewayError{http.StatusNotFound}
	}
	if j, err = s.planRoute(a, r); err != nil {
		return nil, err
	}
	unavailable := gatewayError{http.StatusServiceUnavailable}
	link, ok := s.st.links.get(j.integration.ConnectionID)
	if !ok {
		return nil, unavailable
	}
	if status, _ := link.statusAt(now, s.t); status != "AVAILABLE" {
		return nil, unavailable
	}
	l, ok := s.st.listeners.get(j.integration.URI)
	if !ok {
		return nil, unavailable
	}
	b, ok := s.st.loadBalancers.get(l.LoadBalancer)
	if !ok || !b.activeAt(now, s.t) {
		return nil, unavailable
	}
	from, to := s.interfacesOf(link.ID), s.interfacesOf(b.ARN)
	if len(from) == 0 || len(to) == 0 {
		return nil, unavailable
	}
	node := to[s.next(b.ARN, len(to))]
	if !s.allowed(from[0], node, l.Port) {
		return nil, unavailable
	}
	j.linkIP = from[0].IP
	j.balancer = s.planBalancer(b, l, node, now)
	return j, nil
}

// next takes turns.
func (s *Sim) next(of string, n int) int {
	t := s.turn[of] % n
	s.turn[of] = t + 1
	return t
}

// planRoute finds stage, route and integration, as last deployed.
func (s *Sim) planRoute(a *api, r *http.Request) (*journey, error) {
	stages := s.st.stages.list(func(o *stage) bool { return o.APIID == a.ID })
	st, segments := pickStage(stages, pathSegments(r.URL.EscapedPath()))
	if st == nil {
		return nil, gatewayError{http.StatusNotFound}
	}
	d, ok := s.st.deployments.get(a.ID + "/" + st.DeploymentID)
	if !ok {
		return nil, gatewayError{http.StatusNotFound}
	}
	rt, vars := pickRoute(d.Routes, r.Method, segments)
	if rt == nil {
		return nil, gatewayError{http.StatusNotFound}
	}
	i := slices.IndexFunc(d.Integrations, func(n integration) bool { return "integrations/"+n.ID == rt.Target })
	if i < 0 {
		return nil, gatewayError{http.StatusInternalServerError}
	}
	n := d.Integrations[i]
	n.Parameters = merged(n.Parameters, nil)
	path := (&url.URL{Path: "/" + strings.Join(segments, "/")}).Path
	return &journey{integration: n, stage: st.Name, route: rt.Key, path: path, vars: vars}, nil
}
