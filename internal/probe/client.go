package probe

import (
	"io"
	"net/http"
)

// HTTP returns a client under the same guard, for libraries that ask addresses
// which users have chosen: every request and redirect is checked, and answers
// end after MaxBody bytes.
func (c *Client) HTTP() *http.Client {
	return &http.Client{Timeout: c.timeout, CheckRedirect: c.redirect, Transport: guarded{c.transport(nil), int64(c.maxBody)}}
}

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
