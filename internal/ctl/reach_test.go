package ctl

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnreached: whoever does not reach the panel is told what helps, and an
// authority of one's own is one that can be named.
func TestUnreached(t *testing.T) {
	t.Parallel()
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = nil
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	_ = closed.Close()
	file := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	authority := file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	for _, row := range []struct{ url, ca, want string }{
		{plain.URL, "", ""},
		{secure.URL, authority, ""},
		{secure.URL, "", "name its file with --ca-cert"},
		{strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), authority, "ask for the panel by a name of its certificate"},
		{strings.Replace(plain.URL, "http:", "https:", 1), "", "write the address with http://"},
		{strings.Replace(secure.URL, "https:", "http:", 1), "", "write the address with https://"},
		{nobody, "", "check the address, or start the panel"},
		{"http://panel.invalid", "", "no address is known for panel.invalid"},
		{secure.URL, file("empty.pem", nil), "there is no certificate in PEM in "},
		{secure.URL, "/nowhere/ca.pem", "read the authority's certificate"},
	} {
		c, err := newClient(login{URL: row.url, Token: "x", CACert: row.ca})
		if err == nil {
			err = c.call(t.Context(), "GET", "/teams", nil, nil)
		}
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s with %q: %v, want %q", row.url, row.ca, err, row.want)
		}
	}
}
