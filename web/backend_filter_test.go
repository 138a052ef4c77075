package web

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"drawbridge/internal/model"
)

func TestListFiltersAndPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 120 {
		phase := model.PhaseReady
		if i%4 == 0 {
			phase = model.PhaseFailed
		}
		s.backend(phase, func(b *model.Backend) {
			b.ID, b.Name = fmt.Sprintf("be_%03d", i), fmt.Sprintf("app-%03d", i)
			b.CreatedAt = sampleNow.Add(time.Duration(i) * time.Minute)
		})
	}
	want(t, s.as(viewer, http.MethodGet, pathBackends, nil), http.StatusOK,
		"120 backends: 90 ready, 30 failed", "1 to 50 of 120", "app-119", "app-070", "!app-069", `href="/backends?page=2"`)
	want(t, s.as(viewer, http.MethodGet, pathBackends+"?page=3", nil), http.StatusOK,
		"101 to 120 of 120", "app-000", "!app-020", `hx-sse:connect="/backends/stream?page=3"`, "!next-page")
	want(t, s.as(viewer, http.MethodGet, pathBackends+"?phase=failed&name=APP-0", nil), http.StatusOK,
		"25 backends: 25 failed", "app-000", "!app-001", `value="failed" selected`, `value="APP-0"`, "/backends/export/csv?name=APP-0&amp;phase=failed")
	want(t, s.as(viewer, http.MethodGet, pathBackends+"?environment_id=env_none", nil), http.StatusOK, "No backend is like this", "Show all")
	want(t, s.as(viewer, http.MethodGet, pathBackends+"?page=-1", nil), http.StatusOK, "1 to 50 of 120")
	want(t, s.as(viewer, http.MethodGet, pathBackends+"?page=9", nil), http.StatusOK, "No backend is like this")
}

func TestBatchProgressInWords(t *testing.T) {
	t.Parallel()
	for words, counts := range map[string]map[model.Phase]int{
		"Imported together: 1 of 3 backends ready.":                               {model.PhaseReady: 1, model.PhaseProvisioning: 2},
		"Imported together: 1 of 2 backends ready. 1 failed; their jobs say why.": {model.PhaseReady: 1, model.PhaseFailed: 1},
		"Imported together: 2 backends registered. Nothing is provisioned yet.":   {model.PhaseRegistered: 2},
		"Imported together: 1 of 1 backend ready.":                                {model.PhaseReady: 1},
	} {
		if got := newBatchView(counts).Words; got != words {
			t.Errorf("%v: %q, want %q", counts, got, words)
		}
	}
}
