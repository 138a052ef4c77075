package awssim

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// traffic is what the data plane remembers between requests. Nothing of it is
// kept over a restart, and none of it needs Sim.mu.
type traffic struct {
	plans   sync.Map // *apiPlan by API id
	turns   sync.Map // *atomic.Uint64 by ARN: round robin
	limits  sync.Map // *tokenBucket by API, stage and route
	logs    sync.Map // *logRing by kind and id
	flights sync.Map // *flights by target
	buffers bufferPool
}

// loadOrNew returns m's value for key, made when there is none.
func loadOrNew[T any](m *sync.Map, key string, fresh func() *T) *T {
	if v, ok := m.Load(key); ok {
		return v.(*T)
	}
	v, _ := m.LoadOrStore(key, fresh())
	return v.(*T)
}

func (t *traffic) turnOf(key string) *atomic.Uint64 {
	return loadOrNew(&t.turns, key, func() *atomic.Uint64 { return new(atomic.Uint64) })
}

// take returns whose turn it is among n.
func take(turn *atomic.Uint64, n int) int { return int((turn.Add(1) - 1) % uint64(n)) }

// bufferPool lends the buffers that bodies are copied with.
type bufferPool struct{ pool sync.Pool }

const copyBuffer = 32 << 10

func (b *bufferPool) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, copyBuffer)
}

func (b *bufferPool) Put(p []byte) { b.pool.Put(&p) }

// Why a journey ends before its time.
var (
	errTooSlow = errors.New("the integration took longer than its timeout")
	errDrained = errors.New("the target's deregistration delay has passed")
	errIdle    = errors.New("the target sent nothing within the idle timeout")
)

// flights are the requests that a target is answering.
type flights struct {
	mu     sync.Mutex
	last   uint64
	cancel map[uint64]context.CancelCauseFunc
}

func (t *traffic) flightsOf(target string) *flights {
	return loadOrNew(&t.flights, target, func() *flights { return &flights{cancel: map[uint64]context.CancelCauseFunc{}} })
}

// add notes a request; call what it returns when the request has ended.
func (f *flights) add(cancel context.CancelCauseFunc) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	id := f.last
	f.cancel[id] = cancel
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.cancel, id)
	}
}

// cut ends the requests that a target is still answering when its
// deregistration delay has passed.
func (t *traffic) cut(target string) {
	v, ok := t.flights.LoadAndDelete(target)
	if !ok {
		return
	}
	f := v.(*flights)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cancel := range f.cancel {
		cancel(errDrained)
	}
}
