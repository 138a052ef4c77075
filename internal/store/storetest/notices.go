package storetest

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

const testKey = "key1"

// webhook makes a webhook that wants those events; none for all.
func (w *world) webhook(name string, events ...model.NoticeType) *model.Webhook {
	w.t.Helper()
	h := &model.Webhook{TeamID: w.team.ID, Name: name, Format: model.WebhookStandard, Target: "https://x/", Events: events,
		Enabled: true, CreatedBy: "usr_1", Sealed: "s", KeyID: testKey}
	if h.Events == nil {
		h.Events = []model.NoticeType{}
	}
	w.tx(func(q *store.Queries) error { return q.InsertWebhook(w.t.Context(), h) })
	return h
}

// notice tells the team of something.
func (w *world) notice(typ model.NoticeType, backendID string) *model.Notice {
	w.t.Helper()
	n := &model.Notice{TeamID: w.team.ID, Type: typ, BackendID: backendID, Title: "t", Text: "x", Data: map[string]string{"a": "b"}}
	w.tx(func(q *store.Queries) (err error) {
		if n.At, err = q.Clock(w.t.Context()); err != nil { // the one that claims
			return err
		}
		return q.Notify(w.t.Context(), n)
	})
	return n
}

// next claims a webhook's next delivery; nil when nothing is due.
func (w *world) next(h *model.Webhook, done *model.DeliveryOutcome, lease time.Duration) *model.DeliveryClaim {
	w.t.Helper()
	c, err := w.NextDelivery(w.t.Context(), model.DueWebhook{ID: h.ID}, testKey, done, lease)
	must(w.t, err)
	return c
}

func (w *world) delivery(h *model.Webhook, id string) *model.Delivery {
	w.t.Helper()
	d, err := w.Read().DeliveryByID(w.t.Context(), h.ID, id)
	must(w.t, err)
	return d
}

func (w *world) due() (ids []string, more time.Duration) {
	w.t.Helper()
	due, more, err := w.DueWebhooks(w.t.Context(), testKey)
	must(w.t, err)
	for _, d := range due {
		ids = append(ids, d.ID)
	}
	return ids, more
}

// testNotices: a notice is in its transaction, reaches the webhooks that want
// it, and lists narrow.
func testNotices(t *testing.T, open Open) {
	var told atomic.Int64
	w, ctx := worldOf(t, open(t, store.Options{OnDelivery: func() { told.Add(1) }})), t.Context()
	all, some := w.webhook("all"), w.webhook("some", model.NoticeJobFailed, model.NoticeBackendReady)
	off := w.webhook("off")
	off.Enabled = false
	w.tx(func(q *store.Queries) error { return q.UpdateWebhook(ctx, off) })
	other := &model.Team{Name: "other"}
	w.tx(func(q *store.Queries) error { return q.InsertTeam(ctx, other) })

	wantErr(t, w.InTx(ctx, func(q *store.Queries) error {
		return errors.Join(q.Notify(ctx, &model.Notice{TeamID: w.team.ID, Type: model.NoticeJobFailed}), errUndone)
	}), errUndone)
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.Notify(ctx, &model.Notice{TeamID: w.team.ID, Type: "x"}) }), model.CodeInternal)
	if told.Load() != 0 {
		t.Error("told of what was undone")
	}
	first := w.notice(model.NoticeJobFailed, "be_1")
	if told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}
	second := w.notice(model.NoticeJobSucceeded, "be_2")
	theirs := &model.Notice{TeamID: other.ID, Type: model.NoticeBackendReady}
	w.tx(func(q *store.Queries) error { return q.Notify(ctx, theirs) })
	test := &model.Notice{TeamID: w.team.ID, Type: model.NoticeWebhookTest}
	w.tx(func(q *store.Queries) error { return q.NotifyOne(ctx, test, some.ID) })

	for _, row := range []struct {
		query store.NoticeQuery
		want  []string
	}{
		{store.NoticeQuery{TeamIDs: []string{w.team.ID}}, []string{first.ID, second.ID}},
		{store.NoticeQuery{}, []string{first.ID, second.ID, theirs.ID}},
		{store.NoticeQuery{TeamIDs: []string{}}, nil},
		{store.NoticeQuery{Type: "job"}, []string{first.ID, second.ID}},
		{store.NoticeQuery{Type: "job.failed"}, []string{first.ID}},
		{store.NoticeQuery{Type: "nonsense"}, nil},
		{store.NoticeQuery{BackendIDs: []string{"be_2"}}, []string{second.ID}},
	} {
		row.query.Limit = 10
		list, err := w.Read().Notices(ctx, row.query)
		must(t, err)
		var ids []string
		for _, n := range list {
			ids = append(ids, n.ID)
		}
		slices.Sort(ids)
		slices.Sort(row.want)
		if !slices.Equal(ids, row.want) {
			t.Errorf("%+v: %v, want %v", row.query, ids, row.want)
		}
	}
	got, err := w.Read().NoticeByID(ctx, first.ID)
	must(t, err)
	same(t, got, first)
	for h, want := range map[*model.Webhook]int{all: 2, some: 2, off: 0} {
		list, err := w.Read().Deliveries(ctx, store.DeliveryQuery{WebhookID: h.ID, Limit: 10})
		must(t, err)
		if len(list) != want {
			t.Errorf("%s gets %d, want %d", h.Name, len(list), want)
		}
	}
	w.noticePages()
}

// noticePages reads the three notices page by page, and backwards.
func (w *world) noticePages() {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	var pages []string
	for after := ""; ; {
		list, err := w.Read().Notices(ctx, store.NoticeQuery{After: after, Limit: 1})
		must(t, err)
		if len(list) == 0 {
			break
		}
		after = list[0].ID
		pages = append(pages, after)
	}
	back, err := w.Read().Notices(ctx, store.NoticeQuery{OldestFirst: true, Limit: 10})
	must(t, err)
	for i, n := range back {
		if n.ID != pages[len(pages)-1-i] {
			t.Errorf("oldest first, at %d is %s of %v backwards", i, n.ID, pages)
		}
	}
	if len(pages) != 3 {
		t.Errorf("pages: %v", pages)
	}
}

var errUndone = errors.New("undone")

func testWebhooks(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	h := w.webhook("chat", model.NoticeJobFailed)
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error {
		return q.InsertWebhook(ctx, &model.Webhook{TeamID: w.team.ID, Name: "chat"})
	}), model.CodeConflict)
	h.Name, h.Target, h.Events, h.FailingSince, h.OldSecretUntil = "new", "https://y/", []model.NoticeType{}, at(1), at(2)
	h.Enabled, h.DisabledWhy, h.Sealed, h.KeyID = false, "why", "t", "key2"
	w.tx(func(q *store.Queries) error { return q.UpdateWebhook(ctx, h) })
	got, err := w.Read().WebhookByID(ctx, w.team.ID, h.ID)
	must(t, err)
	same(t, got, h)
	_, err = w.Read().WebhookByID(ctx, "team_other", h.ID)
	wantCode(t, err, model.CodeNotFound)
	list, err := w.Read().Webhooks(ctx, w.team.ID)
	must(t, err)
	same(t, list, []model.Webhook{*h})
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.DeleteWebhook(ctx, "team_other", h.ID) }), model.CodeNotFound)
	w.tx(func(q *store.Queries) error { return q.DeleteWebhook(ctx, w.team.ID, h.ID) })
	_, err = w.Read().WebhookByID(ctx, w.team.ID, h.ID)
	wantCode(t, err, model.CodeNotFound)
}

// testPruneNotices: what is old goes, but for what still waits to be sent.
func testPruneNotices(t *testing.T, open Open) {
	var passed atomic.Int64
	w, ctx := worldOf(t, open(t, store.Options{Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})), t.Context()
	if w.Dialect() != store.SQLite {
		return // leases of PostgreSQL are by its own clock, which no test moves
	}
	h, gone := w.webhook("hook"), w.webhook("gone")
	sent := w.notice(model.NoticeJobFailed, "")
	c := w.next(h, nil, time.Minute)
	must(t, w.SettleDelivery(ctx, &model.DeliveryOutcome{Claim: c, State: model.DeliveryDelivered, Attempt: &model.Attempt{At: w.Now()}}))
	waits := w.notice(model.NoticeJobFailed, "")
	w.tx(func(q *store.Queries) error { return q.DeleteWebhook(ctx, w.team.ID, gone.ID) })
	there := func(id string) bool {
		_, err := w.Read().NoticeByID(ctx, id)
		return err == nil
	}
	passed.Add(int64(model.DeliveriesKept + time.Hour))
	must(t, w.PruneNotices(ctx))
	if _, err := w.Read().DeliveryByID(ctx, h.ID, sent.ID); model.CodeOf(err) != model.CodeNotFound || !there(sent.ID) {
		t.Errorf("delivery: %v; notice there: %v", err, there(sent.ID))
	}
	if left, err := w.Read().Attempts(ctx, h.ID, sent.ID); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	passed.Add(int64(model.NoticesKept))
	must(t, w.PruneNotices(ctx))
	if there(sent.ID) || !there(waits.ID) || w.delivery(h, waits.ID).State != model.DeliveryPending {
		t.Errorf("sent is there: %v; what waits: %v", there(sent.ID), there(waits.ID))
	}
}

// testNoticesOfJobs: each end of a job is told in its transaction, with the
// backend's new phase.
func testNoticesOfJobs(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	end := func(b *model.Backend, op model.Operation, o model.Outcome) {
		t.Helper()
		w.job(b, op)
		j := w.claim("a", time.Minute)
		must(t, w.FinishJob(ctx, j.Lease(), o))
		_, now := w.now(j.ID)
		*b = *now
	}
	types := func(b *model.Backend) (all []string) {
		list, err := w.Read().Notices(ctx, store.NoticeQuery{BackendIDs: []string{b.ID}, Limit: 20})
		must(t, err)
		for _, n := range list {
			all = append(all, string(n.Type))
			if n.TeamID != b.TeamID || n.Title == "" || n.Text == "" || n.JobID == "" || n.Data["backend_name"] != b.Name {
				t.Errorf("%+v", n)
			}
		}
		slices.Sort(all)
		return all
	}
	b := w.backend("orders")
	end(b, model.OpProvision, model.Outcome{State: model.JobSucceeded})
	same(t, types(b), []string{"backend.ready", "job.succeeded"})
	end(b, model.OpDestroy, model.Outcome{State: model.JobSucceeded})
	same(t, types(b), []string{"backend.destroyed", "backend.ready", "job.succeeded", "job.succeeded"})
	bad := w.backend("bad")
	end(bad, model.OpProvision, model.Outcome{State: model.JobFailed, Problem: &model.Problem{Code: "X", Message: "AWS said no."}})
	same(t, types(bad), []string{"backend.failed", "job.failed"})
	j := w.job(w.backend("stopped"), model.OpProvision)
	w.tx(func(q *store.Queries) error { return q.RequestCancel(ctx, j.ID) })
	_, stopped := w.now(j.ID)
	same(t, types(stopped), []string{"job.cancelled"})
}
