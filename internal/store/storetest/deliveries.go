package storetest

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// testClaimDeliveries: many who ask at once get each delivery once.
func testClaimDeliveries(t *testing.T, open Open) {
	w := newWorld(t, open)
	h := w.webhook("hook")
	const n = 40
	for range n {
		w.notice(model.NoticeJobFailed, "")
	}
	var mu sync.Mutex
	times := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var done *model.DeliveryOutcome
			for {
				c, err := w.NextDelivery(t.Context(), model.DueWebhook{ID: h.ID}, testKey, done, time.Minute)
				if err != nil {
					t.Error(err)
				}
				if c == nil {
					return
				}
				mu.Lock()
				times[c.Notice.ID]++
				mu.Unlock()
				done = &model.DeliveryOutcome{Claim: c, State: model.DeliveryDelivered, Attempt: &model.Attempt{At: at(1), Status: 204}}
			}
		})
	}
	wg.Wait()
	for id, n := range times {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
	counts, err := w.Read().CountDeliveries(t.Context(), h.ID)
	must(t, err)
	same(t, counts, map[model.DeliveryState]int{model.DeliveryDelivered: n})
}

// testDeliveriesInTime: claims end, failures wait, a hold keeps all back, and
// who lost a claim settles nothing.
func testDeliveriesInTime(t *testing.T, open Open) {
	var passed atomic.Int64
	w, ctx := worldOf(t, open(t, store.Options{Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})), t.Context()
	if w.Dialect() != store.SQLite {
		return // leases of PostgreSQL are by its own clock, which no test moves
	}
	later := func(d time.Duration) { passed.Add(int64(d)) }
	h := w.webhook("hook")
	n := w.notice(model.NoticeJobFailed, "")
	lost := w.next(h, nil, time.Minute)
	if lost == nil || lost.Notice.ID != n.ID || lost.Webhook.Sealed != "s" || w.next(h, nil, time.Minute) != nil {
		t.Fatalf("claimed %+v", lost)
	}
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.Redeliver(ctx, h.ID, n.ID) }), model.CodeConflict)
	later(time.Minute)
	held := w.next(h, nil, time.Minute)
	failed := func(c *model.DeliveryClaim, hold time.Duration) *model.DeliveryOutcome {
		return &model.DeliveryOutcome{Claim: c, State: model.DeliveryPending, Delay: time.Second, Hold: hold,
			Attempt: &model.Attempt{At: at(1), Millis: 1.5, Status: 500, Error: "no", Answer: "oops"}}
	}
	must(t, w.SettleDelivery(ctx, &model.DeliveryOutcome{Claim: lost, State: model.DeliveryDelivered, Attempt: &model.Attempt{At: at(1)}}))
	if d := w.delivery(h, n.ID); d.State != model.DeliveryPending || d.Attempts != 0 {
		t.Fatalf("a lost claim settled: %+v", d)
	}
	must(t, w.SettleDelivery(ctx, failed(held, 0)))
	if d := w.delivery(h, n.ID); d.Attempts != 1 || d.Status != 500 || d.Error != "no" || d.NextAt.IsZero() {
		t.Fatalf("%+v", d)
	}
	if ids, more := w.due(); len(ids) != 0 || more <= 0 || more > time.Second {
		t.Fatalf("due %v, more in %s", ids, more)
	}
	later(time.Second)
	again := w.next(h, nil, time.Minute)
	if again == nil || again.Tries != 1 || again.Webhook.FailingSince.IsZero() {
		t.Fatalf("%+v", again)
	}
	must(t, w.SettleDelivery(ctx, failed(again, time.Hour)))
	w.notice(model.NoticeJobFailed, "")
	if ids, more := w.due(); len(ids) != 0 || more < 50*time.Minute || w.next(h, nil, time.Minute) != nil {
		t.Fatalf("held back, and yet due %v, more in %s", ids, more)
	}
	later(time.Hour)
	c := w.next(h, nil, time.Minute)
	must(t, w.SettleDelivery(ctx, &model.DeliveryOutcome{Claim: c})) // given back
	for range 2 {
		if w.next(h, nil, time.Minute) == nil {
			t.Fatal("what was given back is lost")
		}
	}
	if n, err := w.ReleaseDeliveries(ctx); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	attempts, err := w.Read().Attempts(ctx, h.ID, n.ID)
	must(t, err)
	same(t, attempts[n.ID], []model.Attempt{{Number: 2, At: at(1), Millis: 1.5, Status: 500, Error: "no", Answer: "oops"}, {Number: 1, At: at(1), Millis: 1.5, Status: 500, Error: "no", Answer: "oops"}})
	if other, _, err := w.DueWebhooks(ctx, "another key"); err != nil || len(other) != 0 {
		t.Errorf("who has another key is to send %v (%v)", other, err)
	}
}

// testGivenUp: five days of failures switch a webhook off, with a notice to
// the others; one success begins anew; by hand all of it goes out again.
func testGivenUp(t *testing.T, open Open) {
	var passed atomic.Int64
	w, ctx := worldOf(t, open(t, store.Options{Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})), t.Context()
	if w.Dialect() != store.SQLite {
		return // leases of PostgreSQL are by its own clock, which no test moves
	}
	later := func(d time.Duration) { passed.Add(int64(d)) }
	h, watcher := w.webhook("hook", model.NoticeJobFailed), w.webhook("watcher", model.NoticeWebhookDisabled)
	settle := func(state model.DeliveryState, problem string) {
		t.Helper()
		c := w.next(h, nil, time.Minute)
		if c == nil {
			t.Fatal("nothing to send")
		}
		must(t, w.SettleDelivery(ctx, &model.DeliveryOutcome{Claim: c, State: state, Attempt: &model.Attempt{At: w.Now(), Error: problem}}))
	}
	now := func() *model.Webhook {
		t.Helper()
		h, err := w.Read().WebhookByID(ctx, w.team.ID, h.ID)
		must(t, err)
		return h
	}
	w.notice(model.NoticeJobFailed, "")
	settle(model.DeliveryFailed, "no")
	later(model.WebhookGivenUp)
	w.notice(model.NoticeJobFailed, "")
	settle(model.DeliveryDelivered, "")
	if h := now(); !h.FailingSince.IsZero() || !h.Enabled {
		t.Fatalf("%+v", h)
	}
	w.notice(model.NoticeJobFailed, "")
	settle(model.DeliveryPending, "no")
	later(model.WebhookGivenUp)
	settle(model.DeliveryPending, "10.0.0.7 is private")
	if h := now(); h.Enabled || !strings.Contains(h.DisabledWhy, "10.0.0.7") {
		t.Fatalf("%+v", h)
	}
	list, err := w.Read().Deliveries(ctx, store.DeliveryQuery{WebhookID: watcher.ID, Type: "webhook", Limit: 10})
	must(t, err)
	if len(list) != 1 || list[0].Type != model.NoticeWebhookDisabled {
		t.Fatalf("the others are told %+v", list)
	}
	if n, err := w.Read().NoticeByID(ctx, list[0].ID); err != nil || strings.Contains(n.Text, "10.0.0.7") { // which viewers and other servers read
		t.Fatalf("everybody is told %+v, %v", n, err)
	}
	if w.next(h, nil, time.Minute) != nil {
		t.Fatal("a webhook that is off is sent something")
	}
	on := now()
	on.Enabled, on.DisabledWhy, on.FailingSince = true, "", time.Time{}
	w.tx(func(q *store.Queries) error { return q.UpdateWebhook(ctx, on) })
	w.tx(func(q *store.Queries) error {
		n, err := q.RedeliverFailed(ctx, h.ID)
		if n != 1 {
			t.Errorf("%d go out again", n)
		}
		return err
	})
	backlog, err := w.Read().DeliveryBacklog(ctx)
	must(t, err)
	if backlog.Due != 3 || backlog.Oldest.IsZero() {
		t.Errorf("%+v", backlog)
	}
	for range 2 {
		c := w.next(h, nil, time.Minute)
		if c.Tries > 0 && c.Tries != 2 {
			t.Errorf("a round of tries that begins with %d", c.Tries)
		}
	}
}

// testDeliveriesTakenOver: what a process that is gone has claimed is claimed
// by another when the lease is over, by the database's clock; the first may
// settle nothing then.
func testDeliveriesTakenOver(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	h := w.webhook("hook")
	n := w.notice(model.NoticeJobFailed, "")
	lost := w.next(h, nil, time.Millisecond)
	var taken *model.DeliveryClaim
	for taken == nil {
		taken = w.next(h, nil, time.Minute)
	}
	if taken.Notice.ID != n.ID || taken.Term != lost.Term+1 || taken.Tries != 0 {
		t.Fatalf("taken over: %+v", taken)
	}
	settle := func(c *model.DeliveryClaim) {
		t.Helper()
		must(t, w.SettleDelivery(ctx, &model.DeliveryOutcome{Claim: c, State: model.DeliveryDelivered, Attempt: &model.Attempt{At: at(1), Status: 200}}))
	}
	settle(lost)
	if d := w.delivery(h, n.ID); d.State != model.DeliveryPending || d.Attempts != 0 {
		t.Fatalf("who lost the claim settled it: %+v", d)
	}
	settle(taken)
	if d := w.delivery(h, n.ID); d.State != model.DeliveryDelivered || d.Attempts != 1 {
		t.Fatalf("%+v", d)
	}
}

// testDeliveriesFail: without a look at the clock, so on both databases: a
// failure is noted, one that says so switches the webhook off and tells the
// others, and by hand everything goes out again.
func testDeliveriesFail(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	h, watcher := w.webhook("hook", model.NoticeJobFailed), w.webhook("watcher", model.NoticeWebhookDisabled)
	w.notice(model.NoticeJobFailed, "")
	fail := func(state model.DeliveryState, disable string) {
		t.Helper()
		c := w.next(h, nil, time.Minute)
		if c == nil {
			t.Fatal("nothing is due")
		}
		must(t, w.SettleDelivery(ctx, &model.DeliveryOutcome{Claim: c, State: state, Disable: disable,
			Attempt: &model.Attempt{At: at(1), Millis: 1.5, Status: 500, Error: "no", Answer: "oops"}}))
	}
	again := func(want int) {
		t.Helper()
		w.tx(func(q *store.Queries) error {
			n, err := q.RedeliverFailed(ctx, h.ID)
			same(t, n, want)
			return err
		})
	}
	fail(model.DeliveryFailed, "")
	again(1)
	backlog, err := w.Read().DeliveryBacklog(ctx)
	must(t, err)
	if backlog.Due != 1 || backlog.Oldest.IsZero() {
		t.Fatalf("%+v", backlog)
	}
	fail(model.DeliveryFailed, "It is gone.")
	now, err := w.Read().WebhookByID(ctx, w.team.ID, h.ID)
	must(t, err)
	if now.Enabled || now.DisabledWhy != "It is gone." || now.FailingSince.IsZero() {
		t.Fatalf("%+v", now)
	}
	if c := w.next(watcher, nil, time.Minute); c == nil || c.Notice.Type != model.NoticeWebhookDisabled || c.Notice.Data["webhook_id"] != h.ID {
		t.Fatalf("the watcher gets %+v", c)
	}
	again(1)
	if w.next(h, nil, time.Minute) != nil {
		t.Fatal("a webhook that is off is sent something")
	}
	now.Enabled = true
	w.tx(func(q *store.Queries) error { return q.UpdateWebhook(ctx, now) })
	c := w.next(h, nil, time.Minute)
	if n, err := w.ReleaseDeliveries(ctx); err != nil || n != 2 || c.Tries != 0 { // the watcher's, too
		t.Fatal(n, err, c)
	}
	must(t, w.SettleDelivery(ctx, &model.DeliveryOutcome{Claim: w.next(h, nil, time.Minute), State: model.DeliveryDelivered, Attempt: &model.Attempt{At: at(1), Status: 200}}))
	now, err = w.Read().WebhookByID(ctx, w.team.ID, h.ID)
	must(t, err)
	if !now.FailingSince.IsZero() {
		t.Fatalf("a success is not noted: %+v", now)
	}
	attempts, err := w.Read().Attempts(ctx, h.ID, c.Notice.ID)
	must(t, err)
	same(t, len(attempts[c.Notice.ID]), 3)
	w.tx(func(q *store.Queries) error { return q.DeleteWebhook(ctx, w.team.ID, h.ID) })
	must(t, w.PruneNotices(ctx))
}
