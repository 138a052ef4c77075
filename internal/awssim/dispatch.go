package awssim

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

const maxControlBody = 1 << 20

// call is one call of the control plane while it is carried out, under Sim.mu.
type call struct {
	*Sim
	q   wire.Query
	now time.Time
}

// queryOp carries out an operation of a query service and returns the elements
// of its answer.
type queryOp func(c *call) ([]wire.Node, error)

// reply is a ready answer.
type reply struct {
	status      int
	contentType string
	body        []byte
	header      map[string]string
}

// protocol renders a service's errors.
type protocol func(err *wire.Error, requestID string) reply

var credentialScope = regexp.MustCompile(`Credential=[^/,\s]+/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request`)

// serve tells the planes apart: the admin endpoint by its path, the data plane
// by its host, and the services by the credential scope of the signature.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	if apiID, ok := s.invokeHost(r.Host); ok {
		s.serveInvoke(w, r, apiID)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/_awssim/") {
		s.serveAdmin(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
	service, region := scopeOf(r)
	failure := protocolOf(service)
	if service == "" {
		s.refuse(w, r, failure, wire.Errorf(http.StatusForbidden, "MissingAuthenticationToken",
			"Request is missing Authentication Token. Sign it as for AWS; any key will do."))
		return
	}
	if region != s.region && service != "sts" {
		s.refuse(w, r, failure, wire.Errorf(http.StatusForbidden, "SignatureDoesNotMatch",
			"Credential should be scoped to a valid region, not '%s'. This simulator serves %s.", region, s.region))
		return
	}
	switch service {
	case "ec2", "elasticloadbalancing", "sts":
		s.serveQuery(w, r, service)
	case "apigateway":
		s.serveREST(w, r)
	case "ssm":
		s.serveSSM(w, r)
	default:
		s.refuse(w, r, failure, wire.Errorf(http.StatusNotImplemented, "UnknownOperationException",
			"This simulator does not serve %s; it serves ec2, elasticloadbalancing, apigateway, ssm and sts.", service))
	}
}

// invokeHost says which API a host names, as
// a1b2c3d4e5.execute-api.ap-northeast-1.localhost:4566.
func (s *Sim) invokeHost(host string) (string, bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	id, rest, ok := strings.Cut(host, ".execute-api."+s.region+".")
	return id, ok && (rest == "localhost" || rest == "amazonaws.com")
}

func scopeOf(r *http.Request) (service, region string) {
	text := r.Header.Get("Authorization")
	if text == "" {
		text = "Credential=" + r.URL.Query().Get("X-Amz-Credential")
	}
	m := credentialScope.FindStringSubmatch(text)
	if m == nil {
		return "", ""
	}
	return m[2], m[1]
}

func protocolOf(service string) protocol {
	switch service {
	case "ec2":
		return ec2Failure
	case "apigateway":
		return restFailure
	case "ssm":
		return ssmFailure
	}
	return queryFailure
}

// refuse answers what no operation was found for.
func (s *Sim) refuse(w http.ResponseWriter, r *http.Request, failure protocol, err error) {
	id := requestUUID()
	e := wire.AsError(err)
	s.log.InfoContext(r.Context(), "refused", "method", r.Method, "path", r.URL.Path, "code", e.Code, "message", e.Message)
	write(w, failure(e, id), id)
}

func (s *Sim) serveQuery(w http.ResponseWriter, r *http.Request, service string) {
	failure := protocolOf(service)
	name := map[string]string{"elasticloadbalancing": "elbv2"}[service]
	if name == "" {
		name = service
	}
	form, err := readForm(r)
	if err != nil {
		s.refuse(w, r, failure, err)
		return
	}
	q, err := wire.ParseQuery(form)
	if err != nil {
		s.refuse(w, r, failure, err)
		return
	}
	op := q.Str("Action")
	run, ok := s.byQuery[name][op]
	if !ok {
		s.refuse(w, r, failure, wire.BadRequest("InvalidAction", "The action %s is not valid for this web service.", op))
		return
	}
	s.perform(w, r, operation{service: name, name: op, failure: failure, run: func(now time.Time, id string) (reply, error) {
		out, err := run(&call{Sim: s, q: q, now: now})
		if err != nil {
			return reply{}, err
		}
		if service == "ec2" {
			return ec2Success(op, id, out), nil
		}
		return querySuccess(service, op, id, out), nil
	}})
}

func readForm(r *http.Request) (url.Values, error) {
	raw, err := readBody(r)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, wire.BadRequest("MalformedQueryString", "The request is no form: %s", err)
	}
	for k, v := range r.URL.Query() {
		if _, ok := form[k]; !ok {
			form[k] = v
		}
	}
	return form, nil
}

func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, wire.Errorf(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is larger than %d bytes.", tooLarge.Limit)
	}
	if err != nil {
		return nil, wire.BadRequest("IncompleteBody", "The request could not be read: %s", err)
	}
	return raw, nil
}

// operation is one call, ready to be carried out.
type operation struct {
	service, name string
	failure       protocol
	run           func(now time.Time, requestID string) (reply, error)
}

// perform carries out an operation: fault before, effect on the disk, log and
// hook, fault after, answer.
func (s *Sim) perform(w http.ResponseWriter, r *http.Request, op operation) {
	id := requestUUID()
	entry := Call{Service: op.service, Operation: op.name, Start: s.now(), RequestID: id}
	fault := s.strike(op.service, op.name)
	out := fault.apply(r, Before)
	var answer reply
	if !out.drop && out.err == nil {
		out.err = s.commit(func(now time.Time) (err error) {
			answer, err = op.run(now, id)
			return err
		})
		s.health.wake()
		if after := fault.apply(r, After); after.err != nil || after.drop {
			out = after
		}
	}
	if out.err != nil {
		e := wire.AsError(out.err)
		answer, entry.Code = op.failure(e, id), e.Code
	}
	if !out.drop {
		entry.Status = answer.status
	}
	entry.End = s.now()
	s.log.DebugContext(r.Context(), "call", "service", op.service, "operation", op.name, "status", entry.Status, "code", entry.Code, "request_id", id)
	s.logCall(entry)
	if out.drop {
		dropConnection(w)
		return
	}
	write(w, answer, id)
}

func write(w http.ResponseWriter, a reply, requestID string) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	}
	for k, v := range a.header {
		h.Set(k, v)
	}
	w.WriteHeader(a.status)
	// The client may be gone; nobody is left to be told.
	_, _ = io.Copy(w, bytes.NewReader(a.body))
}
