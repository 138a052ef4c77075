package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawbridge/internal/model"
)

// ActiveJobs counts the jobs that have not ended.
type ActiveJobs func(ctx context.Context) ([]model.JobCount, error)

// countTimeout bounds the question of a scrape.
const countTimeout = 5 * time.Second

// jobs is a collector that asks the database: jobs are the installation's, not
// this process's.
type jobs struct {
	active ActiveJobs
	desc   *prometheus.Desc
}

func newJobs(active ActiveJobs) *jobs {
	return &jobs{active, prometheus.NewDesc(namespace+"_jobs",
		"Jobs that have not ended, of the whole installation: the same from every replica.", []string{"operation", "state"}, nil)}
}

func (c *jobs) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect says nothing of jobs while the database does not answer; the other
// metrics are what an operator needs then.
func (c *jobs) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	counts, err := c.active(ctx)
	if err != nil {
		return
	}
	for _, n := range counts {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n.Jobs), string(n.Operation), string(n.State))
	}
}
