package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawbridge/internal/model"
)

// Backlog tells what waits to be sent to webhooks.
type Backlog func(ctx context.Context) (model.DeliveryBacklog, error)

// Attempt notes one try to deliver a notice.
func (m *Metrics) Attempt(o *model.DeliveryOutcome) {
	outcome := "delivered"
	switch {
	case o.State == model.DeliveryFailed:
		outcome = "given_up"
	case o.Attempt.Error != "":
		outcome = "retried"
	}
	m.deliveries.WithLabelValues(outcome, string(o.Claim.Webhook.Format)).Inc()
	m.deliverFor.WithLabelValues(outcome).Observe(o.Attempt.Millis / 1000)
}

// WatchBacklog has scrapes ask for what waits to be sent.
func (m *Metrics) WatchBacklog(ask Backlog, now func() time.Time) {
	name := func(s string) string { return namespace + "_webhook_" + s }
	m.registry.MustRegister(&backlog{ask, now,
		prometheus.NewDesc(name("queue"), "Notices that are due to be sent to webhooks, of the whole installation.", nil, nil),
		prometheus.NewDesc(name("queue_age_seconds"), "Since when the longest of them is due.", nil, nil),
	})
}

// backlog is a collector that asks the database, as jobs is.
type backlog struct {
	ask         Backlog
	now         func() time.Time
	length, age *prometheus.Desc
}

func (c *backlog) Describe(out chan<- *prometheus.Desc) {
	out <- c.length
	out <- c.age
}

func (c *backlog) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	b, err := c.ask(ctx)
	if err != nil {
		return
	}
	age := 0.0
	if b.Due > 0 {
		age = max(c.now().Sub(b.Oldest).Seconds(), 0)
	}
	out <- prometheus.MustNewConstMetric(c.length, prometheus.GaugeValue, float64(b.Due))
	out <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, age)
}
