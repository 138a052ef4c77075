package traffic

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"drawbridge/internal/awssim"
)

// HTTP/2 is spoken by the client's side of the gateway alone: the app hears
// HTTP/1.1, bodies pass both ways at once, and what breaks off is told apart.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/down" {
			echo(w, r)
			return
		}
		w.Header().Set("Content-Length", "8")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	only := &http.Protocols{}
	only.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: only, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, c.address)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	client := &http.Client{Transport: tr, Timeout: patience}
	body := string(random(t, 1<<20))
	res := must[*http.Response](t)(client.Post(c.invoke+"/up", "application/octet-stream", strings.NewReader(body)))
	defer res.Body.Close()
	if got := must[[]byte](t)(io.ReadAll(res.Body)); string(got) != body || res.ProtoMajor != 2 || res.Header.Get("X-Seen-Proto") != "HTTP/1.1" || len(res.Header.Get("Apigw-Requestid")) != 16 {
		t.Errorf("%s, %d bytes came back, the app heard %s", res.Proto, len(got), res.Header.Get("X-Seen-Proto"))
	}
	broken := must[*http.Response](t)(client.Get(c.invoke + "/down"))
	defer broken.Body.Close()
	if got, err := io.ReadAll(broken.Body); broken.StatusCode != 200 || string(got) != "half" || err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("broken off: %d %q with %v", broken.StatusCode, got, err)
	}
}

// curl shows header names as they came: in lower case over HTTP/2.
func TestHTTP2_Curl(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(echo))
	got := c.curl(nil, "--http2-prior-knowledge", "-i", "--data", "hello", "URL/x")
	for _, want := range []string{"HTTP/2 200", "\r\napigw-requestid: ", "\r\nx-seen-proto: HTTP/1.1\r\n", "\r\n\r\nhello"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
