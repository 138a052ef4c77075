package model

import "sync"

// Seats counts how many connections each holder has open at once.
type Seats struct {
	limit int
	mu    sync.Mutex
	taken map[string]int
}

// NewSeats gives each holder so many.
func NewSeats(limit int) *Seats { return &Seats{limit: limit, taken: map[string]int{}} }

// Take takes one of the holder's seats, if one is free; leave must be called then.
func (s *Seats) Take(holder string) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[holder] >= s.limit {
		return nil, false
	}
	s.taken[holder]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.taken[holder]--; s.taken[holder] == 0 {
			delete(s.taken, holder)
		}
	}, true
}

// Holders is how many hold a seat now.
func (s *Seats) Holders() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}
