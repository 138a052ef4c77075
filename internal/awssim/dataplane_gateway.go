package awssim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Limits of a request to an HTTP API.
const (
	maxPayload = 10 << 20
	maxHeader  = 10_240 // request line and headers together
)

// gatewayError is an answer that API Gateway itself makes.
type gatewayError struct{ status int }

func (e gatewayError) Error() string { return http.StatusText(e.status) }

// serveInvoke is the HTTP API: it finds the way, and carries the request along.
func (s *Sim) serveInvoke(w http.ResponseWriter, r *http.Request, apiID string) {
	j := &journey{sim: s, in: r, id: gatewayRequestID(), started: s.now(), answer: recorder{ResponseWriter: w}}
	defer s.arrive(j)
	if err := s.plan(j, apiID); err != nil {
		j.refuse(&j.answer, err)
		return
	}
	if j.way == nil { // a preflight
		j.answer.Header().Set("Apigw-Requestid", j.id)
		j.api.api.CORS.preflight(j.answer.Header(), r.Header.Get("Origin"))
		j.answer.WriteHeader(http.StatusNoContent)
		return
	}
	if r.ContentLength != 0 {
		// An app may answer before it has read everything. A writer that cannot
		// do that is not one of a connection's.
		_ = http.NewResponseController(w).EnableFullDuplex()
		r.Body = &countedBody{http.MaxBytesReader(w, r.Body, maxPayload), &j.received}
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	j.cancel = cancel
	defer cancel(nil)
	timer := time.AfterFunc(s.t.scaled(time.Duration(j.way.integration.Timeout)*time.Millisecond), func() { cancel(errTooSlow) })
	defer timer.Stop()
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(pr *httputil.ProxyRequest) { s.rewrite(pr, j) },
		Transport:      roundTripper(func(out *http.Request) (*http.Response, error) { return s.throughBalancer(out, j) }),
		FlushInterval:  time.Millisecond, // what the app sends in pieces is passed on in pieces; a short answer is one write
		BufferPool:     &s.st.traffic.buffers,
		ErrorLog:       s.proxyLog,
		ModifyResponse: j.modify,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, err error) { j.refuse(w, err) },
	}
	j.passOn(proxy, r.WithContext(ctx))
}

// passOn lets the proxy carry the request. What has come of an answer that
// breaks off reaches the client before the connection ends: the proxy then
// gives up with a panic, and what it wrote last may still wait for its flush.
func (j *journey) passOn(proxy *httputil.ReverseProxy, r *http.Request) {
	whole := false
	defer func() {
		if !whole {
			_ = http.NewResponseController(&j.answer).Flush() // the client may be gone
		}
	}()
	proxy.ServeHTTP(&j.answer, r)
	whole = true
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// countedBody counts what is read of a request's body. The transport may still
// be reading when the answer has ended.
type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

// refuse answers in API Gateway's own words.
func (j *journey) refuse(w http.ResponseWriter, err error) {
	status := http.StatusServiceUnavailable
	var own gatewayError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &own):
		status = own.status
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, errTooSlow):
		status = j.sim.Switches().TimeoutStatus
	}
	j.failure = j.sim.gatewayMessage(status)
	j.sim.log.DebugContext(j.in.Context(), "invoke failed", "host", j.in.Host, "path", j.in.URL.Path, "status", status, "error", err)
	if j.api != nil && j.api.api.CORS != nil {
		j.api.api.CORS.apply(w.Header(), j.in.Header.Get("Origin"))
	}
	writeGatewayError(w, j.id, status, j.failure)
}

func writeGatewayError(w http.ResponseWriter, id string, status int, message string) {
	text, err := json.Marshal(message)
	if err != nil { // a string always has a JSON
		text = []byte(`""`)
	}
	body := `{"message":` + string(text) + `}`
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Apigw-Requestid", id)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may be gone
}

func (sh *shared) gatewayMessage(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return sh.switches.Load().TooLargeText
	case http.StatusTooManyRequests:
		return sh.switches.Load().TooManyText
	case http.StatusNotFound, http.StatusForbidden, http.StatusInternalServerError,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusGatewayTimeout:
		return http.StatusText(status)
	}
	return "Service Unavailable"
}

// modify makes the integration's answer the API's.
func (j *journey) modify(res *http.Response) error {
	if res.ContentLength > maxPayload {
		return gatewayError{http.StatusInternalServerError}
	}
	if j.sim.switches.Load().RemapHeaders {
		remap(res.Header)
	}
	j.mapResponse(res)
	if j.api.api.CORS != nil {
		j.api.api.CORS.apply(res.Header, j.in.Header.Get("Origin"))
	}
	res.Header.Set("Apigw-Requestid", j.id)
	if _, ok := res.Header["Content-Type"]; !ok {
		j.answer.Header()["Content-Type"] = nil // net/http would guess one
	}
	return nil
}

// remapped are the headers of an app's that REST APIs give other names: see
// "Amazon API Gateway important notes".
var remapped = []string{"Date", "Server", "Www-Authenticate"}

func remap(h http.Header) {
	for _, name := range remapped {
		if values, ok := h[name]; ok {
			delete(h, name)
			h["X-Amzn-Remapped-"+name] = values
		}
	}
}

// rewrite makes the request that API Gateway sends through the link.
func (s *Sim) rewrite(pr *httputil.ProxyRequest, j *journey) {
	out, in := pr.Out, pr.In
	out.URL.Scheme, out.URL.Host, out.Host = "http", j.way.balancer.DNSName, in.Host
	out.URL.RawPath = "" // path parameters arrive decoded
	if j.way.integration.Method != "ANY" {
		out.Method = j.way.integration.Method
	}
	for _, h := range []string{"Connection", "Upgrade"} {
		out.Header.Del(h) // an HTTP API carries no upgrades
	}
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port"} {
		if v, ok := in.Header[h]; ok {
			out.Header[h] = v // ReverseProxy took them off; API Gateway lets the client's pass
		}
	}
	// On AWS an invoke URL is always https, and that is what apps are told.
	out.Header.Set("Forwarded", "for="+forwardedFor(in.RemoteAddr)+";host="+hostOnly(in.Host)+";proto=https")
	out.Header.Set("Via", "HTTP/1.1 AmazonAPIGateway")
	if out.Header.Get("X-Amzn-Trace-Id") == "" {
		out.Header.Set("X-Amzn-Trace-Id", "Root="+traceID(s.now()))
	}
	j.mapRequest(out)
	if out.Body == nil && (out.Method == http.MethodGet || out.Method == http.MethodHead) {
		// API Gateway says so even for a GET. The transport drops the canonical
		// spelling of this header but not another.
		out.Header["content-length"] = []string{"0"}
	}
	if _, ok := in.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // do not let the transport name itself
	}
}

// plan finds the way of a request into the load balancer. A preflight that the
// API answers itself has none.
func (s *Sim) plan(j *journey, apiID string) error {
	r := j.in
	j.api = s.planOf(apiID)
	switch {
	case j.api == nil:
		return gatewayError{http.StatusForbidden}
	case headerSize(r) > maxHeader:
		return gatewayError{http.StatusRequestHeaderFieldsTooLarge}
	case r.ContentLength > maxPayload:
		return gatewayError{http.StatusRequestEntityTooLarge}
	case j.api.api.Disabled:
		return gatewayError{http.StatusNotFound}
	}
	st, segments := pickStage(j.api.stages, pathSegments(r.URL.EscapedPath()))
	if st == nil {
		return gatewayError{http.StatusNotFound}
	}
	if j.stage = j.api.serves[st.Name].at(j.started); j.stage == nil {
		return gatewayError{http.StatusNotFound}
	}
	j.path = (&url.URL{Path: "/" + strings.Join(segments, "/")}).Path
	if j.api.api.CORS != nil && isPreflight(r) {
		return nil
	}
	rt, vars := pickRoute(j.stage.routes, r.Method, segments)
	if rt == nil {
		return gatewayError{http.StatusNotFound}
	}
	j.route, j.vars = rt.Key, vars
	if !s.admits(j.stage, rt.Key, j.started) {
		return gatewayError{http.StatusTooManyRequests}
	}
	way := j.stage.integrations[rt.Target]
	if way == nil {
		return gatewayError{http.StatusInternalServerError}
	}
	if err := s.reach(way, j.started); err != nil {
		return err
	}
	j.way = way
	return nil
}

// reach says whether the VPC link gets to the load balancer at all.
func (s *Sim) reach(way *integrationPlan, now time.Time) error {
	unavailable := gatewayError{http.StatusServiceUnavailable}
	if way.link == nil {
		return unavailable
	}
	status, _ := way.link.statusAt(now, s.t)
	if status == linkInactive {
		s.wakeLink(way.link.ID)
	}
	if status != linkAvailable || !way.balancer.activeAt(now, s.t) || len(way.nodes) == 0 {
		return unavailable
	}
	if now.Sub(way.link.usedAt(s.t)) > linkUseNoted {
		s.noteLinkUse(way.link.ID)
	}
	return nil
}
