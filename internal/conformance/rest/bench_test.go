package rest

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"drawbridge/internal/model"
)

// BenchmarkIdempotentPOST registers backends at the wired server from sixteen
// clients at once, each with an Idempotency-Key of its own; "repeat" sends what
// was sent before. The budget is 1,000 a second.
func BenchmarkIdempotentPOST(b *testing.B) {
	w := newWorld(b)
	var team model.Team
	w.ask(request{"POST", "/teams", w.admin, `{"name":"bench"}`, nil}).into(b, &team)
	token := w.token(team.ID, model.RoleDeveloper)
	var n atomic.Int64
	for _, row := range []struct {
		name string
		next func() int64
	}{
		{"new", func() int64 { return n.Add(1) }},
		{"repeat", func() int64 { return 1 }},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := row.next()
					r, err := w.try(request{"POST", "/backends", token, fmt.Sprintf(`{"name":"b-%d","spec":{}}`, i), map[string]string{"Idempotency-Key": fmt.Sprint("k-", i)}})
					if err != nil || r.status != http.StatusCreated {
						b.Errorf("%v, %d %s", err, r.status, r.body)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}
