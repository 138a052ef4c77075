package awssim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// balancerHop is the load balancer's part of a journey.
type balancerHop struct {
	dns  string
	port int
	xff  string    // how X-Forwarded-For is treated
	to   *endpoint // nil = no registered target
}

// planBalancer chooses a target: a healthy one, or any of them when none is.
func (s *Sim) planBalancer(b *loadBalancer, l *listener, node *networkInterface, now time.Time) balancerHop {
	hop := balancerHop{dns: b.DNSName, port: l.Port, xff: b.Attributes[xffMode]}
	var healthy, others []*target
	for _, t := range s.targetsOf(l.TargetGroup) {
		switch s.healthAt(t, now).State {
		case "healthy":
			healthy = append(healthy, t)
		case "initial", "unhealthy", "unavailable":
			others = append(others, t)
		}
	}
	if len(healthy) == 0 {
		healthy = others // fail open
	}
	if len(healthy) == 0 {
		return hop
	}
	t := healthy[s.next(l.TargetGroup, len(healthy))]
	if i, ok := s.st.instances.get(t.InstanceID); ok {
		e := s.endpointOf(node, i, t.Port, now)
		hop.to = &e
	}
	return hop
}

// throughBalancer sends a request of API Gateway's through the load balancer.
// What goes wrong behind it is an answer; an error is the gateway's own timeout
// or a request body that could not be read.
func (s *Sim) throughBalancer(r *http.Request, j *journey) (*http.Response, error) {
	if j.balancer.to == nil {
		return balancerPage(r, http.StatusServiceUnavailable), nil
	}
	s.addBalancerHeaders(r.Header, j)
	res, err := s.send(r, *j.balancer.to, s.t.connectTimeout)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return res, nil
	case r.Context().Err() != nil, errors.As(err, &tooLarge):
		return nil, fmt.Errorf("send request to %s: %w", j.balancer.to.address(), err)
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
	switch j.balancer.xff {
	case "remove":
		h.Del("X-Forwarded-For")
	case "preserve":
	default:
		h.Set("X-Forwarded-For", strings.Join(append(slices.Clone(h.Values("X-Forwarded-For")), j.linkIP), ", "))
	}
	h.Set("X-Forwarded-Proto", "http")
	h.Set("X-Forwarded-Port", strconv.Itoa(j.balancer.port))
	h.Set("X-Amzn-Trace-Id", s.tracedByBalancer(h.Get("X-Amzn-Trace-Id")))
}

// tracedByBalancer puts Self in front of what came, in place of an older one.
func (s *Sim) tracedByBalancer(have string) string {
	parts := slices.DeleteFunc(strings.Split(have, ";"), func(p string) bool { return p == "" || strings.HasPrefix(p, "Self=") })
	return strings.Join(append([]string{"Self=" + traceID(s.now())}, parts...), ";")
}

// balancerPage is an answer that the load balancer itself makes.
func balancerPage(r *http.Request, status int) *http.Response {
	title := strconv.Itoa(status) + " " + map[int]string{http.StatusBadGateway: "Bad Gateway",
		http.StatusServiceUnavailable: "Service Temporarily Unavailable", http.StatusGatewayTimeout: "Gateway Time-out"}[status]
	body := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
	return textResponse(r, status, http.Header{"Server": {"awselb/2.0"}, "Content-Type": {"text/html"}}, body)
}
