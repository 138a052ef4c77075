package awsapi

import (
	"fmt"
	"sync"
	"time"
)

// line is where the calls to one place wait for their turns: whoever comes
// first within a team, and team after team.
type line struct {
	mu      sync.Mutex
	buckets map[bucketKey]*bucket
	waiting []*ticket // in the order of their coming
	turns   int64     // given so far
	timer   *time.Timer
}

type bucketKey struct{ service, class string }

// bucket is a token bucket that slows down when AWS throttles in spite of it
// (somebody else uses the account, too) and recovers with each good answer.
type bucket struct {
	Bucket
	rate   float64 // tokens a second now; PerSecond at most
	tokens float64
	at     time.Time
	turns  map[string]int64 // the newest turn of each team in this bucket
}

// ticket is a call's place in the line.
type ticket struct {
	line      *line
	team      string
	operation string
	buckets   []*bucket
	scarce    *bucket       // the slowest of them, in which teams take turns; nil without buckets
	turn      chan struct{} // closed when it is this call's turn
}

func newLine() *line {
	l := &line{buckets: map[bucketKey]*bucket{}}
	l.timer = time.AfterFunc(time.Hour, l.serve)
	l.timer.Stop()
	return l
}

// join takes a ticket, which may be served at once.
func (l *line) join(team, service, operation string, rates []Bucket) *ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &ticket{line: l, team: team, operation: operation, turn: make(chan struct{})}
	for _, r := range rates {
		key := bucketKey{service, r.Class}
		b := l.buckets[key]
		if b == nil {
			b = &bucket{Bucket: r, rate: r.PerSecond, tokens: float64(r.Burst), at: time.Now(), turns: map[string]int64{}}
			l.buckets[key] = b
		}
		t.buckets = append(t.buckets, b)
		if t.scarce == nil || b.PerSecond < t.scarce.PerSecond {
			t.scarce = b
		}
	}
	l.waiting = append(l.waiting, t)
	l.serveLocked()
	return t
}

// leave gives the place up, or the turn, if it has come meanwhile.
func (t *ticket) leave(err error) error {
	l := t.line
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-t.turn:
		for _, b := range t.buckets {
			b.tokens++
		}
	default:
		l.remove(t)
	}
	l.serveLocked()
	return err
}

func (l *line) remove(t *ticket) {
	for i, w := range l.waiting {
		if w == t {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			return
		}
	}
}

func (l *line) serve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serveLocked()
}

// serveLocked gives turns as long as there are tokens for somebody, and comes
// back when there are again.
func (l *line) serveLocked() {
	now := time.Now()
	for {
		t, soonest := l.pick(now)
		if t == nil {
			if len(l.waiting) > 0 {
				l.timer.Reset(max(soonest, time.Millisecond))
			}
			return
		}
		l.remove(t)
		l.turns++
		for _, b := range t.buckets {
			b.tokens--
		}
		if t.scarce != nil {
			t.scarce.turns[t.team] = l.turns
		}
		close(t.turn)
	}
}

// pick returns the ticket whose turn it is: of those that there are tokens
// for, the first of the team that had its last turn longest ago. Else it
// returns nil and when there will be tokens for one.
func (l *line) pick(now time.Time) (first *ticket, soonest time.Duration) {
	soonest = time.Hour
	for _, t := range l.waiting {
		missing := time.Duration(0)
		for _, b := range t.buckets {
			missing = max(missing, b.until(1, now))
		}
		switch {
		case missing > 0:
			soonest = min(soonest, missing)
		case first == nil, t.lastTurn() < first.lastTurn():
			first = t
		}
	}
	return first, soonest
}

// lastTurn is the newest turn of the ticket's team in its slowest bucket.
func (t *ticket) lastTurn() int64 {
	if t.scarce == nil {
		return -1
	}
	return t.scarce.turns[t.team]
}

// until is how long it takes until the bucket has n tokens.
func (b *bucket) until(n float64, now time.Time) time.Duration {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(float64(b.Burst), b.tokens+passed*b.rate)
		b.at = now
	}
	if b.tokens >= n {
		return 0
	}
	return time.Duration((n - b.tokens) / b.rate * float64(time.Second))
}

// answered takes in how AWS answered. A bucket that holds one token fills again
// from the answer on, not from the sending: AWS counted somewhere in between.
func (l *line) answered(t *ticket, throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, b := range t.buckets {
		b.until(0, now)
		if throttled || b.Burst == 1 {
			b.tokens = min(b.tokens, 0)
		}
		switch {
		case throttled:
			b.rate = max(b.rate/2, b.PerSecond/8)
		case b.rate < b.PerSecond:
			b.rate = min(b.rate*1.1, b.PerSecond)
		}
	}
	l.serveLocked()
}

// outlook says how long the ticket is likely to wait: until its slowest bucket
// has served those before it, as teams take turns.
func (l *line) outlook(t *ticket) Queued {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := Queued{Operation: t.operation}
	if t.scarce == nil {
		return q
	}
	mine, others := 0, map[string]int{}
	passed := false
	for _, w := range l.waiting {
		switch {
		case w == t:
			passed = true
		case w.scarce != t.scarce:
		case w.team != t.team:
			others[w.team]++
		case !passed:
			mine++
		}
	}
	q.Before = mine
	for team, n := range others {
		rounds := mine
		if t.scarce.turns[team] < t.lastTurn() {
			rounds++ // its turn comes before ours
		}
		q.Before += min(n, rounds)
	}
	now := time.Now()
	q.Wait = t.scarce.until(float64(q.Before+1), now)
	for _, b := range t.buckets {
		q.Wait = max(q.Wait, b.until(1, now))
	}
	q.Rate = t.scarce.allowed()
	return q
}

// allowed is the rate in words.
func (b *bucket) allowed() string {
	if b.PerSecond < 1 {
		return fmt.Sprintf("1 per %s", inWords(time.Duration(float64(time.Second)/b.PerSecond)))
	}
	return fmt.Sprintf("%.0f per second", b.PerSecond)
}
