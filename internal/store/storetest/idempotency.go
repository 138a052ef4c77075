package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func keyed(term string) *model.KeyedRequest {
	return &model.KeyedRequest{Caller: "tok_1", Key: "k", Fingerprint: "f", Term: term}
}

// testKeys: one of many that come at once works, its work and the note of it
// are one transaction, and everybody else gets its answer.
func testKeys(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	var free, busy atomic.Int64
	var first atomic.Pointer[model.KeyedRequest]
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			r := keyed(model.NewID("try_"))
			switch a, err := w.ClaimKey(ctx, r); {
			case err == nil && a == nil:
				free.Add(1)
				first.Store(r)
			case model.CodeOf(err) == model.CodeConflict:
				busy.Add(1)
			default:
				t.Error(a, err)
			}
		})
	}
	wg.Wait()
	if free.Load() != 1 || busy.Load() != 15 {
		t.Fatalf("%d may work, %d are refused", free.Load(), busy.Load())
	}
	r := first.Load()
	name := func(q *store.Queries) error { return q.InsertTeam(ctx, &model.Team{Name: "made once"}) }
	wantCode(t, w.InTx(model.WithKeyedRequest(ctx, keyed("another")), name), model.CodeConflict)
	must(t, w.InTx(model.WithKeyedRequest(ctx, r), name)) // and not "the name is taken"
	answer := &model.KeyedAnswer{Status: 201, Header: map[string]string{"Location": "/x"}, Body: []byte(`{"a":"\u0000é"}`)}
	must(t, w.AnswerKey(ctx, r, answer))
	got, err := w.ClaimKey(ctx, keyed("later"))
	must(t, err)
	same(t, got, answer)

	other := keyed("later")
	other.Fingerprint = "another body"
	_, err = w.ClaimKey(ctx, other)
	wantCode(t, err, model.CodeInvalid)
	other.Caller = "tok_2"
	got, err = w.ClaimKey(ctx, other)
	if got != nil || err != nil {
		t.Fatalf("another caller's key meets the first's: %v, %v", got, err)
	}
	must(t, w.ReleaseKey(ctx, other)) // frees its own, not the first's
	other.Fingerprint, other.Term = "f", "again"
	got, err = w.ClaimKey(ctx, other)
	if got != nil || err != nil {
		t.Fatalf("a released key is not free: %v, %v", got, err)
	}
}

// testKeysInTime: who falls silent loses the key; what took effect is never
// carried out again; everything ends after a day.
func testKeysInTime(t *testing.T, open Open) {
	var passed atomic.Int64
	s, ctx := open(t, store.Options{Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }}), t.Context()
	later := func(d time.Duration) { passed.Add(int64(d)) }
	claim := func(term string) error {
		a, err := s.ClaimKey(ctx, keyed(term))
		if a != nil {
			t.Fatalf("%s is answered %v", term, a)
		}
		return err
	}
	must(t, claim("first"))
	later(model.KeyedLease - time.Second)
	wantCode(t, claim("early"), model.CodeConflict)
	must(t, s.RenewKey(ctx, keyed("first")))
	later(2 * time.Second)
	wantCode(t, claim("renewed"), model.CodeConflict)
	later(model.KeyedLease)
	must(t, claim("second"))
	wantCode(t, s.RenewKey(ctx, keyed("first")), model.CodeConflict)
	wantCode(t, s.AnswerKey(ctx, keyed("first"), &model.KeyedAnswer{Status: 200}), model.CodeConflict)

	must(t, s.InTx(model.WithKeyedRequest(ctx, keyed("second")), func(*store.Queries) error { return nil }))
	later(model.KeyedLease)
	err := claim("third")
	wantCode(t, err, model.CodeConflict)
	var e *model.Error
	if errors.As(err, &e); e.RetryAfter != 0 {
		t.Fatal("asks to wait for an answer that never comes")
	}
	must(t, s.PruneKeys(ctx))
	wantCode(t, claim("fourth"), model.CodeConflict)
	later(model.KeyedFor)
	must(t, claim("fifth"))
	later(model.KeyedFor)
	must(t, s.PruneKeys(ctx))
	must(t, claim("sixth"))
}
