package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSlowBodies: a body that does not come ends its connection, whether it is
// read or not; one that came leaves its handler all the time that it wants.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	const most = 100 * time.Millisecond
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reads", func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, err)
	})
	mux.HandleFunc("POST /refuses", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	mux.HandleFunc("/works", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			fmt.Fprint(w, context.Cause(r.Context()))
		case <-time.After(5 * most):
			fmt.Fprint(w, "done")
		}
	})
	srv := httptest.NewServer(inTime(mux, most))
	t.Cleanup(srv.Close)
	for _, row := range []struct{ name, sends, says string }{
		{"one that is read", "POST /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n1", "timeout"},
		{"one by chunks", "POST /reads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "timeout"},
		{"one that nobody reads", "POST /refuses HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n1", "401"},
		{"one that came", "POST /works HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1", "done"},
		{"none", "GET /works HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "done"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", srv.Listener.Addr().String())
			check(t, err)
			defer c.Close()
			check(t, c.SetDeadline(time.Now().Add(20*time.Second))) // a connection that stays fails the test
			_, err = io.WriteString(c, row.sends)
			check(t, err)
			answer, err := io.ReadAll(bufio.NewReader(c))
			if err != nil || !strings.Contains(string(answer), row.says) {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
}

// TestHugeHeaders are refused before any of it is looked at.
func TestHugeHeaders(t *testing.T) {
	t.Parallel()
	l, err := listen("127.0.0.1:0", "--listen")
	check(t, err)
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- serveHTTP(l, http.NotFoundHandler())(ctx) }()
	t.Cleanup(func() {
		stop()
		check(t, <-stopped)
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/", nil)
	check(t, err)
	r.Header.Set("X-Long", strings.Repeat("a", 2*maxHeader))
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", resp.StatusCode)
	}
}
