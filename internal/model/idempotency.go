package model

import (
	"context"
	"time"
)

// How long a request that was named by its caller is remembered, and how long
// whoever carries it out may be silent before it may be carried out again.
const (
	KeyedFor   = 24 * time.Hour
	KeyedLease = 15 * time.Second
)

// KeyedRequest is a request that its caller gave a key, so that it takes effect
// once however often it is sent.
type KeyedRequest struct {
	Caller      string // the actor's id: two callers' keys never meet
	Key         string
	Fingerprint string // of all that the request says
	Term        string // names this attempt to carry it out
}

// KeyedAnswer is what a keyed request was answered.
type KeyedAnswer struct {
	Status int
	Header map[string]string
	Body   []byte
}

type keyedContext struct{}

// WithKeyedRequest returns a context in which every transaction is one of the
// keyed request's: the store notes with it that the request took effect.
func WithKeyedRequest(ctx context.Context, r *KeyedRequest) context.Context {
	return context.WithValue(ctx, keyedContext{}, r)
}

// KeyedRequestFrom returns the keyed request that ctx serves, nil for none.
func KeyedRequestFrom(ctx context.Context) *KeyedRequest {
	r, _ := ctx.Value(keyedContext{}).(*KeyedRequest)
	return r
}
