package traffic

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"drawbridge/internal/awssim"
)

const webSocketKey = "dGhlIHNhbXBsZSBub25jZQ==" // of RFC 6455, 1.3

func webSocketAccept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// webSocketApp accepts WebSockets as RFC 6455 says, sends a greeting, and
// refuses a plain GET as RFC 9110 says.
func webSocketApp(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/ws":
		page(w, r)
		return
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade"):
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a WebSocket", http.StatusUpgradeRequired)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n\x81\x02hi",
		webSocketAccept(r.Header.Get("Sec-WebSocket-Key")))
	_, _ = io.Copy(io.Discard, conn) // until the client leaves
}

// shake makes a WebSocket's handshake over a connection.
func shake(t *testing.T, conn net.Conn, in *bufio.Reader, host string) *http.Response {
	t.Helper()
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", host, webSocketKey)
	return must[*http.Response](t)(http.ReadResponse(in, nil))
}

// An HTTP API takes Connection and Upgrade off a request, as it takes every
// reserved header: an app that speaks WebSocket to who asks it directly hears a
// plain GET through the invoke URL, and the client gets the app's refusal, no 101.
func TestWebSocket_Refused(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(webSocketApp))
	direct := must[net.Conn](t)(net.Dial("tcp", c.app))
	defer direct.Close()
	in := bufio.NewReader(direct)
	greeting := make([]byte, 4)
	if res := shake(t, direct, in, c.app); res.StatusCode != 101 || res.Header.Get("Sec-WebSocket-Accept") != webSocketAccept(webSocketKey) {
		t.Fatalf("the app itself: %d %v", res.StatusCode, res.Header)
	}
	if _, err := io.ReadFull(in, greeting); err != nil || string(greeting) != "\x81\x02hi" {
		t.Fatalf("the app's greeting: %q %v", greeting, err)
	}
	conn := must[net.Conn](t)(net.Dial("tcp", c.address))
	defer conn.Close()
	in = bufio.NewReader(conn)
	host := strings.TrimPrefix(c.invoke, "http://")
	for range 2 { // the connection stays one of HTTP
		res := shake(t, conn, in, host)
		body := must[[]byte](t)(io.ReadAll(res.Body))
		if res.StatusCode != 426 || string(body) != "this is a WebSocket\n" || res.Header.Get("Sec-WebSocket-Accept") != "" || res.Header.Get("Apigw-Requestid") == "" {
			t.Errorf("through the invoke URL: %d %q %v", res.StatusCode, body, res.Header)
		}
	}
}

func TestWebSocket_Curl(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(webSocketApp))
	got := c.curl(nil, "--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: "+webSocketKey,
		"-w", " %{http_code}", "URL/ws")
	if got != "this is a WebSocket\n 426" {
		t.Errorf("curl got %q", got)
	}
}

// Chromium opens the app's WebSocket directly and not through the invoke URL.
func TestWebSocket_Chromium(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(webSocketApp))
	ctx := openBrowser(t)
	for base, want := range map[string]string{"http://" + c.app: "open", c.invoke: "closed 1006"} {
		if err := chromedp.Do(ctx, chromedp.Navigate(base+"/")); err != nil {
			t.Fatal(err)
		}
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`new Promise(done => {
			const s = new WebSocket("ws://" + location.host + "/ws");
			s.onopen = () => done("open");
			s.onclose = e => done("closed " + e.code);
		})`, chromedp.EvalAwaitPromise))
		if err != nil || got != want {
			t.Errorf("at %s the WebSocket is %s, want %s: %v", base, got, want, err)
		}
	}
}
