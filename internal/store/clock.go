package store

import (
	"context"
	"sync"
	"time"
)

// tolerance is how far the process's idea of the database's time may be off
// before it is corrected: less than that is the round trip's own noise.
const tolerance = 50 * time.Millisecond

// clock tells the database's time without asking for it each time: the last
// reading plus what has passed since on the process's clock. Replicas whose
// clocks differ so write, and compare, the same times.
type clock struct {
	own func() time.Time

	mu     sync.Mutex
	shared time.Time // the database's clock at the last correction; zero before the first
	at     time.Time // the process's clock then
}

func (c *clock) now() time.Time {
	own := c.own()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared.IsZero() {
		return own
	}
	return c.shared.Add(own.Sub(c.at))
}

// correct takes a reading of the database's clock that was asked for at sent
// and has just come.
func (c *clock) correct(shared, sent time.Time) {
	own := c.own()
	shared = shared.Add(own.Sub(sent) / 2) // it was read half way
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.shared.IsZero() && shared.Sub(c.shared.Add(own.Sub(c.at))).Abs() < tolerance {
		return
	}
	c.shared, c.at = shared, own
}

// Now is the time by which rows are written and judged: the database's where
// several processes share it, else the process's.
func (s *Store) Now() time.Time { return s.clock.now().UTC().Truncate(time.Millisecond) }

// ofOwn translates a time that was reckoned by the process's clock.
func (s *Store) ofOwn(t time.Time) time.Time { return t.Add(s.clock.now().Sub(s.clock.own())) }

// Clock reads the clock that all replicas share; see leaseNow.
func (q *Queries) Clock(ctx context.Context) (time.Time, error) {
	t, err := q.leaseNow(ctx)
	return t.UTC().Truncate(time.Millisecond), err
}

// leaseNow is the clock of leases: the database's where several processes
// share it, else the process's. Each reading corrects what Now tells.
func (q *Queries) leaseNow(ctx context.Context) (time.Time, error) {
	if q.store.dialect == SQLite {
		return q.now(), nil
	}
	sent := q.store.clock.own()
	var t time.Time
	row := q.row(ctx, "read the database's clock",
		`SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)`)
	if err := row.Scan(millis{&t}); err != nil {
		return t, err
	}
	q.store.clock.correct(t, sent)
	return t, nil
}
