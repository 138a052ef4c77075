package ctl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
)

// trusting is a transport that takes certificates of the authorities in a file
// besides those that the system knows; file "" adds none.
func trusting(file string) (http.RoundTripper, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if file == "" {
		return t, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in PEM in %s", file)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool}
	return t, nil
}

// unreached says what kept a request from being answered, and what helps.
func unreached(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the method and address, which say nothing more
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && errors.Is(op, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing listens there (%w); check the address, or start the panel", op.Err)
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("no address is known for %s; check the URL", name.Name)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("%w; if the certificate is of an authority of your own, name its file with --ca-cert or DRAWBRIDGE_CA_CERT", err)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("%w; ask for the panel by a name of its certificate", err)
	}
	if err.Error() == "http: server gave HTTP response to HTTPS client" {
		return errors.New("it does not speak TLS there; write the address with http://")
	}
	return err
}
