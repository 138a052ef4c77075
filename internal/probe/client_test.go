package probe

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestHTTP_isGuarded: what a library asks for a user goes through the guard,
// too: nothing on this machine is reached.
func TestHTTP_isGuarded(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(srv.Close)
	for _, address := range []string{srv.URL, "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "http://[::ffff:10.0.0.1]/"} {
		resp, err := New(Options{}).HTTP().Get(address)
		var refused *Refused
		if err == nil || !errors.As(err, &refused) {
			t.Errorf("%s: %v", address, err)
		}
		if resp != nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
}
