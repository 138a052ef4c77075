package awsapi

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// linkRates are those of CreateVpcLink in an account that has nothing else to do.
var linkRates = []Bucket{{"all", 10, 40}, {"CreateVpcLink", 1.0 / 15, 1}}

// crowd has calls of teams wait in a line. served holds the teams in the order
// of their turns.
type crowd struct {
	line   *line
	mu     sync.Mutex
	served []string
	at     []time.Duration
	start  time.Time
	all    sync.WaitGroup
}

func newCrowd() *crowd { return &crowd{line: newLine(), start: time.Now()} }

func (c *crowd) call(t *testing.T, team string) {
	ticket := c.line.join(team, serviceAPI, "CreateVpcLink", linkRates)
	c.all.Go(func() {
		if err := ticket.wait(t.Context(), Caller{Team: team, Until: t.Context()}, true); err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		c.served, c.at = append(c.served, team), append(c.at, time.Since(c.start))
		c.mu.Unlock()
		c.line.answered(ticket, false)
	})
}

// TestLine_isFairBetweenTeams: one team's hundred calls do not hold back
// another's one, and the last call comes (N - burst) / rate after the first.
func TestLine_isFairBetweenTeams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		for range 100 {
			c.call(t, "large")
		}
		synctest.Wait()
		time.Sleep(40 * time.Second) // three have had their turns
		c.call(t, "small")
		c.call(t, "small")
		c.all.Wait()
		if c.served[3] != "small" || c.served[4] != "large" || c.served[5] != "small" {
			t.Errorf("turns: %v", c.served[:8])
		}
		if last, want := c.at[len(c.at)-1], 101*15*time.Second; last < want || last > want+time.Second {
			t.Errorf("the last of 102 came after %s, want %s", last, want)
		}
	})
}

// TestLine_keepsTheRates: whatever comes when, no bucket gives more than its
// burst and what has come back.
func TestLine_keepsTheRates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(5, 6))
		l, start := newLine(), time.Now()
		rates := [][]Bucket{{{"all", 10, 40}, {"few", 3, 20}}, {{"all", 10, 40}}, {{"all", 10, 40}, {"rare", 0.2, 10}}}
		var mu sync.Mutex
		given := map[string][]time.Duration{}
		var all sync.WaitGroup
		for range 400 {
			buckets := rates[random.IntN(len(rates))]
			ticket := l.join(fmt.Sprint(random.IntN(4)), serviceELB, "any", buckets)
			all.Go(func() {
				<-ticket.turn
				mu.Lock()
				defer mu.Unlock()
				for _, b := range buckets {
					given[b.Class] = append(given[b.Class], time.Since(start))
				}
			})
			time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
		}
		all.Wait()
		for _, b := range []Bucket{{"all", 10, 40}, {"few", 3, 20}, {"rare", 0.2, 10}} {
			for n, at := range given[b.Class] {
				if most := float64(b.Burst) + at.Seconds()*b.PerSecond; float64(n+1) > most+0.01 {
					t.Fatalf("bucket %s gave %d after %s", b.Class, n+1, at)
				}
			}
		}
	})
}

// TestLine_tellsItsOutlook: place and wait are right, and are told again only
// when they are much different.
func TestLine_tellsItsOutlook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		for range 8 {
			c.call(t, "one")
		}
		synctest.Wait()
		last := c.line.join("one", serviceAPI, "CreateVpcLink", linkRates)
		var told []string
		if err := last.wait(t.Context(), Caller{Until: t.Context(), Tell: func(q Queued) { told = append(told, q.String()) }}, true); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(c.start); took < 2*time.Minute || took > 2*time.Minute+time.Second {
			t.Errorf("its turn came after %s", took)
		}
		if want := "Waits for its turn to call CreateVpcLink: 7 before it, about 2 min (AWS allows 1 per 15 s)."; told[0] != want {
			t.Errorf("told %q", told[0])
		}
		if len(told) < 3 || len(told) > 5 {
			t.Errorf("told %d times: %q", len(told), told)
		}
		c.all.Wait()
	})
}

// TestLine_recovers: a throttled answer empties and slows a bucket, good ones
// bring it back to AWS's rate.
func TestLine_recovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLine()
		rates := []Bucket{{"all", 10, 40}}
		first := l.join("", serviceAPI, "GetApis", rates)
		l.answered(first, true)
		b := first.scarce
		if b.rate != 5 || b.tokens > 0 {
			t.Errorf("after a throttled answer: %v tokens, %v per second", b.tokens, b.rate)
		}
		for range 20 {
			ticket := l.join("", serviceAPI, "GetApis", rates)
			<-ticket.turn
			l.answered(ticket, false)
		}
		if b.rate != 10 {
			t.Errorf("it stays at %v per second", b.rate)
		}
	})
}
