package probe

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
)

// HTTP returns a client under the same guard, for libraries that ask addresses
// which users have chosen: every request and redirect is checked, and answers
// end after MaxBody bytes.
func (c *Client) HTTP() *http.Client {
	return &http.Client{Timeout: c.timeout, CheckRedirect: c.redirect, Transport: guarded{c.transport(nil), int64(c.maxBody)}}
}

// Answer is what came back for a request; Body has at most the client's limit of bytes.
type Answer struct {
	Status int
	Header http.Header
	Body   string // as text that a database can hold
}

// Post sends a body and returns what came back. An error says in words, and
// without the address's path and query, why no answer came; one whose body
// broke off is an answer.
func (c *Client) Post(ctx context.Context, rawURL string, header http.Header, body []byte) (Answer, error) {
	a, err := c.send(ctx, rawURL, nil, func(ctx context.Context) (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, bytes.NewReader(body))
		if err == nil {
			r.Header = header.Clone()
		}
		return r, err
	})
	if a.status != 0 {
		err = nil
	}
	return Answer{Status: a.status, Header: a.header, Body: printable(a.body, a.truncated)}, err
}

// Check says whether a request to the address would be refused, as far as that
// can be told without asking the DNS.
func (c *Client) Check(rawURL string) error {
	u, err := checkURL(rawURL)
	if err != nil {
		return err
	}
	host, port := strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case err == nil:
	case isLoopback(host):
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case len(c.networks) > 0:
		return nil // the name may lie in one of them
	default:
		addr = somePublic
	}
	if refused := c.check(host, port, addr, false); refused != nil {
		return refused
	}
	return nil
}

// somePublic stands for the address of a name that nobody has looked up.
var somePublic = netip.AddrFrom4([4]byte{1, 1, 1, 1})

type guarded struct {
	next    http.RoundTripper
	maxBody int64
}

func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := checkURL(r.URL.String()); err != nil {
		return nil, err
	}
	resp, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, g.maxBody), resp.Body}
	return resp, nil
}
