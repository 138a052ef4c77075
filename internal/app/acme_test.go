package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// acmeHost is the panel's name in its certificate.
const acmeHost = "panel.example.com"

// authority is Let's Encrypt's own test server: real ACME, whose validation
// asks this machine.
type authority struct {
	directory string
	client    *http.Client // trusts the server of the directory
	roots     *x509.CertPool
	orders    atomic.Int64
	handler   atomic.Value // made when it is known where the panel listens
}

// taken counts the orders that were taken.
type taken struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (o taken) WriteHeader(status int) {
	if status == http.StatusCreated {
		o.n.Add(1)
	}
	o.ResponseWriter.WriteHeader(status)
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "order-plz") {
			w = taken{w, &a.orders} // it refuses some requests for nothing, so that clients send them again
		}
		a.handler.Load().(http.Handler).ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	a.client = srv.Client()
	a.directory = srv.URL + wfe.DirectoryPath
	return a
}

// open has it validate at that address.
func (a *authority) open(t *testing.T, addr net.Addr) {
	t.Helper()
	_, text, err := net.SplitHostPort(addr.String())
	check(t, err)
	port, err := strconv.Atoi(text)
	check(t, err)
	quiet, store := log.New(io.Discard, "", 0), db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "test"}})
	root, err := x509.ParseCertificate(authority.GetRootCert(0).DER)
	check(t, err)
	a.roots = x509.NewCertPool()
	a.roots.AddCert(root)
	validation := va.New(quiet, 1, port, true, resolver(t), store)
	front := wfe.New(quiet, store, validation, authority, []string{"ca.example.com"}, true, false, 1, 1)
	a.handler.Store(front.Handler())
}

// resolver is a DNS server for which every name is this machine.
func resolver(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	srv := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		if len(q.Question) == 1 && q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{A: net.IPv4(127, 0, 0, 1),
				Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}}}
		}
		_ = w.WriteMsg(m)
	})}
	done := make(chan error, 1)
	go func() { done <- srv.ActivateAndServe() }()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// TestACME: the panel gets its certificate from an ACME server, over its own
// port alone, keeps it over a restart, and gets none for another name.
func TestACME(t *testing.T) { // not parallel: it sets the environment
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	issuer, dir := newAuthority(t), t.TempDir()
	for _, start := range []string{"the first start", "a restart"} {
		cfg := Config{Listen: "127.0.0.1:0", DataDir: dir, Sim: SimConfig{Off: true}, Version: "test",
			Access: AccessConfig{ACMEHosts: []string{acmeHost}, ACMEDirectory: issuer.directory, ACMEHTTP: issuer.client, ACMEEmail: "ops@example.com"}}
		a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler))
		check(t, err)
		if issuer.roots == nil {
			issuer.open(t, a.http.Addr())
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		link, err := a.SignInLink(ctx)
		check(t, err)
		if !strings.HasPrefix(link, "https://"+acmeHost+"/sign-in/") {
			t.Errorf("link %s", link)
		}
		askByTLS(t, a, issuer.roots, link)
		stop()
		check(t, <-done)
		if n := issuer.orders.Load(); n != 1 {
			t.Errorf("after %s %d certificates were ordered, want 1", start, n)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "acme", acmeHost))
	check(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key may be read by others: %s", info.Mode())
	}
}

// askByTLS opens the link as a browser does that trusts the authority, and asks
// by a name that the panel has no certificate for.
func askByTLS(t *testing.T, a *App, roots *x509.CertPool, link string) {
	t.Helper()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, a.http.Addr().String())
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(link)
	check(t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s: %s %d", link, resp.Proto, resp.StatusCode)
	}
	client.CheckRedirect = noRedirects.CheckRedirect
	resp, err = client.PostForm("https://"+acmeHost+"/sign-in", url.Values{"token": {link[strings.LastIndexByte(link, '/')+1:]}})
	check(t, err)
	_ = resp.Body.Close()
	if c := resp.Cookies(); len(c) != 1 || c[0].Name != "__Host-drawbridge" || !c[0].Secure || !c[0].HttpOnly || c[0].Path != "/" || c[0].Domain != "" {
		t.Errorf("signing in: %d, cookies %v", resp.StatusCode, c)
	}
	if _, err := client.Get("https://other.example.com/"); err == nil {
		t.Error("there is a certificate for another name")
	}
}
