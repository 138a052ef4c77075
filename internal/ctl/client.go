package ctl

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxAnswer limits what is read of an answer.
const maxAnswer = 64 << 20

// client speaks the panel's REST API.
type client struct {
	panel, base, token string
	renew              func(context.Context) (string, error) // a new token; nil when there is only that one
	http               *http.Client
}

func newClient(l login) (*client, error) {
	u, err := url.Parse(l.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a panel's address; write it as in https://panel.example.com", l.URL)
	}
	transport, err := trusting(l.CACert)
	if err != nil {
		return nil, err
	}
	h := &http.Client{
		Transport: transport,
		// A redirect could carry the token elsewhere; the API sends none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c := &client{panel: l.URL, base: l.URL + "/api/v1", token: l.Token, http: h}
	if l.Token == "" {
		c.renew = workloadToken(l.URL)
	}
	return c, nil
}

// problem is a refusal in the panel's words.
type problem struct {
	Status    int            `json:"status"`
	Code      string         `json:"code"`
	Detail    string         `json:"detail"`
	Errors    []fieldProblem `json:"errors"`
	Holder    string         `json:"holder"`
	RequestID string         `json:"request_id"`

	retryAfter time.Duration
}

// fieldProblem is what is wrong with one input.
type fieldProblem struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (p *problem) Error() string {
	var b strings.Builder
	out := plain{&b}
	fmt.Fprint(out, p.Detail)
	for _, e := range p.Errors {
		fmt.Fprintf(out, "\n  %s: %s", strings.TrimPrefix(e.Location, "body."), e.Message)
	}
	if p.Holder != "" {
		fmt.Fprintf(out, "\n  Follow that job with: ctl logs %s", p.Holder)
	}
	if p.Status >= http.StatusInternalServerError {
		fmt.Fprintf(out, " (%s)", p.RequestID)
	}
	return b.String()
}

// callTimeout ends a question that is not answered. AWS is asked meanwhile.
const callTimeout = 2 * time.Minute

// tries is how often a request is sent whose answer was lost, or that came too
// early; the last pause between two is twice as long as the first.
const tries = 4

// call asks for JSON; in nil sends no body, out nil reads no answer. A POST
// names itself, so that sending it again has no second effect.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var data []byte
	if in != nil {
		var err error
		if data, err = json.Marshal(in); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	header := http.Header{}
	if method == http.MethodPost {
		header.Set("Idempotency-Key", rand.Text())
	}
	var resp *http.Response
	var err error
	for try := 1; ; try++ {
		resp, err = c.send(ctx, method, path, data, header)
		pause, again := sendAgain(err, try)
		if !again || try == tries || ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	return nil
}

// sendAgain tells whether a request is worth sending again, and when: not
// where nobody listens, nor after a refusal that does not say when.
func sendAgain(err error, try int) (pause time.Duration, again bool) {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.retryAfter, p.retryAfter > 0
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return 0, false
	}
	lost := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	return time.Duration(try) * firstPause, lost
}

// send returns an answer of status 2xx, or the refusal as an error.
func (c *client) send(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	for renewed := false; ; renewed = true {
		if c.token == "" && c.renew != nil {
			var err error
			if c.token, err = c.renew(ctx); err != nil {
				return nil, err
			}
		}
		resp, err := c.sendOnce(ctx, method, path, body, header)
		if err != nil && ctx.Err() != nil {
			return nil, &Ended{stopped(ctx), fmt.Sprintf("the panel at %s has not answered yet: %v", c.panel, context.Cause(ctx))}
		}
		if err != nil {
			return nil, fmt.Errorf("the panel at %s was not reached: %w", c.panel, unreached(err))
		}
		if resp.StatusCode/100 == 2 {
			return resp, nil
		}
		err = refusal(resp)
		_ = resp.Body.Close() // it was read
		if resp.StatusCode != http.StatusUnauthorized || c.renew == nil || renewed {
			return nil, err
		}
		c.token = "" // its time has passed
	}
}

func (c *client) sendOnce(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, r)
	if err != nil {
		return nil, fmt.Errorf("ask the panel: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("User-Agent", "drawbridge-ctl")
	return c.http.Do(req)
}

func refusal(resp *http.Response) error {
	p := &problem{}
	err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(p)
	if err != nil || p.Detail == "" {
		hint := "check the URL"
		if resp.Request.URL.Scheme == "http" && resp.StatusCode == http.StatusBadRequest {
			hint = "if it speaks TLS there, write the address with https://"
		}
		return fmt.Errorf("%s answered %s, and not as a panel does; %s", resp.Request.URL.Redacted(), resp.Status, hint)
	}
	p.Status = resp.StatusCode
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n >= 0 && n <= 30 {
		p.retryAfter = time.Duration(n) * time.Second
	}
	return p
}

// backend finds one by id, or by its whole name among those that are not destroyed.
func (c *client) backend(ctx context.Context, ref string) (*Backend, error) {
	if strings.HasPrefix(ref, "be_") {
		var b Backend
		return &b, c.call(ctx, "GET", "/backends/"+url.PathEscape(ref), nil, &b)
	}
	all, err := c.backends(ctx, url.Values{"name": {ref}})
	if err != nil {
		return nil, err
	}
	var found []Backend
	for _, b := range all {
		if b.Name == ref {
			found = append(found, b)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("there is no backend %q, or it is not yours", ref)
	case 1:
		return &found[0], nil
	}
	return nil, fmt.Errorf("%d teams have a backend %q; name it by id, as in %s", len(found), ref, found[0].ID)
}

// backends reads every page of the list.
func (c *client) backends(ctx context.Context, query url.Values) ([]Backend, error) {
	items, err := c.pages(ctx, "/backends", query)
	if err != nil {
		return nil, err
	}
	all := make([]Backend, len(items))
	for i, item := range items {
		if err := json.Unmarshal(item, &all[i]); err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
	}
	return all, nil
}

// refused tells whether the panel answered, and no: asking again is of no use.
func refused(err error) bool {
	p, ok := errors.AsType[*problem](err)
	return ok && p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests
}
