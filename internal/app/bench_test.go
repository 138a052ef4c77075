package app_test

import (
	"io"
	"log/slog"
	"testing"

	"drawbridge/internal/app"
)

// BenchmarkDemo takes one chain from registration to destruction in a fresh
// panel: simulated AWS without durations, SQLite with fsync.
func BenchmarkDemo(b *testing.B) {
	var last *app.DemoReport
	for b.Loop() {
		err := app.Demo(b.Context(), app.DemoOptions{
			DataDir: b.TempDir(), Profile: "instant", Out: io.Discard, Logger: slog.New(slog.DiscardHandler),
			OnReport: func(r *app.DemoReport) error { last = r; return nil },
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(last.ProvisionSeconds, "s/provision")
	b.ReportMetric(last.DestroySeconds, "s/destroy")
	b.ReportMetric(last.PeakRSSMiB, "MiB-peak")
}
