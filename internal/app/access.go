package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
)

// AccessConfig says how people and programs reach the panel.
type AccessConfig struct {
	URL            string   // as browsers see it; "" = where it listens
	TrustedProxies []string // networks whose X-Forwarded-For is believed
	TLSCert        string   // PEM files, read again when they change
	TLSKey         string
	ACMEHosts      []string // names to get certificates for by ACME
	ACMEEmail      string
	ACMEDirectory  string               // of another authority than Let's Encrypt
	ACMEHTTP       *http.Client         // asks it; http.DefaultClient when nil
	Hosts          []string             // names by which the panel is asked, beside those of the above
	Provider       *auth.ProviderConfig // nil = passwords only
	NoPasswords    bool                 // the provider only
	IssuerNetworks []string             // issuers of workload tokens may be there though it is not public
}

// secure tells whether browsers reach the panel by HTTPS.
func (c *AccessConfig) secure() bool {
	return c.ownTLS() || strings.HasPrefix(c.URL, "https://")
}

func (c *AccessConfig) ownTLS() bool { return c.TLSCert != "" || len(c.ACMEHosts) > 0 }

// validate refuses what cannot work, with the flag that mends it.
func (c *AccessConfig) validate() error {
	if u, err := url.Parse(c.URL); c.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "") {
		return model.Errorf(model.CodeInvalid, "--url must be the panel's address without a path, as https://drawbridge.example.com; it is %q.", c.URL)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return model.Errorf(model.CodeInvalid, "--tls-cert and --tls-key belong together.")
	}
	if c.TLSCert != "" && len(c.ACMEHosts) > 0 {
		return model.Errorf(model.CodeInvalid, "Choose: certificates from --tls-cert and --tls-key, or by --acme-hosts.")
	}
	if u, err := url.Parse(c.ACMEDirectory); c.ACMEDirectory != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return model.Errorf(model.CodeInvalid, "--acme-directory must be the address of an ACME server's directory, as https://ca.example.com/directory; it is %q.", c.ACMEDirectory)
	}
	if c.NoPasswords && c.Provider == nil {
		return model.Errorf(model.CodeInvalid, "--no-passwords needs --oidc-issuer: nobody could sign in.")
	}
	_, err := clientAddress(c.TrustedProxies)
	return err
}

// clientAddress says whose address a request has: the connection's, unless
// that is a trusted proxy's; then the right-most one that is not. A client can
// write the left of X-Forwarded-For as it likes.
func clientAddress(proxies []string) (echo.IPExtractor, error) {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect(), nil
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		if !strings.Contains(p, "/") {
			if ip, err := netip.ParseAddr(p); err == nil {
				p = netip.PrefixFrom(ip, ip.BitLen()).String()
			}
		}
		_, network, err := net.ParseCIDR(p)
		if err != nil {
			return nil, model.Errorf(model.CodeInvalid, "--trusted-proxies takes addresses and networks, as 10.0.0.0/8; %q is none.", p)
		}
		options = append(options, echo.TrustIPRange(network))
	}
	return echo.ExtractIPFromXFFHeader(options...), nil
}

// withTLS puts TLS on a listener, if the configuration has any.
func withTLS(l net.Listener, c AccessConfig, dataDir string, logger *slog.Logger) (net.Listener, error) {
	switch {
	case len(c.ACMEHosts) > 0:
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(c.ACMEHosts...),
			Cache: autocert.DirCache(filepath.Join(dataDir, "acme")), Email: c.ACMEEmail,
		}
		if c.ACMEDirectory != "" {
			m.Client = &acme.Client{DirectoryURL: c.ACMEDirectory, HTTPClient: c.ACMEHTTP}
		}
		conf := m.TLSConfig()
		conf.MinVersion = tls.VersionTLS12
		return tls.NewListener(l, conf), nil
	case c.TLSCert != "":
		files := &certFiles{cert: c.TLSCert, key: c.TLSKey, log: logger}
		if err := files.read(); err != nil {
			return nil, &model.Error{Code: model.CodeInvalid, Err: err, Message: "The certificate cannot be used. Look at --tls-cert and --tls-key"}
		}
		return tls.NewListener(l, &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: files.certificate,
		}), nil
	}
	return l, nil
}

// certFiles is a certificate that is read again when its files change, as
// renewals do it.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // of the newer file, when current was read
}

func (f *certFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, err := f.modified(); err != nil || !at.Equal(f.changed) {
		if err == nil {
			err = f.read()
		}
		if err != nil { // half written, perhaps: the old one is good for now
			f.log.Error("the certificate cannot be read again; the old one stays in use", "error", err)
		}
	}
	return f.current, nil
}

func (f *certFiles) read() error {
	at, err := f.modified()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("read the certificate %s: %w", f.cert, err)
	}
	f.current, f.changed = &pair, at
	return nil
}

func (f *certFiles) modified() (time.Time, error) {
	var newest time.Time
	for _, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return newest, fmt.Errorf("look at the certificate: %w", err)
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, nil
}
