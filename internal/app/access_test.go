package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestClientAddress: only a named proxy's word about the client counts, and
// of that only the part that the client cannot write.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		proxies []string
		from    string
		header  string
		want    string
	}{
		"nobody is trusted":         {nil, "10.0.0.1:1", "192.0.2.9", "10.0.0.1"},
		"not from a proxy":          {[]string{"10.0.0.1"}, "10.0.0.2:1", "192.0.2.9", "10.0.0.2"},
		"by the proxy":              {[]string{"10.0.0.1"}, "10.0.0.1:1", "192.0.2.9", "192.0.2.9"},
		"the client forged a start": {[]string{"10.0.0.0/8"}, "10.0.0.1:1", "127.0.0.1, 192.0.2.9", "192.0.2.9"},
		"two proxies":               {[]string{"10.0.0.0/8"}, "10.0.0.1:1", "1.1.1.1, 192.0.2.9, 10.9.9.9", "192.0.2.9"},
		"loopback is not by itself": {[]string{"10.0.0.0/8"}, "127.0.0.1:1", "192.0.2.9", "127.0.0.1"},
	} {
		extract, err := clientAddress(tc.proxies)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tc.from
		r.Header.Set("X-Forwarded-For", tc.header)
		r.Header.Set("X-Real-Ip", "192.0.2.77")
		if got := extract(r); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestAccess_refusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]AccessConfig{
		"no address":    {URL: "drawbridge.example.com"},
		"a path":        {URL: "https://example.com/panel"},
		"another word":  {URL: "ftp://example.com"},
		"half a pair":   {TLSCert: "a.pem"},
		"both":          {TLSCert: "a.pem", TLSKey: "b.pem", ACMEHosts: []string{"x.org"}},
		"no such proxy": {TrustedProxies: []string{"proxy"}},
	} {
		if c.validate() == nil {
			t.Errorf("%s was taken", name)
		}
	}
	good := AccessConfig{URL: "https://example.com", TrustedProxies: []string{"10.0.0.0/8", "::1"}}
	if err := good.validate(); err != nil || !good.secure() {
		t.Error(err)
	}
}

// writeCert writes a certificate for 127.0.0.1 with that serial number.
func writeCert(t *testing.T, dir string, serial int64, at time.Time) (cert, key string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &priv.PublicKey, priv)
	check(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	check(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	check(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	check(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	for _, f := range []string{cert, key} {
		check(t, os.Chtimes(f, at, at))
	}
	return cert, key
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTLS_followsItsFiles: a renewed certificate is served without a restart,
// a broken one is not, and HTTP/2 is offered.
func TestTLS_followsItsFiles(t *testing.T) {
	t.Parallel()
	dir, start := t.TempDir(), time.Now().Truncate(time.Second)
	cert, key := writeCert(t, dir, 1, start)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	l, err = withTLS(l, AccessConfig{TLSCert: cert, TLSKey: key}, dir, slog.New(slog.DiscardHandler))
	check(t, err)
	srv := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	served := func() int64 {
		t.Helper()
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) //nolint:gosec // its own certificate
		check(t, err)
		defer c.Close()
		if c.ConnectionState().NegotiatedProtocol != "h2" || c.ConnectionState().Version < tls.VersionTLS12 {
			t.Errorf("state %+v", c.ConnectionState())
		}
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := served(); n != 1 {
		t.Fatalf("certificate %d", n)
	}
	writeCert(t, dir, 2, start.Add(time.Second))
	if n := served(); n != 2 {
		t.Errorf("after the renewal: certificate %d", n)
	}
	check(t, os.WriteFile(cert, []byte("half"), 0o600))
	check(t, os.Chtimes(cert, start.Add(2*time.Second), start.Add(2*time.Second)))
	if n := served(); n != 2 {
		t.Errorf("with a broken file: certificate %d", n)
	}
	if _, err := withTLS(l, AccessConfig{TLSCert: cert, TLSKey: key}, dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a broken certificate was taken at the start")
	}
}
