package probe

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
)

// TestKnownAttacks has a row for each class of request forgery that other
// panels of this kind were broken by. Names are resolved to what an attacker's
// DNS would say; nothing must be dialled.
func TestKnownAttacks(t *testing.T) {
	t.Parallel()
	rows := []struct {
		class, url string
		dns        string // what every name resolves to
		want       string // in the reason
	}{
		{"another scheme (CVE-2024-56331)", "file:///etc/passwd", "", "http and https"},
		{"another scheme in capitals", "FILE:///etc/passwd", "", "http and https"},
		{"metadata of EC2 (CVE-2026-85614)", "http://169.254.169.254/latest/meta-data/", "", "metadata"},
		{"metadata of EC2 by IPv6", "http://[fd00:ec2::254]/", "", "private"},
		{"credentials of an ECS task", "http://169.254.170.2/v2/credentials", "", "metadata"},
		{"credentials of an EKS pod", "http://169.254.170.23/v1/credentials", "", "metadata"},
		{"credentials of an EKS pod by IPv6", "http://[fd00:ec2::23]/v1/credentials", "", "private"},
		{"a name of the metadata", "http://metadata.attacker.example/", "169.254.169.254", "metadata"},
		{"NAT64 (CVE-2026-55473)", "http://[64:ff9b::169.254.169.254]/", "", "metadata"},
		{"NAT64 by name", "http://nat64.attacker.example/", "64:ff9b::7f00:1", "this machine"},
		{"local-use NAT64", "http://[64:ff9b:1::a9fe:a9fe]/", "", "reserved"},
		{"6to4 (CVE-2026-79913)", "http://[2002:a9fe:a9fe::1]/", "", "tunnel"},
		{"Teredo", "http://[2001:0:4136:e378:8000:63bf:5601:5601]/", "", "tunnel"},
		{"IPv4-mapped (CVE-2026-70485)", "http://[::ffff:169.254.169.254]/", "", "metadata"},
		{"IPv4-compatible", "http://[::127.0.0.1]/", "", "reserved"},
		{"ISATAP", "http://[2600:1f14::5efe:10.0.0.1]/", "", "private"},
		{"a zone", "http://[fe80::1%25eth0]/", "", "link-local"},
		{"Unicode dots (CVE-2023-4399)", "http://169。254。169。254/", "", "metadata"},
		{"full-width digits", "http://１２７.0.0.1/", "", "this machine"},
		{"one number", "http://2130706433/", "127.0.0.1", "this machine"},
		{"hexadecimal", "http://0x7f000001/", "127.0.0.1", "this machine"},
		{"octal", "http://0177.0.0.1/", "127.0.0.1", "this machine"},
		{"short", "http://127.1/", "127.0.0.1", "this machine"},
		{"a trailing dot", "http://localhost./", "", "this machine"},
		{"below localhost", "http://api.localhost/", "", "this machine"},
		{"user and host swapped", "http://public.example@169.254.169.254/", "", "credentials"},
		{"a password", "http://user:secret@public.example/", "93.184.216.34", "credentials"},
		{"another port", "http://public.example:6379/", "93.184.216.34", "Port 6379"},
		{"a mail server", "http://93.184.216.34:25/", "", "Port 25"},
		{"carrier-grade NAT", "http://[::ffff:100.64.0.1]/", "", "carrier"},
		{"a benchmark's network", "http://bench.example/", "198.18.0.1", "benchmarking"},
		{"the unspecified address", "http://0.0.0.0/", "", "unspecified"},
		{"the unspecified address by IPv6", "http://[::]/", "", "unspecified"},
		{"a broadcast", "http://255.255.255.255/", "", "reserved"},
	}
	for _, row := range rows {
		t.Run(row.class, func(t *testing.T) {
			t.Parallel()
			c := New(Options{
				Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
					if row.dns == "" {
						t.Errorf("%s went to the DNS", host)
						return nil, nil
					}
					return []netip.Addr{netip.MustParseAddr(row.dns)}, nil
				},
				Dial: func(_ context.Context, _, address string) (net.Conn, error) {
					t.Errorf("%s was dialled", address)
					return nil, io.EOF
				},
			})
			a, err := c.ask(t.Context(), http.MethodGet, row.url, nil)
			if err == nil || a.status != 0 || !strings.Contains(err.Error(), row.want) {
				t.Errorf("status %d, error %v; want %q", a.status, err, row.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%q shows a password", err)
			}
		})
	}
}

// follower is a client that follows redirects among public names, all of which
// are the test's server; it records what it dialled.
func follower(t *testing.T, o Options, h http.HandlerFunc) (*Client, *[]string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	var dialled []string
	o.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "inside.example" {
			return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
	}
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	return New(o), &dialled
}

func TestEveryRedirectIsChecked(t *testing.T) {
	t.Parallel()
	rows := map[string]string{
		"http://127.0.0.1/":            "this machine",
		"http://169.254.169.254/":      "metadata",
		"http://inside.example/":       "inside.example resolves to 10.0.0.1",
		"//inside.example/":            "inside.example resolves to 10.0.0.1",
		"file:///etc/passwd":           "http and https",
		"gopher://other.example/":      "http and https",
		"http://a:b@other.example/":    "credentials",
		"http://other.example:22/":     "Port 22",
		"http://[64:ff9b::7f00:1]/":    "this machine",
		"http://begin.example/forever": "more than 3 redirects",
	}
	for to, want := range rows {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			c, dialled := follower(t, Options{Redirects: 3}, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, to, http.StatusTemporaryRedirect)
			})
			a, err := c.ask(t.Context(), http.MethodGet, "http://begin.example/", nil)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("status %d, error %v; want %q", a.status, err, want)
			}
			for _, address := range *dialled {
				if address != "93.184.216.34:80" {
					t.Errorf("dialled %s", address)
				}
			}
		})
	}
}

func TestRedirectsCarryNothingOfOurs(t *testing.T) {
	t.Parallel()
	var last http.Header
	c, dialled := follower(t, Options{Redirects: 1}, func(w http.ResponseWriter, r *http.Request) {
		last = r.Header.Clone()
		if r.Host == "begin.example" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
			http.Redirect(w, r, "http://other.example/", http.StatusFound)
		}
	})
	a, err := c.ask(t.Context(), http.MethodGet, "http://begin.example/?token=canary", nil)
	if err != nil || a.status != http.StatusOK || len(*dialled) != 2 {
		t.Fatalf("status %d, dialled %v, %v", a.status, *dialled, err)
	}
	for name, values := range last {
		if name != "User-Agent" && name != "Accept" && name != "Connection" || strings.Contains(strings.Join(values, ""), "canary") {
			t.Errorf("the second request carried %s: %q", name, values)
		}
	}
}

// raw serves one connection after the other with bytes instead of HTTP.
func raw(t *testing.T, answer func(conn net.Conn)) Request {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			answer(conn)
			_ = conn.Close()
		}
	}()
	base := "http://" + l.Addr().String()
	return Request{BaseURL: base, AllowHosts: LocalHosts(&model.Environment{Endpoint: base}), Test: model.RouteTest{Path: "/"}}
}

// TestAnswersThatNeverEnd: whatever a server sends, a request ends in time and
// keeps no more than its limit.
func TestAnswersThatNeverEnd(t *testing.T) {
	t.Parallel()
	drip := func(conn net.Conn, text string) {
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond) // the attack itself: a byte now and then
		}
	}
	rows := []struct {
		name   string
		answer func(net.Conn)
		status int
		want   string
	}{
		{"a header by drips", func(c net.Conn) { drip(c, "H") }, 0, "No answer came"},
		{"headers without end", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"); drip(c, "X-A: b\r\n") }, 0, "No answer came"},
		{"interim answers without end", func(c net.Conn) { drip(c, "HTTP/1.1 103 Early Hints\r\n\r\n") }, 0, "No answer came"},
		{"a body by drips", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			drip(c, "x")
		}, 200, "broke off"},
		{"chunks without end", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			drip(c, "1\r\nx\r\n")
		}, 200, "broke off"},
		{"another protocol", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: tunnel\r\nConnection: Upgrade\r\n\r\n")
			drip(c, "x")
		}, 101, "Expected status 200, got 101"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			const limit = 300 * time.Millisecond
			start := time.Now()
			run := New(Options{Timeout: limit}).Run(t.Context(), withTest(raw(t, row.answer)))
			if took := time.Since(start); took > 100*limit {
				t.Errorf("it took %s", took)
			}
			if run.Passed || run.Status != row.status || !strings.Contains(run.Reason, row.want) {
				t.Errorf("status %d, reason %q; want %d %q", run.Status, run.Reason, row.status, row.want)
			}
		})
	}
}

// withTest asks for something that the answer never has.
func withTest(r Request) Request {
	r.Test.BodyContains = "never there"
	return r
}

// TestLargeAnswers: 100 MB, and 8 MB in 8 kB of gzip, cost the limit.
func TestLargeAnswers(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 8<<20))
	_ = z.Close()
	var sent atomic.Int64
	_, req := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bomb" {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
			return
		}
		for chunk := make([]byte, 1<<16); sent.Load() < 100<<20; sent.Add(1 << 16) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	c := New(Options{})
	for _, path := range []string{"/bomb", "/large"} {
		req.Test = model.RouteTest{Path: path}
		run := c.Run(t.Context(), req)
		if !run.Passed || len(run.Body) > 3*DefaultMaxBody {
			t.Errorf("%s: %d bytes were kept, %s", path, len(run.Body), run.Reason)
		}
	}
	if n := sent.Load(); n > 50<<20 {
		t.Errorf("%d MB of 100 were read", n>>20)
	}
}

// FuzzAddress holds refusal against rules that are written another way: no
// address that it lets through is special, nor is any IPv4 address within it.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"8.8.8.8", "::1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:10.0.0.1", "fe80::1", "2600:1f14::5efe:7f00:1", "2606:4700::1111"} {
		f.Add(netip.MustParseAddr(seed).AsSlice())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok || refusal(addr) != "" {
			return
		}
		inner := []netip.Addr{addr.Unmap()}
		if addr = addr.Unmap(); addr.Is6() {
			b := addr.As16()
			switch {
			case b[0] == 0x00 && b[1] == 0x64, string(b[8:12]) == "\x00\x00\x5e\xfe", string(b[8:12]) == "\x02\x00\x5e\xfe":
				inner = append(inner, netip.AddrFrom4([4]byte(b[12:])))
			case b[0] == 0x20 && b[1] == 0x02, b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0, b[0] == 0 && b[1] == 0:
				t.Fatalf("%s is a tunnel's", addr)
			}
		}
		for _, a := range inner {
			ip := net.IP(a.AsSlice())
			if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() ||
				a.Is4() && (ip[0] == 0 || ip[0] >= 224 || ip[0] == 100 && ip[1]&0xc0 == 64) {
				t.Fatalf("%s was let through", addr)
			}
		}
	})
}

// FuzzURL sends any URL to any address: what is dialled is what refusal allows.
func FuzzURL(f *testing.F) {
	f.Add("http://example.com/", "93.184.216.34")
	f.Add("http://user@127.0.0.1:80/", "127.0.0.1")
	f.Add("https://[::ffff:1.2.3.4]/x", "::1")
	f.Add("http://１２７。0。0。1/", "10.0.0.1")
	f.Fuzz(func(t *testing.T, rawURL, dns string) {
		resolved, err := netip.ParseAddr(dns)
		c := New(Options{
			Timeout: time.Second,
			Lookup: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{resolved}, err
			},
			Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				ap, err := netip.ParseAddrPort(address)
				if err != nil || refusal(ap.Addr()) != "" || ap.Port() != 80 && ap.Port() != 443 {
					t.Errorf("%q dialled %s", rawURL, address)
				}
				return nil, io.EOF
			},
		})
		if a, err := c.ask(t.Context(), http.MethodGet, rawURL, nil); err == nil {
			t.Errorf("%q was answered by nobody: %+v", rawURL, a)
		}
	})
}
