package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"drawbridge/internal/model"
)

// MonthlyCosts reckons what runs costs a month, by Region.
type MonthlyCosts func(ctx context.Context) (map[string]model.USD, error)

// costs is a collector that asks the database, as jobs does.
type costs struct {
	monthly MonthlyCosts
	desc    *prometheus.Desc
}

func newCosts(monthly MonthlyCosts) *costs {
	return &costs{monthly, prometheus.NewDesc(namespace+"_monthly_cost_usd",
		"What the backends in a Region cost a month at list prices, of the whole installation: the same from every replica.", []string{"region"}, nil)}
}

func (c *costs) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect says nothing of costs while the database does not answer.
func (c *costs) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	by, err := c.monthly(ctx)
	if err != nil {
		return
	}
	for region, usd := range by {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(usd)/float64(model.Dollar), region)
	}
}
