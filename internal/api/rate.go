package api

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"golang.org/x/time/rate"

	"drawbridge/internal/model"
)

// rateWindow is the time that a caller's quota is for.
const rateWindow = time.Minute

// maxBuckets is how many callers are remembered before the idle ones are forgotten.
const maxBuckets = 10_000

// rates counts the requests of each caller at this server. A bucket holds the
// quota of a whole window, so that a burst is no fault.
type rates struct {
	quota int // requests per window; 0 = no limit

	mu      sync.Mutex
	buckets map[string]*rate.Limiter // by actor
}

func newRates(quota int) *rates { return &rates{quota: quota, buckets: map[string]*rate.Limiter{}} }

// take counts a request at now and returns how many more there may be at once,
// in how long all of them may be again, and for how long to wait when this one
// is too many.
func (r *rates) take(caller string, now time.Time) (left int, full, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[caller]
	if b == nil {
		r.forgetIdle(now)
		b = rate.NewLimiter(rate.Limit(float64(r.quota)/rateWindow.Seconds()), r.quota)
		r.buckets[caller] = b
	}
	allowed := b.AllowN(now, 1)
	tokens := b.TokensAt(now)
	if !allowed {
		wait = per(1-tokens, b.Limit())
	}
	return max(0, int(tokens)), per(float64(r.quota)-tokens, b.Limit()), wait
}

// forgetIdle makes room: a full bucket is as good as none.
func (r *rates) forgetIdle(now time.Time) {
	if len(r.buckets) < maxBuckets {
		return
	}
	for caller, b := range r.buckets {
		if b.TokensAt(now) >= float64(r.quota) {
			delete(r.buckets, caller)
		}
	}
}

func per(tokens float64, limit rate.Limit) time.Duration {
	return time.Duration(tokens / float64(limit) * float64(time.Second))
}

// How many requests that stay open a caller may have at this server, enough for
// a CI that waits for many jobs at once, and when one who has them may try again.
const (
	defaultOpen = 250
	openAgain   = 5 * time.Second
)

// limitOpen bounds the streams and waits of each caller: they cost little, but
// for as long as somebody likes.
func (a *API) limitOpen(ctx huma.Context, next func(huma.Context)) {
	c := humaecho.Unwrap(ctx)
	if !strings.HasPrefix(ctx.Operation().OperationID, "stream-") && !c.Request().URL.Query().Has("wait") {
		next(ctx)
		return
	}
	leave, ok := a.open.Take(actorFrom(ctx.Context()).ID)
	if !ok {
		e := model.Errorf(model.CodeTooMany, "This token has as many streams and waiting requests open as it may. Let some of them end; one stream of all events serves for any number of jobs.")
		e.RetryAfter = openAgain
		a.fail(c, e)
		return
	}
	defer leave()
	next(ctx)
}

// limitRate tells each caller what is left of their quota, in the fields of
// draft-ietf-httpapi-ratelimit-headers-10, and refuses what is over it.
func (a *API) limitRate(ctx huma.Context, next func(huma.Context)) {
	if a.rates.quota <= 0 {
		next(ctx)
		return
	}
	left, full, wait := a.rates.take(actorFrom(ctx.Context()).ID, time.Now())
	ctx.SetHeader("RateLimit-Policy", fmt.Sprintf(`"token";q=%d;w=%d`, a.rates.quota, int(rateWindow.Seconds())))
	ctx.SetHeader("RateLimit", fmt.Sprintf(`"token";r=%d;t=%d`, left, int(math.Ceil(full.Seconds()))))
	if wait > 0 {
		e := model.Errorf(model.CodeTooMany, "This token has sent more than %d requests within a minute. Wait for as long as Retry-After says; ?wait=60s on a job saves asking again and again.", a.rates.quota)
		e.RetryAfter = wait
		a.fail(humaecho.Unwrap(ctx), e)
		return
	}
	next(ctx)
}
