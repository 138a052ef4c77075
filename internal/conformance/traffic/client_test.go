package traffic

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/awssim"
)

// 200 clients at once, each with several requests on its connection, and not
// one error.
func TestClients_200AtOnce(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(echo))
	client := c.client()
	var all sync.WaitGroup
	errs := make(chan error, 200)
	for n := range 200 {
		all.Go(func() {
			for i := range 5 {
				want := fmt.Sprintf("client %d request %d %s", n, i, strings.Repeat("x", n*10))
				res, err := client.Post(c.invoke+"/x", "text/plain", strings.NewReader(want))
				if err != nil {
					errs <- err
					return
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != 200 || string(got) != want {
					errs <- fmt.Errorf("client %d: %d, %d bytes of %d, %v", n, res.StatusCode, len(got), len(want), err)
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

// 10 MB down and up at once, with and without a known length, byte-exact.
func TestClients_TenMegabytes(t *testing.T) {
	t.Parallel()
	body := random(t, 10<<20)
	c := newChain(t, awssim.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body)
			return
		}
		echo(w, r)
	}))
	client := c.client()
	for name, upload := range map[string]io.Reader{"of a known length": bytes.NewReader(body), "in chunks": io.MultiReader(bytes.NewReader(body))} {
		res := must[*http.Response](t)(client.Post(c.invoke+"/up", "application/octet-stream", upload))
		got := must[[]byte](t)(io.ReadAll(res.Body))
		res.Body.Close()
		if !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes came back, or others", name, len(got))
		}
	}
	res := must[*http.Response](t)(client.Get(c.invoke + "/down"))
	defer res.Body.Close()
	sum := sha256.New()
	n := must[int64](t)(io.Copy(sum, res.Body))
	if want := sha256.Sum256(body); n != 10<<20 || !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Errorf("down: %d bytes, or others", n)
	}
}

// Requests that follow one another use one connection, and the app always
// hears HTTP/1.1.
func TestClients_KeepAlive(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(echo))
	client, reused := c.client(), 0
	for range 10 {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if i.Reused {
				reused++
			}
		}})
		r := must[*http.Request](t)(http.NewRequestWithContext(ctx, "GET", c.invoke+"/", nil))
		res := must[*http.Response](t)(client.Do(r))
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if p := res.Header.Get("X-Seen-Proto"); p != "HTTP/1.1" {
			t.Errorf("the app heard %s", p)
		}
	}
	if reused != 9 {
		t.Errorf("%d of 10 requests used the connection again, want 9", reused)
	}
}

// A slow writer's first piece reaches the app before the second is written,
// and a slow reader gets the first piece before the app writes the second.
func TestClients_Slow(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		flush := http.NewResponseController(w)
		_ = flush.EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintf(w, "heard %s\n", lines.Text())
			_ = flush.Flush()
		}
	}))
	up, write := io.Pipe()
	r := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), "POST", c.invoke+"/talk", up))
	answer := make(chan *http.Response, 1)
	go func() {
		res, err := c.client().Do(r)
		if err != nil {
			t.Error(err)
			close(answer)
			return
		}
		answer <- res
	}()
	fmt.Fprintln(write, "one")
	res, ok := <-answer
	if !ok {
		t.FailNow()
	}
	defer res.Body.Close()
	heard := bufio.NewReader(res.Body)
	for _, word := range []string{"one", "two", "three"} {
		if word != "one" {
			fmt.Fprintln(write, word)
		}
		if line := must[string](t)(heard.ReadString('\n')); line != "heard "+word+"\n" {
			t.Errorf("%q after %s", line, word)
		}
	}
	write.Close()
}

// A client that leaves in the middle of its upload ends the app's read; an app
// that breaks off in the middle of its answer ends the client's.
func TestClients_Abort(t *testing.T) {
	t.Parallel()
	half, left := make(chan struct{}), make(chan error, 1)
	c := newChain(t, awssim.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/up":
			_, _ = io.ReadFull(r.Body, make([]byte, 4))
			close(half)
			_, err := io.Copy(io.Discard, r.Body)
			left <- err
		case "/down":
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	conn := must[net.Conn](t)(net.Dial("tcp", c.address))
	host := strings.TrimPrefix(c.invoke, "http://")
	fmt.Fprintf(conn, "POST /up HTTP/1.1\r\nHost: %s\r\nContent-Length: 8\r\n\r\nhalf", host)
	<-half
	conn.Close()
	if err := <-left; err == nil {
		t.Error("the app read a whole body of half of one")
	}
	res := must[*http.Response](t)(c.client().Get(c.invoke + "/down"))
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); string(got) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the client read %q with %v", got, err)
	}
}
