// Package probe is the guarded HTTP client, the only one by which Drawbridge
// asks what people name: it sends route tests through an invoke URL and says in
// words what came back and who answered. Invoke URLs and paths are input, so
// the client decides by the address that it dials, not by the name: it reaches
// the public internet and the environment's own local invoke host, and nothing
// else (see guard.go and docs/outgoing-requests.md).
package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/model"
)

// Limits of one request. DefaultTimeout is longer than the 30 s after which
// API Gateway answers by itself, so that its answer is seen.
const (
	DefaultTimeout   = 35 * time.Second
	DefaultMaxBody   = 64 << 10
	maxHeaderBytes   = 32 << 10
	dialTimeout      = 5 * time.Second // of one address
	defaultUserAgent = "Drawbridge (route test)"
)

// Options configure a Client; the zero value is right for production.
type Options struct {
	Timeout   time.Duration  // of a whole request, body included; DefaultTimeout when 0
	MaxBody   int            // bytes of a body that are kept; DefaultMaxBody when 0
	UserAgent string         // sent with each request
	Redirects int            // followed at most, each checked as the first; 0 makes a redirect the answer
	RootCAs   *x509.CertPool // nil = the system's
	// Networks may be reached on any port though they are not public: those of
	// an operator's own servers. Metadata addresses stay refused.
	Networks []netip.Prefix
	// Observe, when not nil, is told of each route test.
	Observe func(model.TestRun)
	// Lookup resolves a name; nil = the system's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial connects to an address that the guard has let through; nil = TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client sends guarded requests. It may be shared; it keeps no cookies, no
// connections and no credentials and uses no proxy.
type Client struct {
	timeout   time.Duration
	maxBody   int
	userAgent string
	observe   func(model.TestRun)
	redirects int
	networks  []netip.Prefix
	roots     *x509.CertPool
	lookup    func(ctx context.Context, host string) ([]netip.Addr, error)
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns a Client.
func New(o Options) *Client {
	c := &Client{
		timeout:   o.Timeout,
		maxBody:   o.MaxBody,
		userAgent: o.UserAgent,
		observe:   o.Observe,
		redirects: o.Redirects,
		networks:  o.Networks,
		roots:     o.RootCAs,
		lookup:    o.Lookup,
		dial:      o.Dial,
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.maxBody <= 0 {
		c.maxBody = DefaultMaxBody
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	if c.observe == nil {
		c.observe = func(model.TestRun) {}
	}
	if c.lookup == nil {
		c.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if c.dial == nil {
		c.dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	return c
}

// Request is one route test to send.
type Request struct {
	Test    model.RouteTest
	BaseURL string // the backend's invoke URL
	// AllowHosts are the "host:port" entries that may lie on this machine,
	// as LocalHosts makes them. All others must be public.
	AllowHosts []string
}

// Run sends the test and judges the answer. What goes wrong on the way is in
// the run's Reason, never an error: a test that gets no answer has failed.
func (c *Client) Run(ctx context.Context, req Request) model.TestRun {
	run := c.run(ctx, req)
	c.observe(run)
	return run
}

func (c *Client) run(ctx context.Context, req Request) model.TestRun {
	t := req.Test.WithDefaults()
	run := model.TestRun{Name: t.Name, Method: t.Method, At: time.Now().UTC(), Headers: map[string][]string{}}
	target, err := targetURL(req.BaseURL, t.Path)
	if err != nil {
		run.URL = req.BaseURL
		run.Reason = err.Error()
		return run
	}
	run.URL = target
	start := time.Now()
	a, err := c.ask(ctx, t.Method, target, req.AllowHosts)
	run.Millis = float64(time.Since(start).Microseconds()) / 1000
	if err == nil || a.status != 0 {
		run.Status, run.Proto, run.Headers = a.status, a.proto, printableHeader(a.header)
		run.Body, run.Truncated = printable(a.body, a.truncated), a.truncated
	}
	if err != nil {
		run.Reason = err.Error()
		return run
	}
	run.Reason = verdict(t, a)
	run.Passed = run.Reason == ""
	return run
}

// Answer asks a URL of the environment by GET and returns what came back, at
// most the client's body limit of it. An error says in words why no complete
// answer came.
func (c *Client) Answer(ctx context.Context, env *model.Environment, rawURL string) (int, http.Header, []byte, error) {
	a, err := c.ask(ctx, http.MethodGet, rawURL, LocalHosts(env))
	if err != nil {
		return a.status, a.header, a.body, fmt.Errorf("ask %s: %w", rawURL, err)
	}
	return a.status, a.header, a.body, nil
}

// answer is what came back; body has at most the client's limit of bytes.
type answer struct {
	status    int
	proto     string
	header    http.Header
	body      []byte
	truncated bool
}

// ask sends a request without a body.
func (c *Client) ask(ctx context.Context, method, rawURL string, allow []string) (answer, error) {
	return c.send(ctx, rawURL, allow, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, method, rawURL, http.NoBody)
	})
}

// send sends one request. When the header came but the body broke off, both the
// answer so far and an error are returned.
func (c *Client) send(ctx context.Context, rawURL string, allow []string, build func(context.Context) (*http.Request, error)) (answer, error) {
	u, err := checkURL(rawURL)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := build(ctx)
	if err != nil {
		return answer{}, c.explain(ctx, u, err)
	}
	r.Header.Set("User-Agent", c.userAgent)
	r.Header.Set("Accept", "*/*")

	transport := c.transport(allow)
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, CheckRedirect: c.redirect}).Do(r)
	if err != nil {
		return answer{}, c.explain(ctx, u, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols { // nobody asked for it, and what follows is no body
		return answer{status: resp.StatusCode, proto: resp.Proto, header: resp.Header}, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(c.maxBody)+1))
	a := answer{status: resp.StatusCode, proto: resp.Proto, header: resp.Header, body: body}
	if len(body) > c.maxBody {
		a.body, a.truncated = body[:c.maxBody], true
		return a, nil
	}
	if err != nil {
		return a, c.brokenOff(ctx, a, err)
	}
	return a, nil
}

// redirect decides about following one. A client that follows none makes it
// the answer: a route test is of this route, not of the place that it points
// to. The address is checked when it is dialled, as for the first request.
func (c *Client) redirect(next *http.Request, via []*http.Request) error {
	if c.redirects == 0 {
		return http.ErrUseLastResponse
	}
	if len(via) > c.redirects {
		return refusef("The answer was more than %d redirects in a row.", c.redirects)
	}
	next.Header.Del("Referer") // the address before may hold a secret in its query
	_, err := checkURL(next.URL.String())
	return err
}

// transport serves one request and is closed after it, so that no connection
// which one environment was allowed is ever used for another.
func (c *Client) transport(allow []string) *http.Transport {
	return &http.Transport{
		Proxy: nil, // HTTP_PROXY would dial for us, past the guard
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return c.dialGuarded(ctx, network, address, allow)
		},
		TLSClientConfig:        &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableKeepAlives:      true,
		DisableCompression:     true, // the body is shown as it was sent
		ForceAttemptHTTP2:      true,
	}
}

// targetURL joins an invoke URL and a path as they are written: dot segments,
// double slashes and percent-encodings are part of what is tested.
func targetURL(base, path string) (string, error) {
	if base == "" {
		return "", refusef("The backend has no invoke URL yet. Provision it first.")
	}
	if !strings.HasPrefix(path, "/") {
		return "", refusef("The path %q does not begin with /.", path)
	}
	joined := strings.TrimSuffix(base, "/") + path
	if _, err := checkURL(joined); err != nil {
		return "", err
	}
	return joined, nil
}

// checkURL refuses what no route test may ask for, whatever its address.
func checkURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, refusef("%q is not a URL that can be asked.", raw)
	case !slices.Contains([]string{"http", "https"}, u.Scheme):
		return nil, refusef("Only http and https are asked; %q was refused.", u.Scheme)
	case u.User != nil:
		return nil, refusef("No credentials are sent; take the user name and password out of the URL.")
	case u.Hostname() == "":
		return nil, refusef("The URL %q names no host.", raw)
	}
	return u, nil
}
