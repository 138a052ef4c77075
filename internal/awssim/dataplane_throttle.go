package awssim

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
)

// What an account may ask of its HTTP APIs in a Region, all together.
const (
	accountRate     = 10_000
	accountBurst    = 5_000
	newRegionsRate  = 2_500
	newRegionsBurst = 1_250
)

// newRegions have the lower limits.
var newRegions = strings.Fields("af-south-1 eu-south-1 ap-southeast-3 me-central-1 ap-south-2 ap-southeast-4 eu-south-2 eu-central-2 " +
	"il-central-1 ca-west-1 ap-southeast-5 ap-southeast-7 mx-central-1")

// tokenBucket lets burst requests pass at once and rate a second after that.
type tokenBucket struct {
	mu     sync.Mutex
	rate   float64
	burst  float64
	tokens float64
	at     time.Time
}

func (b *tokenBucket) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at.IsZero() {
		b.tokens = b.burst
	} else if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(b.burst, b.tokens+passed.Seconds()*b.rate)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// set changes the limits, and fills the bucket when they are new.
func (b *tokenBucket) set(rate, burst float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rate != rate || b.burst != burst {
		b.rate, b.burst, b.at = rate, burst, time.Time{}
	}
}

// throttleSettings are the part of a stage's or a route's settings that limits
// requests. A limit of 0 lets nothing pass, as on AWS.
type throttleSettings struct {
	Burst *float64 `json:"throttlingBurstLimit"`
	Rate  *float64 `json:"throttlingRateLimit"`
}

func (t throttleSettings) set() bool { return t.Burst != nil || t.Rate != nil }

// limitsOf returns the buckets of a stage, filled as they were.
func (s *Sim) limitsOf(st *stage) map[string]*tokenBucket {
	var perRoute map[string]throttleSettings
	var all throttleSettings
	// Settings that cannot be read were refused when they came.
	_ = json.Unmarshal(st.PerRoute, &perRoute)
	_ = json.Unmarshal(st.RouteSettings, &all)
	if perRoute == nil {
		perRoute = map[string]throttleSettings{}
	}
	perRoute[""] = all
	out := map[string]*tokenBucket{}
	rate, burst := s.accountLimit()
	for key, t := range perRoute {
		if !t.set() {
			continue
		}
		b := loadOrNew(&s.st.traffic.limits, st.APIID+"/"+st.Name+" "+key, func() *tokenBucket { return &tokenBucket{} })
		b.set(valueOr(t.Rate, rate), valueOr(t.Burst, burst))
		out[key] = b
	}
	return out
}

func valueOr(p *float64, other float64) float64 {
	if p == nil {
		return other
	}
	return *p
}

func (s *Sim) accountLimit() (rate, burst float64) {
	if slices.Contains(newRegions, s.region) {
		return float64(s.quota(newRegionsRate)), float64(s.quota(newRegionsBurst))
	}
	return float64(s.quota(accountRate)), float64(s.quota(accountBurst))
}

// admits asks the bucket of the route, else of the stage, then the account's.
func (s *Sim) admits(p *stagePlan, routeKey string, now time.Time) bool {
	b, ok := p.limits[routeKey]
	if !ok {
		b, ok = p.limits[""]
	}
	if ok && !b.allow(now) {
		return false
	}
	account := loadOrNew(&s.st.traffic.limits, "", func() *tokenBucket { return &tokenBucket{} })
	account.set(s.accountLimit())
	return account.allow(now)
}
