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
	q       wire.Query
	now     time.Time
	who     caller
	assumed *role // by AssumeRole; nil = there is none
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

// serve tells the planes apart: the data plane by its host, the admin endpoint
// by its path, and the services by the credential scope of the signature. The
// scope's Region and the key's account say whose state a call works on.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	if apiID, region, ok := invokeHost(r.Host); ok {
		if p, ok := s.gatewayAt(apiID, region); ok {
			p.serveInvoke(w, r, apiID)
		} else {
			writeGatewayError(w, gatewayRequestID(), http.StatusForbidden, s.gatewayMessage(http.StatusForbidden))
		}
		return
	}
	if r.URL.Path == "/_awssim" {
		http.Redirect(w, r, "/_awssim/", http.StatusSeeOther)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/_awssim/") {
		s.serveAdmin(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
	sig := signatureOf(r)
	if sig.service == "" {
		guess := guessService(r)
		s.refuse(w, r, s.protocolOf(guess), refusal(guess, noSignature))
		return
	}
	who := s.callerOf(r, sig)
	p, err := s.placeOf(sig, who)
	if err == nil {
		err = s.authenticate(r, sig, who)
	}
	if err != nil {
		s.refuse(w, r, s.protocolOf(sig.service), err)
		return
	}
	p.serveService(w, r, sig.service, who)
}

func (s *Sim) serveService(w http.ResponseWriter, r *http.Request, service string, who caller) {
	switch service {
	case "apigateway":
		s.serveREST(w, r)
		return
	case "ssm":
		s.serveSSM(w, r)
		return
	}
	if _, ok := s.byQuery[queryName(service)]; ok {
		s.serveQuery(w, r, service, who)
		return
	}
	s.refuse(w, r, protocolSpoken(r, service), wire.Errorf(http.StatusNotImplemented, "UnknownOperationException",
		"This simulator does not serve %s; it serves apigateway, ec2, elasticloadbalancing, iam, ssm and sts.", service))
}

// placeOf finds the state that a call works on. IAM and STS have no Regions:
// what they know of an account is kept with its part of the home Region.
func (s *Sim) placeOf(sig signature, who caller) (*Sim, error) {
	region := sig.region
	if sig.service == "iam" || sig.service == "sts" {
		region = s.home.region
	}
	if !regionRE.MatchString(region) {
		return nil, wire.Errorf(http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not '%s'.", region)
	}
	return s.at(place{who.account, region})
}

// queryName is a query service's name in logs and faults.
func queryName(service string) string {
	if service == "elasticloadbalancing" {
		return "elbv2"
	}
	return service
}

var invokeHostRE = regexp.MustCompile(`^([^.]+)\.execute-api\.([a-z0-9-]+)\.(localhost|amazonaws\.com)$`)

// invokeHost says which API in which Region a host names, as
// a1b2c3d4e5.execute-api.ap-northeast-1.localhost:4566.
func invokeHost(host string) (id, region string, ok bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	m := invokeHostRE.FindStringSubmatch(strings.ToLower(strings.TrimSuffix(host, ".")))
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// protocolSpoken guesses how a service that there is not would put an error, so
// that its client can read it.
func protocolSpoken(r *http.Request, service string) protocol {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return ssmFailure
	case service == "s3" || service == "route53" || service == "cloudfront",
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return queryFailure
	}
	return restFailure
}

// classicELB is the version of Classic Load Balancers' API, which signs and
// calls its operations as ELB's does.
const classicELB = "2012-06-01"

// guessService says in whose words a request without a signature is refused.
func guessService(r *http.Request) string {
	switch {
	case strings.HasPrefix(r.URL.Path, "/v2/"):
		return "apigateway"
	case r.Header.Get("X-Amz-Target") != "":
		return "ssm"
	}
	return ""
}

func (sh *shared) protocolOf(service string) protocol {
	switch service {
	case "ec2":
		return sh.ec2Failure
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

func (s *Sim) serveQuery(w http.ResponseWriter, r *http.Request, service string, who caller) {
	failure, name := s.protocolOf(service), queryName(service)
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
	if name == "elbv2" && q.Str("Version") == classicELB {
		s.refuse(w, r, failure, wire.BadRequest("InvalidAction", "This simulator has no Classic Load Balancers: %s of version %s is not valid for this web service.", op, classicELB))
		return
	}
	run, ok := s.byQuery[name][op]
	if !ok {
		s.refuse(w, r, failure, wire.BadRequest("InvalidAction", "The action %s is not valid for this web service.", op))
		return
	}
	var assumed *role
	if op == "AssumeRole" {
		assumed = s.roleNamed(q.Str("RoleArn"))
	}
	s.perform(w, r, operation{service: name, name: op, failure: failure, query: q, ids: idsIn(form), run: func(now time.Time, id string) (reply, error) {
		out, err := run(&call{Sim: s, q: q, now: now, who: who, assumed: assumed})
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
	query         wire.Query // of the query services
	writes        string     // the API that the call writes to, "" = none
	ids           []string   // resources that the request names
	run           func(now time.Time, requestID string) (reply, error)
}

// perform carries out an operation: fault before, effect on the disk, log and
// hook, fault after, answer.
func (s *Sim) perform(w http.ResponseWriter, r *http.Request, op operation) {
	id := requestUUID()
	entry := Call{Service: op.service, Operation: op.name, Start: s.now(), RequestID: id, Account: s.account, Region: s.region, IDs: op.ids}
	answer, out := s.carryOut(r, op, &entry)
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

// carryOut makes a call's effect, unless a fault or a switch is against it.
func (s *Sim) carryOut(r *http.Request, op operation, entry *Call) (answer reply, out outcome) {
	end, err := s.beginWrite(op.writes)
	if err != nil {
		return reply{}, outcome{err: err}
	}
	defer end()
	rest(r.Context(), s.t.travel())
	defer func() { rest(r.Context(), s.t.travel()) }()
	fault := s.strike(op.service, op.name)
	if out = fault.apply(r, Before); out.drop || out.err != nil {
		return reply{}, out
	}
	if out.err = s.admit(op); out.err != nil {
		return reply{}, out
	}
	out.err = s.commit(func(now time.Time) (err error) {
		before := len(s.st.changes)
		s.st.created = nil
		answer, err = op.run(now, entry.RequestID)
		entry.IDs = appendChanged(entry.IDs, s.st.changes[before:])
		s.conceal(s.st.created, now)
		return err
	})
	s.health.wake()
	if after := fault.apply(r, After); after.err != nil || after.drop {
		out = after
	}
	return answer, out
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
