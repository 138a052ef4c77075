package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
)

// TestSessionErrorIsAPage: without a database there is no session, and still a
// whole page that says so, without the reason's words.
func TestSessionErrorIsAPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	rec := httptest.NewRecorder()
	s.web.SessionError(echo.New())(rec, httptest.NewRequest(http.MethodGet, "/", nil), errors.New("dial tcp secret-host"))
	want(t, rec.Result(), http.StatusServiceUnavailable, "<!doctype html>", "Not available now", "database does not answer", "!secret-host")
	if rec.Header().Get("Content-Security-Policy") == "" {
		t.Error("the page has no policy")
	}
}
