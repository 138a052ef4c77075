package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"unicode/utf8"

	"drawbridge/internal/model"
)

// Refused is a request that the guard did not let out. Its text is for people.
type Refused struct{ Why string }

func (e *Refused) Error() string { return e.Why }

func refusef(format string, args ...any) *Refused { return &Refused{Why: fmt.Sprintf(format, args...)} }

func refuseAddress(host string, addr netip.Addr, why string) *Refused {
	at := host + " is " + why
	if a, err := netip.ParseAddr(host); err != nil || a != addr {
		at = fmt.Sprintf("%s resolves to %s, which is %s", host, addr, why)
	}
	return refusef("%s. Only public addresses and the environment's own invoke host are asked.", at)
}

// NoAnswer is a request that got no complete answer. Its text is for people.
type NoAnswer struct {
	Why string
	Err error
}

func (e *NoAnswer) Error() string { return e.Why }
func (e *NoAnswer) Unwrap() error { return e.Err }

// explain turns a transport's error into words.
func (c *Client) explain(ctx context.Context, u *url.URL, err error) error {
	var refused *Refused
	if errors.As(err, &refused) {
		return refused
	}
	host := u.Host
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var why string
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		why = "It was stopped before an answer came."
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		why = fmt.Sprintf("No answer came from %s within %s.", host, c.timeout)
	case errors.As(err, &dns) && dns.IsNotFound:
		why = fmt.Sprintf("The name %s does not exist in the DNS. What it named may have been deleted, or be too new.", u.Hostname())
	case errors.As(err, &dns):
		why = fmt.Sprintf("The name %s could not be looked up: %s.", u.Hostname(), dns.Err)
	case errors.As(err, &cert):
		why = fmt.Sprintf("The TLS certificate of %s was not accepted: %s.", host, cert.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		why = fmt.Sprintf("Nothing listens at %s (connection refused).", host)
	default:
		why = fmt.Sprintf("The request to %s did not get through: %s.", host, bare(err))
	}
	return &NoAnswer{Why: why, Err: err}
}

// brokenOff is the error for an answer whose body did not come to its end.
func (c *Client) brokenOff(ctx context.Context, a answer, err error) error {
	why := bare(err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = fmt.Sprintf("it was not complete within %s", c.timeout)
	}
	return &NoAnswer{Why: fmt.Sprintf("An answer with status %d began, but its body broke off after %d bytes: %s.", a.status, len(a.body), why), Err: err}
}

// bare is the error without the "Get \"http://...\":" that net/http puts before it.
func bare(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return strings.TrimSuffix(err.Error(), ".")
}

// verdict says why the answer does not pass the test, or "" when it does.
func verdict(t model.RouteTest, a answer) string {
	if a.status != t.ExpectStatus {
		return fmt.Sprintf("Expected status %d, got %d. %s", t.ExpectStatus, a.status, whoAnswered(a))
	}
	if t.BodyContains == "" || bytes.Contains(a.body, []byte(t.BodyContains)) {
		return ""
	}
	where := "the body"
	if a.truncated {
		where = fmt.Sprintf("the first %d KiB of the body", len(a.body)>>10)
	}
	return fmt.Sprintf("The status is %d as expected, but %s does not contain %q.", a.status, where, t.BodyContains)
}

// whoAnswered tells which hop of the chain made the answer and what it means:
// API Gateway's own answers are {"message": ...}, a load balancer's own carry
// "Server: awselb/2.0", and everything else is the app's.
func whoAnswered(a answer) string {
	if message, ok := gatewayMessage(a); ok {
		return fmt.Sprintf(`The body is API Gateway's own {"message":%q}: %s.`, message, gatewayMeaning(a.status))
	}
	if strings.HasPrefix(a.header.Get("Server"), "awselb/") {
		return fmt.Sprintf("The load balancer answered this itself (Server: %s): %s.", a.header.Get("Server"), balancerMeaning(a.status))
	}
	if a.status >= 300 && a.status < 400 {
		return fmt.Sprintf("The app answered this itself: a redirect to %q, which a route test does not follow.", a.header.Get("Location"))
	}
	return "The app answered this itself."
}

// gatewayMessages are the texts of API Gateway's own answers. An app may
// answer in the same shape, so only these count as the gateway's.
var gatewayMessages = map[string]int{
	"Bad Request":              http.StatusBadRequest,
	"Unauthorized":             http.StatusUnauthorized,
	"Forbidden":                http.StatusForbidden,
	"Not Found":                http.StatusNotFound,
	"Request Entity Too Large": http.StatusRequestEntityTooLarge,
	"Too Many Requests":        http.StatusTooManyRequests,
	"Internal Server Error":    http.StatusInternalServerError,
	"Service Unavailable":      http.StatusServiceUnavailable,
	"Gateway Timeout":          http.StatusGatewayTimeout,
}

func gatewayMessage(a answer) (string, bool) {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return "", false
	}
	var body map[string]string
	if json.Unmarshal(a.body, &body) != nil || len(body) != 1 {
		return "", false
	}
	message := body["message"]
	return message, message != "" && gatewayMessages[message] == a.status
}

func gatewayMeaning(status int) string {
	switch status {
	case http.StatusNotFound:
		return "no stage or route of the HTTP API matches this request"
	case http.StatusForbidden:
		return "the HTTP API does not serve this host name"
	case http.StatusTooManyRequests:
		return "the stage's or the account's request rate was exceeded"
	case http.StatusRequestEntityTooLarge:
		return "the body is over its limit of 10 MB"
	case http.StatusServiceUnavailable:
		return "it could not reach the load balancer, or no answer came within 30 s. After 60 days without a request AWS first sets the VPC link up again, which takes some minutes"
	case http.StatusGatewayTimeout:
		return "no answer came from behind it within 30 s"
	}
	return "the request did not get past it"
}

func balancerMeaning(status int) string {
	switch status {
	case http.StatusBadGateway:
		return "the app refused or broke the connection"
	case http.StatusServiceUnavailable:
		return "its target group has no registered target"
	case http.StatusGatewayTimeout:
		return "the app could not be reached in time, as when the instance's security group does not let the load balancer in"
	case http.StatusMethodNotAllowed:
		return "it does not pass this method on"
	}
	return "the request did not reach the app"
}

// printable makes text of a body: valid UTF-8 without NUL, which a database's
// text cannot hold. A rune that the limit cut in two is left out.
func printable(b []byte, cut bool) string {
	if cut {
		for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
			if tail := b[len(b)-i:]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRune(tail) {
					b = b[:len(b)-i]
				}
				break
			}
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\x00", "\uFFFD")
}

func printableHeader(h http.Header) map[string][]string {
	out := make(map[string][]string, len(h))
	for name, values := range h {
		for _, v := range values {
			out[name] = append(out[name], printable([]byte(v), false))
		}
	}
	return out
}
