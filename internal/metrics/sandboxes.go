package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"drawbridge/internal/model"
)

// CountSandboxes counts the sandboxes of which something is left.
type CountSandboxes func(ctx context.Context) (model.SandboxCounts, error)

// sandboxes is a collector that asks the database, as that of jobs.
type sandboxes struct {
	count CountSandboxes
	desc  *prometheus.Desc
}

// Sandboxes has each scrape tell of sandboxes, too. Those that are stuck are
// among the ending ones.
func (m *Metrics) Sandboxes(count CountSandboxes) {
	m.registry.MustRegister(&sandboxes{count, prometheus.NewDesc(namespace+"_sandboxes",
		"Sandboxes of which something is left, of the whole installation: the same from every replica.", []string{"state"}, nil)})
}

func (c *sandboxes) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect says nothing of sandboxes while the database does not answer.
func (c *sandboxes) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	n, err := c.count(ctx)
	if err != nil {
		return
	}
	for state, number := range map[string]int{"lives": n.Living, "ending": n.Ending, "stuck": n.Stuck} {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(number), state)
	}
}
