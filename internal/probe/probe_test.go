package probe

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"drawbridge/internal/model"
)

// serve starts a real server and returns the request that reaches it through
// its environment's permission.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, Request) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	env := &model.Environment{Endpoint: srv.URL}
	base := "http://abc123.execute-api.ap-northeast-1.localhost:" + mustPort(t, srv.URL) + "/"
	return srv, Request{BaseURL: base, AllowHosts: LocalHosts(env)}
}

func TestRunRecordsTheAnswer(t *testing.T) {
	t.Parallel()
	var got *http.Request
	_, req := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		w.Header().Set("Apigw-Requestid", "abc=")
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
		fmt.Fprint(w, "This is Service A!")
	})
	req.Test = model.RouteTest{Path: "//a/../b%2Fc?x=1&y=%20", BodyContains: "Service A"}
	c := New(Options{UserAgent: "tester"})
	run := c.Run(t.Context(), req)
	if !run.Passed || run.Reason != "" || run.Status != 200 || run.Proto != "HTTP/1.1" || run.Body != "This is Service A!" || run.Truncated {
		t.Errorf("run = %+v", run)
	}
	if run.Name != "GET //a/../b%2Fc?x=1&y=%20" || run.Method != "GET" || run.Millis <= 0 || time.Since(run.At) > time.Minute {
		t.Errorf("run = %+v", run)
	}
	if run.Headers["Apigw-Requestid"][0] != "abc=" {
		t.Errorf("headers = %v", run.Headers)
	}
	if got.RequestURI != "//a/../b%2Fc?x=1&y=%20" {
		t.Errorf("the app saw %q, want the path as it was written", got.RequestURI)
	}
	if got.UserAgent() != "tester" || !strings.HasPrefix(got.Host, "abc123.execute-api.") {
		t.Errorf("user agent %q, host %q", got.UserAgent(), got.Host)
	}
	c.Run(t.Context(), req)
	if len(got.Cookies()) > 0 || got.Header.Get("Authorization") != "" || got.Header.Get("Referer") != "" {
		t.Errorf("the second request carried %v", got.Header)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, contentType, server, body string
		status                          int
		test                            model.RouteTest
		want                            string // "" = passes
	}{
		{name: "status as expected", status: 404, test: model.RouteTest{ExpectStatus: 404}},
		{name: "gateway 503", status: 503, contentType: "application/json", body: `{"message":"Service Unavailable"}`,
			want: `Expected status 200, got 503. The body is API Gateway's own {"message":"Service Unavailable"}: it could not reach the load balancer, or no answer came within 30 s. After 60 days without a request AWS first sets the VPC link up again, which takes some minutes.`},
		{name: "gateway 404", status: 404, contentType: "application/json; charset=utf-8", body: `{"message":"Not Found"}`, want: "no stage or route"},
		{name: "gateway 429", status: 429, contentType: "application/json", body: `{"message":"Too Many Requests"}`, want: "rate"},
		{name: "gateway 403", status: 403, contentType: "application/json", body: `{"message":"Forbidden"}`, want: "host name"},
		{name: "an app's own message", status: 404, contentType: "application/json", body: `{"message":"No such order"}`, want: "The app answered this itself."},
		{name: "an app's own JSON", status: 503, contentType: "application/json", body: `{"message":"Service Unavailable","retry":3}`, want: "The app answered this itself."},
		{name: "a gateway text under another status", status: 500, contentType: "application/json", body: `{"message":"Not Found"}`, want: "The app answered"},
		{name: "balancer 502", status: 502, server: "awselb/2.0", contentType: "text/html", body: "<html>", want: "The load balancer answered this itself (Server: awselb/2.0): the app refused or broke the connection."},
		{name: "balancer 503", status: 503, server: "awselb/2.0", body: "<html>", want: "no registered target"},
		{name: "balancer 504", status: 504, server: "awselb/2.0", body: "<html>", want: "security group"},
		{name: "app 500", status: 500, body: "boom", want: "Expected status 200, got 500. The app answered this itself."},
		{name: "body lacks text", status: 200, body: "hello", test: model.RouteTest{BodyContains: "world"}, want: `The status is 200 as expected, but the body does not contain "world".`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, req := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range map[string]string{"Content-Type": row.contentType, "Server": row.server} {
					if v != "" {
						w.Header().Set(k, v)
					}
				}
				w.WriteHeader(row.status)
				fmt.Fprint(w, row.body)
			})
			req.Test = row.test
			req.Test.Path = "/"
			run := New(Options{}).Run(t.Context(), req)
			if run.Passed != (row.want == "") || !strings.Contains(run.Reason, row.want) || run.Status != row.status {
				t.Errorf("passed %v, status %d, reason %q; want %q", run.Passed, run.Status, run.Reason, row.want)
			}
		})
	}
}

func TestRedirectsAreTheAnswer(t *testing.T) {
	t.Parallel()
	asked := 0
	_, req := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	})
	req.Test = model.RouteTest{Path: "/"}
	run := New(Options{}).Run(t.Context(), req)
	if run.Status != 302 || asked != 1 || !strings.Contains(run.Reason, `a redirect to "http://169.254.169.254/latest/meta-data/"`) {
		t.Errorf("asked %d times, run %+v", asked, run)
	}
}

func TestBodiesAreCapped(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, body, want string
		truncated        bool
	}{
		{"short", "abc", "abc", false},
		{"exactly the limit", strings.Repeat("x", 16), strings.Repeat("x", 16), false},
		{"long", strings.Repeat("x", 1<<20), strings.Repeat("x", 16), true},
		{"a rune across the cut", "xxxxxxxxxxxxxxあい", "xxxxxxxxxxxxxx", true},
		{"not UTF-8", "a\xff\x00b", "a\uFFFD\uFFFDb", false},
		{"not UTF-8 at the cut", strings.Repeat("\xbf", 20), "\uFFFD", true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, req := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, row.body) })
			req.Test = model.RouteTest{Path: "/", BodyContains: "never there"}
			run := New(Options{MaxBody: 16}).Run(t.Context(), req)
			if run.Body != row.want || run.Truncated != row.truncated || !utf8.ValidString(run.Body) || run.Status != 200 {
				t.Errorf("body %q, truncated %v; want %q, %v", run.Body, run.Truncated, row.want, row.truncated)
			}
			if row.truncated != strings.Contains(run.Reason, "the first ") {
				t.Errorf("reason %q", run.Reason)
			}
		})
	}
}

func TestHeadersAreCapped(t *testing.T) {
	t.Parallel()
	_, req := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Big", strings.Repeat("x", 64<<10)) })
	req.Test = model.RouteTest{Path: "/"}
	run := New(Options{}).Run(t.Context(), req)
	if run.Passed || run.Status != 0 || !strings.Contains(run.Reason, "did not get through") {
		t.Errorf("run = %+v", run)
	}
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	_, req := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drips" {
			w.WriteHeader(200)
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	c := New(Options{Timeout: 100 * time.Millisecond})
	req.Test = model.RouteTest{Path: "/never"}
	if run := c.Run(t.Context(), req); run.Passed || run.Status != 0 || !strings.Contains(run.Reason, "No answer came from abc123.execute-api.ap-northeast-1.localhost:") || !strings.Contains(run.Reason, "within 100ms") {
		t.Errorf("never: %+v", run)
	}
	req.Test.Path = "/drips"
	if run := c.Run(t.Context(), req); run.Passed || run.Status != 200 || run.Body != "begun" || !strings.Contains(run.Reason, "broke off after 5 bytes: it was not complete within 100ms") {
		t.Errorf("drips: %+v", run)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if run := c.Run(ctx, req); run.Reason != "It was stopped before an answer came." {
		t.Errorf("cancelled: %+v", run)
	}
}

func TestFailuresInWords(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	tlsServer := httptest.NewTLSServer(http.NotFoundHandler())
	tlsServer.Config.ErrorLog = nil
	t.Cleanup(tlsServer.Close)
	lookup := func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "broken.example" {
			return nil, &net.DNSError{Err: "server misbehaving", Name: host}
		}
		return nil, nil
	}
	rows := []struct {
		base  string
		allow []string
		want  string
	}{
		{gone.URL, LocalHosts(&model.Environment{Endpoint: gone.URL}), "Nothing listens at 127.0.0.1:"},
		{"http://absent.example/", nil, "The name absent.example does not exist in the DNS."},
		{"http://broken.example/", nil, "The name broken.example could not be looked up: server misbehaving."},
		{tlsServer.URL, LocalHosts(&model.Environment{Endpoint: tlsServer.URL}), "TLS certificate"},
	}
	c := New(Options{Lookup: lookup})
	for _, row := range rows {
		run := c.Run(t.Context(), Request{Test: model.RouteTest{Path: "/"}, BaseURL: row.base, AllowHosts: row.allow})
		if run.Passed || !strings.Contains(run.Reason, row.want) {
			t.Errorf("%s: reason %q, want %q", row.base, run.Reason, row.want)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(tlsServer.Certificate())
	run := New(Options{RootCAs: roots}).Run(t.Context(), Request{
		Test:    model.RouteTest{Path: "/", ExpectStatus: 404},
		BaseURL: tlsServer.URL, AllowHosts: LocalHosts(&model.Environment{Endpoint: tlsServer.URL}),
	})
	if !run.Passed {
		t.Errorf("with the right authority: %+v", run)
	}
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	proxied := false
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied = true }))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	c := New(Options{Lookup: func(context.Context, string) ([]netip.Addr, error) { return nil, nil }})
	run := c.Run(t.Context(), Request{Test: model.RouteTest{Path: "/"}, BaseURL: "http://absent.example/"})
	if proxied || !strings.Contains(run.Reason, "absent.example does not exist in the DNS") {
		t.Errorf("proxied %v, run %+v", proxied, run)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	srv, req := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
	})
	c := New(Options{})
	status, header, body, err := c.Answer(t.Context(), &model.Environment{Endpoint: srv.URL}, req.BaseURL+"health")
	if err != nil || status != http.StatusTeapot || header.Get("X-Path") != "/health" || string(body) != "short and stout" {
		t.Errorf("Answer = %d %v %q %v", status, header, body, err)
	}
	_, _, _, err = c.Answer(t.Context(), &model.Environment{}, req.BaseURL)
	var refused *Refused
	if !errors.As(err, &refused) {
		t.Errorf("without the endpoint: %v, want it refused", err)
	}
}
