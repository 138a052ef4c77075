package awsapi

import (
	"context"
	"fmt"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// Caller is on whose behalf calls are made under a context, and what becomes
// of those that have to wait for their turn. Without one a call that would
// wait for long is not made: a page does not hang in a queue (QueuedError).
type Caller struct {
	// Team takes turns with the other teams, however many calls each has waiting.
	Team string
	// Until ends the wait for the turn, and not a call that was sent; the
	// call's error is then this context's cause.
	Until context.Context
	// Tell, when set, is called in the goroutine of the call when it begins to
	// wait, and again when its outlook is much different.
	Tell func(Queued)
}

type callerKey struct{}

// WithCaller returns a context under which calls are made on the caller's behalf.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// Queued is the place of a call that waits for its turn.
type Queued struct {
	Operation string
	Before    int           // calls that come first
	Wait      time.Duration // about
	Rate      string        // what AWS allows, as "1 per 15 s"
}

// String says it in a sentence for the person who waits.
func (q Queued) String() string {
	before := fmt.Sprintf("%d before it", q.Before)
	if q.Before == 0 {
		before = "it is next"
	}
	return fmt.Sprintf("Waits for its turn to call %s: %s, about %s (AWS allows %s).", q.Operation, before, inWords(q.Wait), q.Rate)
}

// inWords is a duration as people say it: "1 min 50 s".
func inWords(d time.Duration) string {
	s := max(1, int(d.Round(time.Second)/time.Second))
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s%60 == 0 || s >= 600:
		return fmt.Sprintf("%d min", (s+30)/60)
	}
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

// QueuedError says that the rate limit has no room for a call soon. Nothing
// was sent; the same call may be made again later.
type QueuedError struct {
	Operation string
	Wait      time.Duration // until there is room, if nobody else comes first
}

func (e *QueuedError) Error() string {
	return fmt.Sprintf("AWS limits how often %s may be called; there is room in about %s", e.Operation, e.Wait.Round(time.Second))
}

// placeKey tells lines apart. The account is not in it: two accounts in one
// Region share a line and are a little slower for it.
type placeKey struct{ endpoint, region string }

// limiter spaces all calls of a pool, so that AWS need not refuse them.
type limiter struct {
	rates func(service, operation string) []Bucket

	mu    sync.Mutex
	lines map[placeKey]*line
}

func newLimiter(rates func(service, operation string) []Bucket) *limiter {
	return &limiter{rates: rates, lines: map[placeKey]*line{}}
}

func (l *limiter) line(place placeKey) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines[place] == nil {
		l.lines[place] = newLine()
	}
	return l.lines[place]
}

func (l *limiter) middleware(endpoint, region string) middleware.FinalizeMiddleware {
	line := l.line(placeKey{endpoint, region})
	return middleware.FinalizeMiddlewareFunc("DrawbridgeRateLimit", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		service, operation := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
		caller, patient := ctx.Value(callerKey{}).(Caller)
		if !patient {
			caller.Until = ctx
		}
		t := line.join(caller.Team, service, operation, l.rates(service, operation))
		if err := t.wait(ctx, caller, patient); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		sendCtx, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		out, metadata, err := next.HandleFinalize(sendCtx, in)
		line.answered(t, Classify(err) == Throttled)
		return out, metadata, err
	})
}

// wait returns when it is the ticket's turn. A caller who is not patient does
// not wait for longer than queueTimeout.
func (t *ticket) wait(ctx context.Context, c Caller, patient bool) error {
	var told Queued
	var toldAt time.Time
	for {
		select {
		case <-t.turn:
			return nil
		default:
		}
		q := t.line.outlook(t)
		if !patient && q.Wait > queueTimeout {
			return t.leave(&QueuedError{Operation: t.operation, Wait: q.Wait})
		}
		if c.Tell != nil && q.Wait >= worthTelling && different(q, told, time.Since(toldAt)) {
			told, toldAt = q, time.Now()
			c.Tell(q)
		}
		timer := time.NewTimer(max(q.Wait/2, lookAgain))
		select {
		case <-t.turn:
			timer.Stop()
			return nil
		case <-timer.C:
		case <-c.Until.Done():
			timer.Stop()
			return t.leave(context.Cause(c.Until))
		case <-ctx.Done():
			timer.Stop()
			return t.leave(ctx.Err())
		}
	}
}

const (
	// worthTelling is the shortest wait that a person is told of.
	worthTelling = time.Second
	// lookAgain is how often a waiting call looks at its outlook at most.
	lookAgain = 500 * time.Millisecond
)

// different tells whether the outlook is another than what was told a while
// ago: half as many come first, or it takes much longer than it should by now.
func different(now, told Queued, ago time.Duration) bool {
	expected := told.Wait - ago
	return told.Operation == "" || now.Before <= told.Before/2 && now.Before != told.Before ||
		now.Wait > expected+max(told.Wait/2, 5*time.Second)
}
