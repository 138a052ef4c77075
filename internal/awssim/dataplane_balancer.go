package awssim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxForwardedFor = 30 // addresses in X-Forwarded-For

// throughBalancer sends a request of API Gateway's through the load balancer.
// What goes wrong behind it is an answer; an error is the gateway's own timeout
// or a request body that could not be read.
func (s *Sim) throughBalancer(r *http.Request, j *journey) (*http.Response, error) {
	j.trace = r.Header.Get("X-Amzn-Trace-Id")
	h := &j.hop
	h.used, h.sent = true, s.now()
	node := take(j.way.turn, len(j.way.nodes))
	if !j.way.nodes[node].open {
		h.used = false
		return nil, gatewayError{http.StatusServiceUnavailable}
	}
	rule := j.way.ruleFor(r)
	j.note(r, rule)
	res, err := s.act(r, j, rule, node)
	h.answered = s.now()
	if err != nil {
		h.status, h.reason = 460, "" // the gateway has left
		return nil, err
	}
	h.status = res.StatusCode
	res.Body = &endingBody{ReadCloser: res.Body, end: h.endFlight}
	return res, nil
}

// endingBody tells when an answer has been passed on.
type endingBody struct {
	io.ReadCloser
	end func()
}

// Close ends the request's flight, too.
func (b *endingBody) Close() error {
	if b.end != nil {
		b.end()
	}
	return b.ReadCloser.Close()
}

// matched is the rule that a request falls under.
type matched struct {
	arn      string // "" = the default action
	priority int
	action   action
}

// ruleFor returns the first rule whose conditions all hold.
func (p *integrationPlan) ruleFor(r *http.Request) matched {
	for _, rule := range p.rules {
		if !slices.ContainsFunc(rule.Conditions, func(c condition) bool { return !c.holds(r, p.linkIP) }) {
			return matched{rule.ARN, rule.Priority, rule.Action}
		}
	}
	return matched{action: p.listener.Default}
}

// act does what the rule says.
func (s *Sim) act(r *http.Request, j *journey, m matched, node int) (*http.Response, error) {
	switch {
	case r.Method == http.MethodTrace:
		return balancerPage(r, http.StatusMethodNotAllowed), nil
	case forwardedAddresses(r.Header) > maxForwardedFor:
		return balancerPage(r, 463), nil
	case m.action.Type == "fixed-response":
		f := m.action.Fixed
		return textResponse(r, f.Status, http.Header{"Server": {"awselb/2.0"}, "Content-Type": {f.ContentType + "; charset=utf-8"}}, f.Body), nil
	case m.action.Type == "redirect":
		res := balancerPage(r, m.action.Redirect.Status)
		j.hop.location = m.action.Redirect.location(r, j.way.listener.Port)
		res.Header.Set("Location", j.hop.location)
		return res, nil
	}
	group := j.way.groups[m.action.pickGroup(take(j.way.ruleTurns[m.arn], m.action.totalWeight()))]
	if group == nil {
		return balancerPage(r, http.StatusServiceUnavailable), nil
	}
	j.hop.group = group.arn
	target := group.choose(r, s.now(), s.t)
	if target == nil {
		return balancerPage(r, http.StatusServiceUnavailable), nil
	}
	s.addBalancerHeaders(r.Header, j)
	res, err := s.toTarget(r, j, target, node)
	if err == nil {
		group.stick(res, target, s.now())
	}
	return res, err
}

func forwardedAddresses(h http.Header) int {
	n := 0
	for _, v := range h.Values("X-Forwarded-For") {
		n += 1 + strings.Count(v, ",")
	}
	return n
}

func (a action) totalWeight() int {
	sum := 0
	for _, g := range a.Groups {
		sum += g.Weight
	}
	return max(sum, 1)
}

// pickGroup gives the groups turns by their weights.
func (a action) pickGroup(turn int) string {
	for _, g := range a.Groups {
		if turn < g.Weight {
			return g.ARN
		}
		turn -= g.Weight
	}
	return ""
}

// location fills in the parts of the request that a redirect names.
func (d redirect) location(r *http.Request, port int) string {
	fill := strings.NewReplacer("#{protocol}", "http", "#{host}", hostOnly(r.Host), "#{port}", strconv.Itoa(port),
		"#{path}", strings.TrimPrefix(r.URL.EscapedPath(), "/"), "#{query}", r.URL.RawQuery)
	out := strings.ToLower(fill.Replace(d.Protocol)) + "://" + fill.Replace(d.Host) + ":" + fill.Replace(d.Port) + fill.Replace(d.Path)
	if q := fill.Replace(d.Query); q != "" {
		out += "?" + q
	}
	return out
}

// toTarget sends a request to a target, and answers for it when it fails.
func (s *Sim) toTarget(r *http.Request, j *journey, target *targetPlan, node int) (*http.Response, error) {
	h := &j.hop
	to := target.endpoint(node, s.now(), s.t)
	h.target, h.asked = to.address(), s.now()
	h.endFlight = s.st.traffic.flightsOf(target.key).add(j.cancel)
	patience := s.t.scaled(j.way.idle)
	if timeout := s.t.scaled(time.Duration(j.way.integration.Timeout) * time.Millisecond); patience < timeout {
		timer := time.AfterFunc(patience, func() { j.cancel(errIdle) })
		defer timer.Stop()
	}
	res, err := s.send(r, to, s.t.connectTimeout)
	if err == nil {
		h.targetStatus = res.StatusCode
		return res, nil
	}
	h.endFlight()
	var tooLarge *http.MaxBytesError
	cause := context.Cause(r.Context())
	switch {
	case errors.Is(cause, errDrained):
		return balancerPage(r, http.StatusBadGateway), nil
	case errors.Is(cause, errIdle):
		return balancerPage(r, http.StatusGatewayTimeout), nil
	case cause != nil, errors.As(err, &tooLarge):
		return nil, fmt.Errorf("send request to %s: %w", to.address(), cmp.Or(cause, err))
	case errors.Is(err, errNoConnection), isTimeout(err):
		return balancerPage(r, http.StatusGatewayTimeout), nil
	}
	return balancerPage(r, http.StatusBadGateway), nil
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func (s *Sim) addBalancerHeaders(h http.Header, j *journey) {
	switch j.way.balancer.Attributes[xffMode] {
	case "remove":
		h.Del("X-Forwarded-For")
	case "preserve":
	default:
		h.Set("X-Forwarded-For", strings.Join(append(slices.Clone(h.Values("X-Forwarded-For")), j.way.linkIP.String()), ", "))
	}
	h.Set("X-Forwarded-Proto", "http")
	h.Set("X-Forwarded-Port", strconv.Itoa(j.way.listener.Port))
	j.hop.trace = s.tracedByBalancer(h.Get("X-Amzn-Trace-Id"))
	h.Set("X-Amzn-Trace-Id", j.hop.trace)
}

const maxTrace = 7 << 10

// tracedByBalancer puts Self in front of what came, in place of an older one.
// Without a Root, and for a header that is too long, it makes one.
func (s *Sim) tracedByBalancer(have string) string {
	if have == "" || len(have) > maxTrace {
		return "Root=" + traceID(s.now())
	}
	parts := slices.DeleteFunc(strings.Split(have, ";"), func(p string) bool { return p == "" || strings.HasPrefix(p, "Self=") })
	return strings.Join(append([]string{"Self=" + traceID(s.now())}, parts...), ";")
}

// balancerPage is an answer that the load balancer itself makes.
func balancerPage(r *http.Request, status int) *http.Response {
	title := strconv.Itoa(status)
	switch status {
	case http.StatusServiceUnavailable:
		title += " Service Temporarily Unavailable"
	case http.StatusGatewayTimeout:
		title += " Gateway Time-out"
	case http.StatusMethodNotAllowed:
		title += " Not Allowed"
	default:
		title = strings.TrimSpace(title + " " + http.StatusText(status))
	}
	body := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
	return textResponse(r, status, http.Header{"Server": {"awselb/2.0"}, "Content-Type": {"text/html"}}, body)
}
