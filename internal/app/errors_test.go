package app

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/internal/api"
	"drawbridge/internal/store/storetest"
)

// TestProblemTypesLeadToAPage: a problem's type is an address of this server,
// and what it names is there for everybody.
func TestProblemTypesLeadToAPage(t *testing.T) {
	t.Parallel()
	a, err := New(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Database: storetest.SQLite(t),
		Sim: SimConfig{Off: true}, Version: "test"}, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(a.close)
	srv := httptest.NewServer(a.handler)
	t.Cleanup(srv.Close)
	resp, err := http.Get(srv.URL + "/help/errors")
	check(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	check(t, err)
	for _, e := range api.ErrorKinds().Explanations {
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(page), `id="`+e.Codes[0]+`"`) {
			t.Errorf("%d: the page has nothing about %s", resp.StatusCode, e.Codes[0])
		}
	}
}
