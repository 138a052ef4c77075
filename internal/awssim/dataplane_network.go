package awssim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// forwardTag on an instance names an address on this machine that its app is
// at, instead of the built-in sample app.
const forwardTag = "awssim:forward"

// checkForward takes loopback addresses only: the simulator must not become a
// way into somebody's network.
func checkForward(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q: write an address on this machine, as in 127.0.0.1:8000", forwardTag, address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%s %q: the port must be 1 to 65535", forwardTag, address)
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s %q: only an address on this machine is allowed, as in 127.0.0.1:8000", forwardTag, address)
	}
	return nil
}

// newDirectTransport dials the addresses that instances forward to. Its limits
// are a load balancer's.
func newDirectTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !ap.Addr().IsLoopback() {
			return fmt.Errorf("%s is not on this machine", address)
		}
		return nil
	}}
	return &http.Transport{DialContext: dialer.DialContext, DisableCompression: true, ResponseHeaderTimeout: 60 * time.Second,
		MaxResponseHeaderBytes: 32 << 10, IdleConnTimeout: 30 * time.Second, MaxIdleConnsPerHost: 256}
}

// allowed says whether the security groups let a connection from one interface
// reach a port of another: out of the one and into the other.
func (s *Sim) allowed(from, to *networkInterface, port int) bool {
	return s.lets(from.Groups, true, to, port) && s.lets(to.Groups, false, from, port)
}

func (s *Sim) lets(groups []string, egress bool, peer *networkInterface, port int) bool {
	ip, err := netip.ParseAddr(peer.IP)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(groups, func(id string) bool {
		return slices.ContainsFunc(s.st.index().groupRules[id], func(r *groupRule) bool {
			return r.Egress == egress && r.covers(ip, peer.Groups, port)
		})
	})
}

func (r *groupRule) covers(ip netip.Addr, groups []string, port int) bool {
	if r.Protocol != "-1" && (r.Protocol != "tcp" || port < r.From || port > r.To) {
		return false
	}
	if r.RefGroup != "" {
		return slices.Contains(groups, r.RefGroup)
	}
	p, err := netip.ParsePrefix(r.CIDR)
	return err == nil && p.Contains(ip)
}

// endpoint is a port of an instance as seen from one interface. It is a copy,
// for use without Sim.mu.
type endpoint struct {
	ip      string
	port    int
	blocked bool   // a security group drops the packets
	forward string // address on this machine
	app     *sampleApp
}

func (s *Sim) endpointOf(from *networkInterface, i *instance, port int, now time.Time) endpoint {
	e := endpoint{ip: i.IP, port: port, forward: i.Tags[forwardTag]}
	own := s.interfacesOf(i.ID)
	switch {
	case len(own) == 0 || !i.runningAt(now, s.t) || !s.allowed(from, own[0], port):
		e.blocked = true
	case e.forward == "" && i.listeningAt(now, s.t) && i.appPort() == port:
		e.app = &sampleApp{hostname: s.privateName(i.IP)}
	}
	return e
}

func (e endpoint) address() string { return net.JoinHostPort(e.ip, strconv.Itoa(e.port)) }

var (
	errNoConnection = errors.New("no connection: the packets are dropped")
	errRefused      = errors.New("connection refused")
)

// send carries a request to an endpoint. A dropped packet shows only after
// wait, as errNoConnection.
func (s *Sim) send(r *http.Request, e endpoint, wait time.Duration) (*http.Response, error) {
	switch {
	case e.blocked:
		if err := pause(r.Context(), wait); err != nil {
			return nil, err
		}
		return nil, errNoConnection
	case e.forward != "":
		r.URL.Scheme, r.URL.Host = "http", e.forward
		return s.direct.RoundTrip(r)
	case e.app != nil:
		return e.app.answer(r)
	}
	return nil, errRefused
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
