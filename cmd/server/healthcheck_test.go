package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	alive := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	plain, overTLS := httptest.NewServer(alive), httptest.NewTLSServer(alive)
	ill := httptest.NewServer(http.NotFoundHandler())
	for _, s := range []*httptest.Server{plain, overTLS, ill} {
		t.Cleanup(s.Close)
	}
	_, port, err := net.SplitHostPort(plain.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name string
		cmd  healthcheckCmd
		ok   bool
	}{
		{"plain", healthcheckCmd{Listen: plain.Listener.Addr().String()}, true},
		{"on all addresses", healthcheckCmd{Listen: "0.0.0.0:" + port}, true},
		{"without a host", healthcheckCmd{Listen: ":" + port}, true},
		{"a certificate", healthcheckCmd{Listen: overTLS.Listener.Addr().String(), TLSCert: "cert.pem"}, true},
		{"by ACME", healthcheckCmd{Listen: overTLS.Listener.Addr().String(), ACMEHosts: []string{"panel.example.com"}}, true},
		{"TLS where there is none", healthcheckCmd{Listen: plain.Listener.Addr().String(), TLSCert: "cert.pem"}, false},
		{"another answer", healthcheckCmd{Listen: ill.Listener.Addr().String()}, false},
		{"no address", healthcheckCmd{Listen: "8080"}, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if err := row.cmd.Run(t.Context()); (err == nil) != row.ok {
				t.Errorf("%v", err)
			}
		})
	}
}
