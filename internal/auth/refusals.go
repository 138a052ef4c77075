package auth

import (
	"sync"
	"time"
)

// How many refused sign-ins of one address are recorded in a window, at each
// server, and of how many addresses that is remembered.
const (
	refusalsPerAddress = 100
	refusalsRemembered = 10_000
)

// refusals counts refused sign-ins by address. Its zero value is ready.
type refusals struct {
	mu sync.Mutex
	of map[string]*refusalCount
}

type refusalCount struct {
	n     int
	since time.Time
}

// count counts one more of the address and returns how many there were in the
// window. Too many addresses at once are forgotten: the row is written then.
func (r *refusals) count(address string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || len(r.of) > refusalsRemembered {
		r.of = map[string]*refusalCount{}
	}
	key := tryKeys("", address)[1]
	c := r.of[key]
	if c == nil || now.Sub(c.since) > triesWindow {
		c = &refusalCount{since: now}
		r.of[key] = c
	}
	c.n++
	return c.n
}
