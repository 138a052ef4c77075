package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func testTransactions(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	hooks := 0
	insert := func(name string, err error) func(*store.Queries) error {
		return func(q *store.Queries) error {
			q.AfterCommit(func() { hooks++ })
			must(t, q.InsertTeam(ctx, &model.Team{Name: name}))
			return err
		}
	}
	stop := errors.New("stop")
	wantErr(t, w.InTx(ctx, insert("undone", stop)), stop)
	func() {
		defer func() { _ = recover() }()
		_ = w.InTx(ctx, func(q *store.Queries) error {
			_ = insert("panicked", nil)(q)
			panic("p")
		})
	}()
	same(t, hooks, 0)
	for _, name := range []string{"undone", "panicked"} {
		_, err := w.Read().TeamByName(ctx, name)
		wantCode(t, err, model.CodeNotFound)
	}
	w.tx(insert("done", nil))
	same(t, hooks, 1)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	wantErr(t, w.InTx(cancelled, insert("late", nil)), context.Canceled)
	_, err := w.Read().Teams(cancelled)
	wantErr(t, err, context.Canceled)

	if w.Read().AppendEvent(ctx, &model.Event{}) == nil {
		t.Fatal("an event was numbered outside a transaction")
	}
}

// testClosed: a database that does not answer has not said "there is none".
func testClosed(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	must(t, w.Close())
	must(t, w.Close())
	_, err := w.Read().BackendByID(ctx, "x")
	wantCode(t, err, model.CodeUnavailable)
	_, err = w.Read().Teams(ctx)
	wantCode(t, err, model.CodeUnavailable)
	_, _, err = w.Sessions().FindCtx(ctx, "x")
	wantCode(t, err, model.CodeUnavailable)
	wantCode(t, w.InTx(ctx, func(*store.Queries) error { return nil }), model.CodeUnavailable)
	_, err = w.ClaimJob(ctx, "a", 0)
	wantCode(t, err, model.CodeUnavailable)
	wantCode(t, w.Ping(ctx), model.CodeUnavailable)
}

// testEventNumbers: whoever reads after a cursor while many write sees each
// number, in order, once.
func testEventNumbers(t *testing.T, open Open) {
	const writers, each = 8, 20
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("orders")
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				err := w.InTx(ctx, func(q *store.Queries) error {
					e := &model.Event{BackendID: b.ID, Type: model.EventBackend, Data: []byte(`{}`)}
					if err := q.AppendEvent(ctx, e); err != nil || i%4 > 0 {
						return err
					}
					return errors.New("this number is given back")
				})
				if (err != nil) != (i%4 == 0) {
					t.Error(err)
				}
			}
		})
	}
	read := make(chan int64)
	go func() {
		var after int64
		for after < writers*each*3/4 && ctx.Err() == nil {
			list, err := w.Read().EventsAfter(ctx, b.ID, after, 7)
			if err != nil {
				break
			}
			for _, e := range list {
				if e.Seq != after+1 {
					t.Errorf("event %d came after %d", e.Seq, after)
				}
				after = e.Seq
			}
		}
		read <- after
	}()
	wg.Wait()
	same(t, <-read, int64(writers*each*3/4))
}

// testEventList: a backend's events in both orders, by pages and narrowed.
func testEventList(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b, other := w.backend("orders"), w.backend("other")
	for i, e := range []model.Event{
		{Type: model.EventBackend}, {Type: model.EventStep, JobID: "job_1", Key: "alb"}, {Type: model.EventStep, JobID: "job_2"}, {Type: model.EventTest},
	} {
		for _, id := range []string{b.ID, other.ID} {
			e.BackendID, e.Data, e.At = id, []byte(`{}`), at(i)
			w.tx(func(q *store.Queries) error { return q.AppendEvent(ctx, &e) })
		}
	}
	for _, row := range []struct {
		query store.EventQuery
		want  []int64
	}{
		{store.EventQuery{}, []int64{1, 2, 3, 4}},
		{store.EventQuery{NewestFirst: true}, []int64{4, 3, 2, 1}},
		{store.EventQuery{NewestFirst: true, From: 3, Limit: 1}, []int64{2}},
		{store.EventQuery{From: 2}, []int64{3, 4}},
		{store.EventQuery{After: 3}, []int64{4}},
		{store.EventQuery{After: 2, NewestFirst: true, From: 4}, []int64{3}},
		{store.EventQuery{Type: model.EventStep}, []int64{2, 3}},
		{store.EventQuery{Type: model.EventStep, JobID: "job_2", From: 1}, []int64{3}},
		{store.EventQuery{JobID: "job_none"}, nil},
	} {
		row.query.BackendID = b.ID
		if row.query.Limit == 0 {
			row.query.Limit = 10
		}
		list, err := w.Read().Events(ctx, row.query)
		must(t, err)
		var got []int64
		for _, e := range list {
			got = append(got, e.Seq)
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%+v: %v, want %v", row.query, got, row.want)
		}
	}
}

func testOnEvent(t *testing.T, open Open) {
	var mu sync.Mutex
	var got []string
	seqs := map[string]int64{}
	s := open(t, store.Options{OnEvent: func(id string, seq int64) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, id)
		seqs[id] = seq
	}})
	w, ctx := worldOf(t, s), t.Context()
	b := w.backend("orders")
	twice := func(err error) func(*store.Queries) error {
		return func(q *store.Queries) error {
			must(t, q.AppendBackend(ctx, b))
			must(t, q.AppendBackend(ctx, b))
			return err
		}
	}
	_ = w.InTx(ctx, twice(errors.New("stop")))
	w.tx(twice(nil))
	same(t, got, []string{b.ID})
	same(t, seqs, map[string]int64{b.ID: 2})
	stored, err := w.Read().BackendByID(ctx, b.ID)
	must(t, err)
	same(t, stored.EventSeq, int64(2))
	same(t, b.EventSeq, int64(2))
}
