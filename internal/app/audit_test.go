package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// TestAuditHeadsOf: heads come out of a log in either format, and out of an
// export, and they are those that a check takes.
func TestAuditHeadsOf(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	head, err := h.app.Store.Read().AuditHead(t.Context())
	check(t, err)
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "kept")
		check(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	var logs strings.Builder
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logs, nil), slog.NewJSONHandler(&logs, nil)} {
		slog.New(handler).Info("audit head", "head", head.String())
		slog.New(handler).Info("a request", "path", `msg=\"audit head\" head=`+head.String()) // what a client wrote
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/api/v1/audit", nil)
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+h.newToken(model.RoleOwner))
	r.Header.Set("Accept", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	var export strings.Builder
	for d := json.NewDecoder(resp.Body); d.More(); {
		var row json.RawMessage
		check(t, d.Decode(&row))
		export.WriteString(string(row) + "\n")
	}
	for name, row := range map[string]struct {
		text string
		n    int
	}{"log": {logs.String(), 2}, "export": {export.String(), strings.Count(export.String(), "\n")}} {
		heads, err := AuditHeadsOf(file(row.text))
		if err != nil || len(heads) != row.n || row.n == 0 {
			t.Errorf("%s: %v, %v of %q", name, heads, err, row.text)
		}
		report, err := h.app.Store.VerifyAudit(t.Context(), heads...)
		check(t, err)
		if report.Fault != nil {
			t.Errorf("%s: %+v", name, report.Fault)
		}
		forged := append(heads, model.AuditHead{Seq: heads[0].Seq, Hash: strings.Repeat("0", 64)})
		if report, err = h.app.Store.VerifyAudit(t.Context(), forged...); err != nil || report.Fault == nil {
			t.Errorf("%s: two histories: %+v, %v", name, report, err)
		}
	}
	for _, name := range []string{file("nothing\n"), file(""), "absent"} {
		if _, err := AuditHeadsOf(name); model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
