// Package events tells who is waiting that a backend has new events. A wake is
// a hint and nothing more: what happened is read from the store, after the
// reader's own cursor, so a wake that is lost (or was another replica's) costs
// a moment and never an event.
package events

import (
	"slices"
	"sync"
)

// Hub wakes subscriptions.
type Hub struct {
	mu   sync.Mutex
	subs map[*Subscription]struct{}
}

// NewHub makes a hub.
func NewHub() *Hub { return &Hub{subs: map[*Subscription]struct{}{}} }

// Wake tells the subscriptions of the backend, and those of all backends, that
// it has new events. It never blocks.
func (h *Hub) Wake(backendID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if s.backendID == "" || s.backendID == backendID {
			s.wake(backendID)
		}
	}
}

// WakeAll has every subscription look, whether or not there is something new.
func (h *Hub) WakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		s.wake(s.backendID)
	}
}

// Subscribe returns a subscription to the backend, or to all when the id is
// empty. Close it.
func (h *Hub) Subscribe(backendID string) *Subscription {
	c := make(chan struct{}, 1)
	s := &Subscription{C: c, c: c, hub: h, backendID: backendID, pending: map[string]struct{}{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = struct{}{}
	return s
}

// Subscription collects wakes until they are taken, however slow the taker is.
type Subscription struct {
	// C holds a value while there is something to take.
	C         <-chan struct{}
	c         chan struct{}
	hub       *Hub
	backendID string

	mu      sync.Mutex
	pending map[string]struct{}
}

func (s *Subscription) wake(backendID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[backendID] = struct{}{}
	select {
	case s.c <- struct{}{}:
	default: // it has not taken the last one yet and will find this one too
	}
}

// Take returns the ids of the backends that were woken since the last Take, sorted.
func (s *Subscription) Take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.pending))
	for id := range s.pending {
		ids = append(ids, id)
	}
	clear(s.pending)
	slices.Sort(ids)
	return ids
}

// Close ends the subscription. C is not closed.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}
